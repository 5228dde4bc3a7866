"""The embedded store: one SQLite file, write-ahead log, every commit synced to disk before the call returns."""

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from . import StoreError
from .writer import BUSY_SECONDS, Writer

SCHEMA = """CREATE TABLE IF NOT EXISTS document (
    kind TEXT, key TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, key)
) WITHOUT ROWID"""
LAST_CHARACTER = chr(
    0x10FFFF
)  # no key contains it, so [prefix, prefix + it) holds every key that begins with the prefix
Work = Callable[[sqlite3.Connection], Any]


class SQLiteStore:
    """`Store` on one file. Safe for any number of threads and processes on one machine."""

    def __init__(self, path: Path):
        self.path = path
        self._local = threading.local()
        self._writer = Writer(self._connect)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Closed again at once: a connection must not be carried into the processes that a server forks.
        try:
            with closing(self._connect()) as connection:
                _use_write_ahead_log(connection)
                connection.execute(SCHEMA)
        except sqlite3.Error as error:
            raise self._told(error) from error

    def get(self, kind: str, key: str) -> dict | None:
        with self._connection() as connection:
            return _get(connection, kind, key)

    def create(self, kind: str, key: str, document: dict) -> bool:
        return self._write(_creation(kind, key, document))

    def create_later(self, kind: str, key: str, document: dict, done: Callable[[Callable[[], bool]], None]) -> None:
        """Like `create`, but without waiting: once it is over, another thread calls `done` with a function that returns
        what `create` would have, or raises it."""
        self._writer.later(_creation(kind, key, document), lambda write: done(lambda: self._outcome(write.result)))

    def update(self, kind: str, key: str, change: Callable[[dict | None], dict | None]) -> dict | None:
        def replace(connection: sqlite3.Connection) -> dict | None:
            new = change(_get(connection, kind, key))
            if new is not None:
                connection.execute("INSERT OR REPLACE INTO document VALUES (?, ?, ?)", (kind, key, json.dumps(new)))
            return new

        return self._write(replace)

    def delete(self, kind: str, key: str) -> None:
        self._write(
            lambda connection: connection.execute("DELETE FROM document WHERE kind = ? AND key = ?", (kind, key))
        )

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

    def _write(self, work: Work) -> Any:
        return self._outcome(lambda: self._writer.write(work))

    def _outcome(self, outcome: Callable[[], Any]) -> Any:
        try:
            return outcome()
        except sqlite3.Error as error:
            raise self._told(error) from error

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
        # isolation_level=None: a statement is its own transaction unless BEGIN says otherwise. A connection belongs to
        # one thread, or to the writer, which lets one thread at a time use it.
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA synchronous=FULL")
        return connection


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """SQLite itself does not wait where another process is opening the new file at the same moment."""
    end = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
        time.sleep(0.01)


def _creation(kind: str, key: str, document: dict) -> Work:
    row = (kind, key, json.dumps(document))
    return lambda connection: connection.execute("INSERT OR IGNORE INTO document VALUES (?, ?, ?)", row).rowcount == 1


def _get(connection: sqlite3.Connection, kind: str, key: str) -> dict | None:
    row = connection.execute("SELECT body FROM document WHERE kind = ? AND key = ?", (kind, key)).fetchone()
    return None if row is None else json.loads(row[0])
