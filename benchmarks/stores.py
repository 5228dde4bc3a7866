"""The stores that are measured: the records over a data folder, and a running Firestore emulator."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emulator import Emulator, find_jar

from app import create_app
from app.records import Records


def records_of(data: Path) -> Records:
    """With the store that the environment names."""
    return create_app(data).extensions["records"]


@contextmanager
def emulated(folder: Path) -> Iterator[Emulator]:
    """A running emulator, and the environment that makes it this process's store."""
    folder.mkdir()
    emulator = Emulator(find_jar(), folder)
    emulator.start()
    os.environ.update(emulator.environment)
    try:
        yield emulator
    finally:
        for name in emulator.environment:
            del os.environ[name]
        emulator.end()
