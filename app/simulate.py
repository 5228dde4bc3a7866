"""Simulated observers: they play whole sessions through the real HTTP interface, with human-like times and certainty.

Each follows the equal-variance signal detection model (Green & Swets, 1966): an image gives the evidence x ~ N(0, 1) if
it is real and N(d', 1) if it is synthetic, and four criteria cut x into the five ratings. An observer of skill A, the
area under the ROC curve, has d' = sqrt(2) * z(A).
"""

import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import exp, sqrt
from pathlib import PurePosixPath
from statistics import NormalDist

import requests

CRITERIA = (-1.1, -0.35, 0.35, 1.1)  # between the ratings, relative to the point halfway between the two means
CRITERIA_SPREAD = 0.25  # how much observers differ in the criteria and in their bias
MEDIAN_SECONDS = 6.5  # to a decision that is neither easy nor hard
SPEED_SPREAD = 0.35  # of the logarithm of the time, between observers and between trials
SUBMIT_SECONDS = 0.6  # from the selection of a rating to its submission
FRAME_MS = 1000 / 60
TIMEOUT_SECONDS = 60


class SimulationError(RuntimeError):
    """The simulation cannot go on: one sentence that says what to do."""


@dataclass(frozen=True)
class SimulatedObserver:
    """How one observer decides. `skill` is the expected area under the ROC curve, 0.5 to below 1."""

    skill: float
    criteria: tuple[float, float, float, float]
    median_seconds: float

    @classmethod
    def draw(cls, skill: float, chance: random.Random) -> "SimulatedObserver":
        bias = chance.gauss(0, CRITERIA_SPREAD)
        criteria = sorted(bias + place + chance.gauss(0, CRITERIA_SPREAD / 2) for place in CRITERIA)
        return cls(skill, tuple(criteria), MEDIAN_SECONDS * exp(chance.gauss(0, SPEED_SPREAD)))

    def decide(self, synthetic: bool, chance: random.Random) -> tuple[int, float]:
        """(rating, seconds to its selection) for one image. Decisions close to a criterion take longer."""
        half = sqrt(2) * NormalDist().inv_cdf(self.skill) / 2
        evidence = chance.gauss(half if synthetic else -half, 1)
        rating = 1 + sum(evidence > criterion for criterion in self.criteria)
        doubt = exp(-min(abs(evidence - criterion) for criterion in self.criteria))
        return rating, self.median_seconds * (0.6 + 0.6 * doubt) * exp(chance.gauss(0, SPEED_SPREAD))


def check_skill(skill: float) -> float:
    """Return the skill; raise SimulationError if no observer can have it."""
    if not 0.5 <= skill <= 0.999:
        raise SimulationError(
            f"A skill of {skill} can't be: it is the area under the ROC curve, 0.5 (guessing) to 0.999."
        )
    return skill


def simulate(
    addresses: Mapping[str, str],
    truths: Mapping[str, str],
    skill: float,
    seed: int,
    think: bool,
    progress: Callable[[], None],
) -> None:
    """Play the sessions at `addresses` (observer's name -> personal link) at the same time, to their ends.

    `truths` gives the truth by image name: simulated observers need it to be right as often as their skill says. With
    `think` they take their time; without, they only report the times that they would have taken. The same seed gives
    the same ratings, whatever the order of requests. `progress` is called after each rating. Raises SimulationError.
    """
    check_skill(skill)
    stop = threading.Event()
    with ThreadPoolExecutor(max_workers=len(addresses)) as pool:
        sessions = [
            pool.submit(SimulatedSession(address, truths, f"{seed}:{name}", skill, think, progress, stop).play)
            for name, address in addresses.items()
        ]
        try:
            for session in sessions:
                session.result()
        except requests.RequestException as error:
            base = next(iter(addresses.values())).split("/quiz/")[0]
            raise SimulationError(f"The server at {base} can't be reached: is it running?") from error
        finally:
            # After Ctrl-C, or when one session has failed, the others end with the trial they are at.
            stop.set()


class SimulatedSession:
    """One session, played as the trial page plays it."""

    def __init__(
        self,
        address: str,
        truths: Mapping,
        seed: str,
        skill: float,
        think: bool,
        progress: Callable,
        stop: threading.Event,
    ):
        self.address, self.truths, self.seed = address, truths, seed
        self.observer = SimulatedObserver.draw(skill, random.Random(seed))
        self.think, self.progress, self.stop = think, progress, stop
        self.http = requests.Session()

    def play(self) -> None:
        with self.http:
            self._begin()
            state = self._call("GET", "/state")
            chained = False
            while (trial := state["current"]) and not self.stop.is_set():
                state, chained = self._trial(trial, state["upcoming"], chained)
                self.progress()

    def _begin(self) -> None:
        chance = random.Random(f"{self.seed}:profile")
        years = chance.randint(0, 35)
        profile = {"role": chance.choice(["general", "specialist", "radiologist", "resident"]), "years": str(years)}
        for path, form in (("/consent", {"agree": "yes"}), ("/profile", profile), ("/start", {})):
            reply = self.http.post(self.address + path, data=form, allow_redirects=False, timeout=TIMEOUT_SECONDS)
            if reply.status_code != 303:
                raise SimulationError(
                    f"The server answered {reply.status_code} to {path}: is it the one of this study?"
                )

    def _trial(self, trial: Mapping, upcoming: list, chained: bool) -> tuple[dict, bool]:
        """Look at one image and rate it: the new state, and whether the next image follows at once."""
        began = time.monotonic()
        self._image(trial["image"])
        if not chained:
            self._call("POST", f"/trials/{trial['trial']}/shown", {"ticket": trial["ticket"]})
        chance = random.Random(f"{self.seed}:{trial['trial']}")
        name = PurePosixPath(trial["image"]).stem
        rating, seconds = self.observer.decide(self.truths[name] == "synthetic", chance)
        submit = seconds + SUBMIT_SECONDS * exp(chance.gauss(0, SPEED_SPREAD))
        if self.think:
            self.stop.wait(max(0, began + submit - time.monotonic()))
        chained = (
            bool(upcoming) and {trial["kind"], upcoming[0]["kind"]} == {"scored"} and not upcoming[0]["break_before"]
        )
        body = {"ticket": trial["ticket"], "rating": rating, "next_shown": chained}
        body["measures"] = measures(seconds, submit, trial["viewing_ms"])
        return self._call("PUT", f"/trials/{trial['trial']}", body), chained

    def _image(self, path: str) -> None:
        base = self.address.split("/quiz/")[0]
        self._checked(self.http.get(base + path, timeout=TIMEOUT_SECONDS))

    def _call(self, method: str, path: str, body: dict | None = None) -> dict:
        reply = self.http.request(method, self.address + path, json=body, timeout=TIMEOUT_SECONDS)
        return json.loads(self._checked(reply).content)

    @staticmethod
    def _checked(reply: requests.Response) -> requests.Response:
        if not reply.ok:
            raise SimulationError(f"The server answered {reply.status_code} to {reply.request.method} {reply.url}.")
        return reply


def measures(seconds: float, submit: float, viewing_ms: int) -> dict:
    """What a browser would have measured of a rating selected after `seconds` and submitted after `submit` seconds."""
    submitted_ms = round(submit * 1000, 1)
    return {
        "response_ms": round(seconds * 1000, 1),
        "first_input_ms": round(seconds * 1000, 1),
        "submitted_ms": submitted_ms,
        "visible_ms": min(submitted_ms, viewing_ms),
        "hidden_by_limit": submitted_ms > viewing_ms,
        "rating_changes": 0,
        "frame_ms": round(FRAME_MS, 2),
    }
