"""What Firestore needs besides the store's contract: once in spite of lost replies, away, refused, set up wrong."""

import json
import random
import subprocess
import sys
import threading
from pathlib import Path

import grpc
import pytest
from google.api_core.exceptions import ServiceUnavailable
from live import ROOT

from app.store import StoreError, open_store
from app.store.firestore import FirestoreStore, document_id, document_key

pytest_plugins = ["emulator"]


@pytest.fixture
def store(firestore, tmp_path) -> FirestoreStore:
    return open_store(tmp_path)


@pytest.fixture
def lose_reply(store, monkeypatch):
    """Let the next call of a method arrive and its reply get lost; the list of methods called."""
    called = []

    def arm(method: str) -> list[str]:
        def call(name, request, attempt):
            called.append(name)
            reply = FirestoreStore._call(store, name, request, attempt)
            if name == method and called.count(method) == 1:
                raise ServiceUnavailable("the line broke")
            return reply

        monkeypatch.setattr(store, "_call", call)
        return called

    return arm


def test_a_document_id_is_legal_gives_the_key_back_and_sorts_like_it():
    draw = random.Random(8)
    keys = {"".join(draw.choices("./_-=~0aé🦷\ue000", k=draw.randint(0, 6))) for _ in range(5000)}
    ids = {key: document_id(key) for key in keys}
    assert sorted(keys, key=str.encode) == sorted(keys, key=lambda key: ids[key].encode())
    for key, identifier in ids.items():
        assert document_key(identifier) == key
        assert "/" not in identifier
        assert identifier not in ("", ".", "..")
        assert not identifier.startswith("__")


def test_a_create_whose_reply_is_lost_knows_its_own_document(store, lose_reply):
    called = lose_reply("create_document")
    assert store.create("kind", "key", {"by": "me"}) is True
    assert called == ["create_document", "create_document", "batch_get_documents"]
    assert store.create("kind", "key", {"by": "me"}) is False


def test_a_create_that_another_was_faster_than_is_not_taken_for_its_own(store, tmp_path, monkeypatch):
    other, calls = open_store(tmp_path), []

    def call(name, request, attempt):
        calls.append(name)
        if len(calls) == 1:
            other.create("kind", "key", {"by": "same words"})
            raise ServiceUnavailable("the request never arrived")
        return FirestoreStore._call(store, name, request, attempt)

    monkeypatch.setattr(store, "_call", call)
    assert store.create("kind", "key", {"by": "same words"}) is False


def test_an_update_whose_reply_is_lost_is_made_once(store, lose_reply):
    store.create("kind", "sum", {"n": 1})
    lose_reply("update_document")
    assert store.update("kind", "sum", lambda old: {"n": old["n"] + 1}) == {"n": 2}
    assert store.get("kind", "sum") == {"n": 2}


def test_an_update_between_whose_read_and_write_another_writes_is_made_anew(store, tmp_path):
    other, seen = open_store(tmp_path), []

    def change(old):
        seen.append(old)
        if len(seen) == 1:
            other.update("kind", "sum", lambda old: {"n": 10})
        elif len(seen) == 2:
            other.delete("kind", "sum")
        return {"n": (old or {"n": 0})["n"] + 1}

    assert store.update("kind", "sum", change) == {"n": 1}
    assert seen == [None, {"n": 10}, None]
    assert store.get("kind", "sum") == {"n": 1}


def test_many_threads_lose_no_update_and_wait_for_no_lock(store):
    def add():
        for _ in range(10):
            store.update("kind", "sum", lambda old: {"n": (old or {"n": 0})["n"] + 1})

    threads = [threading.Thread(target=add) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.get("kind", "sum") == {"n": 60}


OPERATIONS = {
    "get": lambda store: store.get("kind", "key"),
    "create": lambda store: store.create("kind", "new", {}),
    "update": lambda store: store.update("kind", "key", lambda old: old),
    "delete": lambda store: store.delete("kind", "other"),
    "scan": lambda store: list(store.scan("kind")),
    "count": lambda store: store.count("kind"),
}


def told(store: FirestoreStore, operation) -> str:
    with pytest.raises(StoreError) as error:
        operation(store)
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


def test_a_service_that_does_not_answer_ends_every_operation_with_a_sentence(store, firestore, monkeypatch):
    store.create("kind", "key", {"kept": True})
    monkeypatch.setattr("app.store.attempts.SECONDS", 0.3)
    firestore.freeze()
    try:
        said = {name: told(store, operation) for name, operation in OPERATIONS.items()}
    finally:
        firestore.thaw()
    assert all(sentence.startswith("Firestore can't be used just now: ") for sentence in said.values())
    monkeypatch.undo()
    assert store.get("kind", "key") == {"kept": True}


def test_a_service_that_is_gone_and_comes_back_is_used_again(store, firestore):
    store.create("kind", "key", {"kept": True})
    firestore.stop()
    try:
        said = {name: told(store, operation) for name, operation in OPERATIONS.items()}
    finally:
        firestore.start()
    assert all("can't be used just now" in sentence for sentence in said.values())
    assert store.get("kind", "key") == {"kept": True}
    assert store.count("kind") == 1


def test_a_document_over_firestores_limit_is_told_and_nothing_written(store):
    assert "longer than" in told(store, lambda store: store.create("kind", "key", {"x": "x" * 1_100_000}))
    assert store.count("kind") == 0


def test_the_rules_refuse_everybody_but_the_server(store, firestore):
    store.create("kind", "key", {})
    visitor = FirestoreStore("demo-panodiff", "test", lambda: grpc.insecure_channel(f"127.0.0.1:{firestore.port}"))
    for operation in OPERATIONS.values():
        assert told(visitor, operation).startswith("Firestore refuses the credentials")


def test_the_fields_are_kept_out_of_the_indexes(store, firestore, monkeypatch):
    written = []
    monkeypatch.setattr(store, "_call", lambda name, request, attempt: written.append(request))
    store.create("kind", "key", {"any": "thing"})
    overrides = json.loads((ROOT / "firestore.indexes.json").read_text())["fieldOverrides"]
    assert {(override["collectionGroup"], override["fieldPath"]) for override in overrides} == {
        (written[0].collection_id, field) for field in written[0].document.fields
    }
    assert all(override["indexes"] == [] for override in overrides)


@pytest.fixture
def google(monkeypatch, tmp_path):
    """A machine without any of Google's settings; sets those given."""
    for name in ("FIRESTORE_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STORE", "firestore")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")

    def settings(**values):
        for name, value in values.items():
            monkeypatch.setenv(name, str(value))

    return settings


def start(tmp_path: Path) -> str:
    with pytest.raises(StoreError) as error:
        open_store(tmp_path)
    return str(error.value)


def test_a_missing_project_is_told_at_the_start(google, tmp_path):
    google(FIRESTORE_EMULATOR_HOST="127.0.0.1:1")
    assert "GOOGLE_CLOUD_PROJECT" in start(tmp_path)


def test_missing_credentials_are_told_at_the_start(google, tmp_path):
    google(GOOGLE_CLOUD_PROJECT="demo")
    assert "GOOGLE_APPLICATION_CREDENTIALS" in start(tmp_path)
    google(GOOGLE_APPLICATION_CREDENTIALS=tmp_path / "none.json")
    assert "none.json" in start(tmp_path)
    (tmp_path / "none.json").write_text("{}")
    assert "credentials" in start(tmp_path)


def test_credentials_inside_the_projects_folder_are_refused(google, tmp_path):
    google(GOOGLE_CLOUD_PROJECT="demo", GOOGLE_APPLICATION_CREDENTIALS=ROOT / "quiz_data" / "key.json")
    assert "move them elsewhere" in start(tmp_path)
    (tmp_path / "link").symlink_to(ROOT)
    google(GOOGLE_APPLICATION_CREDENTIALS=tmp_path / "link" / "key.json")
    assert "move them elsewhere" in start(tmp_path)


def test_an_impossible_prefix_is_refused(google, tmp_path):
    google(FIRESTORE_PREFIX="a/b", FIRESTORE_EMULATOR_HOST="127.0.0.1:1", GOOGLE_CLOUD_PROJECT="demo")
    assert "FIRESTORE_PREFIX=a/b" in start(tmp_path)


def test_the_embedded_store_starts_without_googles_packages(tmp_path):
    program = (
        "import sys, app, pathlib; app.create_app(pathlib.Path(sys.argv[1])); "
        "print(*{'google', 'grpc', 'firebase_admin'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path], cwd=ROOT, env={"STORE": "sqlite"}, capture_output=True, text=True
    )
    assert (done.stdout.strip(), done.stderr) == ("", "")
