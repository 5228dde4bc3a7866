// Mouse and touch on the radiograph. One finger or the left button pans; two fingers and the wheel zoom; the right button,
// the shift key or the contrast mode turn a drag into brightness (up, down) and contrast (left, right).

const WHEEL_LINE_PX = 16;
const ZOOM_PER_PX = 0.0015;
const GREYS_PER_PX = 0.6;

/** Calls `act(command, t)` with commands like those of the keys. */
export class Gestures {
  #canvas;
  #act;
  #fingers = new Map();
  #pointer = null;
  contrastMode = false;

  constructor(canvas, act, signal) {
    this.#canvas = canvas;
    this.#act = act;
    const on = (type, handler, options) => canvas.addEventListener(type, handler, { signal, ...options });
    on("pointerdown", (event) => this.#down(event));
    on("pointermove", (event) => this.#move(event));
    on("pointerup", (event) => this.#fingers.delete(event.pointerId));
    on("pointercancel", (event) => this.#fingers.delete(event.pointerId));
    on("pointerleave", () => {
      this.#pointer = null;
    });
    on("wheel", (event) => this.#wheel(event), { passive: false });
    on("contextmenu", (event) => event.preventDefault());
  }

  /** Where the mouse is over the canvas, for zooming by keys; null when it isn't. */
  get pointer() {
    return this.#pointer;
  }

  #down(event) {
    this.#canvas.setPointerCapture(event.pointerId);
    this.#fingers.set(event.pointerId, { ...this.#at(event), button: event.button });
  }

  #move(event) {
    const at = this.#at(event);
    if (event.pointerType === "mouse") this.#pointer = at;
    const finger = this.#fingers.get(event.pointerId);
    if (!finger) return;
    const before = { ...finger };
    Object.assign(finger, at);
    if (this.#fingers.size === 2) this.#pinch(event, before, at);
    else if (this.#fingers.size === 1) this.#drag(event, at.x - before.x, at.y - before.y);
  }

  #drag(event, dx, dy) {
    const { button } = this.#fingers.get(event.pointerId);
    const windows = this.contrastMode || button === 2 || event.shiftKey;
    const command = windows
      ? { name: "window", level: dy * GREYS_PER_PX, width: -dx * 2 * GREYS_PER_PX }
      : { name: "pan", dx, dy };
    this.#act(command, event.timeStamp);
  }

  #pinch(event, before, at) {
    const other = [...this.#fingers].find(([id]) => id !== event.pointerId)[1];
    const spread = (a, b) => Math.max(1, Math.hypot(a.x - b.x, a.y - b.y));
    const middle = { x: (at.x + other.x) / 2, y: (at.y + other.y) / 2 };
    this.#act({ name: "zoom", factor: spread(at, other) / spread(before, other), point: middle }, event.timeStamp);
    this.#act({ name: "pan", dx: (at.x - before.x) / 2, dy: (at.y - before.y) / 2 }, event.timeStamp);
  }

  #wheel(event) {
    event.preventDefault();
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? event.deltaY * WHEEL_LINE_PX : event.deltaY;
    // A pinch on a touchpad arrives as a wheel with Ctrl and much smaller steps.
    const factor = Math.exp(-pixels * ZOOM_PER_PX * (event.ctrlKey ? 6 : 1));
    this.#act({ name: "zoom", factor, point: this.#at(event) }, event.timeStamp);
  }

  #at(event) {
    const { left, top } = this.#canvas.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  }
}
