// One image on screen: from the frame that paints it, through its viewing time, to its rating.

import { ViewingClock } from "./clock.js";
import { Measures, tidy } from "./measures.js";

const NOTE_EVERY_MS = 250;
// The time of day this far ahead of the monotonic clock means that the machine slept in between.
const SLEPT_MS = 2000;

export class Exposure {
  #parts;
  #trial;
  #begun;
  #earlier;
  #goAhead;
  #signal;
  #resumed;
  #clock = null;
  #measures = null;
  #scale = null;
  #loadMs = null;
  #left = false;
  #uncover = null;
  #hiddenByLimit = false;
  #ended = false;
  #noted = 0;
  rating = null;

  /**
   * `begun`: time of day of the first paint, if it was on an earlier page or in another browser; else null.
   * `earlier`: what was measured then. `goAhead`: time of the event that asked for this image.
   */
  constructor(parts, { trial, begun, earlier, goAhead, signal }) {
    this.#parts = parts;
    this.#trial = trial;
    this.#begun = begun;
    this.#resumed = begun !== null;
    this.#earlier = earlier;
    this.#goAhead = goAhead;
    this.#signal = signal;
  }

  /** Puts the image on screen, fully decoded, unless its time was used up before. Resolves in the frame that paints it. */
  async begin() {
    const { frames, meter, time } = this.#parts;
    const image = this.#resumed ? await this.#imageInTime() : await this.#image();
    const t = await frames.nextPaint(this.#signal);
    const spent = this.#spent();
    this.#begun ??= time.epoch() - (time.now() - t);
    this.#measures = new Measures({ start: t, offset: spent, earlier: this.#earlier });
    this.#clock = new ViewingClock(this.#trial.viewing_ms, { spent, seen: this.#earlier.visible_ms });
    meter.restart();
    if (image && spent < this.#trial.viewing_ms) this.#paint(image, t);
    else this.#hideByLimit(t);
    this.#note(t);
  }

  /** ms of the viewing time that went by before this page showed the image. */
  #spent() {
    return this.#begun === null ? 0 : Math.max(0, this.#parts.time.epoch() - this.#begun);
  }

  /** The image, or nothing when its time, which began on an earlier page, runs out before it is here. */
  async #imageInTime() {
    const left = this.#trial.viewing_ms - this.#spent();
    if (left <= 0) return null;
    return await Promise.race([this.#image(), new Promise((resolve) => setTimeout(resolve, left))]);
  }

  async #image() {
    const { images, screen } = this.#parts;
    const ready = images.ready(this.#trial.image);
    if (!ready) screen.phase("fetching");
    return ready ?? (await images.wait(this.#trial.image, this.#signal));
  }

  #paint(image, t) {
    const { viewer, screen } = this.#parts;
    viewer.show(image);
    this.#clock.show(t);
    this.#scale = viewer.scale;
    // A frame's time is that of its beginning: an event handled in between may carry a later one.
    this.#loadMs = tidy(Math.max(0, t - this.#goAhead));
    screen.time(this.#clock.left(t), this.#trial.viewing_ms);
    screen.phase("showing");
    if (this.#parts.focus.away) this.focusChanged(t);
  }

  /** Runs the viewing clock to its limit. */
  async run() {
    const { frames, meter, screen } = this.#parts;
    const asleep = this.#sleepMeter();
    while (!this.#hiddenByLimit) {
      const t = await frames.nextTick(this.#signal);
      const slept = asleep(t);
      if (this.#ended) return;
      if (this.#left && !this.#gone) this.#comeBack(t);
      if (this.#uncover) continue;
      if (!this.#left) meter.frame(t);
      this.#clock.tick(t, slept);
      screen.time(this.#clock.left(t), this.#trial.viewing_ms);
      if (this.#clock.due(t, meter.median)) this.#hideByLimit(t);
      if (t - this.#noted > NOTE_EVERY_MS) this.#note(t);
    }
  }

  #hideByLimit(t) {
    const { viewer, screen } = this.#parts;
    viewer.hide();
    this.#clock.pause(t);
    this.#hiddenByLimit = true;
    screen.time(0, this.#trial.viewing_ms);
    screen.phase("hidden");
  }

  /** Gives, at each call, the ms since the last one that the monotonic clock left out because the machine slept. */
  #sleepMeter() {
    const { time } = this.#parts;
    let ahead = time.epoch() - time.now();
    return () => {
      const before = ahead;
      ahead = time.epoch() - time.now();
      return ahead - before > SLEPT_MS ? ahead - before : 0;
    };
  }

  /** Whether a key or click at `t` is about this image: it was painted before, and is not covered or done with. */
  accepts(t) {
    return this.#measures !== null && !this.#ended && !this.#uncover && this.#measures.covers(t);
  }

  chose(rating, t) {
    this.rating = rating;
    this.#measures.chose(rating, t);
  }

  /** Any key or click. */
  input(t) {
    this.#measures?.input(t);
  }

  zoomed(t) {
    this.#measures.zoomed(this.#parts.viewer.zoom, t);
  }

  windowed(t) {
    this.#measures.windowed(t);
  }

  /** The observer left or came back at `t`. Back on screen the image is with the next frame, in `run`. */
  focusChanged(t) {
    if (!this.#measures || this.#ended) return;
    if (this.#parts.focus.away) this.#measures.away(t);
    else this.#measures.back(t);
    if (this.#gone && !this.#left && !this.#hiddenByLimit) this.#leave(t);
    this.#note(t);
  }

  get #pauses() {
    return this.#parts.sync.state.pause_when_hidden;
  }

  /** Whether the observer is away in the sense of the study: elsewhere, or only when the page can't be seen. */
  get #gone() {
    return this.#pauses ? this.#parts.focus.away : this.#parts.focus.hidden;
  }

  #leave(t) {
    const { meter, screen, viewer } = this.#parts;
    this.#left = true;
    meter.interrupt();
    if (!this.#pauses) return this.#clock.cover(t);
    this.#clock.pause(t);
    this.#uncover = viewer.cover();
    return screen.phase("away");
  }

  #comeBack(t) {
    this.#left = false;
    this.#uncover?.();
    this.#uncover = null;
    this.#clock.show(t);
    this.#parts.screen.phase("showing");
  }

  /** Ends the exposure with the rating submitted at `t`; gives what was measured. */
  end(t) {
    this.#ended = true;
    return {
      ...this.#measured(t),
      ...this.#parts.screen.size(),
      painted_at: Math.round(this.#begun),
      submitted_ms: this.#measures.since(t),
      hidden_by_limit: this.#hiddenByLimit,
      frame_ms: tidy(this.#parts.meter.median),
      image_scale: this.#scale,
      resumed: this.#resumed,
      load_ms: this.#loadMs,
    };
  }

  #measured(t) {
    return { ...this.#measures.snapshot(t, this.#parts.meter.missed), visible_ms: tidy(this.#clock.seen(t)) };
  }

  /**
   * Clears the screen once the rating is `kept`. With the next image about to follow `atOnce`, the old one stays until
   * then, unless keeping takes longer than a frame.
   */
  async close(kept, atOnce) {
    const { viewer, frames } = this.#parts;
    let done = false;
    if (!atOnce) viewer.hide();
    else
      frames.nextPaint(this.#signal).then(
        () => done || viewer.hide(),
        () => {}, // the page is being left
      );
    await kept;
    done = true;
  }

  /** Keeps what a reloaded page would need to go on with this image. */
  #note(t) {
    const { storage, sync } = this.#parts;
    this.#noted = t;
    const progress = { session: sync.state.session, trial: this.#trial.trial, painted_at: this.#begun };
    storage.noteProgress({ ...progress, measures: this.#measured(t) });
  }
}
