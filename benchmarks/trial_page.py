"""How exact and how quick the trial page is: a whole session in headless Chromium on a throttled line.

    make benchmark-page

Plays every trial of a study made of the demo's pools. Every other image is left on screen until its time is up, the
others are rated while it is showing. An observer of its own in the page, which knows nothing of the quiz's measures,
notes the frames in which the image appears and goes, and the events; the quiz's own measures are held against it.
"""

import argparse
import platform
import statistics
import tempfile
from pathlib import Path

from browser import launch
from playwright.sync_api import sync_playwright

from app import create_app
from app.creation import create_study
from app.serving import temporary_server
from app.study import Protocol

LATENCY_MS = 100  # of the line, there and back
BITS_PER_SECOND = 10e6
RATE_AFTER_MS = 1200
WAIT_MS = 60_000

# Notes the frames in which the phase changed, and the time stamp of the Enter that submits. The observer of changes is
# called at the end of the very frame callback that made them, when the timeline still holds that frame's time.
WATCH = """
window.seen = { frames: [], enters: [] };
const note = (event) => event.key === "Enter" && !event.repeat && seen.enters.push(event.timeStamp);
addEventListener("keydown", note, true);
new MutationObserver(() => {
    seen.frames.push([document.timeline.currentTime, Number(quiz.dataset.trial), quiz.dataset.phase]);
}).observe(quiz, { attributeFilter: ["data-phase"] });
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--viewing-seconds", type=float, default=2.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Path(folder))
        with app.app_context():
            records = app.extensions["records"]
            settings = {"images": options.images, "viewing_seconds": options.viewing_seconds, "profile": False}
            protocol = Protocol(name="page", **settings)
            study = create_study(records, Path(folder), protocol, "demo-real", "demo-synthetic", 0, lambda: None)
            session, _ = records.invite(study, "Benchmark", 0)
            with temporary_server() as base:
                seen, received = play(f"{base}/quiz/{records.token(session)}", options.viewing_seconds * 1000)
            rows = [row for row in records.rows(study) if row["kind"] == "scored"]
    report(rows, seen, received, options.viewing_seconds * 1000)


def play(url: str, limit_ms: float) -> tuple[dict, float]:
    """Play the session; what the page's observer saw, and the bytes received."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(WAIT_MS)
        network = page.context.new_cdp_session(page)
        network.send("Network.enable")
        speed = BITS_PER_SECOND / 8
        line = {"offline": False, "latency": LATENCY_MS, "downloadThroughput": speed, "uploadThroughput": speed}
        network.send("Network.emulateNetworkConditions", line)
        received = []
        network.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
        page.goto(url)
        page.check("input[name=agree]")
        page.click("button.primary")
        page.click("form[action$='/start'] button")
        page.evaluate(WATCH)
        seen = play_trials(page, limit_ms)
        page.wait_for_selector("main:not(#quiz)")
        browser.close()
        return seen, sum(received)


def play_trials(page, limit_ms: float) -> dict:
    """Rate every trial, every other one only after its time is up."""
    reached = "([phases, left]) => phases.includes(quiz.dataset.phase) && quiz.dataset.trial !== left"
    left = ""
    while True:
        page.wait_for_function(reached, arg=[["pausing", "showing", "hidden"], left])
        phase, trial = page.evaluate("[quiz.dataset.phase, quiz.dataset.trial]")
        if phase == "pausing":
            page.wait_for_timeout(RATE_AFTER_MS)
            page.click("[data-part=go]")
            page.wait_for_function(reached, arg=[["showing", "hidden"], left])
        page.wait_for_timeout(RATE_AFTER_MS)
        if int(trial) % 2:
            page.wait_for_function(reached, arg=[["hidden"], left])
            page.wait_for_timeout(100)
        page.keyboard.press(str(int(trial) % 5 + 1))
        left = page.evaluate("quiz.dataset.trial")
        seen = page.evaluate("seen")
        last = page.locator("[data-part=bar]").evaluate("bar => bar.max - bar.value <= 1")
        page.keyboard.press("Enter")
        # The page goes away by itself once the last rating is saved: what was seen has been read before.
        if last:
            return seen


def report(rows: list[dict], seen: dict, received: float, limit_ms: float) -> None:
    shown = first_frames(seen["frames"], "showing")
    hidden = first_frames(seen["frames"], "hidden")
    errors = [abs(hidden[trial] - shown[trial] - limit_ms) for trial in hidden if trial in shown]
    own = [abs(row["visible_ms"] - limit_ms) for row in rows if row["hidden_by_limit"]]
    waits = [wait for wait in (submit_to_next(seen["enters"], shown, trial) for trial in shown) if wait is not None]
    print(f"{platform.machine()}, {platform.system()}, headless Chromium, {len(rows)} trials of {limit_ms / 1000:g} s,")
    print(f"line of {LATENCY_MS} ms and {BITS_PER_SECOND / 1e6:g} Mbit/s")
    row = "{:<58}{:>8}{:>10}{:>10}{:>10}"
    print(row.format("", "n", "median", "95 %", "99 %"))
    for title, values in (
        ("error of the visible time, seen from outside, ms", errors),
        ("error of the visible time, by the quiz's own measure, ms", own),
        ("from submit to the next image painted, ms", waits),
        ("missed frames an image", [row["frames_missed"] for row in rows]),
    ):
        print(row.format(title, len(values), *(f"{percentile(values, share):.1f}" for share in (50, 95, 99))))
    print(f"bytes of the session: {received / 1e6:.1f} MB, {received / len(rows) / 1e3:.0f} KB an image")


def first_frames(frames: list, phase: str) -> dict[int, float]:
    """Time of the frame at which each trial entered the phase."""
    times: dict[int, float] = {}
    for t, trial, name in frames:
        if name == phase:
            times.setdefault(trial, t)
    return times


def submit_to_next(enters: list[float], shown: dict[int, float], trial: int) -> float | None:
    """ms from the last Enter before a trial was shown to that; None if a break or a screen came between."""
    earlier = [t for t in enters if t < shown[trial]]
    if trial - 1 not in shown or not earlier or shown[trial] - max(earlier) > RATE_AFTER_MS / 2:
        return None
    return shown[trial] - max(earlier)


def percentile(values: list[float], share: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]


if __name__ == "__main__":
    main()
