"""Checkpoints: safe to open, whole, and only taken for what they are."""

import os
import pickle
from pathlib import Path

import pytest
import torch

from generator.checkpoint import (
    CheckpointError,
    file_sha256,
    load_checkpoint,
    load_weights,
    read_about,
    read_published,
    save_checkpoint,
)

ABOUT = {"config": {"width": 8}, "training": {"step": 7}}


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "one.safetensors"
    save_checkpoint(path, "diffusion", torch.nn.Linear(3, 2).state_dict(), ABOUT)
    return path


class Evil:
    """A pickle that would run a command when opened."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def test_a_checkpoint_gives_back_its_weights_and_what_it_says_of_itself(tmp_path):
    network = torch.nn.Linear(3, 2)
    path = tmp_path / "one.safetensors"
    save_checkpoint(path, "diffusion", network.state_dict(), ABOUT)
    tensors, about = load_checkpoint(path, "diffusion")
    other = torch.nn.Linear(3, 2)
    load_weights(other, tensors, path)
    assert torch.equal(other.weight, network.weight)
    assert about["config"] == {"width": 8}
    assert about == read_about(path, "diffusion")


def test_equal_weights_give_equal_files(tmp_path):
    network = torch.nn.Linear(3, 2)
    for name in "ab":
        save_checkpoint(tmp_path / name, "superres", network.state_dict(), ABOUT)
    assert file_sha256(tmp_path / "a") == file_sha256(tmp_path / "b")


def test_the_wrong_kind_is_refused(saved):
    with pytest.raises(CheckpointError, match="of the kind 'diffusion'; one of the kind 'superres' is needed"):
        load_checkpoint(saved, "superres")


@pytest.mark.parametrize("left", [0, 5, 100, 0.5, -1])
def test_a_truncated_checkpoint_is_refused(saved, left):
    data = saved.read_bytes()
    saved.write_bytes(data[: int(len(data) * left) if isinstance(left, float) else left])
    with pytest.raises(CheckpointError, match="no safetensors file, or is cut short"):
        load_checkpoint(saved, "diffusion")


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"There is no checkpoint .*none\.safetensors"):
        load_checkpoint(tmp_path / "none.safetensors", "diffusion")


def test_a_safetensors_file_of_another_program_is_refused(tmp_path):
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, tmp_path / "x.safetensors")
    with pytest.raises(CheckpointError, match="it was not written here"):
        load_checkpoint(tmp_path / "x.safetensors", "diffusion")


def test_weights_that_do_not_fit_are_refused_by_name(saved):
    tensors, _ = load_checkpoint(saved, "diffusion")
    with pytest.raises(CheckpointError, match="2 of 2 parameters differ, the first is bias"):
        load_weights(torch.nn.Linear(3, 4), tensors, saved)


def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(tmp_path):
    path, mark = tmp_path / "evil.pth", tmp_path / "ran"
    for write in (lambda: torch.save({"a": Evil(mark)}, path), lambda: path.write_bytes(pickle.dumps(Evil(mark)))):
        write()
        with pytest.raises(CheckpointError, match="was refused unopened"):
            read_published(path)
    with pytest.raises(CheckpointError, match="convert it first with flask convert-checkpoint"):
        load_checkpoint(path, "diffusion")
    assert not mark.exists()


def test_a_truncated_published_file_is_refused(tmp_path):
    path = tmp_path / "model.pth"
    torch.save({"a": torch.zeros(1000)}, path)
    for size in (0, 10, 2000):
        path.write_bytes(path.read_bytes()[:size])
        with pytest.raises(CheckpointError, match="is damaged"):
            read_published(path)


def test_a_failed_write_leaves_the_old_checkpoint(saved, monkeypatch):
    before = saved.read_bytes()

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(Exception, match=r"The disk is full: .*one\.safetensors was not written"):
        save_checkpoint(saved, "diffusion", {"a": torch.zeros(1)}, ABOUT)
    assert saved.read_bytes() == before
    assert os.listdir(saved.parent) == [saved.name]
