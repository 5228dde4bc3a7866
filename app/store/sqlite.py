"""The embedded store: one SQLite file, write-ahead log, every commit synced to disk before the call returns."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from . import StoreError

BUSY_SECONDS = 10  # how long a writer waits for another one before it gives up
SCHEMA = """CREATE TABLE IF NOT EXISTS document (
    kind TEXT, key TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID"""
LAST_CHARACTER = chr(
    0x10FFFF
)  # no key contains it, so [prefix, prefix + it) holds every key that begins with the prefix


class SQLiteStore:
    """`Store` on one file. Safe for any number of threads and processes on one machine."""

    def __init__(self, path: Path):
        self.path = path
        self._local = threading.local()
        path.parent.mkdir(parents=True, exist_ok=True)
        # Closed again at once: a connection must not be carried into the processes that a server forks.
        try:
            with closing(self._connect()) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute(SCHEMA)
        except sqlite3.Error as error:
            raise self._told(error) from error

    def get(self, kind: str, key: str) -> dict | None:
        with self._connection() as connection:
            return _get(connection, kind, key)

    def create(self, kind: str, key: str, document: dict) -> bool:
        with self._connection() as connection:
            cursor = connection.execute(
                "INSERT OR IGNORE INTO document VALUES (?, ?, ?)", (kind, key, json.dumps(document))
            )
            return cursor.rowcount == 1

    def update(self, kind: str, key: str, change: Callable[[dict | None], dict | None]) -> dict | None:
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                new = change(_get(connection, kind, key))
                if new is not None:
                    connection.execute("INSERT OR REPLACE INTO document VALUES (?, ?, ?)", (kind, key, json.dumps(new)))
                connection.execute("COMMIT")
            except BaseException:
                # A failed COMMIT (disk full) may have ended the transaction by itself.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            return new

    def delete(self, kind: str, key: str) -> None:
        with self._connection() as connection:
            connection.execute("DELETE FROM document WHERE kind = ? AND key = ?", (kind, key))

    def scan(self, kind: str, prefix: str = "") -> Iterator[tuple[str, dict]]:
        with self._connection() as connection:
            rows = connection.execute(
                "SELECT key, body FROM document WHERE kind = ? AND key >= ? AND key < ? ORDER BY key",
                (kind, prefix, prefix + LAST_CHARACTER),
            ).fetchall()
        return ((key, json.loads(body)) for key, body in rows)

    def count(self, kind: str, prefix: str = "") -> int:
        with self._connection() as connection:
            return connection.execute(
                "SELECT count(*) FROM document WHERE kind = ? AND key >= ? AND key < ?",
                (kind, prefix, prefix + LAST_CHARACTER),
            ).fetchone()[0]

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """This thread's own connection, its errors told as StoreError."""
        try:
            if not hasattr(self._local, "connection"):
                self._local.connection = self._connect()
            yield self._local.connection
        except sqlite3.Error as error:
            raise self._told(error) from error

    def _told(self, error: sqlite3.Error) -> StoreError:
        return StoreError(f"The store {self.path.name} can't be used just now: {error}.")

    def _connect(self) -> sqlite3.Connection:
        # isolation_level=None: a statement is its own transaction unless BEGIN says otherwise.
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        connection.execute("PRAGMA synchronous=FULL")
        return connection


def _get(connection: sqlite3.Connection, kind: str, key: str) -> dict | None:
    row = connection.execute("SELECT body FROM document WHERE kind = ? AND key = ?", (kind, key)).fetchone()
    return None if row is None else json.loads(row[0])
