// What the trial page says.

/** Seconds as people read them: "9 s", from a minute on "9:58". */
export function seconds(ms) {
  const whole = Math.ceil(ms / 1000 - 0.001);
  return whole < 60 ? `${whole} s` : minutes(whole);
}

export function minutes(whole) {
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

export function progress({ kind, number }, total) {
  if (kind === "scored") return `Image ${number} of ${total}`;
  return number === 1 ? "Warm-up" : `Practice ${number - 1}`;
}

/** `status`: that of the queue. */
export function saving({ state, waiting, durable }) {
  if (state === "saved") return "Saved";
  const keep = durable ? "" : " – keep this tab open";
  const count = waiting > 0 ? `${waiting} waiting` : "";
  if (state === "refused") return count + keep;
  if (state === "offline") return (count ? `Offline: ${count}` : "Offline") + keep;
  return `Saving…${keep}`;
}

/** The phases in which the observer waits for the network. */
export const WAITING = new Set(["fetching", "waiting", "finishing"]);

/** The line in place of the image. `status`: that of the queue. */
export function prompt(phase, { state, durable }) {
  if (state === "offline" && WAITING.has(phase)) {
    const where = durable ? "on this computer" : "as long as this tab stays open";
    return `No connection. Your ratings are kept ${where}. The quiz goes on by itself when the connection is back.`;
  }
  return PROMPTS[phase] ?? "";
}

const PROMPTS = {
  loading: "Loading…",
  fetching: "Loading image…",
  away: "Paused. The image comes back when you do.",
  hidden: "Time is up. How sure are you?",
  waiting: "Loading…",
  finishing: "Saving your last ratings…",
};

export const UNREACHABLE = "No connection. Trying again…";
export const IMAGE_TROUBLE = "The image has not arrived yet. Trying again…";

/** The screen before a trial: a break, the beginning, going on after a reload. */
export function introduction(trial, { title, scored_total: total }) {
  const pace = `${total} images, each on screen for ${seconds(trial.viewing_ms)}.`;
  if (trial.break_before) return breakScreen(trial, total);
  if (trial.kind === "practice") return trial.number === 1 ? WARM_UP : practice(trial);
  if (trial.number > 1) {
    return { title: "Welcome back", text: `Continue with image ${trial.number} of ${total}.`, button: "Continue" };
  }
  if (trial.trial === 0) return { title, text: pace, button: "Begin" };
  const done = trial.trial === 1 ? "Warm-up done" : "Practice done";
  return { title: done, text: `The timed images begin now: ${pace}`, button: "Begin" };
}

const WARM_UP = {
  title: "Warm-up",
  text: "An image to try the controls and the five answers on. It is not counted, and there is no hurry.",
  button: "Begin",
};

function practice(trial) {
  const text = `Now at the pace of the quiz: each image is on screen for ${seconds(trial.viewing_ms)}. Still not counted.`;
  return { title: "Practice", text, button: "Continue" };
}

function breakScreen({ break_before: { kind, seconds: length }, number }, total) {
  const text = `Rest your eyes: the clock is stopped. Next is image ${number} of ${total}.`;
  const title = kind === "long" ? "Halfway: a longer break" : "Short break";
  return { title, text, button: "Continue", countdown: length };
}

export function rest(left) {
  return left > 0 ? `Suggested rest: ${minutes(left)}` : "Go on when you are ready.";
}

export function feedback({ truth }) {
  const title = truth === "real" ? "This image was real." : "This image was fake.";
  return { title, text: "For the images that count you won’t be told.", button: "Continue" };
}

export const ASIDE = {
  title: "The quiz is open in another tab",
  text: "Go on there, or use this tab instead. Your place is kept.",
  button: "Use this tab",
};

/** Why the session can't go on. `error`: what stopped it. */
export function failure(error) {
  if (error.code === "no-such-link") {
    return { title: "This link is no longer valid", text: "Ask the researcher for a new one. Your ratings are kept." };
  }
  const text = error.status ? error.message : "Something went wrong on this page.";
  return { title: "The quiz has stopped", text: `${text} Your ratings are kept.`, button: "Try again" };
}
