"""Ratings survive what befalls a server: a few of the faults of `make benchmark-faults`."""

import asyncio
import sys
from functools import partial

import pytest
from live import ROOT


@pytest.fixture
def faults(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import faults

    yield faults
    for name in ("faults", "observers", "processes", "stores", "unruly", "wire"):
        sys.modules.pop(name, None)


@pytest.fixture
def trials(faults, tmp_path, monkeypatch):
    monkeypatch.setenv("FIRESTORE_PREFIX", "unused")
    return faults.Trials(tmp_path, observers=4, images=24)


def test_a_server_killed_under_answering_observers_loses_and_doubles_nothing(faults, trials):
    trials.run("killed", "SQLite", partial(faults.kills, times=3))
    assert not trials.bad


def test_ratings_doubled_reordered_delayed_and_cut_off_are_stored_once(faults, trials):
    trials.run("unruly", "SQLite", lambda _: faults.nothing(), kind=faults.Unruly)
    assert not trials.bad


def test_a_lost_and_a_changed_rating_are_noticed(faults, tmp_path):
    play = faults.Play(tmp_path / "data", 2, 4, faults.Observer)
    with faults.quiz(tmp_path / "data", tmp_path / "server.log") as server:
        count = asyncio.run(play.run(server, faults.nothing()))
    assert (count.confirmed, count.stored, count.bad) == (10, 10, False)
    (lost, _), (changed, _), *_ = play.records.store.scan("answer")
    play.records.store.delete("answer", lost)
    play.records.store.update("answer", changed, lambda answer: answer | {"rating": answer["rating"] % 5 + 1})
    count = play.count(0)
    assert (count.lost, count.doubled, count.changed, count.bad) == (1, 0, 1, True)
