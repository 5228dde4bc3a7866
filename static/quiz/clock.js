// The viewing clock: how long an image has been on screen, counted between frames.
// Times are milliseconds on the page's monotonic clock, the one of requestAnimationFrame and event.timeStamp.

const NOMINAL_FRAME_MS = 1000 / 60;
// Without a tick for this long the machine slept or stood still: nobody was looking at a picture.
const ASLEEP_MS = 5000;
const INTERVALS_NEEDED = 5;
const INTERVALS_KEPT = 240;

class Stopwatch {
  #since = null;
  #total = 0;

  get running() {
    return this.#since !== null;
  }

  start(t) {
    this.#since ??= t;
  }

  stop(t) {
    this.#total = this.total(t);
    this.#since = null;
  }

  add(ms) {
    this.#total += ms;
  }

  total(t) {
    return this.#total + (this.running ? Math.max(0, t - this.#since) : 0);
  }
}

/** Counts frames and the ones that were missed between them. */
export class FrameMeter {
  #last = null;
  #intervals = [];
  #usual;
  missed = 0;

  /** `usual`: the interval to go by until a few frames were counted, in ms. */
  constructor(usual = NOMINAL_FRAME_MS) {
    this.#usual = usual;
  }

  /** Begins to count for another image. */
  restart() {
    this.missed = 0;
    this.interrupt();
  }

  /** Counts the frame at `t`. */
  frame(t) {
    if (this.#last !== null) this.#interval(t - this.#last);
    this.#last = t;
  }

  /** The next frame starts a new row: what lies between is not missed frames (tab hidden, clock paused). */
  interrupt() {
    this.#last = null;
  }

  #interval(ms) {
    this.missed += Math.max(0, Math.round(ms / this.median) - 1);
    this.#intervals.push(ms);
    if (this.#intervals.length > INTERVALS_KEPT) this.#intervals.shift();
  }

  /** Median interval of the latest frames, in ms. */
  get median() {
    if (this.#intervals.length < INTERVALS_NEEDED) return this.#usual;
    return [...this.#intervals].sort((a, b) => a - b)[this.#intervals.length >> 1];
  }
}

/**
 * The clock of one trial. Two watches: `spent` runs against the limit, `seen` only while the picture can be seen.
 * They part when the tab is hidden and the study doesn't pause for it.
 */
export class ViewingClock {
  #spent = new Stopwatch();
  #seen = new Stopwatch();
  #last;

  /** `limit`: the viewing time. `spent`, `seen`: what was used up before, on a page that was reloaded. All in ms. */
  constructor(limit, { spent = 0, seen = 0 } = {}) {
    this.limit = limit;
    this.#spent.add(spent);
    this.#seen.add(seen);
  }

  /** The frame at `t` put the image on screen. */
  show(t) {
    this.#last = t;
    this.#spent.start(t);
    this.#seen.start(t);
  }

  /** From `t` on the picture can't be seen, but the time goes on. */
  cover(t) {
    this.#seen.stop(t);
  }

  /** Time stands still from `t` on, until `show`. */
  pause(t) {
    this.#spent.stop(t);
    this.#seen.stop(t);
  }

  /** A frame, or at least a sign of life, at `t`. `asleep`: ms that the monotonic clock left out. */
  tick(t, asleep = 0) {
    if (this.#spent.running) this.#spent.add(asleep);
    if (this.#seen.running && t - this.#last > ASLEEP_MS) this.#seen.add(this.#last - t);
    this.#last = t;
  }

  /** Whether the frame at `t` is the one nearest to the limit, or later. */
  due(t, frameMs) {
    return this.limit - this.#spent.total(t) <= frameMs / 2;
  }

  left(t) {
    return Math.max(0, this.limit - this.#spent.total(t));
  }

  seen(t) {
    return this.#seen.total(t);
  }
}
