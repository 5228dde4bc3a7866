// Frames as promises. What follows an `await` here still runs in the frame's own callback, before the browser paints it.

const SIGN_OF_LIFE_MS = 1000;

/** Time of the next frame that the browser will paint. A hidden tab has none until it is seen again. */
export function nextPaint(signal) {
  return nextFrame(signal);
}

/** Time of the next frame or, where none comes for a second (hidden tab), of now: a clock must run out there too. */
export function nextTick(signal) {
  return nextFrame(signal, SIGN_OF_LIFE_MS);
}

function nextFrame(signal, patience) {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const end = (settle) => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      settle();
    };
    const stop = () => end(() => reject(signal.reason));
    const frame = requestAnimationFrame((t) => end(() => resolve(t)));
    const timer = patience && setTimeout(() => end(() => resolve(performance.now())), patience);
    signal.addEventListener("abort", stop);
  });
}
