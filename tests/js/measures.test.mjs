import assert from "node:assert/strict";
import { test } from "node:test";

import { Measures } from "../../static/quiz/measures.js";

test("times count from the frame that painted the image", () => {
  const measures = new Measures({ start: 1000 });
  measures.input(900);
  measures.input(1250.123);
  measures.input(1300);
  measures.chose(2, 3000);
  assert.equal(measures.snapshot(3500, 0).first_input_ms, 250.12);
  assert.equal(measures.snapshot(3500, 0).response_ms, 2000);
  assert.equal(measures.since(3500), 2500);
});

test("a changed rating counts, the same one again doesn't", () => {
  const measures = new Measures({ start: 0 });
  for (const [rating, t] of [
    [1, 10],
    [1, 20],
    [4, 30],
    [1, 40],
  ])
    measures.chose(rating, t);
  const { rating_changes, response_ms } = measures.snapshot(50, 0);
  assert.deepEqual([rating_changes, response_ms], [2, 40]);
});

test("the many events of one gesture are one change", () => {
  const measures = new Measures({ start: 0 });
  for (let t = 0; t < 1000; t += 50) measures.zoomed(1 + t / 500, t);
  measures.zoomed(1, 2000);
  measures.windowed(2100);
  const { zoom_changes, max_zoom, window_changes } = measures.snapshot(3000, 0);
  assert.deepEqual([zoom_changes, max_zoom, window_changes], [2, 2.9, 1]);
});

test("time away is counted, also while still away", () => {
  const measures = new Measures({ start: 0 });
  measures.away(100);
  measures.away(150);
  measures.back(400);
  measures.back(500);
  measures.away(1000);
  const { focus_losses, focus_lost_ms } = measures.snapshot(1200, 0);
  assert.deepEqual([focus_losses, focus_lost_ms], [2, 500]);
});

test("a reloaded page goes on with what the earlier one measured", () => {
  const first = new Measures({ start: 0 });
  first.input(200);
  first.zoomed(3, 300);
  first.away(400);
  first.back(450);
  const measures = new Measures({ start: 80, offset: 5000, earlier: first.snapshot(1000, 7) });
  measures.zoomed(2, 90);
  measures.chose(3, 180);
  const all = measures.snapshot(200, 1);
  assert.deepEqual([all.first_input_ms, all.response_ms], [200, 5100]);
  assert.deepEqual([all.zoom_changes, all.max_zoom, all.frames_missed], [2, 3, 8]);
  assert.deepEqual([all.focus_losses, all.focus_lost_ms], [1, 50]);
});
