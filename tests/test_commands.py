"""The `flask …` commands, as a researcher types them."""

import csv
import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest
from conftest import noise_images
from player import Player

from app import create_app

LEGACY = Path(__file__).parent / "fixtures" / "legacy"


def read_csv(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_from_two_folders_to_the_exported_counts(flask, app, tmp_path):
    """The README's way, with the counts counted again here."""
    for seed, (name, truth) in enumerate([("mine", "real"), ("made", "synthetic")], start=10):
        noise_images(tmp_path / name, 5, seed)
        done = flask("import-pool", name, tmp_path / name, "--truth", truth)
        assert f"5 {truth} images imported" in done.output
    done = flask(
        "create-study",
        "whole",
        "--real",
        "mine",
        "--synthetic",
        "made",
        "--images",
        10,
        "--viewing-seconds",
        8,
        "--break-every",
        4,
    )
    assert (done.exit_code, "10 images, 8 s each" in done.output) == (0, True), done.output
    done = flask("invite", "whole", "--observer", "Ada", "--observer", "Grace", "--base-url", "https://quiz.example/")
    links = dict(re.findall(r"^(\w+)\thttps://quiz\.example(/quiz/\S+)$", done.output, re.MULTILINE))
    given = {}
    for seed, (name, url) in enumerate(links.items()):
        player = Player(app.test_client(), url)
        player.begin()
        played = player.play(lambda trial, seed=seed: (trial["trial"] * 7 + seed) % 5 + 1)
        given[name] = {Path(trial["image"]).stem: rating for trial, rating in played if trial["kind"] == "scored"}

    assert flask("export", "whole", "--out", tmp_path / "out").exit_code == 0

    truth = {
        image["name"]: image["truth"]
        for image in json.loads((tmp_path / "out" / "protocol.json").read_text())["images"]
    }
    answers = read_csv(tmp_path / "out" / "answers.csv")
    assert {(row["observer"], row["image"]): int(row["rating"]) for row in answers if row["kind"] == "scored"} == {
        (name, image): rating for name, ratings in given.items() for image, rating in ratings.items()
    }
    for row in read_csv(tmp_path / "out" / "confusion.csv")[:-1]:
        pairs = [(truth[image], rating) for image, rating in given[row["observer"]].items()]
        assert int(row["tp"]) == sum(side == "synthetic" and rating > 3 for side, rating in pairs)
        assert int(row["fn_fully_certain"]) == sum(side == "synthetic" and rating == 1 for side, rating in pairs)
        assert int(row["fp"]) == sum(side == "real" and rating > 3 for side, rating in pairs)
        assert int(row["tn_partially_certain"]) == sum(side == "real" and rating == 2 for side, rating in pairs)
        assert int(row["unsure"]) == sum(rating == 3 for _, rating in pairs)
    assert "Ada" in openpyxl.load_workbook(tmp_path / "out" / "confusion.xlsx").sheetnames


def test_the_data_dictionary_describes_every_column(flask, player, tmp_path):
    player.play(lambda trial: 3)
    flask("export", "small", "--out", tmp_path / "out")
    described = {(row["file"], row["name"]) for row in read_csv(tmp_path / "out" / "data_dictionary.csv")}
    for name in ("answers.csv", "confusion.csv"):
        columns = read_csv(tmp_path / "out" / name)[0]
        assert {(name, column) for column in columns} <= described


def test_one_toml_file_may_hold_the_options_and_the_command_line_comes_first(flask, records, tmp_path):
    settings = tmp_path / "study.toml"
    settings.write_text("""
real = "cases"
synthetic = "fakes"
images = 4
viewing-seconds = 9.5
profile = false
seed = 3
[texts]
welcome = "Good *morning*"
""")
    done = flask("create-study", "toml", "--settings", settings, "--seed", 4)
    assert done.exit_code == 0, done.output
    protocol = records.study("toml").protocol
    assert (protocol.images, protocol.viewing_seconds, protocol.profile, protocol.seed) == (4, 9.5, False, 4)
    assert protocol.texts == {"welcome": "Good *morning*"}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("viewing_second = 9", "viewing_second"),
        ("images = [", "not TOML"),
        ('images = "many"', "images"),
        ("[texts]\nhello = 'x'", "hello"),
    ],
)
def test_a_wrong_settings_file_is_told_and_nothing_is_made(flask, tmp_path, content, sentence, data):
    settings = tmp_path / "study.toml"
    settings.write_text(content)
    before = sorted(path.name for path in (data / "studies").iterdir())
    done = flask("create-study", "toml", "--real", "cases", "--synthetic", "fakes", "--settings", settings)
    assert done.exit_code != 0
    assert sentence in done.output
    assert sorted(path.name for path in (data / "studies").iterdir()) == before


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"NAME": "small"}, "small already"),
        ({"NAME": "Big Study"}, "lower-case"),
        ({"NAME": "../up"}, "lower-case"),
        ({"--images": 18}, "9 are needed"),
        ({"--images": 7}, "even number"),
        ({"--images": 0}, "images"),
        ({"--real": "none"}, "no pool"),
        ({"--synthetic": "cases"}, "two pools"),
        ({"--real": "fakes", "--synthetic": "cases"}, "synthetic"),
        ({"--viewing-seconds": 0}, "viewing_seconds"),
        ({"--viewing-seconds": "nan"}, "viewing_seconds"),
        ({"--break-every": -1}, "break_every"),
        ({"--title": " "}, "title"),
    ],
)
def test_an_impossible_study_is_refused_with_a_sentence_and_nothing_half_made(flask, data, records, change, sentence):
    options = {"NAME": "next", "--real": "cases", "--synthetic": "fakes", "--images": 4} | change
    folders = sorted((data / "studies").iterdir())
    done = flask("create-study", options.pop("NAME"), *(part for option in options.items() for part in option))
    assert done.exit_code != 0
    assert sentence in done.output
    assert "Traceback" not in done.output
    assert sorted((data / "studies").iterdir()) == folders
    assert [study.name for study in records.studies()] == ["small"]


def test_overlapping_pools_are_refused(flask, tmp_path, data):
    noise_images(tmp_path / "copy", 8, 0)
    assert "also in another pool" in flask("import-pool", "copies", tmp_path / "copy", "--truth", "synthetic").output
    done = flask("create-study", "next", "--real", "cases", "--synthetic", "copies", "--images", 4)
    assert "in common" in done.output
    assert done.exit_code != 0


def test_a_study_can_be_edited_until_an_observer_begins_and_never_after(flask, invite, client, records):
    assert flask("edit-study", "small", "--viewing-seconds", 15).exit_code == 0
    assert records.study("small").protocol.viewing_seconds == 15
    client.post(f"{invite()}/consent", data={"agree": "yes"})
    done = flask("edit-study", "small", "--viewing-seconds", 20)
    assert done.exit_code != 0
    assert "frozen" in done.output
    assert records.study("small").protocol.viewing_seconds == 15


def test_editing_nothing_or_impossibly_is_told(flask, records):
    assert "Nothing to change" in flask("edit-study", "small").output
    assert "break_every" in flask("edit-study", "small", "--break-every", 9999).output
    assert "no study" in flask("edit-study", "large", "--title", "x").output


def test_texts_may_come_from_a_folder(flask, records, tmp_path):
    (tmp_path / "texts").mkdir()
    assert "has none of" in flask("edit-study", "small", "--texts", tmp_path / "texts").output
    (tmp_path / "texts" / "consent.md").write_text("I agree.")
    assert flask("edit-study", "small", "--texts", tmp_path / "texts").exit_code == 0
    assert records.study("small").protocol.texts == {"consent": "I agree."}


def test_inviting_again_gives_the_same_link_and_on_request_a_new_one(flask):
    first = flask("invite", "small", "--observer", "Ada Lovelace").output
    assert flask("invite", "small", "--observer", "ada  lovelace").output == first
    assert flask("invite", "small", "--observer", "Ada Lovelace", "--new-link").output != first


def test_results_of_the_original_quiz_become_a_finished_study(flask, tmp_path, records):
    done = flask(
        "import-answers", "first", "--answers", LEGACY / "submissions.csv", "--labels", LEGACY / "image_labels.csv"
    )
    assert done.exit_code == 0, done.output
    assert "Observer B: 201 images answered, 4 duplicates" in done.output
    assert "not in the labels" in done.output
    assert flask("export", "first", "--out", tmp_path / "out").exit_code == 0
    expected = json.loads((LEGACY / "expected.json").read_text())
    for row in read_csv(tmp_path / "out" / "confusion.csv")[:-1]:
        counts = expected[row["observer"]]
        assert {name: int(row[name.lower()]) for name in ("TP", "TN", "FP", "FN", "Unsure", "answered")} == {
            name: counts[name] for name in ("TP", "TN", "FP", "FN", "Unsure", "answered")
        }
        assert float(row["accuracy_excluding_unsure"]) == pytest.approx(counts["accuracy_excluding_unsure"], abs=1e-15)
    assert (
        "already"
        in flask(
            "import-answers", "first", "--answers", LEGACY / "submissions.csv", "--labels", LEGACY / "image_labels.csv"
        ).output
    )
    assert "imported" in flask("invite", "first", "--observer", "D").output


def test_swapped_legacy_files_are_told_and_nothing_is_made(flask, records):
    done = flask(
        "import-answers", "first", "--answers", LEGACY / "image_labels.csv", "--labels", LEGACY / "submissions.csv"
    )
    assert "swap" in done.output
    assert [study.name for study in records.studies()] == ["small"]


def test_a_port_in_use_is_said_in_one_line(flask):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for command in ("serve", "demo"):
            done = flask(command, "--port", port)
            assert done.exit_code != 0
            said = done.output.strip().splitlines()
            assert said[0].startswith(f"Error: Port {port} can't be used (address already in use)")
            assert f"PORT={port + 1}" in said[0]
            assert len(said) == 1


@pytest.mark.parametrize(
    "content",
    [
        "texts = 5",
        'texts = ["a"]',
        "images = [4]",
        "images = 4.9",
        "profile = 2",
        "viewing-seconds = true",
        "title = 1",
        "seed = 2020-01-01",
        "warm_up-seconds = 1\nwarm-up-seconds = 2",
    ],
)
def test_a_value_of_the_wrong_kind_in_the_settings_is_told(flask, tmp_path, content):
    settings = tmp_path / "study.toml"
    settings.write_text(content)
    done = flask("create-study", "toml", "--real", "cases", "--synthetic", "fakes", "--settings", settings)
    assert done.exit_code == 2, done.output
    assert "study.toml sets" in done.output


def test_settings_saved_by_a_windows_editor_are_read(flask, records, tmp_path):
    settings = tmp_path / "study.toml"
    settings.write_text("\ufeffimages = 4\r\n", encoding="utf-8")
    done = flask("create-study", "toml", "--real", "cases", "--synthetic", "fakes", "--settings", settings)
    assert done.exit_code == 0, done.output


def test_texts_that_are_not_text_are_told(flask, tmp_path):
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "welcome.md").write_bytes(b"\xff\xfe")
    assert "UTF-8" in flask("edit-study", "small", "--texts", tmp_path / "texts").output


@pytest.mark.parametrize("title", ["a\udcffb", "a\x00b", "a\nb"])
def test_a_title_that_cannot_be_printed_is_refused(flask, title):
    assert "printable" in flask("edit-study", "small", "--title", title).output


def test_names_that_mean_something_else_are_refused(flask):
    assert "everybody" in flask("invite", "small", "--observer", "all  Observers").output
    assert "address" in flask("create-study", "sign-in", "--real", "cases", "--synthetic", "fakes").output


def test_a_simulation_never_plays_a_real_observer_s_session(flask, invite, records):
    invite("Simulated 1")
    done = flask("simulate", "small", "--observers", 1)
    assert done.exit_code != 0
    assert "real observer" in done.output
    assert records.rows(records.study("small")) == []


def test_an_interrupted_import_leaves_nothing_for_a_study_of_that_name(flask, records, monkeypatch):
    files = ("--answers", LEGACY / "submissions.csv", "--labels", LEGACY / "image_labels.csv")

    def killed(study):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(records, "add_study", killed)
        assert flask("import-answers", "next", *files).exit_code != 0
    assert len(list(records.store.scan("answer"))) > 500
    done = flask("create-study", "next", "--real", "cases", "--synthetic", "fakes", "--images", 4)
    assert done.exit_code == 0, done.output
    assert records.sessions("next") == []
    assert list(records.store.scan("answer")) == []


def test_two_commands_cannot_make_the_same_study_at_once(data, tmp_path):
    environment = {**os.environ, "QUIZ_DATA": str(data)}
    files = ["--answers", str(LEGACY / "submissions.csv"), "--labels", str(LEGACY / "image_labels.csv")]
    command = [sys.executable, "-m", "flask", "import-answers", "first", *files]
    both = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate()[1] for process in both]
    assert sorted(process.returncode for process in both) == [0, 1], said
    records = create_app(data).extensions["records"]
    assert len(records.rows(records.study("first"))) == 201 + 201 + 120


def test_a_disk_without_room_for_a_folder_is_told_in_one_line(flask, app, monkeypatch):
    def full(path, *_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(Path, "mkdir", full)
    done = flask("render-phantoms", "some", "--count", 1)
    assert done.exit_code == 1
    said = done.output.splitlines()[-1]
    assert re.fullmatch(r"Error: The disk is full: \S+ was not written\. Free some space and start again\.", said)
