"""One writer a process for SQLite: what many threads want written at a time becomes one transaction, with one sync.

SQLite lets one connection write at a time; the others sleep and look again, for longer and longer. Many threads that
each write for themselves spend most of their time there.
"""

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

BUSY_SECONDS = 10  # how long to wait for another process that is writing before giving up
POLL_SECONDS = 0.0005  # between two looks whether it has finished
PAUSE_SECONDS = 0.001  # between two transactions of a busy process, for another one to get its turn


class Write:
    """What one thread wants done, and what came of it."""

    def __init__(self, work: Callable[[sqlite3.Connection], Any]):
        self.work, self.done = work, False
        self.result: Any = None
        self.error: BaseException | None = None


class Writer:
    """Does the writes of all threads, in the order in which they come, on a connection of its own."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]):
        self._connect = connect
        self._connection: sqlite3.Connection | None = None
        self._waiting: deque[Write] = deque()
        self._turn = threading.Lock()
        self._ended = 0.0

    def write(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        """What `work` returns, once it is on disk. What it raises passes through; it must not have written then."""
        mine = Write(work)
        self._waiting.append(mine)
        with self._turn:
            # Whoever had the turn before has written for all who were waiting by then.
            if not mine.done:
                self._write_waiting()
        if mine.error is not None:
            raise mine.error
        return mine.result

    def _write_waiting(self) -> None:
        writes: list[Write] = []
        try:
            connection = self._begin()
            writes = self._take()
            _write(writes, connection)
        except BaseException as error:
            writes = writes or self._take()
            for write in writes:
                write.error = write.error or error
        self._ended = time.monotonic()
        for write in writes:
            write.done = True

    def _take(self) -> list[Write]:
        # Others may be joining the queue: each goes either into this list or stays for the next one.
        return [self._waiting.popleft() for _ in range(len(self._waiting))]

    def _begin(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._connect()
            self._connection.execute("PRAGMA busy_timeout = 0")
        if len(self._waiting) > 1:
            time.sleep(max(0, self._ended + PAUSE_SECONDS - time.monotonic()))
        end = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                return self._connection
            except sqlite3.OperationalError as error:
                # The low byte is the kind of error, the rest its variety.
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                    raise
            time.sleep(POLL_SECONDS)


def _write(writes: list[Write], connection: sqlite3.Connection) -> None:
    """All of them in the transaction that has begun. An error of SQLite's own may undo any of them, so it ends all."""
    try:
        for write in writes:
            try:
                write.result = write.work(connection)
            except sqlite3.Error:
                raise
            except Exception as error:
                write.error = error
        connection.execute("COMMIT")
    finally:
        # A failed COMMIT (disk full) may have ended the transaction by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
