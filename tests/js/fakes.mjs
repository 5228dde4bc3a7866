// Stand-ins for the browser and the server: time passes only when a test says so.

import { ApiError } from "../../static/quiz/api.js";
import { FrameMeter } from "../../static/quiz/clock.js";
import { Queue } from "../../static/quiz/queue.js";
import { Session } from "../../static/quiz/session.js";
import { Sync } from "../../static/quiz/sync.js";

export const FRAME_MS = 20;

/** Lets everything run that waits for nothing but its turn. */
export async function settled() {
  for (let i = 0; i < 40; i += 1) await Promise.resolve();
  await new Promise((resolve) => setImmediate(resolve));
}

export class FakeStorage {
  durable = true;
  items = new Map();
  latest = null;

  async keep(item) {
    this.items.set(`${item.trial} ${item.kind}`, structuredClone(item));
  }

  async drop(item) {
    this.items.delete(`${item.trial} ${item.kind}`);
  }

  async kept() {
    return [...this.items.values()];
  }

  async noteProgress(progress) {
    this.latest = structuredClone(progress);
  }

  async progress() {
    return this.latest;
  }
}

/** The server of docs/http.md for one session. `fail`: what the next calls throw instead of being heard. */
export class FakeServer {
  ratings = new Map();
  shownTrials = new Set();
  calls = [];
  fail = null;
  pauseWhenHidden = false;
  feedback = null;
  elapsed = null;

  constructor(trials) {
    this.trials = trials.map((trial, index) => ({
      trial: index,
      kind: "scored",
      number: index + 1,
      image: `/images/${index}.webp`,
      viewing_ms: 1000,
      break_before: null,
      ...trial,
    }));
  }

  async state() {
    this.#hear(["state"]);
    const open = this.trials.filter(({ trial }) => !this.ratings.has(trial));
    const current = open[0] && { ...open[0], ticket: `ticket ${open[0].trial}`, elapsed_ms: this.elapsed };
    return {
      session: "s",
      title: "Real or fake?",
      pause_when_hidden: this.pauseWhenHidden,
      scored_total: this.trials.length,
      finished: !current,
      current: current ?? null,
      upcoming: open.slice(1, 4),
    };
  }

  async shown(trial, ticket) {
    this.#hear(["shown", trial, ticket]);
    this.#inTurn(trial, ticket);
    this.shownTrials.add(trial);
    return { trial, elapsed_ms: 0 };
  }

  async rate(trial, { ticket, rating, next_shown, measures }) {
    this.#hear(["rate", trial, ticket, rating, next_shown]);
    if (this.ratings.has(trial) && this.ratings.get(trial).rating !== rating)
      throw new ApiError(409, "already-rated", "");
    if (!this.ratings.has(trial)) this.#inTurn(trial, ticket);
    this.ratings.set(trial, { rating, measures });
    return { ...(await this.state()), saved: trial, feedback: this.feedback };
  }

  #hear(call) {
    if (this.fail) throw this.fail;
    this.calls.push(call);
  }

  #inTurn(trial, ticket) {
    const turn = this.trials.find((one) => !this.ratings.has(one.trial));
    if (turn?.trial !== trial || ticket !== `ticket ${trial}`) throw new ApiError(409, "out-of-turn", "");
  }
}

/** A page with its frames in the test's hand. */
export class FakePage {
  t = 0;
  epochOffset = 1_700_000_000_000;
  #waiting = [];
  phases = [];
  asked = [];
  shownImages = [];
  decoded = new Set();
  #imageWaits = [];
  image = null;
  focus = Object.assign(new EventTarget(), { away: false, hidden: false });

  constructor(server, storage = new FakeStorage()) {
    const nextFrame = (signal) =>
      new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const stop = () => reject(signal.reason);
        signal.addEventListener("abort", stop);
        this.#waiting.push((t) => {
          signal.removeEventListener("abort", stop);
          resolve(t);
        });
      });
    this.server = server;
    this.storage = storage;
    this.control = new AbortController();
    const { signal } = this.control;
    const rest = () => new Promise((resolve) => this.rests.push(resolve));
    this.rests = [];
    const sync = new Sync(server);
    this.queue = new Queue({ storage, deliver: (item) => sync.deliver(item), signal, rest });
    const viewer = {
      scale: 1.5,
      zoom: 1,
      show: (image) => this.#see(image),
      hide: () => this.#see(null),
      cover: () => {
        const covered = this.image;
        this.#see(null);
        return () => this.#see(covered);
      },
    };
    const images = {
      want: (urls) => {
        this.wanted = urls;
      },
      ready: (url) => (this.decoded.has(url) ? url : null),
      wait: (url) => new Promise((resolve) => this.#imageWaits.push({ url, resolve })),
    };
    const screen = {
      phase: (phase) => this.phases.push(phase),
      trial: () => {},
      chosen: () => {},
      time: () => {},
      size: () => ({ pixel_ratio: 1 }),
      status: () => {},
      introduce: (trial) => this.#ask(trial),
      feedback: (feedback) => this.#ask(feedback),
    };
    const parts = { sync, queue: this.queue, storage, images, viewer, screen, focus: this.focus };
    const time = { now: () => this.t, epoch: () => this.epochOffset + this.t };
    const frames = { nextPaint: nextFrame, nextTick: nextFrame };
    this.session = new Session({ ...parts, frames, meter: new FrameMeter(FRAME_MS), time }, signal, rest);
  }

  /** Starts the session with all images decoded. */
  async start({ decoded = true } = {}) {
    if (decoded) for (const { image } of this.server.trials) this.decoded.add(image);
    this.done = this.session.run();
    this.done.catch(() => {});
    await settled();
  }

  /** Lets `count` frames pass. */
  async frames(count = 1) {
    for (let i = 0; i < count; i += 1) {
      this.t += FRAME_MS;
      for (const resolve of this.#waiting.splice(0)) resolve(this.t);
      await settled();
    }
  }

  async decode(url) {
    this.decoded.add(url);
    for (const wait of this.#imageWaits.splice(0)) if (wait.url === url) wait.resolve(url);
    await settled();
  }

  /** Answers the screen that asks to go on. */
  async goOn() {
    this.asked.at(-1).resolve(this.t);
    await settled();
    await this.frames();
  }

  async rate(rating) {
    this.session.select(rating, this.t);
    this.session.submit(this.t);
    await settled();
  }

  async look(focus) {
    Object.assign(this.focus, focus);
    this.focus.dispatchEvent(Object.assign(new Event("change"), { t: this.t }));
    await settled();
  }

  /** Ends the pauses before trying again. */
  async tryAgain() {
    for (const resolve of this.rests.splice(0)) resolve();
    await settled();
  }

  get phase() {
    return this.phases.at(-1);
  }

  #see(image) {
    this.image = image;
    if (image) this.shownImages.push(image);
  }

  #ask(what) {
    this.phases.push("pausing");
    return new Promise((resolve) => this.asked.push({ what, resolve }));
  }
}
