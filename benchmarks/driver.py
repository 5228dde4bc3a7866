"""The load's own process: takes a plan as JSON on its standard input, gives what it measured as JSON on its output.

`play` plays sessions; `repeat` sends the same few requests over and over, for comparisons.
"""

import asyncio
import itertools
import json
import random
import resource
import sys
import time

from observers import Log, Observer
from processes import cpu_seconds
from wire import Client

RAMP_SECONDS = 8  # over which observers with think times begin, so that they do not all answer at once
BEGIN_AT_ONCE = 20  # observers between consent and first trial, which is no part of what is measured


async def play(plan: dict) -> dict:
    """Begin all sessions, then measure for `seconds`, or to the sessions' ends where that is null."""
    before, log = Log(), Log()
    observers = [
        Observer(Client(plan["port"]), link, plan["truths"], plan["pace"], before, plan["images"])
        for link in plan["links"]
    ]
    door = asyncio.Semaphore(BEGIN_AT_ONCE)
    await asyncio.gather(*(begin(observer, door) for observer in observers))
    began = time.monotonic()
    until = began + plan["seconds"] if plan["seconds"] else float("inf")

    async def join(observer: Observer) -> None:
        if plan["pace"]:
            await asyncio.sleep(random.uniform(0, RAMP_SECONDS))
        observer.log = log
        await observer.play(until)

    used = Used(plan["server"])
    await asyncio.gather(*(join(observer) for observer in observers))
    return _result(used, log.seconds, before.failures + log.failures, log.image_bytes)


async def begin(observer: Observer, door: asyncio.Semaphore) -> None:
    async with door:
        await observer.begin()


async def repeat(plan: dict) -> dict:
    """`clients` send the requests in turn for `seconds`."""
    requests = itertools.cycle(plan["requests"])
    seconds, failures, received = [], {}, 0
    until = time.monotonic() + plan["seconds"]

    async def send() -> None:
        nonlocal received
        client = Client(plan["port"])
        while time.monotonic() < until:
            method, path, body = next(requests)
            began = time.perf_counter()
            try:
                reply = await client.request(method, path, body.encode(), keep=False)
                status = str(reply.status)
            except OSError as error:
                status = type(error).__name__
            if status == "200":
                seconds.append(time.perf_counter() - began)
                received += reply.size
            else:
                failures[status] = failures.get(status, 0) + 1

    used = Used(plan["server"])
    await asyncio.gather(*(send() for _ in range(plan["clients"])))
    return _result(used, {"request": seconds}, failures, received)


class Used:
    """What has passed since it was made: seconds, and processor seconds of the server's process group and of this
    process."""

    def __init__(self, server: int):
        self._server, self._before = server, self._read(server)

    def since(self) -> dict[str, float]:
        now = self._read(self._server)
        return {name: now[name] - before for name, before in self._before.items()}

    @staticmethod
    def _read(server: int) -> dict[str, float]:
        own = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "elapsed": time.monotonic(),
            "server_cpu": cpu_seconds(server),
            "driver_cpu": own.ru_utime + own.ru_stime,
        }


def _result(used: Used, seconds: dict, failures: dict, received: int) -> dict:
    return {
        **used.since(),
        "seconds": seconds,
        "failures": dict(failures),
        "received": received,
    }


def main() -> None:
    plan = json.load(sys.stdin)
    json.dump(asyncio.run({"play": play, "repeat": repeat}[plan["mode"]](plan)), sys.stdout)


if __name__ == "__main__":
    main()
