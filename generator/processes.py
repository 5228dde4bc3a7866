"""Several processes: work shared among them, and one writer of a folder at a time."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import connection
from pathlib import Path

from .errors import GeneratorError

try:
    import fcntl
except ImportError:  # Windows has no advisory locks of this kind
    fcntl = None


class BusyError(GeneratorError):
    """Another process is writing the same folder."""


def in_processes(function: Callable, jobs: Sequence, processes: int | None = None) -> Iterator:
    """`map(function, jobs)`, in order, by `processes` processes: None takes one a core, 1 works in this one.

    Stopping early drops what has not begun. When this process is killed, the others end too.
    """
    processes = min(processes or os.cpu_count() or 1, len(jobs))
    if processes <= 1:
        yield from map(function, jobs)
        return
    # Spawned, not forked: the same on Linux and macOS, and safe beside whatever threads the caller runs.
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(processes, mp_context=context, initializer=_follow_the_parent)
    try:
        yield from executor.map(function, jobs)
    finally:
        executor.shutdown(cancel_futures=True)


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, or raise BusyError; the system drops it when the process dies, however it dies."""
    with open(folder / ".lock", "wb") as lock:
        if fcntl is not None:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise BusyError(f"Another process is writing {folder}: wait for it or stop it") from error
        yield


def _follow_the_parent() -> None:
    """In a worker: leave Ctrl-C to the parent, and end when the parent was killed, which closes no queue."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    connection.wait([multiprocessing.parent_process().sentinel])
    os._exit(1)
