import assert from "node:assert/strict";
import { test } from "node:test";

import { browserZoom, warnings } from "../../static/quiz/displaycheck.js";
import { failure, introduction, progress, prompt, saving, seconds } from "../../static/quiz/texts.js";

const trial = (more) => ({ trial: 37, kind: "scored", number: 37, viewing_ms: 13000, break_before: null, ...more });
const study = { title: "Real or fake?", scored_total: 200 };

test("progress and time read as on a page", () => {
  assert.equal(progress(trial(), 200), "Image 37 of 200");
  assert.equal(progress(trial({ kind: "practice", number: 1 }), 200), "Warm-up");
  assert.equal(progress(trial({ kind: "practice", number: 3 }), 200), "Practice 2");
  assert.deepEqual([13000, 12999.9, 0, 60000, 598400].map(seconds), ["13 s", "13 s", "0 s", "1:00", "9:59"]);
});

test("the screen before an image says what comes", () => {
  assert.equal(introduction(trial(), study).text, "Continue with image 37 of 200.");
  assert.equal(introduction(trial({ trial: 0, number: 1 }), study).title, "Real or fake?");
  assert.equal(introduction(trial({ trial: 1, number: 1 }), study).title, "Warm-up done");
  assert.equal(introduction(trial({ trial: 5, number: 1 }), study).title, "Practice done");
  assert.equal(introduction(trial({ kind: "practice", number: 1 }), study).button, "Begin");
  assert.match(
    introduction(trial({ kind: "practice", number: 2 }), study).text,
    /on screen for 13 s. Still not counted/,
  );
  const rest = introduction(trial({ break_before: { kind: "long", seconds: 120 } }), study);
  assert.deepEqual([rest.title, rest.countdown], ["Halfway: a longer break", 120]);
});

test("what is saved and what waits is said", () => {
  assert.equal(saving({ state: "saved", waiting: 0, durable: true }), "Saved");
  assert.equal(saving({ state: "offline", waiting: 3, durable: true }), "Offline: 3 waiting");
  assert.equal(saving({ state: "offline", waiting: 0, durable: true }), "Offline");
  assert.equal(saving({ state: "refused", waiting: 1, durable: true }), "1 waiting");
  assert.match(saving({ state: "saving", waiting: 1, durable: false }), /keep this tab open/);
  assert.match(prompt("waiting", { state: "offline", durable: true }), /kept on this computer/);
});

test("a lost link says whom to ask, other failures offer another try", () => {
  assert.equal(failure({ code: "no-such-link", status: 404 }).button, undefined);
  assert.equal(failure({ code: "malformed", status: 400, message: "No." }).button, "Try again");
});

test("browser zoom is told from a side bar and from the screen's own scale", () => {
  const zoom = (outerWidth, innerWidth, devicePixelRatio) => browserZoom({ outerWidth, innerWidth, devicePixelRatio });
  assert.equal(zoom(1440, 1440, 1), 1);
  assert.equal(zoom(1440, 1152, 1.25), 1.25);
  assert.ok(Math.abs(zoom(1440, 1309, 2.2) - 1.1) < 0.01);
  assert.equal(zoom(1440, 1600, 0.9), 0.9);
  assert.equal(zoom(1440, 1150, 1), 1);
  assert.equal(zoom(0, 1440, 2), 1);
});

test("a small window, a zoomed browser and lost squares are warned of", () => {
  const steps = { grey_steps: 5, dark_steps_seen: 5, bright_steps_seen: null };
  const found = { viewport_width: 1440, viewport_height: 780, browser_zoom: 1, ...steps };
  assert.deepEqual(warnings(found), { small: false, zoom: false, steps: false });
  assert.ok(warnings({ ...found, viewport_height: 500 }).small);
  assert.ok(warnings({ ...found, browser_zoom: 1.25 }).zoom);
  assert.ok(warnings({ ...found, bright_steps_seen: 3 }).steps);
});
