// What is measured in one trial. docs: the fields marked "browser" in the data dictionary.
// Times given to the methods are on the page's monotonic clock; those that go out are ms since the image was first painted.

const SAME_GESTURE_MS = 400;

/** Counts gestures, not events: the many events of one drag, wheel turn or held key are one change. */
class Gestures {
  #last = Number.NEGATIVE_INFINITY;

  constructor(count) {
    this.count = count;
  }

  note(t) {
    if (t - this.#last > SAME_GESTURE_MS) this.count += 1;
    this.#last = t;
  }
}

export class Measures {
  #start;
  #offset;
  #earlier;
  #zooms;
  #windows;
  #firstInput;
  #maxZoom;
  #focusLosses;
  #focusLostMs;
  #awaySince = null;
  #choice = null;
  #ratingChanges;

  /**
   * `start`: time of the frame that painted the image (here). `offset`: ms that it had been painted before, by an earlier
   * page, whose `snapshot` is `earlier`.
   */
  constructor({ start, offset = 0, earlier = {} }) {
    this.#start = start;
    this.#offset = offset;
    this.#earlier = earlier;
    this.#zooms = new Gestures(earlier.zoom_changes ?? 0);
    this.#windows = new Gestures(earlier.window_changes ?? 0);
    this.#firstInput = earlier.first_input_ms ?? null;
    this.#maxZoom = earlier.max_zoom ?? 1;
    this.#focusLosses = earlier.focus_losses ?? 0;
    this.#focusLostMs = earlier.focus_lost_ms ?? 0;
    this.#ratingChanges = earlier.rating_changes ?? 0;
  }

  /** Whether an event at `t` came after the image was there to be judged. */
  covers(t) {
    return t >= this.#start;
  }

  input(t) {
    if (this.covers(t)) this.#firstInput ??= this.since(t);
  }

  chose(rating, t) {
    if (this.#choice?.rating === rating) return;
    if (this.#choice) this.#ratingChanges += 1;
    this.#choice = { rating, t };
  }

  zoomed(zoom, t) {
    this.#zooms.note(t);
    this.#maxZoom = Math.max(this.#maxZoom, zoom);
  }

  windowed(t) {
    this.#windows.note(t);
  }

  away(t) {
    if (this.#awaySince !== null) return;
    this.#awaySince = t;
    this.#focusLosses += 1;
  }

  back(t) {
    if (this.#awaySince === null) return;
    this.#focusLostMs += t - this.#awaySince;
    this.#awaySince = null;
  }

  /** All that has been measured up to `t`. `framesMissed`: on this page. */
  snapshot(t, framesMissed) {
    const away = this.#awaySince === null ? 0 : t - this.#awaySince;
    return {
      first_input_ms: this.#firstInput,
      response_ms: this.#choice && this.since(this.#choice.t),
      rating_changes: this.#ratingChanges,
      zoom_changes: this.#zooms.count,
      max_zoom: tidy(this.#maxZoom),
      window_changes: this.#windows.count,
      focus_losses: this.#focusLosses,
      focus_lost_ms: tidy(this.#focusLostMs + away),
      frames_missed: (this.#earlier.frames_missed ?? 0) + framesMissed,
    };
  }

  /** ms from the first paint to `t`. */
  since(t) {
    return tidy(this.#offset + t - this.#start);
  }
}

/** Rounded to a hundredth: finer than any clock that a browser gives. */
export function tidy(value) {
  return Math.round(value * 100) / 100;
}
