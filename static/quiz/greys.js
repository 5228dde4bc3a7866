// Brightness and contrast as a radiologist sets them: a window over the 256 grey levels. `level` is its middle, `width`
// the span that is spread from black to white.

export const NEUTRAL = Object.freeze({ level: 127.5, width: 255, inverted: false });

const NARROWEST = 8;
const WIDEST = 510;

/** The window moved by `level` and widened by `width` grey levels, within what can still be seen. */
export function adjusted(window, { level = 0, width = 0 }) {
  return {
    ...window,
    level: clamp(window.level + level, 0, 255),
    width: clamp(window.width + width, NARROWEST, WIDEST),
  };
}

export function inverted(window) {
  return { ...window, inverted: !window.inverted };
}

export function isNeutral({ level, width, inverted }) {
  return level === NEUTRAL.level && width === NEUTRAL.width && !inverted;
}

/** For each of the 256 grey levels the one to show. */
export function lookupTable({ level, width, inverted }) {
  const black = level - width / 2;
  return Uint8Array.from({ length: 256 }, (_, grey) => {
    const shown = clamp(Math.round(((grey - black) * 255) / width), 0, 255);
    return inverted ? 255 - shown : shown;
  });
}

/** Grey levels out of RGBA bytes (a grey picture: any channel will do). */
export function greysOf(rgba) {
  const greys = new Uint8Array(rgba.length / 4);
  for (let i = 0; i < greys.length; i += 1) greys[i] = rgba[4 * i];
  return greys;
}

/** Writes `greys` through `table` into the RGBA bytes `out`, opaque. */
export function applyTable(greys, table, out) {
  // A pixel is moved as one 32-bit word, put together from bytes so that the machine's byte order doesn't matter.
  const words = new Uint32Array(out.buffer);
  const colours = new Uint32Array(256);
  const bytes = new Uint8Array(colours.buffer);
  for (let grey = 0; grey < 256; grey += 1) bytes.set([table[grey], table[grey], table[grey], 255], 4 * grey);
  for (let i = 0; i < greys.length; i += 1) words[i] = colours[greys[i]];
}

function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}
