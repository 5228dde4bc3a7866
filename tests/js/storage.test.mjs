import assert from "node:assert/strict";
import { test } from "node:test";

import { Queue } from "../../static/quiz/queue.js";
import { Storage } from "../../static/quiz/storage.js";
import { settled } from "./fakes.mjs";

/** A browser's database whose transactions end only when the test says so. */
function stuckDatabase() {
  const transactions = [];
  const db = {
    closed: false,
    close() {
      db.closed = true;
    },
    transaction() {
      const transaction = { objectStore: () => ({ put: () => ({}), getAll: () => ({ result: [] }) }), commit() {} };
      transactions.push(transaction);
      return transaction;
    },
  };
  const factory = {
    open() {
      const request = { result: db };
      queueMicrotask(() => request.onsuccess());
      return request;
    },
  };
  return { db, factory, transactions };
}

const rating = { session: "s", trial: 0, kind: "answer", body: { rating: 1 } };

test("a disk that neither keeps nor refuses holds a rating back for ten seconds, then the page sends it all the same", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { db, factory } = stuckDatabase();
  const storage = await Storage.open(factory);
  const sent = [];
  const deliver = async (item) => sent.push(item.trial);
  const queue = new Queue({ storage, deliver, signal: new AbortController().signal });
  const added = queue.add(rating);
  t.mock.timers.tick(9_999);
  await settled();
  assert.deepEqual([sent, storage.durable], [[], true]);
  t.mock.timers.tick(1);
  await added;
  await settled();
  assert.deepEqual([sent, storage.durable, db.closed], [[0], false, true]);
  assert.equal(queue.status.durable, false);
});

test("a database that has kept a rating in time stays in use", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { factory, transactions } = stuckDatabase();
  const storage = await Storage.open(factory);
  const kept = storage.keep(rating);
  transactions[0].oncomplete();
  await kept;
  t.mock.timers.tick(60_000);
  await settled();
  assert.equal(storage.durable, true);
});

test("a browser whose database does not open within three seconds is used without one", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const opening = Storage.open({ open: () => ({}) });
  t.mock.timers.tick(3_000);
  assert.equal((await opening).durable, false);
});
