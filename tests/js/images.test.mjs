import assert from "node:assert/strict";
import { test } from "node:test";

import { Images } from "../../static/quiz/images.js";
import { settled } from "./fakes.mjs";

/** Loads that a test settles by hand, and pauses that last until it says so. */
function manual() {
  const loads = [];
  const rests = [];
  const load = (url, { signal, failures }) =>
    new Promise((resolve, reject) => loads.push({ url, failures, signal, resolve, reject }));
  const rest = (ms) => new Promise((resolve) => rests.push({ ms, resolve }));
  return { images: new Images({ load, rest }), loads, rests };
}

const bitmap = () => ({
  closed: false,
  close() {
    this.closed = true;
  },
});
const never = new AbortController().signal;

test("images are loaded in the order wanted, two at a time", async () => {
  const { images, loads } = manual();
  images.want(["a", "b", "c"]);
  assert.deepEqual(
    loads.map(({ url }) => url),
    ["a", "b"],
  );
  loads[0].resolve(bitmap());
  await settled();
  assert.deepEqual(
    loads.map(({ url }) => url),
    ["a", "b", "c"],
  );
});

test("an image counts as ready only when it is decoded", async () => {
  const { images, loads } = manual();
  images.want(["a"]);
  assert.equal(images.ready("a"), null);
  const waited = images.wait("a", never);
  const decoded = bitmap();
  loads[0].resolve(decoded);
  assert.equal(await waited, decoded);
  assert.equal(images.ready("a"), decoded);
});

test("a failed load is tried again, with pauses, until it succeeds", async () => {
  const { images, loads, rests } = manual();
  images.want(["a"]);
  const waited = images.wait("a", never);
  for (let i = 0; i < 20; i += 1) {
    assert.equal(loads[i].failures, i);
    loads[i].reject(new Error("no network"));
    await settled();
    rests[i].resolve();
    await settled();
  }
  const decoded = bitmap();
  loads[20].resolve(decoded);
  assert.equal(await waited, decoded);
  assert.ok(Math.max(...rests.map(({ ms }) => ms)) <= 15000);
});

test("images no longer wanted are let go, loading or loaded", async () => {
  const { images, loads } = manual();
  images.want(["a", "b"]);
  const first = bitmap();
  loads[0].resolve(first);
  await settled();
  images.want(["c"]);
  assert.ok(first.closed);
  assert.ok(loads[1].signal.aborted);
  assert.equal(images.ready("a"), null);
  const late = bitmap();
  loads[1].resolve(late);
  await settled();
  assert.ok(late.closed, "a load that ends too late leaves nothing behind");
});

test("the image that is needed now isn't held up by others that fail", () => {
  const { images, loads } = manual();
  images.want(["b", "c"]);
  images.want(["a", "b", "c"]);
  assert.deepEqual(
    loads.map(({ url }) => url),
    ["b", "c", "a"],
  );
});
