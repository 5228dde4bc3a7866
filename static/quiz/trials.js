// Which trial comes next: the server's list, less the trials whose ratings are still on their way to it.

export class Trials {
  #known = [];
  finished = false;

  /** Takes the server's newest `state`. */
  update({ current, upcoming, finished }) {
    this.#known = current ? [current, ...upcoming] : [];
    this.finished = finished;
  }

  /** The first trial that `rated(trial)` denies, or null when the server has to say more first. */
  next(rated) {
    return this.#known.find(({ trial }) => !rated(trial)) ?? null;
  }

  /** The trials from `trial` on, to fetch ahead. */
  from(trial) {
    return this.#known.filter((known) => known.trial >= trial);
  }

  after(trial) {
    return this.#known.find((known) => known.trial > trial) ?? null;
  }

  /** Whether the server has gone on beyond `trial` (it was rated from another browser). */
  past(trial) {
    return this.finished || (this.#known.length > 0 && this.#known[0].trial > trial);
  }
}

/** Whether `next` goes on just as `trial` went: the one after it, of its kind and as long on screen. */
export function follows(trial, next) {
  return next.trial === trial.trial + 1 && next.kind === trial.kind && next.viewing_ms === trial.viewing_ms;
}

/** Whether `next` may follow `trial` at once, with nothing shown between. */
export function chained(trial, next) {
  return next !== null && trial.kind === "scored" && next.kind === "scored" && next.break_before === null;
}
