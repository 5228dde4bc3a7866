"""The contract of the store, held to by both: SQLite, and Firestore on Google's emulator."""

import multiprocessing
import os
import sqlite3
import threading
from contextlib import closing

import pytest

from app.store import StoreError, open_store
from app.store.sqlite import SQLiteStore

pytest_plugins = ["emulator"]
TEXTS = ["", "a", "a b", "A", "é", ".", "..", "/", "./-", "__x__", "~", "=", "127.0.0.1", "a/1", "a.1", "a0"]
FAR_TEXTS = ["\ue000", "\uffee", "🦷", "a/🦷"]  # where an order by UTF-16 would differ from one by UTF-8


@pytest.fixture(params=["sqlite", "firestore"])
def opened(request, tmp_path, monkeypatch):
    """Opens the same empty store again and again: `opened()`."""
    monkeypatch.setenv("STORE", request.param)
    if request.param == "firestore":
        request.getfixturevalue("firestore")
        monkeypatch.setattr("app.store.firestore.PAGE", 3)  # so that few documents fill several pages
    return lambda: open_store(tmp_path)


@pytest.fixture
def store(opened):
    return opened()


def test_a_document_comes_back_as_it_was_written(store):
    document = {
        "text": "Zähne \x00 🦷",
        "none": None,
        "list": [1, 2.5, True, [[], [None]]],
        "map": {"z": {}, "a": {}, "__x__": {"": 1}},
        "large": 2**80,
        "long": "x" * 200_000,
    }
    assert store.create("kind", "key/1", document)
    assert store.get("kind", "key/1") == document
    assert list(store.get("kind", "key/1")["map"]) == ["z", "a", "__x__"]
    assert store.get("kind", "key") is None
    assert store.get("other", "key/1") is None


def test_create_writes_only_if_there_is_nothing_yet(store):
    assert store.create("kind", "key", {"value": 1}) is True
    assert store.create("kind", "key", {"value": 2}) is False
    assert store.create("kind", "key", {"value": 1}) is False
    assert store.get("kind", "key") == {"value": 1}


def test_what_one_writes_another_reads_at_once(opened):
    here, there = opened(), opened()
    for value in range(5):
        here.update("kind", "key", lambda old, value=value: {"value": value})
        assert there.get("kind", "key") == {"value": value}
        assert there.create("kind", f"{value}", {})
        assert here.count("kind") == value + 2


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
    assert list(store.scan("none")) == []
    assert store.count("none") == 0


def test_any_text_may_be_a_key_and_keys_stand_in_the_order_of_their_bytes(store):
    keys = TEXTS + FAR_TEXTS
    for key in keys:
        assert store.create("kind", key, {"key": key})
    ordered = sorted(keys, key=str.encode)
    assert [(key, document["key"]) for key, document in store.scan("kind")] == [(key, key) for key in ordered]
    assert all(store.get("kind", key) == {"key": key} for key in keys)
    for prefix in ("", "a", "a/", ".", "_", "127.0.0.", "🦷"):
        chosen = [key for key in ordered if key.startswith(prefix)]
        assert [key for key, _ in store.scan("kind", prefix)] == chosen
        assert store.count("kind", prefix) == len(chosen)


def test_scan_gives_more_documents_than_one_page_holds(store):
    for i in range(13):
        assert [document["i"] for _, document in store.scan("kind")] == list(range(i))
        assert store.count("kind") == i
        store.create("kind", f"{i:03d}", {"i": i})


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
    assert store.create("kind", "key", {}) is True


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


def add_one(path, times, environment):
    os.environ.update(environment)
    store = open_store(path)
    for _ in range(times):
        store.update("kind", "sum", lambda old: {"n": (old or {"n": 0})["n"] + 1})


def test_processes_lose_no_update(opened, tmp_path):
    names = ("STORE", "FIRESTORE_EMULATOR_HOST", "GOOGLE_CLOUD_PROJECT", "FIRESTORE_PREFIX")
    environment = {name: os.environ[name] for name in names if name in os.environ}
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=add_one, args=(tmp_path, 40, environment)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert opened().get("kind", "sum") == {"n": 120}


def test_a_store_waits_for_another_process_that_is_opening_the_new_file(tmp_path):
    other = sqlite3.connect(tmp_path / "quiz.sqlite3", isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE begun (n INTEGER)")
    other.execute("BEGIN")
    other.execute("SELECT * FROM begun").fetchall()  # which holds the lock that the write-ahead log needs for itself
    with closing(other), closing(sqlite3.connect(tmp_path / "quiz.sqlite3", timeout=60)) as impatient:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            impatient.execute("PRAGMA journal_mode=WAL")
        released = threading.Timer(0.3, lambda: other.execute("COMMIT"))
        released.start()
        store = SQLiteStore(tmp_path / "quiz.sqlite3")
        released.join()
    assert store.create("kind", "key", {})


def test_a_broken_store_is_told_in_a_sentence(tmp_path):
    (tmp_path / "quiz.sqlite3").write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreError, match=r"quiz\.sqlite3"):
        SQLiteStore(tmp_path / "quiz.sqlite3")


def test_an_unknown_store_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("STORE", "mongo")
    with pytest.raises(StoreError, match="STORE=mongo"):
        open_store(tmp_path)
