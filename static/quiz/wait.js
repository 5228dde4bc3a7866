// Waiting, with an end: every wait of the quiz can be cut short by an AbortSignal.

/** Promise of the next event `type` on `target`; rejects with the signal's reason when it aborts. */
export function nextEvent(target, type, signal) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = () => {
      target.removeEventListener(type, done);
      reject(signal.reason);
    };
    const done = (event) => {
      signal?.removeEventListener("abort", stop);
      resolve(event);
    };
    target.addEventListener(type, done, { once: true });
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** Settles as `promise` does, or rejects as soon as the signal aborts. */
export function unlessAborted(promise, signal) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15000;

/** How long to wait before trying again after `failures` failures in a row: doubling, capped, with jitter of a half. */
export function backOff(failures, random = Math.random) {
  const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1));
  return pause * (0.5 + random() / 2);
}

/** Waits `ms`, but no longer than until the browser says that the network is back. */
export function rest(ms, signal) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const end = () => {
      clearTimeout(timer);
      globalThis.removeEventListener?.("online", end);
      signal?.removeEventListener("abort", end);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(end, ms);
    globalThis.addEventListener?.("online", end);
    signal?.addEventListener("abort", end);
  });
}
