// The images of the next trials: fetched and decoded ahead, held until used, tried again until they load.

import { backOff, rest as realRest, unlessAborted } from "./wait.js";

const AT_ONCE = 2;
const TIMEOUT_MS = 30000;

/** Event `trouble`: a load failed and will be tried again. */
export class Images extends EventTarget {
  #entries = new Map();
  #wanted = [];
  #load;
  #rest;

  constructor({ load = loadBitmap, rest = realRest } = {}) {
    super();
    this.#load = load;
    this.#rest = rest;
  }

  /** Loads `urls`, most urgent first, and lets go of all others. */
  want(urls) {
    this.#wanted = urls;
    for (const [url, entry] of this.#entries) if (!urls.includes(url)) this.#drop(url, entry);
    this.#start();
  }

  /** The decoded image, or null when it isn't there yet. */
  ready(url) {
    return this.#entries.get(url)?.bitmap ?? null;
  }

  /** Resolves with the decoded image of a wanted `url`, however long it takes. */
  wait(url, signal) {
    const entry = this.#entries.get(url) ?? this.#begin(url);
    return unlessAborted(entry.loaded, signal);
  }

  #start() {
    for (const url of this.#wanted) {
      const busy = [...this.#entries.values()].filter((entry) => !entry.bitmap).length;
      // The image that the observer waits for is never held up by others that fail.
      if (busy >= AT_ONCE && url !== this.#wanted[0]) return;
      if (!this.#entries.has(url)) this.#begin(url);
    }
  }

  #begin(url) {
    const entry = { bitmap: null, cancel: new AbortController() };
    this.#entries.set(url, entry);
    entry.loaded = this.#persist(url, entry);
    entry.loaded.then(
      () => this.#start(),
      () => {}, // dropped: nobody waits for it any more
    );
    return entry;
  }

  async #persist(url, entry) {
    const { signal } = entry.cancel;
    for (let failures = 0; ; ) {
      try {
        const bitmap = await this.#load(url, { signal, failures });
        if (signal.aborted) bitmap.close();
        signal.throwIfAborted();
        entry.bitmap = bitmap;
        return bitmap;
      } catch {
        signal.throwIfAborted();
        failures += 1;
        this.dispatchEvent(new Event("trouble"));
        await this.#rest(backOff(failures), signal);
      }
    }
  }

  #drop(url, entry) {
    this.#entries.delete(url);
    entry.cancel.abort();
    entry.bitmap?.close();
  }
}

async function loadBitmap(url, { signal, failures }) {
  const stalled = new AbortController();
  const stop = () => stalled.abort();
  // A line that needs longer than the first time-out gets more at each attempt.
  const timer = setTimeout(stop, TIMEOUT_MS * (failures + 1));
  signal.addEventListener("abort", stop);
  try {
    // What failed before may lie broken in the browser's cache.
    const response = await fetch(url, { signal: stalled.signal, cache: failures ? "reload" : "default" });
    if (!response.ok) throw new Error(`image: ${response.status}`);
    return await createImageBitmap(await response.blob(), { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}
