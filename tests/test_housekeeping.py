"""Copies, backups, deleted observers, the audit log, as commands."""

import itertools
import json
import re
import shutil
import zipfile

import pytest
from player import Player

from app import create_app
from app.records import KINDS
from app.store import open_store
from app.store.sqlite import SQLiteStore

pytest_plugins = ["emulator"]
NAME = "Ada Lovelace"


@pytest.fixture
def half_done(client, invite):
    """An observer in the middle of the trials, with a profile."""
    player = Player(client, invite(NAME))
    player.begin()
    for _ in range(4):
        player.show()
        player.rate(2)
    return player


def contents(store) -> dict:
    return {kind: dict(store.scan(kind)) for kind in KINDS}


def test_every_kind_that_a_session_writes_is_among_those_that_are_copied(half_done, data, flask):
    flask("invite", "small", "--observer", NAME, "--new-link")
    store = SQLiteStore(data / "quiz.sqlite3")
    with store._connection() as connection:
        written = {kind for (kind,) in connection.execute("SELECT DISTINCT kind FROM document")}
    assert written == set(KINDS)


def test_a_study_goes_to_firestore_and_back_and_its_session_goes_on(
    half_done, firestore, data, flask, tmp_path, monkeypatch
):
    monkeypatch.setattr("app.copying.BATCH", 5)
    before = contents(open_store(data, "sqlite"))
    done = flask("copy-store", "--from", "sqlite", "--to", "firestore")
    assert done.exit_code == 0, done.output
    assert f"{sum(map(len, before.values()))} documents are the same" in done.output
    assert contents(open_store(data, "firestore")) == before

    there = create_app(data)
    player = Player(there.test_client(), half_done.url)
    assert player.load()["current"]["trial"] == 4
    player.play(lambda trial: 3)
    (data / "quiz.sqlite3").unlink()
    back = there.test_cli_runner().invoke(args=["copy-store", "--from", "firestore", "--to", "sqlite"])
    assert back.exit_code == 0, back.output
    monkeypatch.setenv("STORE", "sqlite")
    assert Player(create_app(data).test_client(), half_done.url).load()["finished"]


def test_a_copy_that_was_stopped_goes_on_where_it_was(half_done, firestore, data, flask, monkeypatch):
    monkeypatch.setattr("app.copying.BATCH", 2)
    source, target = open_store(data, "sqlite"), open_store(data, "firestore")
    for key in list(contents(source)["answer"])[1:3]:
        target.create("answer", key, source.get("answer", key))
    target.create("study", "another", {"was": "here"})
    assert flask("copy-store", "--from", "sqlite", "--to", "firestore").exit_code == 0
    copied = contents(target)
    assert copied["study"].pop("another") == {"was": "here"}
    assert copied == contents(source)


def test_a_copy_never_writes_over_what_is_there(half_done, firestore, data, flask):
    target = open_store(data, "firestore")
    target.create("study", "small", {"other": True})
    done = flask("copy-store", "--from", "sqlite", "--to", "firestore")
    assert done.exit_code != 0
    assert "another study small" in done.output
    assert [len(documents) for documents in contents(target).values()] == [0, 0, 0, 0, 0, 1, 0]
    assert "different stores" in flask("copy-store", "--from", "sqlite", "--to", "sqlite").output


def of_study(study: str, store) -> dict:
    """The documents of one study, told by what they hold: sessions by their names in keys, the rest by a field."""
    sessions = {document["id"] for _, document in store.scan("session") if document["study"] == study}
    return {
        kind: {
            key: document
            for key, document in documents.items()
            if study in (key.split("/")[0], document.get("study")) or key.split("/")[0] in sessions
        }
        for kind, documents in contents(store).items()
    }


def test_one_study_goes_to_firestore_and_back_alone(half_done, firestore, data, flask, records, invite):
    """A study whose name begins like the other's stays where it is."""
    flask("create-study", "small-two", "--real", "cases", "--synthetic", "fakes", "--images", 4, "--no-profile")
    other = Player(half_done.client, invite("Grace", "small-two"))
    other.begin()
    other.rate(3)
    flask("invite", "small", "--observer", NAME, "--new-link")
    flask("invite", "small-two", "--observer", "Grace", "--new-link")
    sqlite, there = open_store(data, "sqlite"), open_store(data, "firestore")
    wanted = of_study("small", sqlite)
    for _ in range(2):
        done = flask("copy-store", "--from", "sqlite", "--to", "firestore", "--study", "small")
        assert done.exit_code == 0, done.output
    assert f"{sum(map(len, wanted.values()))} documents of small are the same" in done.output
    assert contents(there) == wanted
    assert all(wanted.values())

    for kind, documents in wanted.items():
        for key in documents:
            sqlite.delete(kind, key)
    left = contents(sqlite)
    assert left == of_study("small-two", sqlite)
    done = flask("copy-store", "--from", "firestore", "--to", "sqlite", "--study", "small")
    assert done.exit_code == 0, done.output
    assert of_study("small", sqlite) == wanted
    assert of_study("small-two", sqlite) == left
    absent = flask("copy-store", "--from", "firestore", "--to", "sqlite", "--study", "small-two")
    assert (absent.exit_code, "no study named small-two" in absent.output, "Studies: small." in absent.output) == (
        1,
        True,
        True,
    )


@pytest.fixture
def backup(half_done, flask, tmp_path):
    done = flask("backup", tmp_path / "kept.zip")
    assert done.exit_code == 0, done.output
    return tmp_path / "kept.zip"


def test_a_backup_restored_elsewhere_goes_on_with_the_same_links(backup, half_done, data, records, tmp_path):
    new = tmp_path / "elsewhere"
    new.mkdir()
    shutil.copy(data / "secrets.json", new)
    app = create_app(new)
    for _ in range(2):
        done = app.test_cli_runner().invoke(args=["restore", str(backup)])
        assert done.exit_code == 0, done.output
    kept, restored = contents(open_store(data)), contents(open_store(new))
    del kept["audit"], restored["audit"]
    assert restored == kept
    player = Player(app.test_client(), half_done.url)
    assert player.load()["current"]["trial"] == 4
    folder = records.study("small").folder
    files = [(path.name, path.read_bytes(), path.stat().st_mtime) for path in images(data, folder)]
    assert [(path.name, path.read_bytes(), path.stat().st_mtime) for path in images(new, folder)] == files


def images(data, folder: str) -> list:
    return sorted((data / "studies" / folder).iterdir())


def test_a_backup_is_private_checked_by_common_tools_and_not_written_over(backup, flask, tmp_path):
    assert backup.stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(backup) as archive:
        assert not [name for name in archive.namelist() if "secrets" in name or "pools" in name]
        sums = archive.read("SHA256SUMS").decode().splitlines()
    assert all(re.fullmatch(r"[0-9a-f]{64}  (documents|studies)/[\w./]+", line) for line in sums)
    assert "exists already" in flask("backup", backup).output
    assert "can't be written" in flask("backup", tmp_path / "no" / "folder.zip").output
    assert [path.name for path in tmp_path.iterdir() if "kept" in path.name] == ["kept.zip"]


def rewrite(path, change) -> None:
    """Write the ZIP again with `change(name, content)`; None leaves a file out."""
    with zipfile.ZipFile(path) as archive:
        files = {name: change(name, archive.read(name)) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            if content is not None:
                archive.writestr(name, content)


DAMAGES = {
    "an answer changed": (lambda name, content: content.replace(b'"rating": 2', b'"rating": 5'), "not what it was"),
    "an image missing": (lambda name, content: None if name.endswith("webp") else content, "its files are not"),
    "no sums": (lambda name, content: None if name == "SHA256SUMS" else content, "no backup"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_backup_is_refused_and_nothing_restored(backup, tmp_path, damage):
    change, sentence = DAMAGES[damage]
    rewrite(backup, change)
    app = create_app(tmp_path / "elsewhere")
    done = app.test_cli_runner().invoke(args=["restore", str(backup)])
    assert (done.exit_code, sentence in done.output) == (1, True), done.output
    assert not any(contents(open_store(tmp_path / "elsewhere")).values())
    assert not (tmp_path / "elsewhere" / "studies").exists()


def test_a_file_that_is_no_backup_or_leads_out_of_its_folder_is_refused(flask, tmp_path):
    (tmp_path / "any.zip").write_text("no ZIP")
    assert "can't be read" in flask("restore", tmp_path / "any.zip").output
    digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    with zipfile.ZipFile(tmp_path / "out.zip", "w") as archive:
        archive.writestr("../out", "")
        archive.writestr("SHA256SUMS", f"{digest}  ../out\n")
    assert "does not know" in flask("restore", tmp_path / "out.zip").output


def everything(data) -> str:
    return json.dumps(contents(open_store(data)), ensure_ascii=False)


@pytest.mark.parametrize("answers", ["keep", "drop"])
def test_a_deleted_observer_is_erased_from_everything(half_done, data, flask, records, answers, tmp_path):
    session = records.sessions("small")[0]["id"]
    for part in (NAME, "Endodontics", "pixel_ratio"):
        assert part in everything(data)
    done = flask("delete-observer", "small", "ada  lovelace", f"--{answers}-answers")
    assert done.exit_code == 0, done.output
    for part in (NAME, NAME.casefold(), "Endodontics", "pixel_ratio"):
        assert part not in everything(data)
    assert half_done.rate(3).status_code == 404
    assert records.store.count("answer", f"{session}/") == (4 if answers == "keep" else 0)
    flask("export", "small", "--out", tmp_path / "out")
    assert (tmp_path / "out" / "answers.csv").read_text().count(f"Deleted {session}") == (4 if answers == "keep" else 0)
    assert "no observer" in flask("delete-observer", "small", NAME, f"--{answers}-answers").output
    assert session in flask("audit-log").output


def test_what_becomes_of_the_answers_has_to_be_said(half_done, flask, records):
    done = flask("delete-observer", "small", NAME)
    assert (done.exit_code, "--keep-answers or --drop-answers" in done.output) == (2, True)
    assert records.sessions("small")[0]["observer"] == NAME


@pytest.mark.parametrize("answers", ["keep", "drop"])
@pytest.mark.parametrize("crash_at", range(6))
def test_a_deletion_that_crashed_can_be_repeated(half_done, data, flask, records, monkeypatch, answers, crash_at):
    left = [crash_at]

    def crashing(method):
        def call(*args):
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            return method(*args)

        return call

    with monkeypatch.context() as patched:
        for name in ("update", "delete"):
            patched.setattr(records.store, name, crashing(getattr(records.store, name)))
        flask("delete-observer", "small", NAME, f"--{answers}-answers")
    flask("delete-observer", "small", NAME, f"--{answers}-answers")
    assert NAME not in everything(data)
    assert records.store.count("answer") == (4 if answers == "keep" else 0)


def test_a_deleted_observer_may_be_invited_anew_and_gets_no_link_from_before(half_done, flask, records, client):
    old = records.sessions("small")[0]["id"]
    flask("delete-observer", "small", NAME, "--keep-answers")
    invited, new = records.invite(records.study("small"), NAME, 1_790_000_000_001)
    assert new
    assert invited["id"] != old
    sign_in(client)
    page = client.get("/research/small").get_data(as_text=True)
    assert f"Deleted {old}" in page
    assert page.count("/quiz/") == 1
    refused = client.post(f"/research/small/sessions/{old}/new-link")
    assert (refused.status_code, "was deleted" in refused.get_data(as_text=True)) == (400, True)


def sign_in(client) -> None:
    client.post("/research/sign-in", data={"password": client.application.config["RESEARCH_PASSWORD"]})


def test_the_audit_log_tells_who_did_what_when_and_names_nobody(app, flask, client, records, tmp_path):
    ticking = itertools.count(1_790_000_000_000)
    app.config["CLOCK"] = lambda: next(ticking)
    flask("edit-study", "small", "--title", "Other")
    flask("invite", "small", "--observer", NAME)
    flask("invite", "small", "--observer", NAME)
    session = records.sessions("small")[0]["id"]
    sign_in(client)
    client.post("/research/small/invite", data={"observers": f"{NAME}\nGrace Hopper"})
    client.post(f"/research/small/sessions/{session}/new-link")
    client.get("/research/small/export.zip")
    flask("export", "small", "--out", tmp_path / "out")
    flask("delete-observer", "small", "Grace Hopper", "--drop-answers")
    said = flask("audit-log").output
    entries = [line.split("\t") for line in said.splitlines()]
    assert [(entry[1], entry[4]) for entry in entries] == [
        ("edit-study", "command line"),
        ("invite", "command line"),
        ("invite", "research pages"),
        ("new-link", "research pages"),
        ("export", "research pages"),
        ("export", "command line"),
        ("delete-observer, answers dropped", "command line"),
    ]
    assert entries[3][2:4] == ["small", session]
    assert all(re.fullmatch(r"2026-09-21T\d\d:\d\d:\d\d\.\d{3}Z", entry[0]) for entry in entries)
    assert "Ada" not in said
    assert "Grace" not in said
