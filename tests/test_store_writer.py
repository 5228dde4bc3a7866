"""SQLite under many writers: what waits together is written together, and fails for its own faults alone."""

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.store import StoreError, writer
from app.store.sqlite import SQLiteStore

THREADS = 12


@pytest.fixture
def store(tmp_path):
    return SQLiteStore(tmp_path / "quiz.sqlite3")


@pytest.fixture
def other(store):
    """Another process's connection, as far as SQLite can tell."""
    connection = sqlite3.connect(store.path, isolation_level=None)
    yield connection
    connection.close()


def together(other, *writes):
    """Run the writes in threads of their own while another connection holds the lock, so that all wait; their results
    or errors."""
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(len(writes)) as pool:
        waiting = [pool.submit(write) for write in writes]
        time.sleep(0.2)
        assert not any(one.done() for one in waiting)
        other.execute("COMMIT")
    return [one.exception() or one.result() for one in waiting]


def test_writes_that_wait_together_are_all_written(store, other):
    created = [lambda i=i: store.create("kind", f"{i:03d}", {"i": i}) for i in range(THREADS)]
    assert together(other, *created) == [True] * THREADS
    assert [document["i"] for _, document in store.scan("kind")] == list(range(THREADS))


def test_of_equal_creates_that_wait_together_one_wins(store, other):
    created = [lambda i=i: store.create("kind", "key", {"i": i}) for i in range(THREADS)]
    won = together(other, *created)
    assert sorted(won) == [False] * (THREADS - 1) + [True]
    assert store.get("kind", "key") == {"i": won.index(True)}


def test_changes_that_wait_together_each_see_the_one_before(store, other):
    changed = [lambda: store.update("kind", "sum", lambda old: {"n": (old or {"n": 0})["n"] + 1})] * THREADS
    assert sorted(document["n"] for document in together(other, *changed)) == list(range(1, THREADS + 1))
    assert store.get("kind", "sum") == {"n": THREADS}


def test_a_change_that_is_refused_leaves_those_beside_it_alone(store, other):
    def refuse(old):
        raise ValueError("no")

    created = [lambda i=i: store.create("kind", f"{i}", {}) for i in range(4)]
    results = together(other, *created[:2], lambda: store.update("kind", "0", refuse), *created[2:])
    assert isinstance(results.pop(2), ValueError)
    assert results == [True] * 4
    assert store.count("kind") == 4


def test_an_error_of_sqlite_s_own_confirms_nothing_of_its_transaction(store, other):
    """Such as a full disk, which may undo all of it: everybody is told, and may send it again."""
    other.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON document WHEN NEW.key = 'bad' BEGIN SELECT RAISE(ABORT, 'no'); END"
    )
    keys = ["a", "bad", "b"]
    results = together(other, *[lambda key=key: store.create("kind", key, {}) for key in keys])
    stored = {key for key, _ in store.scan("kind")}
    # Whoever came first polls for the lock and takes with it whoever waits by then.
    assert isinstance(results[1], StoreError)
    assert [result is True for result in results] == [key in stored for key in keys]
    assert store.create("kind", "after", {}) is True


def test_a_lock_that_is_never_given_back_is_told_and_does_not_last(store, other, monkeypatch):
    monkeypatch.setattr(writer, "BUSY_SECONDS", 0.1)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked"):
        store.create("kind", "key", {})
    other.execute("COMMIT")
    assert store.create("kind", "key", {}) is True


def test_threads_that_write_all_the_time_lose_nothing(store):
    def write(thread: int) -> None:
        for i in range(25):
            assert store.create("kind", f"{thread}/{i:02d}", {})

    threads = [threading.Thread(target=write, args=(thread,)) for thread in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.count("kind") == THREADS * 25


def test_a_thread_that_has_ended_for_want_of_work_loses_nothing(store, monkeypatch):
    others = set(threading.enumerate())
    monkeypatch.setattr(writer, "IDLE_SECONDS", 0.001)
    for i in range(60):
        assert store.create("kind", f"{i:02d}", {}) is True
        time.sleep(0.0008 + i % 10 / 20_000)  # a little less than that, as long, or a little more
    assert store.count("kind") == 60
    while set(threading.enumerate()) - others:
        time.sleep(0.01)
    assert store.create("kind", "after", {}) is True
