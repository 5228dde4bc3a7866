import assert from "node:assert/strict";
import { test } from "node:test";

import { adjusted, applyTable, greysOf, inverted, isNeutral, lookupTable, NEUTRAL } from "../../static/quiz/greys.js";

test("the neutral window changes no grey level", () => {
  assert.deepEqual(
    [...lookupTable(NEUTRAL)],
    Array.from({ length: 256 }, (_, grey) => grey),
  );
  assert.ok(isNeutral(NEUTRAL));
});

test("a narrow window spreads its span from black to white and cuts the rest", () => {
  const table = lookupTable({ level: 100, width: 50, inverted: false });
  assert.deepEqual([table[0], table[75], table[100], table[125], table[255]], [0, 0, 128, 255, 255]);
});

test("inverting turns every level over, and twice is as before", () => {
  const window = { level: 90, width: 120, inverted: false };
  const table = lookupTable(window);
  const turned = lookupTable(inverted(window));
  assert.ok(table.every((grey, level) => grey + turned[level] === 255));
  assert.deepEqual(inverted(inverted(window)), window);
});

test("a lower level is brighter, and no adjustment leaves what can be seen", () => {
  assert.ok(lookupTable(adjusted(NEUTRAL, { level: -30 }))[100] > 100);
  assert.equal(adjusted(NEUTRAL, { level: 1000 }).level, 255);
  assert.equal(adjusted(NEUTRAL, { width: -1000 }).width, 8);
  assert.equal(adjusted(NEUTRAL, { width: 5000 }).width, 510);
  assert.ok(!isNeutral(adjusted(NEUTRAL, { width: 10 })));
});

test("every pixel goes through the table, opaque and without hue", () => {
  const rgba = Uint8ClampedArray.of(0, 0, 0, 255, 100, 100, 100, 255, 255, 255, 255, 255);
  const out = new Uint8ClampedArray(rgba.length);
  applyTable(greysOf(rgba), lookupTable(inverted(NEUTRAL)), out);
  assert.deepEqual([...out], [255, 255, 255, 255, 155, 155, 155, 255, 0, 0, 0, 255]);
});
