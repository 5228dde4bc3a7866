"""Simulated observers: rehearsals over real HTTP."""

import csv
import random
from statistics import mean

import pytest

from app.simulate import SimulatedObserver


def read(folder, name):
    with (folder / name).open(newline="") as file:
        return list(csv.DictReader(file))


def test_whole_sessions_are_played_over_http_and_marked_as_simulated(flask, records, tmp_path):
    done = flask("simulate", "small", "--observers", 3, "--skill", 0.8, "--seed", 1)
    assert done.exit_code == 0, done.output
    assert "3 simulated observers, 27 ratings" in done.output
    rows = records.rows(records.study("small"))
    assert len(rows) == 27
    assert all(row["simulated"] and row["submitted_ms"] >= row["response_ms"] > 0 for row in rows)
    # A second run finds nothing left to do.
    assert "0 ratings" in flask("simulate", "small", "--observers", 3, "--skill", 0.8, "--seed", 1).output


def test_simulated_observers_are_left_out_of_the_export_unless_asked_for(flask, player, tmp_path):
    player.play(lambda trial: 2)
    flask("simulate", "small", "--observers", 1)
    flask("export", "small", "--out", tmp_path / "without")
    flask("export", "small", "--out", tmp_path / "with", "--include-simulated")
    for name in ("answers.csv", "confusion.csv"):
        assert {row["observer"] for row in read(tmp_path / "without", name)} - {"All observers"} == {"Ada"}
        assert {row["observer"] for row in read(tmp_path / "with", name)} >= {"Ada", "Simulated 1"}
    assert read(tmp_path / "without", "confusion.csv")[-1]["answered"] == "8"
    assert read(tmp_path / "with", "confusion.csv")[-1]["answered"] == "16"


def test_the_same_seed_gives_the_same_ratings(built, tmp_path):
    import shutil

    from app import create_app

    ratings = []
    for run in ("first", "second"):
        app = create_app(shutil.copytree(built, tmp_path / run))
        records = app.extensions["records"]
        # A random order follows the session's identifier, which is random: a fixed one makes the runs comparable.
        records.edit_study("small", {"order": "fixed"})
        assert (
            app.test_cli_runner().invoke(args=["simulate", "small", "--observers", "2", "--seed", "9"]).exit_code == 0
        )
        ratings.append(
            [
                (row["observer"], row["number"], row["rating"], row["response_ms"])
                for row in records.rows(records.study("small"))
            ]
        )
    assert ratings[0] == ratings[1]


@pytest.mark.parametrize("skill", [0.5, 0.7, 0.9])
def test_observers_reach_the_skill_asked_for(skill):
    """The empirical area under the ROC curve, ties counted half, of many simulated decisions without bias."""
    chance = random.Random(3)
    observer = SimulatedObserver(skill, tuple(x / 10 for x in range(-60, 61)), 6.0)
    fake, real = ([observer.decide(side, chance)[0] for _ in range(1500)] for side in (True, False))
    area = mean((a > b) + 0.5 * (a == b) for a in fake for b in real)
    assert area == pytest.approx(skill, abs=0.03)


def test_times_look_human_and_doubt_costs_time():
    chance = random.Random(5)
    observer = SimulatedObserver.draw(0.7, chance)
    decisions = [observer.decide(i % 2 == 0, chance) for i in range(2000)]
    assert {rating for rating, _ in decisions} == {1, 2, 3, 4, 5}
    assert 2 < mean(seconds for _, seconds in decisions) < 20
    sure, unsure = ([seconds for rating, seconds in decisions if (rating in (1, 5)) == side] for side in (True, False))
    assert mean(sure) < mean(unsure)


def test_an_impossible_skill_is_told(flask, records):
    assert "area under the ROC curve" in flask("simulate", "small", "--skill", 70).output
    assert records.sessions("small") == []


def test_a_wrong_server_is_told_in_a_sentence(flask):
    done = flask("simulate", "small", "--url", "http://127.0.0.1:9")
    assert done.exit_code != 0
    assert "127.0.0.1:9" in done.output
    assert "Traceback" not in done.output
