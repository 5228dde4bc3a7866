"""The contract of the store."""

import multiprocessing
import threading

import pytest

from app.store import StoreError, open_store
from app.store.sqlite import SQLiteStore


@pytest.fixture
def store(tmp_path):
    return SQLiteStore(tmp_path / "quiz.sqlite3")


def test_a_document_comes_back_as_it_was_written(store):
    document = {"text": "Zähne \x00 🦷", "none": None, "list": [1, 2.5, True], "map": {"a": {}}}
    assert store.create("kind", "key/1", document)
    assert store.get("kind", "key/1") == document
    assert store.get("kind", "key") is None
    assert store.get("other", "key/1") is None


def test_create_writes_only_if_there_is_nothing_yet(store):
    assert store.create("kind", "key", {"value": 1}) is True
    assert store.create("kind", "key", {"value": 2}) is False
    assert store.get("kind", "key") == {"value": 1}


def test_update_changes_one_document_or_nothing(store):
    assert store.update("kind", "key", lambda old: {"was": old}) == {"was": None}
    assert store.update("kind", "key", lambda old: None) is None
    with pytest.raises(ZeroDivisionError):
        store.update("kind", "key", lambda old: {"value": 1 / 0})
    assert store.get("kind", "key") == {"was": None}
    store.create("kind", "after", {})


def test_scan_gives_the_keys_with_a_prefix_in_order(store):
    for key in ("b/2", "a/1", "b/10", "b/1", "c", "b"):
        store.create("kind", key, {"key": key})
    store.create("other", "b/3", {})
    assert [key for key, _ in store.scan("kind", "b/")] == ["b/1", "b/10", "b/2"]
    assert store.count("kind", "b/") == 3
    assert [key for key, _ in store.scan("kind")] == ["a/1", "b", "b/1", "b/10", "b/2", "c"]


def test_scan_may_be_left_half_read_and_written_to_meanwhile(store):
    for i in range(5):
        store.create("kind", f"{i}", {})
    for key, _ in store.scan("kind"):
        store.delete("kind", key)
        if key == "2":
            break
    assert store.count("kind") == 2


def test_delete_removes_and_may_be_repeated(store):
    store.create("kind", "key", {})
    store.delete("kind", "key")
    store.delete("kind", "key")
    assert store.get("kind", "key") is None


def test_of_many_threads_one_creates(store):
    won = []
    threads = [
        threading.Thread(target=lambda i=i: won.append(store.create("kind", "key", {"by": i}))) for i in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]


def add_one(path, times):
    store = SQLiteStore(path)
    for _ in range(times):
        store.update("kind", "sum", lambda old: {"n": (old or {"n": 0})["n"] + 1})


def test_processes_lose_no_update(tmp_path):
    path = tmp_path / "new" / "quiz.sqlite3"
    processes = [multiprocessing.get_context("spawn").Process(target=add_one, args=(path, 40)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert SQLiteStore(path).get("kind", "sum") == {"n": 120}


def test_a_broken_store_is_told_in_a_sentence(tmp_path):
    (tmp_path / "quiz.sqlite3").write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreError, match=r"quiz\.sqlite3"):
        SQLiteStore(tmp_path / "quiz.sqlite3")


def test_an_unknown_store_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("STORE", "mongo")
    with pytest.raises(StoreError, match="STORE=mongo"):
        open_store(tmp_path)
