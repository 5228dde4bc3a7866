import assert from "node:assert/strict";
import { test } from "node:test";

import { FrameMeter, ViewingClock } from "../../static/quiz/clock.js";

/** Ticks `clock` every `interval` ms from `from`; gives the time of the first frame at which it is due. */
function runOut(clock, from, interval) {
  for (let t = from + interval; ; t += interval) {
    clock.tick(t);
    if (clock.due(t, interval)) return t;
  }
}

test("the clock runs out at the frame nearest to the limit, at any frame rate", () => {
  for (const rate of [30, 50, 59.94, 60, 75, 90, 120, 144, 240]) {
    const interval = 1000 / rate;
    const clock = new ViewingClock(13000);
    clock.show(500);
    const seen = clock.seen(runOut(clock, 500, interval));
    assert.ok(Math.abs(seen - 13000) <= interval / 2 + 1e-6, `${rate} Hz: ${seen}`);
  }
});

test("what an earlier page used up is gone", () => {
  const clock = new ViewingClock(1000, { spent: 400, seen: 300 });
  clock.show(0);
  assert.equal(clock.left(100), 500);
  assert.equal(clock.seen(100), 400);
  assert.ok(clock.due(600, 10));
});

test("a pause stops the clock, a covered image only what was seen", () => {
  const clock = new ViewingClock(1000);
  clock.show(0);
  clock.pause(100);
  clock.show(500);
  assert.equal(clock.left(600), 800);
  clock.cover(600);
  clock.show(700);
  assert.equal(clock.left(800), 600);
  assert.equal(clock.seen(800), 300);
});

test("time asleep counts against the limit but not as seen", () => {
  const clock = new ViewingClock(13000);
  clock.show(0);
  clock.tick(16, 60000);
  assert.ok(clock.due(16, 16));
  assert.equal(clock.seen(16), 16);
});

test("a gap of many seconds between two ticks was not looking", () => {
  const clock = new ViewingClock(13000);
  clock.show(0);
  clock.tick(1000);
  clock.tick(61000);
  assert.equal(clock.seen(61000), 1000);
  assert.ok(clock.due(61000, 16));
});

test("missed frames are counted against the usual interval", () => {
  const meter = new FrameMeter();
  for (const t of [0, 10, 20, 30, 40, 50]) meter.frame(t);
  assert.equal(meter.median, 10);
  meter.frame(80);
  meter.frame(91);
  assert.equal(meter.missed, 2);
});

test("an interruption and a new image begin a new row of frames, with the interval known", () => {
  const meter = new FrameMeter();
  for (const t of [0, 10, 20, 30, 40, 50]) meter.frame(t);
  meter.interrupt();
  meter.frame(5000);
  assert.equal(meter.missed, 0);
  meter.frame(5030);
  meter.restart();
  meter.frame(9000);
  assert.deepEqual([meter.missed, meter.median], [0, 10]);
});
