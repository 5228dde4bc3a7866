import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { ChannelKeeper, oneTab } from "../../static/quiz/tabs.js";

let tabs;

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  tabs = [];
});

/** In small steps: what a timer sets off starts from its own time. */
function pass(ms) {
  for (let passed = 0; passed < ms; passed += 50) mock.timers.tick(50);
}

/** A tab whose messages reach the others at once. */
function open() {
  const tab = { state: "none" };
  const channel = {
    postMessage: (data) => {
      for (const other of tabs) if (other !== tab && !other.gone) other.channel.onmessage({ data });
    },
  };
  tab.channel = channel;
  const hold = (signal) => {
    tab.state = "held";
    signal.addEventListener("abort", () => {
      tab.state = "stopped";
    });
  };
  tab.keeper = new ChannelKeeper(
    "quiz",
    {
      hold,
      aside: () => {
        tab.state = "aside";
      },
    },
    channel,
  );
  tabs.push(tab);
  tab.keeper.begin();
  return tab;
}

test("the first tab holds the session and the second steps aside", () => {
  const first = open();
  pass(500);
  const second = open();
  pass(10000);
  assert.deepEqual([first.state, second.state], ["held", "aside"]);
});

test("of tabs opened at the same time exactly one holds", () => {
  const all = [open(), open(), open()];
  pass(10000);
  assert.deepEqual(all.map(({ state }) => state).sort(), ["aside", "aside", "held"]);
});

test("the second takes over when the first is gone, or when it is told to", () => {
  const first = open();
  pass(500);
  const second = open();
  const third = open();
  first.gone = true;
  pass(10000);
  assert.deepEqual([second.state, third.state].sort(), ["aside", "held"]);
  const waiting = second.state === "aside" ? second : third;
  waiting.keeper.take();
  assert.equal(waiting.state, "held");
  pass(10000);
  assert.deepEqual([second.state, third.state].sort(), ["aside", "held"]);
});

/** A browser's locks that answer each request as `answers` says, the last of them for all that follow. */
function withLocks(answers) {
  const asked = [];
  const locks = {
    request: (_name, options, callback) => {
      asked.push(options);
      return answers[Math.min(asked.length, answers.length) - 1](callback);
    },
  };
  Object.defineProperty(globalThis, "navigator", { value: { locks }, configurable: true });
  return asked;
}

const refused = () => Promise.reject(new DOMException("The document is not active.", "AbortError"));
const settled = () => new Promise((done) => setImmediate(done));

test("a lock that is refused on a page being left is not asked for again", async () => {
  const asked = withLocks([refused]);
  const said = [];
  oneTab("quiz", { hold: () => said.push("held"), aside: () => said.push("aside") });
  for (let turn = 0; turn < 20; turn++) await settled();
  assert.equal(asked.length, 1);
  assert.deepEqual(said, []);
});

test("a tab whose lock is stolen stops, says so and waits for it", async () => {
  let steal;
  const granted = (callback) => {
    callback({ name: "quiz" });
    return new Promise((_done, fail) => {
      steal = () => fail(new DOMException("Stolen.", "AbortError"));
    });
  };
  const asked = withLocks([granted, () => new Promise(() => {})]);
  const said = [];
  const hold = (signal) => signal.addEventListener("abort", () => said.push("stopped"));
  oneTab("quiz", { hold, aside: () => said.push("aside") });
  await settled();
  steal();
  await settled();
  assert.deepEqual(said, ["stopped", "aside"]);
  assert.equal(asked.length, 2);
  assert.ok(asked[1].signal);
});
