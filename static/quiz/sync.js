// The server's side of the session as this page knows it: its newest state, and the ticket it wants back with a rating.

import { ApiError } from "./api.js";
import { Trials } from "./trials.js";

/** Event `state`: the server said where the session stands. */
export class Sync extends EventTarget {
  #api;
  #stale = true;
  trials = new Trials();
  state = null;

  constructor(api) {
    super();
    this.#api = api;
  }

  async refresh() {
    this.#take(await this.#api.state());
  }

  /** Sends one item of the queue. Null when the server has a rating for its trial already: the first one stands. */
  async deliver(item) {
    if (this.#stale) await this.refresh();
    if (this.trials.past(item.trial)) return null;
    try {
      return await this.#send(item, this.#ticket(item.trial));
    } catch (error) {
      if (error.status !== 409) throw error;
      return await this.#resync(item, error);
    }
  }

  #ticket(trial) {
    const { current } = this.state;
    if (current.trial === trial) return current.ticket;
    // An earlier trial lost its rating on the server: this one waits until that one is rated anew.
    throw this.#later("Waiting for an earlier rating.");
  }

  async #send(item, ticket) {
    if (item.kind === "shown") return await this.#api.shown(item.trial, ticket);
    const reply = await this.#api.rate(item.trial, { ...item.body, ticket });
    this.#take(reply);
    return reply;
  }

  async #resync(item, { code, message }) {
    await this.refresh();
    if (code === "already-rated" || this.trials.past(item.trial)) return null;
    throw this.#later(message);
  }

  #later(message) {
    this.#stale = true;
    return new ApiError(0, "later", message);
  }

  #take(state) {
    this.#stale = false;
    this.state = { ...state, received: Date.now() };
    this.trials.update(state);
    this.dispatchEvent(new Event("state"));
  }
}
