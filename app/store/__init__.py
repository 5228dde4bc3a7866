"""Where sessions and answers live: documents by kind and key, behind an interface of six operations that SQLite and
Firestore can both keep."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

STORES = ("sqlite", "firestore")


class StoreError(Exception):
    """The store cannot be reached or used: one sentence that says what to do."""


class Store(Protocol):
    """Documents are JSON objects. Keys are text without control characters; a *prefix* selects the keys that begin with
    it, in order.

    Every write is durable when the call returns. Each raises StoreError if the store is away.
    """

    def get(self, kind: str, key: str) -> dict | None:
        """The document, or None."""

    def create(self, kind: str, key: str, document: dict) -> bool:
        """Write the document if there is none under the key. False, and nothing written, if there is one."""

    def update(self, kind: str, key: str, change: Callable[[dict | None], dict | None]) -> dict | None:
        """Read, change and write one document as one transaction.

        `change` gets a copy of the document (None if absent) and returns the new one, or None to leave everything as it
        is; what it raises passes through and nothing is written. It may be called again if another writer came between.
        Returns what
        `change` returned.
        """

    def delete(self, kind: str, key: str) -> None:
        """Remove the document if it is there."""

    def scan(self, kind: str, prefix: str = "") -> Iterator[tuple[str, dict]]:
        """All (key, document) whose key begins with the prefix, in the order of their keys."""

    def count(self, kind: str, prefix: str = "") -> int:
        """How many documents `scan` would give."""


def open_store(quiz_data: Path, choice: str | None = None) -> Store:
    """The store that `choice` or else the environment variable STORE names: "sqlite" (the default) or "firestore"."""
    choice = choice or os.environ.get("STORE", "sqlite")
    if choice not in STORES:
        raise StoreError(f"STORE={choice} is not known: leave it out, or set it to {' or '.join(STORES)}.")
    if choice == "firestore":
        # Imported only where it is used: it takes a second.
        from .firestore import open_firestore

        return open_firestore()
    from .sqlite import SQLiteStore

    return SQLiteStore(quiz_data / "quiz.sqlite3")
