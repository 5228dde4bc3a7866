"""Run directories: resumed exactly, never half written, held by one process."""

import contextlib
import json
import sys
import types
from pathlib import Path

import pytest
import torch

from generator.durable import DiskFullError, told_when_full
from generator.processes import BusyError
from generator.runs import Run, RunError
from generator.seeds import numpy_generator, seed_of, torch_generator

needs_full_device = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
SETTINGS = {"preset": "tiny", "steps": 10}


def test_a_run_goes_on_from_its_newest_state(tmp_path):
    with Run(tmp_path, SETTINGS) as run:
        assert run.load_state() is None
        for step in (2, 4, 6):
            run.save_state(step, {"weights": torch.full((2,), step)})
    with Run(tmp_path, SETTINGS) as run:
        state = run.load_state()
    assert state["step"] == 6
    assert state["weights"].tolist() == [6, 6]
    assert sorted(path.stem for path in (tmp_path / "state").iterdir()) == ["000004", "000006"]


def test_a_damaged_state_falls_back_to_the_one_before(tmp_path):
    with Run(tmp_path, SETTINGS) as run:
        run.save_state(2, {})
        run.save_state(4, {})
    (tmp_path / "state" / "000004.pt").write_bytes(b"half")
    with Run(tmp_path, SETTINGS) as run:
        assert run.load_state()["step"] == 2


def test_figures_beyond_the_state_are_dropped_with_half_a_line(tmp_path):
    with Run(tmp_path, SETTINGS) as run:
        for step in (1, 2, 3):
            run.log(step, loss=1 / step)
        run.save_state(2, {})
    with open(tmp_path / "stats.jsonl", "a") as file:
        file.write('{"step": 4, "lo')
    with Run(tmp_path, SETTINGS) as run:
        run.load_state()
        assert run.stats() == [{"step": 1, "loss": 1.0}, {"step": 2, "loss": 0.5}]


def test_other_settings_are_refused_by_name(tmp_path):
    with Run(tmp_path, SETTINGS):
        pass
    with (
        pytest.raises(RunError, match=r"holds a run with other settings \(steps: 10 there, 20 now\)"),
        Run(tmp_path, {**SETTINGS, "steps": 20}),
    ):
        pass


def test_two_processes_cannot_train_in_one_folder(tmp_path):
    with (
        Run(tmp_path, SETTINGS),
        pytest.raises(BusyError, match="Another process is writing"),
        Run(tmp_path, SETTINGS),
    ):
        pass


def test_a_loss_that_is_no_number_stops_the_run_and_names_the_good_state(tmp_path):
    with Run(tmp_path, SETTINGS) as run:
        with pytest.raises(RunError, match="no state was kept yet"):
            run.refuse_unless_finite(1, float("nan"))
        run.save_state(5, {})
        with pytest.raises(RunError, match="the state of step 5 is intact"):
            run.refuse_unless_finite(7, float("inf"))
        run.refuse_unless_finite(8, 0.5)


@contextlib.contextmanager
def on_a_full_disk(path):
    """whole_file(), with a file on which every write fails."""
    with told_when_full(path):
        yield Path("/dev/full")


@needs_full_device
def test_a_full_disk_leaves_the_last_state(tmp_path, monkeypatch):
    with Run(tmp_path, SETTINGS) as run:
        run.save_state(2, {})
        monkeypatch.setattr("generator.runs.whole_file", on_a_full_disk)
        with pytest.raises(DiskFullError, match=r"The disk is full: .*000004\.pt was not written"):
            run.save_state(4, {"weights": torch.zeros(100_000)})
        assert run.load_state()["step"] == 2


@needs_full_device
def test_a_full_disk_is_told_where_figures_are_logged(tmp_path):
    with Run(tmp_path, SETTINGS) as run:
        (tmp_path / "stats.jsonl").symlink_to("/dev/full")
        with pytest.raises(DiskFullError, match=r"The disk is full: .*stats\.jsonl was not written"):
            run.log(1, loss=0.5)


def test_tensorboard_gets_the_figures_and_lets_go_of_steps_that_are_made_anew(tmp_path, monkeypatch):
    """It need not be installed for training, nor for this."""
    heard = []

    class SummaryWriter:
        def __init__(self, folder, purge_step):
            heard.append((folder.name, purge_step))

        def add_scalar(self, *what):
            heard.append(what)

        def close(self):
            heard.append("closed")

    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", types.SimpleNamespace(SummaryWriter=SummaryWriter))
    for step in (1, 2):
        with Run(tmp_path, SETTINGS) as run:
            run.load_state()
            run.log(step, loss=0.5)
            run.save_state(step, {})
    first, second = [("tensorboard", 1), ("loss", 0.5, 1), "closed"], [("tensorboard", 2), ("loss", 0.5, 2), "closed"]
    assert heard == first + second


def test_settings_are_plain_text(tmp_path):
    with Run(tmp_path, SETTINGS):
        assert json.loads((tmp_path / "settings.json").read_text()) == SETTINGS


def test_random_numbers_depend_on_what_they_are_for_alone():
    assert seed_of(1, "noise", 2) == seed_of(1, "noise", 2)
    assert len({seed_of(1, "noise", 2), seed_of(1, "noise", 3), seed_of(2, "noise", 2), seed_of(1, "times", 2)}) == 4
    assert 0 <= seed_of("a") < 2**63
    first, again = (torch.randn(3, generator=torch_generator(5, "x")) for _ in range(2))
    assert torch.equal(first, again)
    assert numpy_generator(5).random() == numpy_generator(5).random()
