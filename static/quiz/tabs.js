// One session, one tab. The first tab holds the session, another steps aside until the first closes or it is told to take
// over. `on.hold(signal)` starts the session, until the signal aborts; `on.aside()` says that another tab has it.

const STEPPED_ASIDE = new DOMException("Another tab took over.", "AbortError");

/** Decides which tab holds the session `name`; gives {take()}, which takes it from the other tab. */
export function oneTab(name, on) {
  // Browsers offer locks on secure pages only; a quiz on a plain-http intranet has the tabs talk it out.
  const keeper = navigator.locks ? new LockKeeper(name, on) : new ChannelKeeper(name, on);
  keeper.begin();
  return keeper;
}

class LockKeeper {
  #name;
  #on;
  #waiting = null;

  constructor(name, on) {
    this.#name = name;
    this.#on = on;
  }

  begin() {
    this.#request({ ifAvailable: true });
  }

  take() {
    this.#waiting?.abort();
    this.#request({ steal: true });
  }

  async #request(options) {
    let held = null;
    try {
      await navigator.locks.request(this.#name, options, (lock) => {
        if (!lock) return null;
        held = new AbortController();
        return this.#hold(held.signal);
      });
      this.#stepAside();
    } catch {
      // One only waited for was given up in order to steal it; or WebKit refuses it on a page that is being left, where
      // asking again would never end. One that was held was stolen.
      if (!held) return;
      held.abort(STEPPED_ASIDE);
      this.#stepAside();
    }
  }

  #hold(signal) {
    this.#on.hold(signal);
    // The lock is held until the tab closes or another one steals it.
    return new Promise(() => {});
  }

  #stepAside() {
    this.#on.aside();
    this.#waiting = new AbortController();
    this.#request({ signal: this.#waiting.signal });
  }
}

const ANSWER_MS = 400;
const ASK_AGAIN_MS = 2000;

/** Its state is asking, held or aside. */
export class ChannelKeeper {
  #channel;
  #on;
  #id = Math.random();
  #state = null;
  #saidAside = false;
  #held = null;
  #timer = 0;

  constructor(name, on, channel = new BroadcastChannel(name)) {
    this.#on = on;
    this.#channel = channel;
    channel.onmessage = ({ data }) => this.#hear(data);
  }

  begin() {
    this.#state = "asking";
    this.#timer = setTimeout(() => this.#hold(), ANSWER_MS);
    this.#say("ask");
  }

  take() {
    this.#say("take");
    this.#hold();
  }

  #say(what, to = null) {
    this.#channel.postMessage({ what, id: this.#id, to });
  }

  /** Of tabs that ask at the same time the one with the smallest number comes first, as it does should two hold. */
  #hear({ what, id, to }) {
    const before = this.#id < id;
    if (what === "take") this.#stepAside();
    else if (what === "held" && !(this.#state === "held" && before)) this.#stepAside();
    else if (what === "after me" && to === this.#id) this.#stepAside();
    else if (what === "ask" && this.#state === "held") this.#say("held");
    else if (what === "ask" && this.#state === "asking" && before) this.#say("after me", id);
    else if (what === "ask" && this.#state === "asking") this.#stepAside();
  }

  #hold() {
    clearTimeout(this.#timer);
    if (this.#state === "held") return;
    this.#state = "held";
    this.#saidAside = false;
    this.#held = new AbortController();
    this.#on.hold(this.#held.signal);
  }

  #stepAside() {
    this.#held?.abort(STEPPED_ASIDE);
    this.#held = null;
    if (!this.#saidAside) this.#on.aside();
    this.#saidAside = true;
    this.#state = "aside";
    // The other tab may be gone without a word: ask again now and then.
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.begin(), ASK_AGAIN_MS);
  }
}
