// The trial page's elements. Says what it is told to; decides nothing.

import * as texts from "./texts.js";

const SECOND_MS = 1000;

export class Screen {
  #parts;
  #ratings;
  #countdown = 0;
  #status = { state: "saved", waiting: 0, durable: true };
  #stepwise = matchMedia("(prefers-reduced-motion: reduce)");

  /** `root`: the <main> of the page; its parts are named by data-part. */
  constructor(root) {
    this.root = root;
    this.#parts = Object.fromEntries(
      [...root.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part]),
    );
    this.#ratings = [...root.querySelectorAll(".rating")];
    this.#parts.fullscreen.hidden = !document.fullscreenEnabled;
  }

  get canvas() {
    return this.#parts.image;
  }

  /** Shows the `phase` of the session; `said` instead of its usual line. */
  phase(phase, said) {
    this.root.dataset.phase = phase;
    this.#parts.prompt.textContent = said ?? texts.prompt(phase, this.#status);
    this.#closePanel();
    const rates = phase === "showing" || phase === "hidden";
    for (const rating of this.#ratings) rating.setAttribute("aria-disabled", String(!rates));
    if (!rates) this.#parts.submit.setAttribute("aria-disabled", "true");
    for (const tool of this.root.querySelectorAll(".tool-view"))
      tool.setAttribute("aria-disabled", phase !== "showing");
  }

  trial(trial, { scored_total: total }) {
    const { root } = this;
    root.dataset.trial = trial.trial;
    root.dataset.kind = trial.kind;
    this.#parts.progress.textContent = texts.progress(trial, total);
    this.#parts.bar.max = total;
    this.#parts.bar.value = trial.kind === "scored" ? trial.number - 1 : 0;
    this.time(trial.viewing_ms, trial.viewing_ms);
    this.chosen(null);
  }

  /** Marks `rating` as picked; null for none. */
  chosen(picked) {
    for (const button of this.#ratings) {
      const rating = Number(button.dataset.rating);
      button.setAttribute("aria-checked", String(rating === picked));
      button.tabIndex = rating === (picked ?? 1) ? 0 : -1;
    }
    this.#parts.submit.setAttribute("aria-disabled", String(picked === null));
  }

  time(left, limit) {
    const shown = this.#stepwise.matches ? Math.ceil(left / SECOND_MS) * SECOND_MS : left;
    this.#parts.line.style.transform = `scaleX(${Math.min(1, shown / limit)})`;
    const said = texts.seconds(left);
    if (this.#parts.seconds.textContent !== said) this.#parts.seconds.textContent = said;
  }

  /** `status`: that of the queue. */
  status(status) {
    this.#status = status;
    this.#parts.status.textContent = texts.saving(status);
    this.#parts.status.dataset.state = status.state;
    const { phase } = this.root.dataset;
    if (texts.WAITING.has(phase)) this.#parts.prompt.textContent = texts.prompt(phase, status);
  }

  /** The image that is waited for failed to load, and is tried again. */
  imageTrouble() {
    const { phase } = this.root.dataset;
    if (phase === "fetching" && this.#status.state !== "offline") this.#parts.prompt.textContent = texts.IMAGE_TROUBLE;
  }

  /** Resolves with the time of the event when the observer is ready. */
  introduce(trial, state) {
    return this.ask(texts.introduction(trial, state));
  }

  feedback(feedback) {
    return this.ask(texts.feedback(feedback));
  }

  /** A panel in place of the image: title, text, and a button whose press resolves the promise; `countdown` in seconds. */
  ask({ title, text, button, countdown }, phase = "pausing") {
    this.phase(phase);
    const { panel, go } = this.#parts;
    this.#parts.title.textContent = title;
    this.#parts.text.textContent = text;
    this.#parts.notice.hidden = this.#status.durable;
    go.hidden = !button;
    go.textContent = button ?? "";
    panel.hidden = false;
    this.#count(countdown);
    go.focus();
    return new Promise((resolve) => {
      go.onclick = (event) => resolve(event.timeStamp);
    });
  }

  /** Sizes that the picture was seen at, in CSS pixels. */
  size() {
    return {
      screen_width: screen.width,
      screen_height: screen.height,
      viewport_width: innerWidth,
      viewport_height: innerHeight,
      pixel_ratio: devicePixelRatio,
    };
  }

  contrastMode(on) {
    this.#parts.contrast.setAttribute("aria-pressed", String(on));
  }

  toggleGuide(open = this.#parts.guide.hidden) {
    this.#parts.guide.hidden = !open;
    this.#parts.help.setAttribute("aria-expanded", String(open));
  }

  #closePanel() {
    clearInterval(this.#countdown);
    this.#parts.panel.hidden = true;
    // The browser takes the focus from a hidden button only later, and until then Enter would press it instead of rating.
    this.#parts.go.blur();
  }

  #count(length) {
    const { rest } = this.#parts;
    clearInterval(this.#countdown);
    rest.hidden = !length;
    if (!length) return;
    const end = Date.now() + length * SECOND_MS;
    const say = () => {
      rest.textContent = texts.rest(Math.max(0, Math.ceil((end - Date.now()) / SECOND_MS)));
    };
    say();
    this.#countdown = setInterval(say, SECOND_MS / 4);
  }
}
