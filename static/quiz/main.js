// The trial page: puts the parts together and starts the session, in one tab at a time.

import { Api } from "./api.js";
import { FrameMeter } from "./clock.js";
import { Controls } from "./controls.js";
import { Focus } from "./focus.js";
import * as frames from "./frames.js";
import { Images } from "./images.js";
import { Queue } from "./queue.js";
import { Screen } from "./screen.js";
import { Session } from "./session.js";
import { Storage } from "./storage.js";
import { Sync } from "./sync.js";
import { oneTab } from "./tabs.js";
import { ASIDE, failure } from "./texts.js";
import { Viewer } from "./viewer.js";

const root = document.getElementById("quiz");
const { url } = root.dataset;
const screen = new Screen(root);
const time = { now: () => performance.now(), epoch: () => Date.now() };

const tab = oneTab(`panodiff-quiz ${url}`, {
  hold: (signal) => hold(signal),
  aside: () => screen.ask(ASIDE, "aside").then(() => tab.take()),
});

/** Runs the session until it is done, can't go on, or `stepAside` aborts. */
async function hold(stepAside) {
  const run = new AbortController();
  stepAside.addEventListener("abort", () => run.abort(stepAside.reason));
  try {
    await play(run);
    location.replace(url);
  } catch (error) {
    run.abort(error);
    if (!stepAside.aborted) await stop(error);
  }
}

async function play(run) {
  const { signal } = run;
  const storage = await Storage.open();
  const sync = new Sync(new Api(url));
  const queue = new Queue({ storage, deliver: (item) => sync.deliver(item), signal });
  queue.addEventListener("refused", ({ detail }) => run.abort(detail));
  const images = new Images();
  images.addEventListener("trouble", () => screen.imageTrouble());
  signal.addEventListener("abort", () => images.want([]));
  const viewer = new Viewer(screen.canvas, signal);
  const focus = new Focus(signal);
  const meter = new FrameMeter();
  const session = new Session({ sync, queue, storage, images, viewer, screen, focus, frames, meter, time }, signal);
  new Controls({ session, viewer, screen }, signal);
  warnBeforeLosing(queue, signal);
  await session.run();
}

async function stop(error) {
  if (!error.status) console.error(error);
  await screen.ask(failure(error), "stopped");
  location.reload();
}

/** Without a durable store, ratings that have not been sent would go with the page. */
function warnBeforeLosing(queue, signal) {
  const warn = (event) => {
    const { state, durable } = queue.status;
    if (state !== "saved" && !durable) event.preventDefault();
  };
  addEventListener("beforeunload", warn, { signal });
}
