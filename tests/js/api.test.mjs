import assert from "node:assert/strict";
import { test } from "node:test";

import { Api } from "../../static/quiz/api.js";
import { backOff } from "../../static/quiz/wait.js";

const replying = (status, body) => new Api("/quiz/x", async () => new Response(body, { status }));

async function failure(api) {
  return await api.state().then(assert.fail, (error) => error);
}

test("a reply is its JSON", async () => {
  assert.deepEqual(await replying(200, '{"trial": 1}').state(), { trial: 1 });
});

test("calls go where docs/http.md says", async () => {
  const calls = [];
  const api = new Api("/quiz/x", async (url, { method, body }) => {
    calls.push([method, url, body]);
    return new Response("{}");
  });
  await api.state();
  await api.shown(3, "t");
  await api.rate(3, { rating: 4 });
  assert.deepEqual(calls, [
    ["GET", "/quiz/x/state", undefined],
    ["POST", "/quiz/x/trials/3/shown", '{"ticket":"t"}'],
    ["PUT", "/quiz/x/trials/3", '{"rating":4}'],
  ]);
});

test("a refusal carries its code and sentence, and won't pass", async () => {
  const error = await failure(replying(409, '{"error": "already-rated", "message": "Rated."}'));
  assert.deepEqual([error.status, error.code, error.message, error.passing], [409, "already-rated", "Rated.", false]);
});

test("trouble of the server or the network may pass", async () => {
  const broken = new Api("/quiz/x", async () => Promise.reject(new TypeError("Failed to fetch")));
  for (const api of [replying(503, "{}"), replying(502, "<html>"), replying(429, "{}"), broken]) {
    assert.ok((await failure(api)).passing);
  }
});

test("a page instead of JSON is taken for a bad line, not for an answer", async () => {
  for (const status of [200, 403]) {
    const error = await failure(replying(status, "<html>Please sign in to the hotel network</html>"));
    assert.deepEqual([error.status, error.passing], [0, true]);
  }
});

test("pauses double up to a limit, with jitter", () => {
  assert.equal(
    backOff(1, () => 1),
    500,
  );
  assert.equal(
    backOff(3, () => 1),
    2000,
  );
  assert.equal(
    backOff(30, () => 1),
    15000,
  );
  assert.equal(
    backOff(1, () => 0),
    250,
  );
});
