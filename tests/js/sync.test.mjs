import assert from "node:assert/strict";
import { test } from "node:test";

import { Sync } from "../../static/quiz/sync.js";
import { chained, follows, Trials } from "../../static/quiz/trials.js";
import { FakeServer } from "./fakes.mjs";

const answer = (trial, rating = 2) => ({ trial, kind: "answer", body: { rating, next_shown: false, measures: {} } });

test("a rating goes with the ticket that the server gave last", async () => {
  const server = new FakeServer([{}, {}, {}]);
  const sync = new Sync(server);
  for (const trial of [0, 1, 2]) await sync.deliver(answer(trial));
  assert.deepEqual(
    server.calls.filter(([what]) => what === "rate").map((call) => call[2]),
    ["ticket 0", "ticket 1", "ticket 2"],
  );
});

test("what the server has a rating for already need not be sent", async () => {
  const server = new FakeServer([{}, {}]);
  server.ratings.set(0, { rating: 5 });
  const sync = new Sync(server);
  assert.equal(await sync.deliver(answer(0)), null);
  assert.deepEqual(server.calls, [["state"]]);
});

test("a rating that another browser gave first stands, and the page learns where the session is", async () => {
  const server = new FakeServer([{}, {}]);
  const sync = new Sync(server);
  await sync.refresh();
  server.ratings.set(0, { rating: 5 });
  assert.equal(await sync.deliver(answer(0)), null);
  assert.equal(sync.state.current.trial, 1);
});

test("out of turn: the rating waits, with the state asked for anew", async () => {
  const server = new FakeServer([{}, {}]);
  const sync = new Sync(server);
  await assert.rejects(sync.deliver(answer(1)), ({ passing }) => passing);
  await sync.deliver(answer(0));
  await sync.deliver(answer(1));
  assert.equal(server.ratings.size, 2);
});

test("the next trial is the first that is neither rated nor on its way", () => {
  const trials = new Trials();
  trials.update({ current: { trial: 3 }, upcoming: [{ trial: 4 }, { trial: 5 }], finished: false });
  assert.equal(trials.next((trial) => trial === 3).trial, 4);
  assert.equal(
    trials.next(() => true),
    null,
  );
  assert.equal(trials.after(4).trial, 5);
  assert.deepEqual(trials.from(4), [{ trial: 4 }, { trial: 5 }]);
  assert.ok(trials.past(2) && !trials.past(3));
  trials.update({ current: null, upcoming: [], finished: true });
  assert.ok(trials.past(9));
});

test("another kind or another viewing time is a new beginning", () => {
  const practice = { trial: 1, kind: "practice", viewing_ms: 13000 };
  assert.ok(follows(practice, { ...practice, trial: 2 }));
  assert.ok(!follows({ ...practice, viewing_ms: 600000 }, { ...practice, trial: 2 }));
  assert.ok(!follows(practice, { trial: 2, kind: "scored", viewing_ms: 13000 }));
  assert.ok(!follows(practice, { ...practice, trial: 7 }));
});

test("only a timed image without a break before it follows another at once", () => {
  const timed = { kind: "scored", break_before: null };
  const practice = { kind: "practice", break_before: null };
  assert.ok(chained(timed, timed));
  assert.ok(!chained(practice, timed));
  assert.ok(!chained(timed, { ...timed, break_before: { kind: "short", seconds: 30 } }));
  assert.ok(!chained(timed, null));
});
