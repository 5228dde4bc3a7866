"""What was made of each seed, in files that all processes of a run append to and read.

`.work/made-RANK.jsonl` in the pool's folder, one line a candidate, appended when its image is durable. Each process
writes its own and reads all; what the pool becomes follows from the lines alone, so that it does not depend on who
wrote them, nor on when somebody was killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from pathlib import Path

from ..pool_folder import Lines

try:
    import fcntl
except ImportError:  # Windows has no advisory locks of this kind
    fcntl = None

WORK = ".work"


class Candidates:
    """The candidates of a pool, by index; use it in a `with` block."""

    def __init__(self, pool: Path, rank: int):
        self.folder = pool / WORK
        self.rank = rank
        self.known: dict[int, dict] = {}
        self._read: dict[Path, int] = {}

    def __enter__(self) -> Candidates:
        self.folder.mkdir(exist_ok=True)
        with contextlib.ExitStack() as held:  # lets go of the lock where what follows fails
            lock = held.enter_context(open(self._lock(self.rank), "wb"))
            if fcntl is not None:
                fcntl.flock(lock, fcntl.LOCK_EX)
            self._lines = held.enter_context(Lines(self.folder / f"made-{self.rank}.jsonl"))
            self.refresh()
            self._held = held.pop_all()
        return self

    def __exit__(self, *_) -> None:
        self._held.close()

    def refresh(self) -> None:
        """Read what was appended since, by anybody. Half a line is one that is being written, or was when its writer
        was killed: it is left alone."""
        for file in sorted(self.folder.glob("made-*.jsonl")):
            with contextlib.suppress(FileNotFoundError), open(file, "rb") as opened:
                opened.seek(self._read.get(file, 0))
                data = opened.read()
                whole = data[: data.rfind(b"\n") + 1]
                self._read[file] = self._read.get(file, 0) + len(whole)
                for line in whole.splitlines():
                    self._take(json.loads(line))

    def add(self, candidate: dict) -> None:
        """Record a candidate of this process; its image is durable."""
        if candidate["index"] not in self.known:
            self._lines.append(candidate)
            self._take(candidate)

    def _take(self, candidate: dict) -> None:
        self.known.setdefault(candidate["index"], candidate)

    def writes(self, rank: int) -> bool:
        """Whether the process `rank` is running: it holds a lock that ends with it."""
        if fcntl is None or rank == self.rank:
            return True
        try:
            with open(self._lock(rank), "rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False

    def _lock(self, rank: int) -> Path:
        return self.folder / f"running-{rank}"


def clear_work(pool: Path) -> None:
    """Remove the candidates of a finished pool; by a new name first, so that no half of them is ever taken for all."""
    done = pool / f"{WORK}.done"
    shutil.rmtree(done, ignore_errors=True)
    with contextlib.suppress(FileNotFoundError):
        os.rename(pool / WORK, done)
    shutil.rmtree(done, ignore_errors=True)
