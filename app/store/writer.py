"""One writer a process for SQLite: what many want written at a time becomes one transaction, with one sync.

SQLite lets one connection write at a time; the others sleep and look again, for longer and longer. Many threads that
each write for themselves spend most of their time there.
"""

import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import Any

BUSY_SECONDS = 10  # how long to wait for another process that is writing before giving up
POLL_SECONDS = 0.0005  # between two looks whether it has finished
IDLE_SECONDS = 60  # after which the thread ends, until there is something to write again
PAUSE_SECONDS = 0.001  # between two transactions of a busy process, for another one to get its turn


class Write:
    """What somebody wants done, and what came of it."""

    def __init__(self, work: Callable[[sqlite3.Connection], Any], done: Callable[["Write"], None]):
        self.work, self.done = work, done
        self._result: Any = None
        self.error: BaseException | None = None

    def do(self, connection: sqlite3.Connection) -> None:
        """An error of SQLite's own may undo other writes of its transaction, and passes through."""
        try:
            self._result = self.work(connection)
        except sqlite3.Error:
            raise
        except Exception as error:
            self.error = error

    def result(self) -> Any:
        if self.error is not None:
            raise self.error
        return self._result


class Writer:
    """Does all writes of a process, in the order in which they come, on a connection and a thread of its own."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]):
        self._connect = connect
        self._connection: sqlite3.Connection | None = None
        self._waiting: queue.SimpleQueue[Write] = queue.SimpleQueue()
        self._lock = threading.Lock()  # of what follows: somebody is sure to write what waits
        self._thread: threading.Thread | None = None
        self._ended = 0.0

    def write(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        """What `work` returns, once it is on disk. What it raises passes through; it must not have written then.

        It is called by another thread, in the context of this one.
        """
        work = partial(copy_context().run, work)
        over = threading.Lock()
        over.acquire()
        write = self.later(work, lambda _: over.release())
        over.acquire()
        return write.result()

    def later(self, work: Callable[[sqlite3.Connection], Any], done: Callable[[Write], None]) -> Write:
        """Like `write`, but without waiting: the writer's thread calls `done` once its result is there."""
        write = Write(work, done)
        with self._lock:
            self._waiting.put(write)
            # A forked process has none of its parent's threads.
            if self._thread is None or not self._thread.is_alive():
                # Nobody has to wait at the end for what nobody was told of.
                self._thread = threading.Thread(target=self._run, daemon=True, name="SQLite writer")
                self._thread.start()
        return write

    def _run(self) -> None:
        while True:
            try:
                first = self._waiting.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                if self._ends():
                    return
            else:
                self._write_waiting([first])

    def _ends(self) -> bool:
        with self._lock:
            if not self._waiting.empty():
                return False
            self._thread = None
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            return True

    def _write_waiting(self, writes: list[Write]) -> None:
        try:
            connection = self._begin()
            writes += self._take()
            _transact(writes, connection)
        except BaseException as error:
            for write in writes:
                write.error = write.error or error
        self._ended = time.monotonic()
        for write in writes:
            write.done(write)

    def _take(self) -> list[Write]:
        return [self._waiting.get_nowait() for _ in range(self._waiting.qsize())]

    def _begin(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._connect()
            self._connection.execute("PRAGMA busy_timeout = 0")
        if not self._waiting.empty():
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


def _transact(writes: list[Write], connection: sqlite3.Connection) -> None:
    """All of them in the transaction that has begun."""
    try:
        for write in writes:
            write.do(connection)
        connection.execute("COMMIT")
    finally:
        # A failed COMMIT (disk full) may have ended the transaction by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
