// Ratings on their way to the server: kept first, then sent in the order of the trials until each one is confirmed.

import { backOff, rest as realRest } from "./wait.js";

/**
 * Events: `change` (see `status`), `confirmed` (detail: item and reply), `refused` (detail: the error; sending has stopped).
 * `deliver(item)` resolves with the server's reply, or with null when the item need not be sent any more.
 */
export class Queue extends EventTarget {
  #storage;
  #deliver;
  #rest;
  #signal;
  #items = [];
  #sending = false;
  #failures = 0;
  #refused = false;

  constructor({ storage, deliver, signal, rest = realRest }) {
    super();
    this.#storage = storage;
    this.#deliver = deliver;
    this.#signal = signal;
    this.#rest = rest;
  }

  /** Takes up what an earlier page of this session left behind. */
  async open(session) {
    this.#items = (await this.#storage.kept(session)).sort(inOrder);
    this.#changed();
    this.#send();
  }

  /** Keeps `item` {session, trial, kind, body}; resolves when it is as durable as the browser can make it. */
  async add(item) {
    this.#items = [...this.#items.filter((other) => inOrder(other, item) !== 0), item].sort(inOrder);
    this.#changed();
    await this.#storage.keep(item);
    this.#send();
  }

  has(trial, kind) {
    return this.#items.some((item) => item.trial === trial && item.kind === kind);
  }

  /** `state`: saved, saving, offline or refused. `waiting`: ratings not confirmed. `durable`: whether they outlive this page. */
  get status() {
    const waiting = this.#items.filter((item) => item.kind === "answer").length;
    return { state: this.#state, waiting, durable: this.#storage.durable };
  }

  get #state() {
    if (this.#items.length === 0) return "saved";
    if (this.#refused) return "refused";
    return this.#failures > 0 ? "offline" : "saving";
  }

  async #send() {
    if (this.#sending || this.#refused) return;
    this.#sending = true;
    try {
      while (this.#items.length > 0 && !this.#signal.aborted) await this.#sendFirst();
    } catch (error) {
      if (this.#signal.aborted) return;
      this.#refused = true;
      this.#changed();
      this.dispatchEvent(new CustomEvent("refused", { detail: error }));
    } finally {
      this.#sending = false;
    }
  }

  async #sendFirst() {
    const item = this.#items[0];
    try {
      const reply = await this.#deliver(item);
      this.#failures = 0;
      await this.#settle(item, reply);
    } catch (error) {
      if (!error.passing) throw error;
      this.#failures += 1;
      this.#changed();
      await this.#rest(backOff(this.#failures), this.#signal);
    }
  }

  async #settle(item, reply) {
    await this.#storage.drop(item);
    this.#items = this.#items.filter((other) => other !== item);
    this.dispatchEvent(new CustomEvent("confirmed", { detail: { item, reply } }));
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** By trial; of one trial, that its image was shown comes before its rating. */
function inOrder(a, b) {
  return a.trial - b.trial || b.kind.localeCompare(a.kind);
}
