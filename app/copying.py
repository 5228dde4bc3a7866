"""Documents from one store to another, or back from a backup: all or those of one study, never over others, and read
back."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
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


class Target(Source, Protocol):
    """What can be copied to: a store, or anything else with these three of its operations."""

    def create(self, kind: str, key: str, document: dict) -> bool: ...


class OneStudy:
    """The part of a store that belongs to one study: what `copy_documents` takes, and what it may write to."""

    def __init__(self, store: Store, study: str, sessions: Iterable[str]):
        self._store, self._study, self._sessions = store, study, sorted(sessions)

    def scan(self, kind: str) -> Iterator[tuple[str, dict]]:
        if kind == "study":
            found = self._store.get(kind, self._study)
            return iter([] if found is None else [(self._study, found)])
        if kind in ("session", "observer"):
            return self._store.scan(kind, f"{self._study}/")
        if kind in ("answer", "shown"):
            return chain.from_iterable(self._store.scan(kind, f"{session}/") for session in self._sessions)
        return ((key, document) for key, document in self._store.scan(kind) if document["study"] == self._study)

    def count(self, kind: str) -> int:
        return sum(1 for _ in self.scan(kind))

    def create(self, kind: str, key: str, document: dict) -> bool:
        return self._store.create(kind, key, document)


def one_study(source: Store, target: Store, study: str) -> tuple[OneStudy, OneStudy]:
    """The study's part of both stores. StoreError if the source has no such study."""
    if source.get("study", study) is None:
        known = ", ".join(key for key, _ in source.scan("study")) or "none"
        raise StoreError(f"There is no study named {study} in the store to copy from. Studies: {known}.")
    sessions = [document["id"] for _, document in source.scan("session", f"{study}/")]
    return OneStudy(source, study, sessions), OneStudy(target, study, sessions)


def steps(source: Source) -> int:
    """How often `copy_documents` calls its `progress`."""
    return PASSES * sum(source.count(kind) for kind in KINDS)


def copy_documents(source: Source, target: Target, progress: Callable[[], object]) -> None:
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


def _pairs(source: Source, target: Source) -> Iterator[tuple[str, str, dict, dict | None]]:
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
