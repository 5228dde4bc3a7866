// Keys, buttons, mouse and touch, brought to the session and the viewer. One way in for all of them: `act`.

import { Gestures } from "./gestures.js";
import { command } from "./keys.js";

export class Controls {
  #session;
  #viewer;
  #screen;
  #gestures;

  constructor({ session, viewer, screen }, signal) {
    this.#session = session;
    this.#viewer = viewer;
    this.#screen = screen;
    this.#gestures = new Gestures(screen.canvas, (what, t) => this.#act(what, t), signal);
    document.addEventListener("pointerdown", (event) => session.exposure?.input(event.timeStamp), { signal });
    document.addEventListener("keydown", (event) => this.#key(event), { signal });
    screen.root.addEventListener("click", (event) => this.#click(event), { signal });
    // A rating clicked with the mouse must not take the focus: the arrow keys are for the picture.
    screen.root.addEventListener("mousedown", (event) => keepFocus(event), { signal });
  }

  #key(event) {
    if (!event.repeat) this.#session.exposure?.input(event.timeStamp);
    if (event.repeat && presses(event)) return event.preventDefault();
    const what = command(event);
    if (!what || belongsToButton(event, what)) return undefined;
    event.preventDefault();
    if (what.name === "pan" && event.target.closest?.(".rating")) return this.#walk(event);
    return this.#act(what, event.timeStamp);
  }

  /** The arrow keys among the ratings, when one of them has the focus: on to the next, which is picked. */
  #walk({ key, target, timeStamp }) {
    const ratings = [...target.parentElement.querySelectorAll(".rating")];
    const step = key === "ArrowRight" || key === "ArrowDown" ? 1 : ratings.length - 1;
    const next = ratings[(ratings.indexOf(target) + step) % ratings.length];
    next.focus();
    this.#session.select(Number(next.dataset.rating), timeStamp);
  }

  #click(event) {
    const button = event.target.closest("[data-command]");
    if (!button) return;
    const { command: name, rating, factor } = button.dataset;
    this.#act({ name, rating: Number(rating), factor: Number(factor) }, event.timeStamp);
  }

  #act(what, t) {
    const { exposure } = this.#session;
    if (what.name === "rate") this.#session.select(what.rating, t);
    else if (what.name === "submit") this.#session.submit(t);
    else if (what.name === "fullscreen") toggleFullScreen();
    else if (what.name === "guide") this.#screen.toggleGuide();
    else if (what.name === "close") this.#screen.toggleGuide(false);
    else if (what.name === "contrast") this.#contrastMode();
    else if (this.#viewer.showing && exposure?.accepts(t)) this.#change(what, t, exposure);
  }

  #change(what, t, exposure) {
    const { zoom, window } = this.#viewer;
    if (what.name === "pan") this.#viewer.panBy(what.dx, what.dy);
    else if (what.name === "zoom") this.#viewer.zoomBy(what.factor, what.point ?? this.#gestures.pointer);
    else if (what.name === "window") this.#viewer.windowBy(what);
    else if (what.name === "invert") this.#viewer.invert();
    else this.#viewer.reset();
    if (this.#viewer.zoom !== zoom) exposure.zoomed(t);
    if (this.#viewer.window !== window) exposure.windowed(t);
  }

  #contrastMode() {
    this.#gestures.contrastMode = !this.#gestures.contrastMode;
    this.#screen.contrastMode(this.#gestures.contrastMode);
  }
}

/** Enter and space press the button that has the focus, over and over while they are held. */
function presses({ key }) {
  return key === "Enter" || key === " ";
}

/** Enter on a focused button presses that button; on a rating, or with no button in focus, it submits. */
function belongsToButton({ target }, { name }) {
  return name === "submit" && Boolean(target.closest?.("button:not(.rating, .submit), a"));
}

function keepFocus(event) {
  if (event.target.closest(".rating, .tool, .submit")) event.preventDefault();
}

function toggleFullScreen() {
  const change = document.fullscreenElement
    ? document.exitFullscreen()
    : document.documentElement.requestFullscreen?.();
  // Refused or not supported: the page stays as it is.
  change?.catch(() => {});
}
