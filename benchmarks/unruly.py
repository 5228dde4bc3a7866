"""Observers behind a bad line: what they send arrives twice, late, in another order, or with nobody waiting for it."""

import asyncio
import json
import random
from collections.abc import Mapping

from observers import Observer
from wire import Client

DELAYS = (0, 0, 0.01, 0.05, 0.3, 2)  # seconds
MOST_STRAYS = 3  # beside each rating that is sent as it should be


class Unruly(Observer):
    """Sends stray requests beside its own: copies, other ratings of the same trial, old ratings, and this trial's
    rating to the next one."""

    def __init__(self, *args):
        super().__init__(*args)
        self._sent: list[tuple[int, Mapping]] = []
        self._tasks: set[asyncio.Task] = set()

    async def play(self, until: float = float("inf")) -> None:
        await super().play(until)
        await asyncio.gather(*self._tasks)

    async def rate(self, index: int, body: Mapping) -> None:
        self._sent.append((index, body))
        other = body | {"rating": body["rating"] % 5 + 1}
        possible = [(index, body), (index, other), random.choice(self._sent), (index + 1, body)]
        for stray in random.sample(possible, random.randint(1, MOST_STRAYS)):
            self.strays += 1
            self._tasks.add(asyncio.create_task(self._send(*stray)))
        await asyncio.sleep(random.uniform(0, 0.02))
        await super().rate(index, body)

    async def _send(self, index: int, body: Mapping) -> None:
        await asyncio.sleep(random.choice(DELAYS))
        client = Client(self.client.port)
        asking = client.request("PUT", f"{self.link}/trials/{index}", json.dumps(body).encode())
        if random.random() < 0.2:
            asking = asyncio.wait_for(asking, random.uniform(0, 0.01))  # hangs up, whatever the server is doing
        try:
            reply = await asking
        except (OSError, TimeoutError) as error:
            self.log.failures[type(error).__name__] += 1
        else:
            if reply.status == 200:
                self.confirm(index, body["rating"])
            elif reply.status >= 500:
                self.log.failures[str(reply.status)] += 1
        client.close()
        await asyncio.sleep(0)  # in which the connection is closed
