"""Progress bars of commands that are gone on with: the time left is that of what is left, at the pace of this run."""

import os

import numpy as np
import pytest
from conftest import noise_images
from PIL import Image
from tiny_pools import UNTRAINED, tiny_checkpoints

COUNT, FOUND = 5, 3  # in all, and done by an earlier run
STEP_SECONDS = 60

pytestmark = pytest.mark.usefixtures("one_thread")


class Clock:
    """Moves when something is made, and at no other time."""

    def __init__(self):
        self.seconds = 1_000_000.0

    def time(self):
        return self.seconds

    monotonic = time

    def made(self, function):
        """The function, taking a minute."""

        def made(*args, **kwargs):
            self.seconds += STEP_SECONDS
            return function(*args, **kwargs)

        return made


@pytest.fixture
def time(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("click._termui_impl.time", clock)
    monkeypatch.setattr("app.cli.common.time", clock)
    return clock


@pytest.fixture
def drawn(flask, monkeypatch, time):
    """Run a command as on a terminal; the states of its bar, one after another."""
    monkeypatch.setattr("click._termui_impl.isatty", lambda stream: True)

    def run(*command):
        done = flask(*command)
        assert done.exit_code == 0, done.output
        return done.output.split("\r")

    return run


def shows(states, *words):
    return any(all(word in state for word in words) for state in states)


@pytest.fixture
def phantoms(monkeypatch, time):
    """The command that renders phantoms, which are blank here."""
    blank = np.zeros((8, 16), np.uint8)
    monkeypatch.setattr("generator.phantom.pool.render", time.made(lambda *args, **kwargs: (blank, {})))
    monkeypatch.setattr(os, "cpu_count", lambda: 1)  # no other processes, which would have the true clock
    return "render-phantoms", "made", "--count", COUNT


def test_a_new_run_shows_the_time_left_at_its_pace(drawn, phantoms):
    states = drawn(*phantoms)
    assert not shows(states, "0/5", ":")
    assert shows(states, "1/5", "00:04:00")
    assert shows(states, "4/5", "00:01:00")


def test_render_phantoms_gone_on_with_shows_the_time_left_at_its_pace(drawn, phantoms, data):
    drawn(*phantoms)
    manifest = data / "pools" / "made" / "manifest.jsonl"
    manifest.write_bytes(b"".join(manifest.read_bytes().splitlines(keepends=True)[:FOUND]))
    states = drawn(*phantoms)
    assert shows(states, "3/5")
    assert not shows(states, "3/5", ":")
    assert shows(states, "4/5", "00:01:00")


def test_generate_pool_gone_on_with_shows_the_time_left_at_its_pace(drawn, flask, time, tmp_path, monkeypatch):
    from generator.pool.make import Maker

    def one_by_one(self, batches, wanted, overlapped):
        for batch in batches:
            if interrupted and len(list((self.pool / "images").iterdir())) == FOUND:
                raise KeyboardInterrupt
            yield from time.made(make)(self, [batch], wanted, overlapped)

    make = Maker.make
    monkeypatch.setattr(Maker, "make", one_by_one)
    checkpoints = tiny_checkpoints(tmp_path)
    command = ["generate-pool", "made", "--count", COUNT]
    command += ["--diffusion", checkpoints["diffusion"], "--sr", checkpoints["superres"]]
    command += [part for check in UNTRAINED for part in ("--without-check", check)]
    interrupted = True
    assert flask(*command).exit_code == 1
    interrupted = False
    states = drawn(*command)
    assert not shows(states, "3/5", "images/s")
    assert shows(states, "4/5", "00:01:00", "0.02 images/s")


def test_prepare_data_gone_on_with_shows_the_time_left_at_its_pace(drawn, time, data, tmp_path, monkeypatch):
    from generator.prepare import pictures

    noise_images(tmp_path / "all", COUNT, seed=1)
    command = ("prepare-data", "made", "--from", tmp_path / "all", "--processes", 1)
    monkeypatch.setattr(pictures, "_make", time.made(pictures._make))
    drawn(*command)
    for file in sorted((data / "corpora" / "made" / "high").iterdir())[FOUND:]:
        file.unlink()
    states = drawn(*command)
    assert not shows(states, "3/5", ":")
    assert shows(states, "4/5", "00:01:00")


def test_upscale_gone_on_with_shows_the_time_left_at_its_pace(drawn, time, tmp_path, monkeypatch):
    from generator.superres import upscale

    for folder, count in (("small", COUNT), ("large", FOUND)):
        (tmp_path / folder).mkdir()
        for number in range(count):
            Image.new("L", (16, 8), number).save(tmp_path / folder / f"{number}.png")
    monkeypatch.setattr("generator.superres.files.upscale", time.made(upscale))
    checkpoint = tiny_checkpoints(tmp_path)["superres"]
    states = drawn("upscale", checkpoint, tmp_path / "small", "--out", tmp_path / "large", "--batch", 1)
    assert not shows(states, "3/5", ":")
    assert shows(states, "4/5", "00:01:00")


@pytest.mark.parametrize(
    ("room", "command", "first"),
    [
        ("diffusion", ("train-diffusion", "--steps", COUNT), FOUND),
        # It tells of its first step when that is done.
        ("superres", ("train-sr", "--l1-steps", COUNT, "--gan-steps", 0), FOUND - 1),
    ],
)
def test_a_training_gone_on_with_shows_the_time_left_at_its_pace(
    drawn, time, tmp_path, monkeypatch, room, command, first
):
    """The training is a play: it tells what the room would, step by step."""
    figures = {"loss": 0.5, "images_per_second": 1.0, "memory_gib": 0.0}

    def train(*args, progress, **kwargs):
        progress(first, figures)
        for step in range(first + 1, COUNT + 1):
            time.made(progress)(step, figures)

    monkeypatch.setattr(f"generator.{room}.train.train", train)
    states = drawn(command[0], "corpus", "--out", tmp_path / "run", *command[1:])
    assert not shows(states, f"{first}/5", ":")
    assert shows(states, "4/5", "00:01:00", "loss")
