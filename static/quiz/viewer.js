// The radiograph on its canvas: zoom, pan, window and level. Shows only decoded images, and only when told to.

import { fitScale, kept, panned, placement, wholeImage, zoomed } from "./geometry.js";
import { adjusted, applyTable, greysOf, inverted, isNeutral, lookupTable, NEUTRAL } from "./greys.js";

export class Viewer {
  #canvas;
  #context;
  #image = null;
  #view = null;
  #window = NEUTRAL;
  #greys = null;
  #windowed = null;
  #drawing = 0;

  constructor(canvas, signal) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d", { alpha: false });
    const resized = new ResizeObserver(() => this.#resize());
    resized.observe(canvas);
    signal.addEventListener("abort", () => {
      resized.disconnect();
      this.hide();
    });
    this.#resize();
  }

  /** Draws `image` as it is, whole. Called in a frame's callback, it is on screen with that frame. */
  show(image) {
    if (image !== this.#image) {
      this.#image = image;
      this.#greys = this.#windowed = null;
      this.#view = wholeImage(image);
      this.#window = NEUTRAL;
    }
    this.#draw();
  }

  hide() {
    this.#image = null;
    this.#draw();
  }

  /** Takes the image from the screen and gives the function that puts it back just as it was. */
  cover() {
    const [image, view, window] = [this.#image, this.#view, this.#window];
    this.hide();
    return () => {
      this.show(image);
      this.#view = view;
      this.#setWindow(window);
      this.#draw();
    };
  }

  get showing() {
    return this.#image !== null;
  }

  get zoom() {
    return this.#view?.zoom ?? 1;
  }

  /** The grey window in force; another object after each change. */
  get window() {
    return this.#window;
  }

  /** CSS pixels an image pixel takes at zoom 1. */
  get scale() {
    return this.#image ? fitScale(this.#image, this.#area) : null;
  }

  /** `point`: from the canvas's top left, in CSS pixels; its middle by default. */
  zoomBy(factor, point) {
    const area = this.#area;
    this.#view = zoomed(this.#view, factor, point ?? { x: area.width / 2, y: area.height / 2 }, this.#image, area);
    this.#drawSoon();
  }

  panBy(dx, dy) {
    this.#view = panned(this.#view, dx, dy, this.#image, this.#area);
    this.#drawSoon();
  }

  windowBy(change) {
    this.#setWindow(adjusted(this.#window, change));
    this.#drawSoon();
  }

  invert() {
    this.#setWindow(inverted(this.#window));
    this.#drawSoon();
  }

  reset() {
    this.#view = wholeImage(this.#image);
    this.#setWindow(NEUTRAL);
    this.#drawSoon();
  }

  get #area() {
    return { width: this.#canvas.clientWidth, height: this.#canvas.clientHeight };
  }

  #setWindow(window) {
    this.#window = window;
    this.#windowed = null;
  }

  /** What to draw: the image itself or, under another window, its grey levels through the look-up table. */
  #picture() {
    if (isNeutral(this.#window)) return this.#image;
    this.#greys ??= readGreys(this.#image);
    this.#windowed ??= windowedPicture(this.#greys, this.#image, lookupTable(this.#window));
    return this.#windowed;
  }

  /** Drags and wheels bring more events than there are frames: one drawing a frame is enough. */
  #drawSoon() {
    this.#drawing ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    cancelAnimationFrame(this.#drawing);
    this.#drawing = 0;
    const { width, height } = this.#canvas;
    this.#context.setTransform(1, 0, 0, 1, 0, 0);
    this.#context.fillStyle = getComputedStyle(this.#canvas).backgroundColor;
    this.#context.fillRect(0, 0, width, height);
    if (this.#image) this.#drawImage(width / this.#area.width);
  }

  #drawImage(pixels) {
    const { x, y, width, height } = placement(this.#view, this.#image, this.#area);
    const edge = (value) => Math.round(value * pixels);
    this.#context.imageSmoothingQuality = "high";
    const [left, top] = [edge(x), edge(y)];
    this.#context.drawImage(this.#picture(), left, top, edge(x + width) - left, edge(y + height) - top);
  }

  #resize() {
    const { width, height } = this.#area;
    this.#canvas.width = Math.round(width * devicePixelRatio);
    this.#canvas.height = Math.round(height * devicePixelRatio);
    if (this.#image) this.#view = kept(this.#view, this.#image, this.#area);
    this.#draw();
  }
}

function canvasFor({ width, height }) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  return { canvas, context: canvas.getContext("2d", { willReadFrequently: true }) };
}

function readGreys(image) {
  const { context } = canvasFor(image);
  context.drawImage(image, 0, 0);
  return greysOf(context.getImageData(0, 0, image.width, image.height).data);
}

function windowedPicture(greys, { width, height }, table) {
  const { canvas, context } = canvasFor({ width, height });
  const picture = context.createImageData(width, height);
  applyTable(greys, table, picture.data);
  context.putImageData(picture, 0, 0);
  return canvas;
}
