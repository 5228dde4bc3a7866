"""A pool whose gate refuses half of its images, and whose disk is full at one file or another."""

import errno
import hashlib
import os
import resource
import subprocess
import sys
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import pytest
from live import ROOT
from PIL import Image
from tiny_pools import COUNT, content, lines, make, tiny_checkpoints

from generator.errors import GeneratorError
from generator.pool_folder import Lines

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    return tiny_checkpoints(tmp_path_factory.mktemp("checkpoints"))


@pytest.fixture(scope="module")
def pool(checkpoints, tmp_path_factory):
    return make(tmp_path_factory.mktemp("pools"), checkpoints)


@pytest.fixture(scope="module")
def half_are_blank(pool):
    """A limit of the gate's that about half of the images fail."""
    return float(np.median([np.asarray(Image.open(path)).std() for path in (pool / "images").iterdir()]))


@pytest.fixture
def gate(half_are_blank, monkeypatch):
    monkeypatch.setattr("generator.pool.gate.BLANK", half_are_blank)


@pytest.fixture(scope="module")
def gated(checkpoints, half_are_blank, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("generator.pool.gate.BLANK", half_are_blank)
        return make(tmp_path_factory.mktemp("gated"), checkpoints, without=("saturated", "duplicate"))


@pytest.mark.usefixtures("gate")
def test_refused_seeds_are_replaced_by_further_ones_and_told(gated, checkpoints, tmp_path):
    """The rest of the promise is that of every other pool."""
    refused, kept = lines(gated / "refused.jsonl"), lines(gated / "manifest.jsonl")
    assert len(kept) == COUNT
    assert refused
    assert {line["check"] for line in refused} == {"blank"}
    indices = [line["provenance"]["index"] for line in kept]
    assert sorted(indices + [line["index"] for line in refused]) == list(range(max(indices) + 1))
    assert indices == sorted(indices)
    assert sorted(path.name for path in (gated / "images").iterdir()) == [Path(line["file"]).name for line in kept]
    assert content(make(tmp_path, checkpoints, without=("saturated", "duplicate"))) == content(gated)


def test_a_gate_that_refuses_everything_is_a_fault_and_leaves_a_valid_manifest(checkpoints, tmp_path, monkeypatch):
    monkeypatch.setattr("generator.pool.gate.BLANK", 1000)
    monkeypatch.setattr("generator.pool.decide.PATIENCE", 0)
    with pytest.raises(GeneratorError, match="1 images 1 were refused, 1 by the check blank"):
        make(tmp_path, checkpoints, count=1, without=())
    assert (tmp_path / "fakes" / "manifest.jsonl").read_bytes() == b""
    assert len(lines(tmp_path / "fakes" / "refused.jsonl")) == 1


@contextmanager
def room_for(size):
    """A limit on the size of files stands for a disk with room for so many bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def fill_at(monkeypatch, name):
    """Half of the file `name` finds room, or of a file of lines the first one and seven bytes of the second."""
    write, append = Path.write_bytes, Lines.append

    def write_bytes(self, data):
        with room_for(len(data) // 2) if f".{name}." in self.name else nullcontext():
            return write(self, data)

    def append_line(self, record):
        file = Path(self._file.name)
        first = file.stat().st_size
        with room_for(first + 7) if first and file.name == name else nullcontext():
            return append(self, record)

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    monkeypatch.setattr(Lines, "append", append_line)


@pytest.fixture
def gated_command(checkpoints):
    command = ["generate-pool", "fakes2", "--count", COUNT, "--seed", 3]
    command += ["--diffusion", checkpoints["diffusion"], "--sr", checkpoints["superres"]]
    return [*command, "--without-check", "saturated", "--without-check", "duplicate"]


@pytest.mark.usefixtures("gate")
@pytest.mark.parametrize(
    "name", ["pool.json", "image", "made-0.jsonl", "times.jsonl", "refused.jsonl", "manifest.jsonl"]
)
def test_a_disk_that_is_full_at_any_file_leaves_a_valid_manifest_and_is_gone_on_from(
    flask, data, gated, gated_command, name
):
    with pytest.MonkeyPatch.context() as patch:
        fill_at(patch, Path(lines(gated / "manifest.jsonl")[2]["file"]).name if name == "image" else name)
        done = flask(*gated_command)
    assert done.exit_code == 1
    assert done.output.splitlines()[-1].startswith("Error: The disk is full: "), done.output
    target = data / "pools" / "fakes2"
    for line in lines(target / "manifest.jsonl") if (target / "manifest.jsonl").exists() else []:
        assert hashlib.sha256((target / line["file"]).read_bytes()).hexdigest() == line["sha256"]
    done = flask(*gated_command)
    assert done.exit_code == 0, done.output
    assert content(target) == content(gated)
    kept = [line["provenance"]["index"] for line in lines(target / "manifest.jsonl")]
    assert [line["index"] for line in lines(target / "times.jsonl")] == kept
    assert not (target / ".work").exists()


def refuse_to_make(monkeypatch, name):
    """There is no room for the folder or file `name`, not even for an empty one."""

    def refusing(make):
        def make_or_refuse(path, *args, **kwargs):
            if isinstance(path, str | Path) and Path(path).name == name:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            return make(path, *args, **kwargs)

        return make_or_refuse

    monkeypatch.setattr(os, "mkdir", refusing(os.mkdir))
    monkeypatch.setattr("builtins.open", refusing(open))


@pytest.mark.usefixtures("gate")
def test_a_disk_without_room_for_an_empty_file_is_told_and_the_pool_gone_on_with(flask, data, gated, gated_command):
    for name in ("images", ".lock", ".work", "running-0", "made-0.jsonl", "times.jsonl"):
        with pytest.MonkeyPatch.context() as patch:
            refuse_to_make(patch, name)
            done = flask(*gated_command)
        assert done.exit_code == 1
        assert done.output.splitlines()[-1].startswith("Error: The disk is full: "), (name, done.output)
    assert flask(*gated_command).exit_code == 0
    assert content(data / "pools" / "fakes2") == content(gated)


def test_what_a_full_disk_did_not_take_of_a_line_is_not_written_when_there_is_room_again(tmp_path):
    """A limit on the file's size stands for the full disk: seven bytes of the second line find room."""
    code = """
import resource, signal, sys
from pathlib import Path
from generator.durable import DiskFullError
from generator.pool_folder import Lines
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
file = Path(sys.argv[1])
with Lines(file) as lines:
    lines.append({"a": 1})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 7, limits[1]))
    try:
        lines.append({"a": 2, "more": "x" * 50})
    except DiskFullError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    lines.append({"a": 3})
"""
    file = tmp_path / "manifest.jsonl"
    done = subprocess.run([sys.executable, "-c", code, file], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("The disk is full: ")
    assert file.read_bytes() == b'{"a":1}\n{"a":3}\n'
