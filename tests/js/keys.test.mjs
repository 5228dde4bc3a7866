import assert from "node:assert/strict";
import { test } from "node:test";

import { command } from "../../static/quiz/keys.js";

const press = (key, code = "", more = {}) => command({ key, code, ...more });
const rate = (rating) => ({ name: "rate", rating });

test("digits rate, in the main row and on the number pad", () => {
  for (let rating = 1; rating <= 5; rating += 1) {
    assert.deepEqual(press(String(rating), `Digit${rating}`), rate(rating));
    assert.deepEqual(press(String(rating), `Numpad${rating}`), rate(rating));
  }
  for (const digit of [0, 6, 7, 8, 9]) assert.equal(press(String(digit), `Digit${digit}`), null);
});

test("a French keyboard and a number pad without Num Lock rate too", () => {
  assert.deepEqual(press("&", "Digit1"), rate(1));
  assert.deepEqual(press("1", "Digit1", { shiftKey: true }), rate(1));
  assert.deepEqual(press("ArrowLeft", "Numpad4"), rate(4));
  assert.equal(press("!", "Digit1", { shiftKey: true }), null);
});

test("held keys neither rate nor submit, but go on moving the picture", () => {
  assert.equal(press("3", "Digit3", { repeat: true }), null);
  assert.equal(press("Enter", "Enter", { repeat: true }), null);
  assert.equal(press("i", "KeyI", { repeat: true }), null);
  assert.equal(press("ArrowLeft", "ArrowLeft", { repeat: true }).name, "pan");
  assert.equal(press("+", "", { repeat: true }).name, "zoom");
});

test("shortcuts of the browser are left to it", () => {
  for (const modifier of ["ctrlKey", "metaKey", "altKey"]) {
    assert.equal(press("1", "Digit1", { [modifier]: true }), null);
    assert.equal(press("r", "KeyR", { [modifier]: true }), null);
  }
});

test("Enter submits on both blocks, and letters work with Caps Lock", () => {
  assert.equal(press("Enter", "NumpadEnter").name, "submit");
  assert.equal(press("I", "KeyI").name, "invert");
  assert.equal(press("?", "Slash", { shiftKey: true }).name, "guide");
});

test("brightness and contrast go both ways", () => {
  assert.ok(press("b").level < 0 && press("B").level > 0);
  assert.ok(press("c").width < 0 && press("C").width > 0);
});

test("other keys mean nothing", () => {
  for (const key of ["x", "Tab", "Shift", " ", "F5"]) assert.equal(press(key, ""), null);
});
