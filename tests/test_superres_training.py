"""Training the super-resolution: two stages, exact resume, better than bicubic, clear errors."""

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from live import ROOT
from PIL import Image
from safetensors.torch import load_file
from tiny_superres import QUICK, TINY, half_corpus

from generator.checkpoint import load_checkpoint
from generator.corpus import open_corpus
from generator.devices import find_accelerator
from generator.runs import Run, RunError
from generator.superres import HatConfig, SuperResError, load, upscale
from generator.superres.presets import STARTER, find_preset
from generator.superres.train import Trainer, train

pytestmark = pytest.mark.usefixtures("one_thread")


LEARNS = {
    "network": HatConfig(**{**TINY.as_dict(), "embed_dim": 24}),
    "l1_steps": 300,
    "gan_steps": 0,
    "crop": 64,
    "batch": 12,
    "learning_rate": 1e-3,
    "warm_up": 120,
    "halve_at": (0.5, 0.75, 0.9),
    "check_every": 300,
    "check_images": 2,
}


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    return half_corpus(tmp_path_factory.mktemp("corpora"))


@pytest.fixture(scope="module")
def corpus(corpora):
    return open_corpus(corpora / "half")


def test_a_short_training_beats_bicubic_on_held_out_phantoms(corpora, tmp_path):
    changes = QUICK | LEARNS
    train(corpora / "half", tmp_path, "starter", **changes)
    with Run(tmp_path, json.loads((tmp_path / "settings.json").read_text())) as run:
        figures = run.stats()[-1]
    for kind in ("clean", "degraded"):
        assert figures[f"psnr_{kind}"] > figures[f"bicubic_psnr_{kind}"] + 0.1
        assert figures[f"ssim_{kind}"] > figures[f"bicubic_ssim_{kind}"] + 0.002
    with Image.open(tmp_path / "samples" / "000300.png") as sheet:
        assert sheet.size == (4 * 324, 2 * 266)


def finished(folder):
    """The last weights and the figures, without times."""
    lines = [json.loads(line) for line in (folder / "stats.jsonl").read_text().splitlines()]
    for line in lines:
        line.pop("images_per_s", None)
    return load_file(folder / "checkpoints" / "000008.safetensors"), lines


@pytest.fixture(scope="module")
def uninterrupted(corpora, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "whole"
    train(corpora / "half", out, "starter", seed=9, **QUICK)
    return out


def test_both_stages_leave_checkpoints_cards_sheets_and_figures(uninterrupted):
    assert sorted(path.name for path in (uninterrupted / "checkpoints").glob("*.md")) == [
        f"00000{step}.md" for step in (2, 4, 6, 8)
    ]
    figures = finished(uninterrupted)[1]
    assert set(figures[0]) == {"step", "l1"}
    assert {"l1", "gan", "discriminator"} <= set(figures[-2])
    card = (uninterrupted / "checkpoints" / "000008.md").read_text()
    assert "training.corpus_fingerprint" in card
    assert "measured.psnr_clean" in card


def test_a_sheet_shows_low_bicubic_ours_and_true_in_this_order(corpus, uninterrupted):
    """The middle of the first held-out image, with the weights of the checkpoint beside it."""
    name = corpus.names("test")[0]
    low, true = corpus.low_image(name), corpus.high_image(name)
    bicubic = np.asarray(Image.fromarray(low).resize((512, 256), Image.Resampling.BICUBIC))
    (ours,) = upscale(load(uninterrupted / "checkpoints" / "000008.safetensors"), low[None], device="cpu")
    expected = [np.kron(low, np.ones((4, 4), np.uint8)), bicubic, ours, true]
    with Image.open(uninterrupted / "samples" / "000008.png") as sheet:
        tiles = np.split(np.asarray(sheet), 4, axis=1)
    for tile, image in zip(tiles, expected, strict=True):
        assert np.array_equal(tile[22:262, 2:322], image[8:248, 96:416])
    assert all((one != other).any() for one, other in pairwise(expected))


def same(one, other):
    (weights, figures), (other_weights, other_figures) = finished(one), finished(other)
    assert figures == other_figures
    assert weights.keys() == other_weights.keys()
    return all(torch.equal(weights[name], other_weights[name]) for name in weights)


@pytest.mark.parametrize("stage", [1, 2])
def test_killed_and_gone_on_with_is_as_if_it_had_not_been(corpora, uninterrupted, tmp_path, stage):
    """Killed as a process, at an odd step of each stage, by a signal that cannot be caught."""
    kill_at = {1: 3, 2: 7}[stage]
    code = (
        "import os, signal, torch\n"
        "from test_superres_training import QUICK, train\n"
        "torch.set_num_threads(1)\n"
        f"stop = lambda step, figures: os.kill(os.getpid(), signal.SIGKILL) if step == {kill_at} else None\n"
        f"train({str(corpora / 'half')!r}, {str(tmp_path)!r}, 'starter', seed=9, progress=stop, **QUICK)\n"
    )
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment)
    assert ended.returncode == -signal.SIGKILL
    train(corpora / "half", tmp_path, "starter", seed=9, **QUICK)
    assert same(tmp_path, uninterrupted)


LEARN = """
import sys, torch
torch.set_num_threads(1)
from tiny_superres import QUICK
from generator.superres.train import train
train(sys.argv[1], sys.argv[2], "starter", seed=9, **QUICK)
"""


def one_of_two(rank, port, *words):
    """A process as torchrun starts it."""
    place = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
    place |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", **place}
    words = [sys.executable, "-c", LEARN, *map(str, words)]
    return subprocess.Popen(words, cwd=ROOT, env=environment, stderr=subprocess.PIPE)


def state_of(run, step):
    return torch.load(run / "state" / f"{step:06d}.pt", weights_only=True)


def apart(one, other, network):
    """How far the weights of a network are apart in two states; estimates of spectral norms are no weights."""
    names = [name for name in one[network] if one[network][name].is_floating_point() and name[-2:] not in ("_u", "_v")]
    return torch.cat([(one[network][name] - other[network][name]).flatten() for name in names]).norm()


def test_two_processes_learn_what_one_learns(corpora, uninterrupted, tmp_path):
    """But for sums in another order, which are a thousandth of what was learnt."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    both = [one_of_two(rank, port, corpora / "half", tmp_path) for rank in range(2)]
    said = [each.communicate(timeout=120)[1].decode() for each in both]
    assert [each.returncode for each in both] == [0, 0], said
    ours, theirs, before = state_of(tmp_path, 8), state_of(uninterrupted, 8), state_of(uninterrupted, 6)
    for network in ("network", "average", "discriminator"):
        assert apart(ours, theirs, network) < 0.01 * apart(theirs, before, network), network
    figures, other_figures = finished(tmp_path)[1], finished(uninterrupted)[1]
    assert len(figures) == len(other_figures)
    for line, other in zip(figures, other_figures, strict=True):
        assert line == pytest.approx(other, rel=1e-3)


def test_other_settings_are_refused(corpora, uninterrupted, tmp_path):
    shutil.copytree(uninterrupted, tmp_path / "run")
    with pytest.raises(RunError, match="gan_weight"):
        train(corpora / "half", tmp_path / "run", "starter", seed=9, gan_weight=0.5, **QUICK)


def test_a_checkpoint_is_trained_further(corpora, uninterrupted, tmp_path):
    begun = uninterrupted / "checkpoints" / "000004.safetensors"
    hardly = QUICK | {"l1_steps": 0, "gan_steps": 2, "second_rate": 1e-9}
    last = train(corpora / "half", tmp_path, "starter", start=begun, **hardly)
    before, after = load_file(begun), load_file(last)
    assert all(torch.allclose(after[name], before[name], atol=1e-6) for name in before)
    about = load_checkpoint(last, "superres")[1]
    assert about["training"]["started_from"] == hashlib.sha256(begun.read_bytes()).hexdigest()
    with pytest.raises(RunError, match="started_from"):
        train(corpora / "half", tmp_path, "starter", **hardly)


def test_only_the_same_network_is_trained_further(corpora, uninterrupted, tmp_path):
    begun = uninterrupted / "checkpoints" / "000004.safetensors"
    other = QUICK | {"network": HatConfig(**{**TINY.as_dict(), "embed_dim": 24})}
    with pytest.raises(SuperResError, match=r"another network than the preset's \(embed_dim: 16 there, 24 here\)"):
        train(corpora / "half", tmp_path / "run", "starter", start=begun, **other)
    assert not (tmp_path / "run").exists()


def test_a_discriminator_of_detail_is_shown_grain_ten_times_as_strong_and_no_greys(corpora):
    trainer = Trainer(replace(STARTER, network=TINY), 0, find_accelerator("cpu"), torch.float32, None)
    flat, grain = torch.full((1, 1, 32, 32), 0.7), 0.01 * torch.randn((1, 1, 32, 32))
    assert trainer.judged(flat).abs().max() < 1e-5
    shown = trainer.judged(flat + grain)[..., 5:-5, 5:-5]
    assert 0.08 < shown.std() < 0.12
    trainer.preset = replace(trainer.preset, discriminator_sees="image")
    assert trainer.judged(flat) is flat


def test_the_discriminator_is_ahead_of_the_network():
    """Its rate is the greater, and whole at once: the network would learn to fool one that knows nothing."""
    preset = replace(STARTER, network=TINY, l1_steps=1, gan_steps=400, discriminator=4, perceptual_weight=0.0)
    trainer = Trainer(preset, 0, find_accelerator("cpu"), torch.float32, None)
    for step in (0, 1, 100, 300):
        trainer.step(step, torch.rand(1, 1, 8, 8), torch.rand(1, 1, 32, 32))
        (own,), theirs = trainer.optimiser.param_groups, getattr(trainer, "discriminator_optimiser", None)
        if step == 0:
            assert theirs is None
            assert own["lr"] == pytest.approx(STARTER.learning_rate / STARTER.warm_up)
        else:
            assert own["lr"] <= STARTER.second_rate < theirs.param_groups[0]["lr"]
            assert theirs.param_groups[0]["lr"] == STARTER.discriminator_rate / (2 if step > 200 else 1)


@pytest.fixture
def broken(corpora, tmp_path):
    """A copy of the corpus to break."""
    return shutil.copytree(corpora / "half", tmp_path / "corpus")


def rewrite(corpus, change):
    manifest = json.loads((corpus / "manifest.json").read_text())
    change(manifest)
    (corpus / "manifest.json").write_text(json.dumps(manifest))


def test_a_wrong_ratio_of_small_to_large_is_told(broken, tmp_path):
    rewrite(broken, lambda manifest: manifest["size"].update(low=[256, 128]))
    with pytest.raises(SuperResError, match="512×256 and the small ones 256×128: they must be 4 times as large"):
        train(broken, tmp_path / "run", **QUICK)


def test_a_corpus_without_test_images_is_told(broken, tmp_path):
    rewrite(broken, lambda manifest: [image.update(split="train") for image in manifest["images"]])
    with pytest.raises(SuperResError, match="has no images to measure the network on"):
        train(broken, tmp_path / "run", **QUICK)


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize(
    ("write", "sentence"),
    [
        (lambda path: path.write_bytes(b"nothing"), "is broken"),
        (lambda path: Image.new("RGB", (512, 256)).save(path), "mode RGB, not 512×256 of 8-bit grey"),
        (lambda path: Image.fromarray(np.zeros((256, 512), np.uint16)).save(path), "not 512×256 of 8-bit grey"),
        (lambda path: path.unlink(), "is missing"),
    ],
)
def test_a_bad_training_image_is_named_in_one_line(broken, tmp_path, write, sentence, workers):
    for name in open_corpus(broken).names("train"):
        write(broken / "high" / f"{name}.png")
    with pytest.raises(SuperResError, match=sentence) as told:
        train(broken, tmp_path / "run", **QUICK | {"workers": workers})
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"crop": 30}, "multiple of 4"),
        ({"crop": 36}, "multiple of 8"),
        ({"crop": 1024}, "at most 256 pixels"),
        ({"l1_steps": 0, "gan_steps": 0}, "number of steps"),
        ({"check_images": 0}, "1 or more"),
        ({"discriminator_sees": "all"}, "the image or its detail, not 'all'"),
    ],
)
def test_settings_that_cannot_be_are_told(corpora, tmp_path, change, sentence):
    with pytest.raises(SuperResError, match=sentence):
        train(corpora / "half", tmp_path / "run", **QUICK | change)
    assert not (tmp_path / "run").exists()


def test_an_unknown_preset_is_told():
    with pytest.raises(SuperResError, match="choose one of paper, starter"):
        find_preset("papr")


@pytest.fixture
def command(corpora, tmp_path, monkeypatch):
    """Run `flask train-sr half …` with quick settings for the preset's; gives the result."""
    from app import create_app
    from generator.superres import presets

    small = {name: value for name, value in QUICK.items() if name not in ("device", "workers")}
    monkeypatch.setitem(presets.PRESETS, "starter", replace(STARTER, **small))
    data = tmp_path / "quiz_data"
    shutil.copytree(corpora / "half", data / "corpora" / "half")
    run, common = create_app(data).test_cli_runner(), ["--device", "cpu", "--workers", "0"]
    return lambda out, *words: run.invoke(args=["train-sr", "half", "--out", str(out), *common, *map(str, words)])


def test_the_command_trains_and_goes_on(command, tmp_path):
    for _ in range(2):
        result = command(tmp_path / "run", "--gan-steps", 0)
        assert result.exit_code == 0, result.output
        assert "Trained for 4 steps: " in result.output
    last = tmp_path / "run" / "checkpoints" / "000004.safetensors"
    result = command(tmp_path / "further", "--gan-steps", 0, "--start", last)
    assert result.exit_code == 0, result.output
    result = command(tmp_path / "run", "--gan-steps", 0, "--seed", 1)
    assert result.exit_code == 1
    assert "holds a run with other settings (seed: 0 there, 1 now)" in result.output


def test_from_an_earlier_state_the_command_comes_to_the_same_bytes(command, tmp_path):
    steps = ("--l1-steps", 2, "--gan-steps", 2, "--check-every", 1, "--states", 4)
    assert command(tmp_path / "run", *steps).exit_code == 0
    later = [f"{folder}/00000{step}" for step in (2, 3, 4) for folder in ("checkpoints", "samples")]
    files = [tmp_path / "run" / f"{name}.{'png' if 'samples' in name else 'safetensors'}" for name in later]
    before = [file.read_bytes() for file in files]
    refused = command(tmp_path / "run", *steps, "--from-step", 9)
    assert refused.exit_code == 1
    assert refused.output.strip().endswith("holds no state of step 9; states it has: 1, 2, 3, 4")
    for file in files:
        file.unlink()
    result = command(tmp_path / "run", *steps, "--from-step", 1)
    assert result.exit_code == 0, result.output
    assert [file.read_bytes() for file in files] == before
