import assert from "node:assert/strict";
import { test } from "node:test";

import { ApiError } from "../../static/quiz/api.js";
import { FakePage, FakeServer, FakeStorage, settled } from "./fakes.mjs";

const scored = (count) => Array.from({ length: count }, () => ({}));
const offline = new ApiError(0, "network", "No connection.");

async function begun(server, storage) {
  const page = new FakePage(server, storage);
  await page.start();
  if (page.phase === "pausing") await page.goOn();
  else await page.frames();
  return page;
}

test("a session runs from its first image to its end, each trial rated once, in order", async () => {
  const server = new FakeServer(scored(3));
  const page = await begun(server);
  for (const rating of [1, 5, 3]) {
    assert.equal(page.phase, "showing");
    await page.rate(rating);
    await page.frames();
  }
  await page.done;
  assert.deepEqual(
    [...server.ratings].map(([trial, { rating }]) => [trial, rating]),
    [
      [0, 1],
      [1, 5],
      [2, 3],
    ],
  );
  assert.deepEqual(
    page.shownImages,
    server.trials.map(({ image }) => image),
  );
});

test("only the first image of a chain is announced, the others go with the rating before", async () => {
  const server = new FakeServer(scored(3));
  const page = await begun(server);
  for (let i = 0; i < 3; i += 1) {
    await page.rate(2);
    await page.frames();
  }
  assert.deepEqual(
    server.calls.filter(([what]) => what === "shown"),
    [["shown", 0, "ticket 0"]],
  );
  assert.deepEqual(
    server.calls.filter(([what]) => what === "rate").map((call) => call[4]),
    [true, true, false],
  );
});

test("the image goes when its time is up, at the frame nearest to the limit, and can still be rated", async () => {
  const server = new FakeServer(scored(1));
  const page = await begun(server);
  await page.frames(49);
  assert.equal(page.phase, "showing");
  await page.frames();
  assert.deepEqual([page.phase, page.image], ["hidden", null]);
  await page.frames(10);
  await page.rate(4);
  await page.done;
  const { measures } = server.ratings.get(0);
  assert.equal(measures.visible_ms, 1000);
  assert.equal(measures.hidden_by_limit, true);
  assert.equal(measures.response_ms, 1200);
});

test("the next image follows only when the rating is kept", async () => {
  const storage = new FakeStorage();
  const server = new FakeServer(scored(2));
  const page = await begun(server, storage);
  let write;
  storage.keep = () =>
    new Promise((resolve) => {
      write = resolve;
    });
  await page.rate(1);
  await page.frames(2);
  assert.equal(page.image, null, "a slow disk leaves no image on screen that was rated");
  write();
  await settled();
  await page.frames();
  assert.equal(page.image, "/images/1.webp");
});

test("a disk that is slow to note that the image is shown holds up neither clock nor rating", async () => {
  const server = new FakeServer(scored(1));
  const storage = new FakeStorage();
  storage.keep = ({ kind }) => (kind === "shown" ? new Promise(() => {}) : undefined);
  const page = await begun(server, storage);
  await page.frames(60);
  assert.equal(page.phase, "hidden");
  await page.rate(2);
  assert.equal(server.ratings.get(0).rating, 2);
});

test("an image that isn't decoded is waited for without a clock", async () => {
  const server = new FakeServer(scored(1));
  const page = new FakePage(server);
  await page.start({ decoded: false });
  await page.goOn();
  await page.frames(100);
  assert.equal(page.phase, "fetching");
  page.session.select(1, page.t);
  await page.decode("/images/0.webp");
  await page.frames();
  assert.equal(page.phase, "showing");
  page.session.submit(page.t);
  await page.frames(49);
  assert.equal(page.phase, "showing", "the clock began with the paint, and the early key was ignored");
});

test("nothing is preselected, and a key from before the paint or after the submit is ignored", async () => {
  const server = new FakeServer(scored(2));
  const page = await begun(server);
  page.session.submit(page.t);
  page.session.select(1, page.t - 1);
  page.session.submit(page.t);
  await settled();
  assert.equal(server.ratings.size, 0);
  await page.rate(3);
  page.session.select(5, page.t);
  page.session.submit(page.t);
  await page.frames();
  page.session.submit(page.t);
  await settled();
  assert.deepEqual([...server.ratings.keys()], [0]);
});

test("offline the session goes on while there are images, then waits, and sends all in order when it is back", async () => {
  const server = new FakeServer(scored(8));
  const page = await begun(server);
  server.fail = offline;
  for (let i = 0; i < 4; i += 1) {
    await page.rate(2);
    await page.frames();
  }
  assert.equal(page.phase, "waiting");
  assert.deepEqual(page.queue.status, { state: "offline", waiting: 4, durable: true });
  server.fail = null;
  await page.tryAgain();
  await page.frames();
  assert.equal(page.phase, "showing");
  assert.deepEqual([...server.ratings.keys()], [0, 1, 2, 3]);
});

test("after a reload the clock goes on where it was and the earlier measures are kept", async () => {
  const server = new FakeServer(scored(2));
  const storage = new FakeStorage();
  const first = await begun(server, storage);
  await first.frames(20);
  first.control.abort(new Error("closed"));
  await settled();
  const page = new FakePage(server, storage);
  page.t = 0;
  page.epochOffset = first.epochOffset + first.t + 100;
  await page.start();
  await page.frames();
  assert.equal(page.phase, "showing");
  await page.frames(30);
  assert.equal(page.phase, "hidden");
  await page.rate(1);
  const { measures } = server.ratings.get(0);
  assert.equal(measures.resumed, true);
  assert.ok(measures.response_ms > 1000);
  assert.ok(measures.visible_ms <= 1000 - 100, "the time between the pages wasn't seen");
});

test("an image whose time is over is not shown again after a reload", async () => {
  const server = new FakeServer(scored(1));
  server.elapsed = 5000;
  const page = new FakePage(server);
  page.epochOffset = Date.now();
  await page.start();
  await page.frames();
  assert.equal(page.phase, "hidden");
  assert.deepEqual(page.shownImages, []);
});

test("a rating kept by an earlier page is sent first and its trial not asked again", async () => {
  const server = new FakeServer(scored(3));
  const storage = new FakeStorage();
  await storage.keep({ session: "s", trial: 0, kind: "answer", body: { rating: 5, next_shown: false, measures: {} } });
  const page = await begun(server, storage);
  assert.equal(page.image, "/images/1.webp");
  assert.equal(server.ratings.get(0).rating, 5);
});

test("images are fetched as soon as the server names them, and held while they are on screen", async () => {
  const server = new FakeServer(scored(9));
  const page = await begun(server);
  const urls = (...trials) => trials.map((trial) => `/images/${trial}.webp`);
  assert.deepEqual(page.wanted, urls(0, 1, 2, 3));
  await page.rate(1);
  assert.deepEqual(page.wanted, [...urls(1, 2, 3, 4), ...urls(0)]);
  await page.frames();
  assert.deepEqual(page.wanted, urls(1, 2, 3, 4));
});

test("a break asks to go on, and its image is announced anew", async () => {
  const server = new FakeServer([{}, { break_before: { kind: "short", seconds: 30 } }]);
  const page = await begun(server);
  await page.rate(1);
  assert.equal(page.phase, "pausing");
  assert.equal(page.image, null);
  await page.goOn();
  assert.equal(page.image, "/images/1.webp");
  assert.deepEqual(server.calls.at(-1), ["shown", 1, "ticket 1"]);
});

test("the warm-up gives its feedback and leads to the timed images", async () => {
  const server = new FakeServer([{ kind: "practice" }, { number: 1 }]);
  server.feedback = { truth: "synthetic" };
  const page = await begun(server);
  await page.rate(1);
  assert.deepEqual(page.asked.at(-1).what, { truth: "synthetic" });
  await page.goOn();
  assert.equal(page.asked.at(-1).what.trial, 1);
  await page.goOn();
  assert.equal(page.image, "/images/1.webp");
});

test("practice at the quiz's pace is introduced once, after the warm-up", async () => {
  const practice = { kind: "practice" };
  const server = new FakeServer([{ ...practice, viewing_ms: 600000 }, practice, practice, { number: 1 }]);
  const page = await begun(server);
  await page.rate(1);
  assert.equal(page.asked.at(-1).what.trial, 1);
  await page.goOn();
  await page.rate(1);
  await page.frames();
  assert.deepEqual([page.phase, page.image], ["showing", "/images/2.webp"]);
});

test("a trial that was rated elsewhere is left, and the session goes on at the server's place", async () => {
  const server = new FakeServer(scored(4));
  const page = await begun(server);
  server.fail = offline;
  await page.rate(4);
  await page.frames();
  assert.equal(page.image, "/images/1.webp");
  for (const trial of [0, 1, 2]) server.ratings.set(trial, { rating: 1 });
  server.fail = null;
  await page.tryAgain();
  assert.equal(server.ratings.get(0).rating, 1, "the first rating stands");
  assert.equal(page.asked.at(-1).what.trial, 3);
  assert.equal(page.image, null);
});

test("a study that pauses hides the image and stops the clock until the observer is back", async () => {
  const server = new FakeServer(scored(1));
  server.pauseWhenHidden = true;
  const page = await begun(server);
  await page.frames(10);
  await page.look({ away: true });
  assert.deepEqual([page.phase, page.image], ["away", null]);
  await page.frames(500);
  await page.look({ away: false });
  await page.frames();
  assert.deepEqual([page.phase, page.image], ["showing", "/images/0.webp"]);
  await page.frames(40);
  assert.equal(page.phase, "hidden");
  await page.rate(1);
  const { measures } = server.ratings.get(0);
  assert.equal(measures.visible_ms, 1000);
  assert.deepEqual([measures.focus_losses, measures.focus_lost_ms], [1, 10000]);
});

test("a study that doesn't pause lets the clock run on behind a hidden tab", async () => {
  const server = new FakeServer(scored(1));
  const page = await begun(server);
  await page.frames(10);
  await page.look({ away: true, hidden: true });
  await page.frames(20);
  await page.look({ away: false, hidden: false });
  await page.frames(20);
  assert.equal(page.phase, "hidden");
  await page.rate(1);
  assert.equal(server.ratings.get(0).measures.visible_ms, 580, "back on screen with the frame after the return");
});

test("a refusal that can't pass stops the queue and keeps the rating", async () => {
  const server = new FakeServer(scored(2));
  const storage = new FakeStorage();
  const page = await begun(server, storage);
  await settled();
  const refused = new Promise((resolve) => page.queue.addEventListener("refused", ({ detail }) => resolve(detail)));
  server.fail = new ApiError(404, "no-such-link", "gone");
  await page.rate(1);
  assert.equal((await refused).code, "no-such-link");
  assert.equal(storage.items.size, 1);
});
