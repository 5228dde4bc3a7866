import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "../../static/quiz/api.js";
import { Queue } from "../../static/quiz/queue.js";
import { FakeStorage, settled } from "./fakes.mjs";

const answer = (trial) => ({ session: "s", trial, kind: "answer", body: { rating: 1 } });
const shown = (trial) => ({ session: "s", trial, kind: "shown" });
const away = new ApiError(503, "store-away", "Later.");

function queueWith(deliver, { storage = new FakeStorage(), signal = new AbortController().signal } = {}) {
  const rests = [];
  const rest = (ms) => new Promise((resolve) => rests.push({ ms, resolve }));
  return { queue: new Queue({ storage, deliver, signal, rest }), storage, rests };
}

test("an item is kept before it is sent, and dropped only when it is confirmed", async () => {
  let confirm;
  const seen = [];
  const { queue, storage } = queueWith((item) => {
    seen.push(storage.items.size);
    return new Promise((resolve) => {
      confirm = () => resolve({ saved: item.trial });
    });
  });
  await queue.add(answer(0));
  assert.deepEqual(seen, [1]);
  assert.equal(queue.status.state, "saving");
  confirm();
  await settled();
  assert.equal(storage.items.size, 0);
  assert.equal(queue.status.state, "saved");
});

test("items go in the order of their trials, one at a time, shown before rated", async () => {
  const sent = [];
  const confirm = [];
  const { queue } = queueWith((item) => {
    sent.push(`${item.trial} ${item.kind}`);
    return new Promise((resolve) => confirm.push(resolve));
  });
  for (const item of [answer(0), answer(2), answer(1), shown(1)]) await queue.add(item);
  assert.deepEqual(sent, ["0 answer"]);
  for (let i = 0; i < 4; i += 1) {
    confirm[i]({});
    await settled();
  }
  assert.deepEqual(sent, ["0 answer", "1 shown", "1 answer", "2 answer"]);
});

test("a failure that may pass is tried again with growing pauses, and shows as offline", async () => {
  let failures = 4;
  const { queue, rests } = queueWith(async () => {
    if (failures-- > 0) throw away;
    return {};
  });
  await queue.add(answer(0));
  for (let i = 0; i < 4; i += 1) {
    await settled();
    assert.deepEqual(queue.status, { state: "offline", waiting: 1, durable: true });
    rests[i].resolve();
  }
  await settled();
  assert.equal(queue.status.state, "saved");
  assert.ok(rests[3].ms > rests[0].ms);
});

test("what cannot succeed stops the queue and is kept", async () => {
  const refusal = new ApiError(400, "malformed", "No.");
  let calls = 0;
  const { queue, storage } = queueWith(async () => {
    calls += 1;
    throw refusal;
  });
  const refused = new Promise((resolve) => queue.addEventListener("refused", ({ detail }) => resolve(detail)));
  await queue.add(answer(0));
  assert.equal(await refused, refusal);
  await queue.add(answer(1));
  await settled();
  assert.equal(calls, 1);
  assert.equal(storage.items.size, 2);
});

test("what an earlier page left behind is sent on opening", async () => {
  const storage = new FakeStorage();
  await storage.keep(answer(4));
  await storage.keep(shown(4));
  const sent = [];
  const { queue } = queueWith(async ({ trial, kind }) => sent.push(`${trial} ${kind}`), { storage });
  await queue.open("s");
  await settled();
  assert.deepEqual(sent, ["4 shown", "4 answer"]);
});

test("only ratings count as waiting", async () => {
  const { queue } = queueWith(() => new Promise(() => {}));
  await queue.add(shown(0));
  await queue.add(answer(0));
  assert.deepEqual(queue.status, { state: "saving", waiting: 1, durable: true });
  assert.ok(queue.has(0, "answer"));
  assert.ok(!queue.has(1, "answer"));
});

test("a page that steps aside sends nothing more", async () => {
  const control = new AbortController();
  let calls = 0;
  const { queue } = queueWith(
    async () => {
      calls += 1;
      throw away;
    },
    { signal: control.signal },
  );
  control.abort(new Error("aside"));
  await queue.add(answer(0));
  await settled();
  assert.equal(calls, 0);
});
