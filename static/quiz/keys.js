// What a key means on the trial page. Keys held down repeat only where repeating moves the picture.

const ZOOM_STEP = 1.25;
const PAN_STEP = 60;
const WINDOW_STEP = 8;

const PICTURE_KEYS = {
  "+": { name: "zoom", factor: ZOOM_STEP },
  "=": { name: "zoom", factor: ZOOM_STEP },
  "-": { name: "zoom", factor: 1 / ZOOM_STEP },
  _: { name: "zoom", factor: 1 / ZOOM_STEP },
  ArrowLeft: { name: "pan", dx: PAN_STEP, dy: 0 },
  ArrowRight: { name: "pan", dx: -PAN_STEP, dy: 0 },
  ArrowUp: { name: "pan", dx: 0, dy: PAN_STEP },
  ArrowDown: { name: "pan", dx: 0, dy: -PAN_STEP },
  // A lower window level makes the picture brighter, a narrower window gives more contrast.
  b: { name: "window", level: -WINDOW_STEP },
  B: { name: "window", level: WINDOW_STEP },
  c: { name: "window", width: -2 * WINDOW_STEP },
  C: { name: "window", width: 2 * WINDOW_STEP },
};

const SINGLE_KEYS = {
  Enter: { name: "submit" },
  i: { name: "invert" },
  r: { name: "reset" },
  f: { name: "fullscreen" },
  "?": { name: "guide" },
  Escape: { name: "close" },
};

/** The command of a keydown event {key, code, repeat, shiftKey, ctrlKey, altKey, metaKey}, or null. */
export function command(event) {
  if (event.ctrlKey || event.altKey || event.metaKey) return null;
  const rating = ratingOf(event);
  if (rating) return event.repeat ? null : { name: "rate", rating };
  const picture = PICTURE_KEYS[event.key];
  if (picture) return picture;
  return event.repeat ? null : (SINGLE_KEYS[event.key] ?? SINGLE_KEYS[event.key.toLowerCase()] ?? null);
}

/** By place as well as by sign: French keyboards have digits on shift only, and number pads arrows without Num Lock. */
function ratingOf({ key, code, shiftKey }) {
  const byPlace = /^(Digit|Numpad)([1-5])$/.exec(code);
  if (byPlace && (byPlace[1] === "Numpad" || !shiftKey)) return Number(byPlace[2]);
  return /^[1-5]$/.test(key) ? Number(key) : null;
}
