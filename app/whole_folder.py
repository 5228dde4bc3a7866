"""A folder of files made by all cores, durable and whole, or not there at all."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


@contextlib.contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Yield an empty hidden folder beside `target`; it becomes `target` when the block ends, and vanishes if it fails.

    Ctrl-C counts as failing. Raises FileExistsError if `target` exists, before the block and again after it. A process
    that is killed outright leaves the hidden folder behind, which may be deleted.
    """
    _refuse_existing(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    building = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    building.mkdir()
    try:
        yield building
        for folder, _, _ in os.walk(building):
            _sync_folder(folder)
        _refuse_existing(target)
        building.rename(target)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    _sync_folder(target.parent)


@contextlib.contextmanager
def on_all_cores(function: Callable, *arguments: Iterable) -> Iterator[Iterator]:
    """Yield an iterator like that of `map(function, *arguments)`, computed ahead by one thread a core.

    For work that releases the interpreter's lock, as Pillow's decoders and encoders do. Leaving the block early, by
    Ctrl-C or any error, drops what has not begun and waits for what has, so that nothing writes afterwards.
    """
    executor = ThreadPoolExecutor(os.cpu_count())
    try:
        yield executor.map(function, *arguments)
    finally:
        executor.shutdown(cancel_futures=True)


def write_durably(path: Path, data: bytes) -> None:
    """Write bytes to a new file and have the disk confirm them."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _refuse_existing(target: Path) -> None:
    if os.path.lexists(target):
        raise FileExistsError(f"{target.name} exists already")


def _sync_folder(folder: str | Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
