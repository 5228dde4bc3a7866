// One observer's run through the trials, as a state machine. The phase is one of
//   loading   asking the server where the session stands
//   pausing   a screen to be answered with its button: ready, break, feedback
//   fetching  the image isn't decoded yet; no clock runs
//   showing   image on screen, clock running, rating accepted
//   away      image hidden and clock stopped until the observer comes back (by the study's choice)
//   hidden    time is up, rating still accepted
//   between   rated; the rating is being kept, the next image follows
//   waiting   nothing more to show until the server is heard again
//   finishing all rated; the last ratings are on their way

import { Exposure } from "./exposure.js";
import { UNREACHABLE } from "./texts.js";
import { chained, follows } from "./trials.js";
import { backOff, nextEvent, rest as realRest, unlessAborted } from "./wait.js";

/** Why a trial is left although nobody rated it here: it was rated from another browser. */
const SUPERSEDED = new Error("superseded");

export class Session {
  #parts;
  #signal;
  #rest;
  #progress = null;
  #trial = null;
  #exposure = null;
  #submitted = null;
  #previous = null;
  #goAhead = 0;
  #onScreen = null;

  /**
   * `parts`: sync, queue, storage, images, viewer, screen, focus, frames {nextPaint, nextTick}, meter, and time {now, epoch}:
   * the page's monotonic clock and the time of day, in ms. Runs until `signal` aborts.
   */
  constructor(parts, signal, rest = realRest) {
    this.#parts = parts;
    this.#signal = signal;
    this.#rest = rest;
  }

  /** Plays the session to its end; resolves when every rating is confirmed. */
  async run() {
    await this.#join();
    for (let trial = await this.#next(); trial; trial = await this.#next()) await this.#play(trial);
    await this.#finish();
  }

  /** The observer picked `rating` at `t`. */
  select(rating, t) {
    if (!this.#exposure?.accepts(t)) return;
    this.#exposure.chose(rating, t);
    this.#parts.screen.chosen(rating);
  }

  /** The observer confirms the rating picked. */
  submit(t) {
    if (this.#exposure?.accepts(t) && this.#exposure.rating) this.#submitted?.(t);
  }

  /** The exposure under way, for what the observer does to the image; null between images. */
  get exposure() {
    return this.#exposure;
  }

  async #join() {
    const { sync, queue, storage, screen, focus } = this.#parts;
    screen.phase("loading");
    await this.#firstState();
    const { session } = sync.state;
    this.#progress = await storage.progress(session);
    queue.addEventListener("change", () => screen.status(queue.status));
    await queue.open(session);
    sync.addEventListener("state", () => {
      this.#noticeSuperseded();
      this.#fetchAhead();
    });
    focus.addEventListener("change", ({ t }) => this.#exposure?.focusChanged(t));
  }

  async #firstState() {
    for (let failures = 1; ; failures += 1) {
      try {
        return await this.#parts.sync.refresh();
      } catch (error) {
        if (!error.passing) throw error;
        this.#parts.screen.phase("loading", UNREACHABLE);
        await this.#rest(backOff(failures), this.#signal);
      }
    }
  }

  /** The trial to play next; waits while the server has not said. Null at the end. */
  async #next() {
    const { sync, queue, screen } = this.#parts;
    for (;;) {
      this.#signal.throwIfAborted();
      const next = sync.trials.next((trial) => queue.has(trial, "answer"));
      if (next || sync.trials.finished) return next;
      screen.phase(this.#ratedLast ? "finishing" : "waiting");
      await nextEvent(sync, "state", this.#signal);
    }
  }

  /** Whether the rating before was the last, for all that is known without the server. */
  get #ratedLast() {
    return this.#previous?.kind === "scored" && this.#previous.number === this.#parts.sync.state.scored_total;
  }

  async #play(trial) {
    const { screen, sync, viewer } = this.#parts;
    this.#signal.throwIfAborted();
    const abort = new AbortController();
    const stop = () => abort.abort(this.#signal.reason);
    this.#signal.addEventListener("abort", stop);
    this.#trial = { ...trial, abort };
    this.#fetchAhead();
    screen.trial(trial, sync.state);
    try {
      await this.#playUntil(trial, abort.signal);
    } catch (error) {
      if (error !== SUPERSEDED) throw error;
      viewer.hide();
    } finally {
      this.#signal.removeEventListener("abort", stop);
      this.#trial = this.#exposure = this.#submitted = null;
    }
  }

  #fetchAhead() {
    const { images, sync } = this.#parts;
    const due = this.#trial?.trial ?? (this.#previous ? this.#previous.trial + 1 : 0);
    const urls = sync.trials.from(due).map(({ image }) => image);
    // The image on screen is let go only when the next one has taken its place.
    if (images.ready(this.#onScreen) && !urls.includes(this.#onScreen)) urls.push(this.#onScreen);
    images.want(urls);
  }

  async #playUntil(trial, signal) {
    const begun = this.#firstPainted(trial);
    if (begun === null && !this.#promised(trial)) await this.#introduce(trial, signal);
    await this.#expose(trial, begun, signal);
    const t = await this.#answered(signal);
    await this.#hand(trial, t);
  }

  /** Whether the server was told, with the rating before, that this trial's image would be shown at once. */
  #promised({ trial }) {
    return this.#previous?.promised === trial;
  }

  /** Time of day at which the image was first on screen, if an earlier page or another browser showed it; else null. */
  #firstPainted(trial) {
    if (this.#promised(trial)) return null;
    const here = this.#progress?.trial === trial.trial ? this.#progress.painted_at : null;
    const there = trial.elapsed_ms == null ? null : this.#parts.sync.state.received - trial.elapsed_ms;
    return here === null || there === null ? (here ?? there) : Math.min(here, there);
  }

  /** The screen before a trial, where there is one: a break, another pace, the beginning, going on after a reload. */
  async #introduce(trial, signal) {
    const { screen, sync } = this.#parts;
    if (!trial.break_before && this.#previous && follows(this.#previous, trial)) return;
    this.#goAhead = await unlessAborted(screen.introduce(trial, sync.state), signal);
  }

  async #expose(trial, begun, signal) {
    const earlier = this.#progress?.trial === trial.trial ? this.#progress.measures : {};
    this.#exposure = new Exposure(this.#parts, { trial, begun, earlier, goAhead: this.#goAhead, signal });
    await this.#exposure.begin();
    this.#onScreen = trial.image;
    this.#fetchAhead();
    const { queue, sync } = this.#parts;
    // Nothing waits for this note: the clock runs already.
    if (begun === null && !this.#promised(trial))
      queue.add({ session: sync.state.session, trial: trial.trial, kind: "shown" });
  }

  /** Time of the submit event; meanwhile the viewing clock runs out. */
  async #answered(signal) {
    const submit = new Promise((resolve) => {
      this.#submitted = resolve;
    });
    const runOut = this.#exposure.run();
    return await Promise.race([unlessAborted(submit, signal), runOut.then(() => unlessAborted(submit, signal))]);
  }

  /** Keeps the rating before anything else is shown; it is sent from the queue. */
  async #hand(trial, t) {
    const { queue, sync, screen, images } = this.#parts;
    const next = sync.trials.after(trial.trial);
    const atOnce = chained(trial, next) && images.ready(next.image) !== null;
    const body = { rating: this.#exposure.rating, next_shown: atOnce, measures: this.#exposure.end(t) };
    const confirmed = trial.kind === "practice" ? this.#confirmation(trial.trial) : null;
    screen.phase("between", confirmed && "Saving…");
    this.#trial = this.#submitted = null;
    this.#goAhead = t;
    this.#previous = { ...trial, promised: atOnce ? next.trial : null };
    const kept = queue.add({ session: sync.state.session, trial: trial.trial, kind: "answer", body });
    await this.#exposure.close(kept, atOnce);
    if (confirmed) await this.#feedback(await confirmed);
  }

  /** The server's reply to a rating, or null when it can't be reached now. */
  async #confirmation(trial) {
    const { queue } = this.#parts;
    const done = new AbortController();
    try {
      return await new Promise((resolve, reject) => {
        const { signal } = done;
        this.#signal.addEventListener("abort", () => reject(this.#signal.reason), { signal });
        const answered = ({ item, reply }) => item.trial === trial && item.kind === "answer" && resolve(reply);
        queue.addEventListener("confirmed", ({ detail }) => answered(detail), { signal });
        queue.addEventListener("change", () => queue.status.state === "offline" && resolve(null), { signal });
      });
    } finally {
      done.abort();
    }
  }

  async #feedback(reply) {
    if (!reply?.feedback) return;
    this.#goAhead = await unlessAborted(this.#parts.screen.feedback(reply.feedback), this.#signal);
  }

  #noticeSuperseded() {
    if (this.#trial && this.#parts.sync.trials.past(this.#trial.trial)) this.#trial.abort.abort(SUPERSEDED);
  }

  async #finish() {
    const { screen, queue, images } = this.#parts;
    images.want([]);
    screen.phase("finishing");
    while (queue.status.state !== "saved") await nextEvent(queue, "change", this.#signal);
  }
}
