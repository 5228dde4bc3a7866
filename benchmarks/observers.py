"""Observers for load and faults: the simulator's decisions and times, the trial page's requests and its persistence.

Many of them run in one thread, so that the machine's cores are left to the server.
"""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp
from pathlib import PurePosixPath
from urllib.parse import urlencode

from wire import Client, Reply

from app.simulate import SPEED_SPREAD, SUBMIT_SECONDS, SimulatedObserver, measures

SKILL = 0.7
RETRY_SECONDS = 0.05  # shorter than the page's, to meet a server at every moment of its start
FORM = "application/x-www-form-urlencoded"
PROFILE = {"agree": "yes", "role": "general", "specialty": "", "years": "12"}


@dataclass
class Log:
    """What became of the requests: seconds by kind, failures by reason."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {"answer": [], "image": [], "shown": []})
    failures: Counter = field(default_factory=Counter)
    image_bytes: int = 0


class OutOfTurn(Exception):
    """The server says 409: the trial is not due, or has a different rating."""


class Observer:
    """One session. A request that fails is sent again until it is answered, as the page does.

    `pace` multiplies the simulator's think times; 0 takes none. `confirmed` is the rating of each trial that the
    server has confirmed with a 200, `contradicted` the trials of which it has confirmed two.
    """

    def __init__(self, client: Client, link: str, truths: Mapping[str, str], pace: float, log: Log, images: bool):
        self.client, self.link, self.truths, self.pace, self.log, self.images = client, link, truths, pace, log, images
        self.mind = SimulatedObserver.draw(SKILL, random.Random(link))
        self.confirmed: dict[int, int] = {}
        self.contradicted: list[int] = []
        self.strays = 0  # requests beside those of the trial page
        self.state: dict = {}

    async def begin(self) -> None:
        for page in ("consent", "profile", "start"):
            await self.call("POST", f"/{page}", urlencode(PROFILE).encode(), FORM, good=303)
        await self.load()

    async def load(self) -> None:
        self.state = (await self.call("GET", "/state")).json()

    async def play(self, until: float = float("inf")) -> None:
        """Rate what is left, or as much as there is time for; `until` by `time.monotonic()`."""
        chained = False
        while (trial := self.state["current"]) and time.monotonic() < until:
            chained = await self.trial(trial, self.state["upcoming"], chained)

    async def trial(self, trial: Mapping, upcoming: list, chained: bool) -> bool:
        """Look at one image and rate it; whether the next one is shown at once."""
        began = time.monotonic()
        if self.images:
            await self.image(trial["image"])
        index, ticket = trial["trial"], trial["ticket"]
        if not chained:
            await self.shown(index, ticket)
        chance = random.Random(f"{self.link}:{index}")
        rating, seconds = self.mind.decide(self.truths[PurePosixPath(trial["image"]).stem] == "synthetic", chance)
        submit = seconds + SUBMIT_SECONDS * exp(chance.gauss(0, SPEED_SPREAD))
        if self.pace:
            await asyncio.sleep(max(0, began + self.pace * submit - time.monotonic()))
        next_shown = (
            bool(upcoming) and {trial["kind"], upcoming[0]["kind"]} == {"scored"} and not upcoming[0]["break_before"]
        )
        body = {"ticket": ticket, "rating": rating, "next_shown": next_shown}
        await self.rate(index, body | {"measures": measures(seconds, submit, trial["viewing_ms"])})
        return next_shown

    async def shown(self, index: int, ticket: str) -> None:
        try:
            await self.call("POST", f"/trials/{index}/shown", json.dumps({"ticket": ticket}).encode(), log="shown")
        except OutOfTurn:
            self.log.failures["409"] += 1

    async def rate(self, index: int, body: Mapping) -> None:
        try:
            reply = await self.call("PUT", f"/trials/{index}", json.dumps(body).encode(), log="answer")
        except OutOfTurn:
            self.log.failures["409"] += 1
            await self.load()
            return
        self.state = reply.json()
        self.confirm(index, body["rating"])

    def confirm(self, index: int, rating: int) -> None:
        if self.confirmed.setdefault(index, rating) != rating:
            self.contradicted.append(index)

    async def image(self, path: str) -> None:
        reply = await self._persist("GET", path, b"", "", False, 200, "image")
        self.log.image_bytes += reply.size

    async def call(
        self, method: str, path: str, body: bytes = b"", kind: str = "", good: int = 200, log: str | None = None
    ) -> Reply:
        return await self._persist(method, self.link + path, body, kind, True, good, log)

    async def _persist(
        self, method: str, path: str, body: bytes, kind: str, keep: bool, good: int, log: str | None
    ) -> Reply:
        while True:
            began = time.perf_counter()
            try:
                reply = await self.client.request(method, path, body, kind, keep)
            except OSError as error:
                self.log.failures[type(error).__name__] += 1
            else:
                if reply.status == good:
                    if log:
                        self.log.seconds[log].append(time.perf_counter() - began)
                    return reply
                if reply.status == 409:
                    raise OutOfTurn(reply.body.decode())
                self.log.failures[str(reply.status)] += 1
                if reply.status < 500:
                    raise RuntimeError(f"{method} {path}: {reply.status} {reply.body.decode()}")
            await asyncio.sleep(RETRY_SECONDS)
