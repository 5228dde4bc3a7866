"""Documents from one store to another, or back from a backup: all of them, never over others, and read back."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Protocol

from .records import KINDS
from .store import Store, StoreError

PASSES = 3  # compare, write, read back
THREADS = 8  # a write to Firestore waits for the line most of the time
BATCH = 200  # documents in memory


class Source(Protocol):
    """What can be copied from: a store, or anything else with these two of its operations."""

    def scan(self, kind: str) -> Iterator[tuple[str, dict]]: ...

    def count(self, kind: str) -> int: ...


def steps(source: Source) -> int:
    """How often `copy_documents` calls its `progress`."""
    return PASSES * sum(source.count(kind) for kind in KINDS)


def copy_documents(source: Source, target: Store, progress: Callable[[], object]) -> None:
    """Copy what the target lacks, then read everything back.

    Started again after a crash, it goes on where it was. Raises StoreError before anything is written if a document
    differs from the one that the target has already, and afterwards if one that is read back differs.
    """
    for kind, key, document, found in _pairs(source, target):
        if found not in (None, document):
            raise StoreError(f"There is another {kind} {key} already: nothing was copied. Copy into an empty store.")
        progress()
    for batch in _batches(_pairs(source, target)):
        missing = [(kind, key, document) for kind, key, document, found in batch if found is None]
        with ThreadPoolExecutor(THREADS) as threads:
            list(threads.map(lambda one: target.create(*one), missing))
        for _ in batch:
            progress()
    for kind, key, document, found in _pairs(source, target):
        if found != document:
            raise StoreError(f"The {kind} {key} changed while it was copied: stop the server and copy again.")
        progress()


def _pairs(source: Source, target: Store) -> Iterator[tuple[str, str, dict, dict | None]]:
    """(kind, key, document in the source, document in the target) for all in the source, read side by side."""
    for kind in KINDS:
        there = target.scan(kind)
        key_there, found = next(there, (None, None))
        for key, document in source.scan(kind):
            while key_there is not None and key_there.encode() < key.encode():
                key_there, found = next(there, (None, None))
            yield kind, key, document, found if key_there == key else None


def _batches(pairs: Iterator[tuple]) -> Iterator[list[tuple]]:
    while batch := list(islice(pairs, BATCH)):
        yield batch
