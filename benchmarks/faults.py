"""Does anything get lost? Observers answer a real server while it, its store, its disk and its clock fail.

    make benchmark-faults

Afterwards every rating that a client saw confirmed has to be in the store, once, with the value confirmed. Prints the
counts and exits with 1 if one is not. Needs Linux; for the Firestore rows Google's emulator; for the full disk root.
"""

import argparse
import asyncio
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from emulator import Emulator, missing
from line import Line
from live import ROOT
from observers import Log, Observer
from processes import Running, quiz
from stores import emulated, records_of
from unruly import Unruly
from wire import Client

from app.records import Records, Study
from app.study import Protocol

PACE = 1 / 60  # of human think times
DISK_BYTES = 24 * 2**20
CLOCK_JUMPS = (-3600, 86_400, -10 * 86_400, 0)  # seconds against the true time
FORM = "| {:<34} | {:<9} | {:>6} | {:>9} | {:>8} | {:>6} | {:>4} | {:>7} | {:>7} |"


@dataclass
class Count:
    """What became of the ratings of one trial of faults. `lost`: trials without an answer, confirmed or not; `doubled`:
    answers too many; `changed`: stored ratings that are not the confirmed one, and ratings confirmed beside another."""

    faults: int = 0
    confirmed: int = 0
    failures: int = 0
    stored: int = 0
    lost: int = 0
    doubled: int = 0
    changed: int = 0

    @property
    def bad(self) -> bool:
        return bool(self.lost or self.doubled or self.changed) or not self.confirmed


class Play:
    """Observers of a study at a server, each answering until its session is over."""

    def __init__(self, data: Path, observers: int, images: int, kind: type[Observer]):
        self.log, self.kind = Log(), kind
        self.records = records_of(data)
        self.study = imageless(self.records, images)
        self.sessions = [self.records.invite(self.study, f"Observer {i}", 0)[0] for i in range(observers)]

    async def run(self, server: Running, faults: AsyncIterator[None]) -> Count:
        """Play to the end while the faults happen, and see what is stored."""
        truths = {name: image["truth"] for name, image in {**self.study.images, **self.study.practice}.items()}
        links = [f"/quiz/{self.records.token(session)}" for session in self.sessions]
        self.players = [self.kind(Client(server.port), link, truths, PACE, self.log, False) for link in links]
        playing = asyncio.gather(*(_play(player) for player in self.players))
        happened = 0
        async for _ in faults:
            if playing.done():
                break
            happened += 1
        await playing
        return self.count(happened + sum(player.strays for player in self.players))

    def count(self, faults: int) -> Count:
        """What became of the ratings of the sessions, all of which are over."""
        dropped = sum(player.client.dropped for player in self.players)
        count = Count(faults, failures=self.log.failures.total() + dropped)
        for session, player in zip(self.sessions, self.players, strict=True):
            answers = list(self.records.store.scan("answer", f"{session['id']}/"))
            stored = {int(key.split("/")[1]): answer["rating"] for key, answer in answers}
            count.stored += len(answers)
            count.confirmed += len(player.confirmed)
            count.doubled += len(answers) - len(stored)
            count.lost += sum(index not in stored for index in range(1 + self.study.scored_total))
            count.changed += sum(stored.get(index, rating) != rating for index, rating in player.confirmed.items())
            count.changed += len(player.contradicted)
        return count


async def _play(player: Observer) -> None:
    try:
        await player.begin()
        await player.play()
    finally:
        player.client.close()
        await asyncio.sleep(0)  # in which the connection is closed


def imageless(records: Records, images: int) -> Study:
    """A study of so many images that nobody looks at."""
    known = [{"truth": truth, "pool": "pool", "source": "file.png"} for truth in ("real", "synthetic")]
    named = {f"{i:032x}": known[i % 2] for i in range(images)}
    study = Study(Protocol(name="faults", images=images), "0" * 16, named, {"f" * 32: known[0]}, 0)
    records.add_study(study)
    return study


async def kills(server: Running, times: int) -> AsyncIterator[None]:
    """The server and its workers killed at random moments, and started again."""
    for _ in range(times):
        await asyncio.sleep(random.uniform(0, 0.8))
        server.kill()
        yield
        await asyncio.to_thread(server.start)


async def worker_kills(server: Running, times: int) -> AsyncIterator[None]:
    """One worker killed; the server's parent process replaces it."""
    for _ in range(times):
        await asyncio.sleep(random.uniform(0.2, 0.8))
        server.kill_worker()
        yield


async def restarts(emulator: Emulator, line: Line, times: int) -> AsyncIterator[None]:
    """Firestore cut off in the middle of anything, stopped, started again; every other time frozen instead."""
    for turn in range(times):
        await asyncio.sleep(random.uniform(0.5, 1.5))
        if turn % 2:
            emulator.freeze()
            await asyncio.sleep(random.uniform(0.5, 7))
            emulator.thaw()
        else:
            line.cut()
            await asyncio.to_thread(emulator.stop)
            await asyncio.to_thread(emulator.start)
            line.mend()
        yield


async def full_disk(folder: Path, times: int) -> AsyncIterator[None]:
    """All that is left of the disk filled, to the last byte, and freed again."""
    filler = folder / "filler"
    for _ in range(times):
        await asyncio.sleep(random.uniform(0.3, 1))
        fill(filler)
        await asyncio.sleep(random.uniform(0.3, 1))
        yield
        filler.unlink()


def fill(filler: Path) -> None:
    with filler.open("wb", buffering=0) as file:
        for size in (2**20, 4096, 1):
            try:
                while file.write(b"\0" * size):
                    pass
            except OSError:
                continue


async def clock_jumps(shift: Path, times: int) -> AsyncIterator[None]:
    for turn in range(times):
        await asyncio.sleep(random.uniform(0.3, 0.8))
        shift.write_text(str(CLOCK_JUMPS[turn % len(CLOCK_JUMPS)]))
        yield


async def nothing() -> AsyncIterator[None]:
    """No fault but what the observers do themselves."""
    return
    yield


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        # Lazily: this process may still have the database open.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


class Trials:
    """Trials of faults, one after the other, each with a data folder of its own; `bad` once something was lost."""

    def __init__(self, folder: Path, observers: int, images: int):
        self.folder, self.observers, self.images, self.bad, self._number = folder, observers, images, False, 0

    def run(
        self,
        title: str,
        store: str,
        faults: Callable[[Running], AsyncIterator[None]],
        kind: type[Observer] = Observer,
        data: Path | None = None,
        environment: dict[str, str] | None = None,
    ) -> None:
        self._number += 1
        os.environ["FIRESTORE_PREFIX"] = f"faults-{self._number}"
        data = data or self.folder / f"data-{self._number}"
        play = Play(data, self.observers, self.images, kind)
        with quiz(data, self.folder / f"server-{self._number}.log", environment) as server:
            count = asyncio.run(play.run(server, faults(server)))
        self.bad = self.bad or count.bad
        numbers = (count.confirmed, count.failures, count.stored, count.lost, count.doubled, count.changed)
        print(FORM.format(title, store, count.faults, *numbers), flush=True)

    def common(self, store: str, kill_times: int) -> None:
        """The faults that either store has to bear."""
        self.run("server killed with -9", store, partial(kills, times=kill_times))
        self.run("one worker killed with -9", store, partial(worker_kills, times=kill_times // 2))
        shift = self.folder / "shift"
        shift.write_text("0")
        changed = {"CLOCK_SHIFT_FILE": str(shift), "PYTHONPATH": str(ROOT / "benchmarks" / "set_back")}
        jumps = partial(clock_jumps, shift, kill_times // 2)
        self.run("clock set back and forth", store, lambda _: jumps(), environment=changed)
        self.run("doubled, reordered, delayed, cut off", store, lambda _: nothing(), kind=Unruly)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--observers", type=int, default=20)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--store", choices=["SQLite", "Firestore"], help="one of them alone")
    options = parser.parse_args()
    print(FORM.format("fault", "store", "faults", "confirmed", "failures", "stored", "lost", "doubled", "changed"))
    print("|---|---|" + "---:|" * 7)
    with tempfile.TemporaryDirectory() as folder:
        trials = Trials(Path(folder), options.observers, options.images)
        if options.store != "Firestore":
            on_sqlite(trials, options.kills)
        if options.store != "SQLite":
            on_firestore(trials, options.kills)
    sys.exit(trials.bad)


def on_sqlite(trials: Trials, kill_times: int) -> None:
    trials.common("SQLite", kill_times)
    if os.geteuid() != 0:
        print("No row for a full disk: only root can mount one.")
        return
    with small_disk(trials.folder / "disk") as disk:
        trials.run("disk full", "SQLite", lambda _: full_disk(disk, kill_times // 2), data=disk)


def on_firestore(trials: Trials, kill_times: int) -> None:
    if why := missing():
        print(f"No rows for Firestore: {why}.")
        return
    with emulated(trials.folder / "emulator") as emulator, Line(emulator.port) as line:
        os.environ["FIRESTORE_EMULATOR_HOST"] = f"127.0.0.1:{line.port}"
        trials.common("Firestore", kill_times)
        stops = max(2, kill_times // 5)
        trials.run("Firestore stopped or frozen", "Firestore", lambda _: restarts(emulator, line, stops))


if __name__ == "__main__":
    main()
