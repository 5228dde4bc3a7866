// Whether the observer is here: the page seen and its window the one in use.

/** Event `change`: `away` (lost focus or not seen) or `hidden` (not seen) changed at `t`, on the page's monotonic clock. */
export class Focus extends EventTarget {
  #page;
  away;
  hidden;

  constructor(signal, page = document, win = window) {
    super();
    this.#page = page;
    this.#look();
    const changed = (event) => this.#changed(event.timeStamp);
    page.addEventListener("visibilitychange", changed, { signal });
    win.addEventListener("blur", changed, { signal });
    win.addEventListener("focus", changed, { signal });
  }

  #look() {
    this.hidden = this.#page.hidden;
    this.away = this.hidden || !this.#page.hasFocus();
  }

  #changed(t) {
    const before = [this.away, this.hidden];
    this.#look();
    if (this.away === before[0] && this.hidden === before[1]) return;
    this.dispatchEvent(Object.assign(new Event("change"), { t }));
  }
}
