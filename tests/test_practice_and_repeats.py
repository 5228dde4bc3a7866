"""Practice trials with feedback, and hidden repeats."""

import csv

import pytest
from player import Player

from app.study import Protocol, StudyError, sequence


@pytest.mark.parametrize("session", [f"{i:016x}" for i in range(20)])
def test_repeats_come_once_each_at_least_thirty_trials_after_the_first_showing(session):
    protocol = Protocol(name="twice", images=60, repeats=30)
    trials = sequence(protocol, [f"image-{i}" for i in range(60)], ["warm-up"], session)[1:]
    first = {trial.image: trial.number for trial in trials if not trial.repeat}
    repeats = [trial for trial in trials if trial.repeat]
    assert [trial.number for trial in trials] == list(range(1, 91))
    assert len(first) == 60
    assert len({trial.image for trial in repeats}) == 30
    assert min(trial.number - first[trial.image] for trial in repeats) >= 30


def test_repeats_are_spread_and_differ_between_observers():
    protocol = Protocol(name="twice", images=200, repeats=20)
    images = [f"image-{i}" for i in range(200)]
    numbers = [
        [trial.number for trial in sequence(protocol, images, [], f"{session:016x}") if trial.repeat]
        for session in range(30)
    ]
    assert len({tuple(found) for found in numbers}) == 30
    assert min(map(min, numbers)) < 70
    assert max(map(max, numbers)) > 210


@pytest.mark.parametrize(
    "settings", [{"images": 60, "repeats": 31}, {"images": 20, "repeats": 1}, {"repeats": -1}, {"practice": 3}]
)
def test_impossible_repeats_and_practice_are_refused(settings):
    with pytest.raises(StudyError, match=r"repeats|practice"):
        Protocol(name="twice", **settings)


@pytest.fixture
def study(flask, records):
    done = flask("create-study", "trained", "--real", "cases", "--synthetic", "fakes", "--images", 10, "--practice", 4)
    assert done.exit_code == 0, done.output
    return records.study("trained")


def test_practice_images_come_from_outside_the_study_half_of_each_truth(study):
    _, *practice = study.practice.values()
    assert sorted(image["truth"] for image in practice) == ["real", "real", "synthetic", "synthetic"]
    assert not {image["pixels_sha256"] for image in practice} & {
        image["pixels_sha256"] for image in study.images.values()
    }


def test_feedback_follows_practice_trials_alone(study, client, invite):
    player = Player(client, invite(study="trained"))
    player.begin()
    truths = {name: image["truth"] for name, image in study.practice.items()}
    for expected in [None, *list(truths.values())[1:], None]:
        player.show()
        assert player.rate(2).get_json()["feedback"] == (expected and {"truth": expected})
    assert player.current["number"] == 2


def test_a_study_may_keep_the_truth_of_practice_images(study, client, invite, records):
    records.edit_study("trained", {"practice_feedback": False})
    player = Player(client, invite(study="trained"))
    player.begin()
    assert [player.rate(2).get_json()["feedback"] for _ in range(5)] == [None] * 5


def test_too_few_images_for_practice_are_told(flask):
    done = flask("create-study", "next", "--real", "cases", "--synthetic", "fakes", "--images", 8, "--practice", 10)
    assert done.exit_code != 0
    assert "9 are needed" in done.output


def test_repeats_are_invisible_to_the_observer_marked_in_the_answers_and_not_counted(
    flask, data, client, invite, tmp_path
):
    from conftest import noise_images

    for seed, (name, truth) in enumerate([("many", "real"), ("more", "synthetic")], start=50):
        noise_images(tmp_path / name, 16, seed)
        flask("import-pool", name, tmp_path / name, "--truth", truth)
    done = flask("create-study", "twice", "--real", "many", "--synthetic", "more", "--images", 32, "--repeats", 2)
    assert done.exit_code == 0, done.output
    player = Player(client, invite(study="twice"))
    player.begin()
    assert player.state["scored_total"] == 34
    shown = [trial for trial, _ in player.play(lambda trial: 5) if trial["kind"] == "scored"]
    assert {frozenset(trial) for trial in shown} == {frozenset(shown[0])}
    assert len({trial["image"] for trial in shown}) == 32
    flask("export", "twice", "--out", tmp_path / "out")
    with (tmp_path / "out" / "answers.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "scored"]
    assert [row["repeat"] for row in rows].count("true") == 2
    with (tmp_path / "out" / "confusion.csv").open(newline="") as file:
        counted = next(csv.DictReader(file))
    assert (counted["answered"], counted["tp"], counted["fp"], counted["finished"]) == ("32", "16", "16", "true")
