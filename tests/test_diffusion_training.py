"""Training the generator: it learns, it goes on exactly after any death, it says what is wrong."""

import contextlib
import hashlib
import json
import math
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from app.cli.diffusion import train_diffusion
from generator.checkpoint import CheckpointError, load_checkpoint
from generator.corpus import CorpusError, open_corpus
from generator.devices import find_accelerator
from generator.diffusion import Denoiser, Model, Preset, SettingsError, Training, load, sample, to_grey
from generator.diffusion.batches import Batches
from generator.diffusion.train import Trainer, ema_at, rate_at, train
from generator.durable import DiskFullError, told_when_full, whole_file
from generator.runs import RunError

pytestmark = pytest.mark.usefixtures("one_thread")

ROOT = Path(__file__).parents[1]
POOLS = ("demo-real", "demo-synthetic")  # phantoms that the repository ships
MODEL = Model(
    height=16,
    width=32,
    channels=1,
    widths=(16, 32, 32),
    patch=2,
    heads=2,
    head_width=16,
    prediction="v",
    schedule="cosine",
    sampler="dpm++",
    steps=10,
    eta=0.0,
)
LEARNING = Training(150, 16, 3e-3, warmup=20, loss="l2", weighting="min-snr", ema="half-life", ema_images=400)
SHORT = Preset("", replace(MODEL, widths=(8, 8)), replace(LEARNING, steps=6, batch=4, warmup=2, optimizer="muon"))
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """The demo's phantoms at 32×16, two of three for training."""
    folder = tmp_path_factory.mktemp("corpora") / "tiny"
    (folder / "low").mkdir(parents=True)
    images = []
    for pool in POOLS:
        for file in sorted((ROOT / "quiz_data" / "pools" / pool / "images").iterdir())[:48]:
            name = f"{pool}-{file.stem}"
            with Image.open(file) as image:
                small = image.convert("L").resize((32, 16), Image.Resampling.BOX)
            small.save(folder / "low" / f"{name}.png")
            images.append({"name": name, "split": "test" if len(images) % 3 == 0 else "train", "high_sha256": name})
    manifest = {"format": 1, "name": "tiny", "images": images, "size": {"high": [128, 64], "low": [32, 16]}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def begin(corpus, out, preset=SHORT, every=2, **more):
    return train(corpus, out, preset, device="cpu", every=every, log_every=1, **more)


def figures(run):
    return [json.loads(line) for line in (run / "stats.jsonl").read_text().splitlines()]


def losses(run):
    return [line["loss"] for line in figures(run)]


def weights(path):
    return load_checkpoint(path, "diffusion")[0]


def identical(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(scope="module")
def whole(corpus, tmp_path_factory):
    """An uninterrupted short run."""
    run = tmp_path_factory.mktemp("runs") / "whole"
    begin(corpus, run)
    return run


def likeness(pictures, others):
    """(mean difference of the mean image in blocks, 0 to 1; largest difference of the log power in four rings)."""
    found = []
    for side in (pictures, others):
        grey = side / 255
        power = np.abs(np.fft.rfft2(grey - grey.mean((1, 2), keepdims=True))) ** 2
        frequency = np.hypot(np.fft.fftfreq(16)[:, None], np.fft.rfftfreq(32))
        rings = [(frequency >= a) & (frequency < b) for a, b in pairwise((0.01, 0.06, 0.12, 0.25, 0.5))]
        blocks = grey.reshape(-1, 4, 4, 8, 4).mean((0, 2, 4))
        found.append((blocks, np.array([np.log10(power[:, ring].mean(1) + 1e-9).mean() for ring in rings])))
    (mean, rings), (other_mean, other_rings) = found
    return np.abs(mean - other_mean).mean(), np.abs(rings - other_rings).max()


def test_a_tiny_network_learns_phantoms_in_seconds(corpus, tmp_path):
    checkpoint = begin(corpus, tmp_path / "run", Preset("", MODEL, LEARNING), every=150)
    loss = losses(tmp_path / "run")
    assert np.mean(loss[-30:]) < 0.5 * np.mean(loss[:10])
    held_out = open_corpus(corpus).low("test").astype(float)
    greys, rings = likeness(to_grey(sample(load(checkpoint, "cpu"), range(32))).astype(float), held_out)
    assert (greys < 0.04, rings < 0.5) == (True, True)
    torch.manual_seed(0)
    greys, rings = likeness(to_grey(sample(Denoiser(MODEL).eval(), range(32))).astype(float), held_out)
    assert (greys < 0.04, rings < 0.5) == (False, False)


def test_a_run_leaves_checkpoints_cards_pictures_figures_and_states(whole, corpus):
    for folder, suffix in (("checkpoints", "safetensors"), ("checkpoints", "md"), ("samples", "png")):
        assert sorted(file.stem for file in (whole / folder).glob(f"*.{suffix}")) == ["000002", "000004", "000006"]
    assert sorted(file.stem for file in (whole / "state").iterdir()) == ["000004", "000006"]
    about = load(whole / "checkpoints" / "000004.safetensors", "cpu").about
    assert (about["training"]["step"], about["training"]["batch"]) == (4, 4)
    assert about["corpus"] == {"name": "tiny", "fingerprint": open_corpus(corpus).fingerprint}
    last = figures(whole)[-1]
    assert [line["step"] for line in figures(whole)] == [1, 2, 3, 4, 5, 6]
    assert last.keys() == {"step", "loss", "gradient", "rate", "images", "images_per_second", "memory_gib"}
    assert last["images"] == 24
    with Image.open(whole / "samples" / "000006.png") as grid:
        assert grid.size == (4 * 32 + 3 * 2, 2 * 16 + 2)


SCRIPT = """
import sys, torch
sys.path[:0] = [{root!r}, {tests!r}]
torch.set_num_threads(1)
from test_diffusion_training import SHORT, begin
begin({corpus!r}, {out!r})
"""


def process(corpus, out, **environment):
    script = SCRIPT.format(root=str(ROOT), tests=str(ROOT / "tests"), corpus=str(corpus), out=str(out))
    known = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    return subprocess.Popen([sys.executable, "-c", script], env=known, stderr=subprocess.PIPE)


def test_killed_and_resumed_is_uninterrupted(corpus, whole, tmp_path):
    run = tmp_path / "run"
    with process(corpus, run) as running:
        while not (run / "state" / "000002.pt").exists():
            assert running.poll() is None, running.stderr.read().decode()
            time.sleep(0.002)
        running.send_signal(signal.SIGKILL)
        running.wait()
    assert not (run / "checkpoints" / "000006.safetensors").exists(), "it was killed too late to tell anything"
    steps = []
    begin(corpus, run, progress=lambda step, _: steps.append(step))
    assert steps[0] in (2, 4)
    for step in (2, 4, 6):
        name = f"checkpoints/{step:06d}.safetensors"
        assert (run / name).read_bytes() == (whole / name).read_bytes()
        assert (run / f"samples/{step:06d}.png").read_bytes() == (whole / f"samples/{step:06d}.png").read_bytes()
    assert losses(run) == losses(whole)


def test_two_processes_learn_what_one_learns(corpus, whole, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "ACCELERATE_USE_CPU": "true"}
    both = [process(corpus, tmp_path / "run", RANK=str(rank), LOCAL_RANK=str(rank), **common) for rank in range(2)]
    said = [each.communicate(timeout=120)[1].decode() for each in both]
    assert [each.returncode for each in both] == [0, 0], said
    assert losses(tmp_path / "run") == pytest.approx(losses(whole), rel=1e-4)
    x, t = torch.randn((2, 1, 16, 32), generator=torch.Generator().manual_seed(1)), torch.tensor([100, 900])
    ours, theirs = (load(run / "checkpoints" / "000006.safetensors", "cpu")(x, t) for run in (tmp_path / "run", whole))
    assert torch.allclose(ours, theirs, atol=1e-3)


def test_from_an_earlier_state_it_comes_to_the_same(corpus, whole, tmp_path):
    begin(corpus, tmp_path, states=3)
    before = weights(tmp_path / "checkpoints" / "000006.safetensors")
    with pytest.raises(RunError, match=r"holds no state of step 3; states it has: 2, 4, 6"):
        begin(corpus, tmp_path, states=3, from_step=3)
    for name in ("000004", "000006"):
        (tmp_path / "checkpoints" / f"{name}.safetensors").unlink()
    assert identical(weights(begin(corpus, tmp_path, states=3, from_step=2)), before)
    assert identical(before, weights(whole / "checkpoints" / "000006.safetensors"))
    assert [line["step"] for line in figures(tmp_path)] == [1, 2, 3, 4, 5, 6]


def test_a_finished_run_is_left_alone(whole, corpus):
    before = {file: file.stat().st_mtime_ns for file in (whole / "checkpoints").iterdir()}
    assert begin(corpus, whole) == whole / "checkpoints" / "000006.safetensors"
    assert {file: file.stat().st_mtime_ns for file in (whole / "checkpoints").iterdir()} == before


def test_other_settings_are_refused(whole, corpus):
    with pytest.raises(RunError, match="holds a run with other settings"):
        begin(corpus, whole, replace(SHORT, training=replace(SHORT.training, rate=1e-4)))


def test_a_checkpoint_is_trained_further(corpus, whole, tmp_path):
    begun = whole / "checkpoints" / "000006.safetensors"
    hardly = replace(SHORT, training=replace(SHORT.training, steps=2, rate=1e-9))
    begin(corpus, tmp_path / "run", hardly, start=begun)
    tensors, about = load_checkpoint(tmp_path / "run" / "checkpoints" / "000002.safetensors", "diffusion")
    before = weights(begun)
    assert all(torch.allclose(tensors[name], before[name], atol=1e-6) for name in before)
    assert about["training"]["started_from"] == hashlib.sha256(begun.read_bytes()).hexdigest()
    with pytest.raises(RunError, match="holds a run with other settings \\(started_from"):
        begin(corpus, tmp_path / "run", hardly)


def test_only_the_same_network_is_trained_further(corpus, whole, tmp_path):
    begun = whole / "checkpoints" / "000006.safetensors"
    other = replace(SHORT, model=replace(SHORT.model, widths=(8, 16)))
    with pytest.raises(SettingsError, match=r"another network than the preset's \(widths: \[8, 8\] there, \[8, 16\]"):
        begin(corpus, tmp_path / "run", other, start=begun)
    begun = tmp_path / "cut.safetensors"
    begun.write_bytes((whole / "checkpoints" / "000006.safetensors").read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="is cut short"):
        begin(corpus, tmp_path / "run", start=begun)
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_no_number_stops_the_run_and_spares_the_good_state(corpus, tmp_path, monkeypatch):
    real = Batches.at

    def poisoned(self, step):
        batch = real(self, step)
        return replace(batch, x0=batch.x0 * math.nan) if step == 4 else batch

    monkeypatch.setattr(Batches, "at", poisoned)
    with pytest.raises(RunError, match="The loss at step 5 is nan; the state of step 4 is intact"):
        begin(corpus, tmp_path)
    assert not (tmp_path / "checkpoints" / "000006.safetensors").exists()
    tensors = weights(tmp_path / "checkpoints" / "000004.safetensors")
    assert all(tensor.isfinite().all() for tensor in tensors.values())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("writer", ["checkpoint.py", "runs.py"])
def test_a_full_disk_is_told_and_the_run_goes_on_later(corpus, whole, tmp_path, monkeypatch, writer):
    """Full when the second checkpoint or the second state is written."""
    calls = []

    @contextlib.contextmanager
    def full(path):
        calls.append(path)
        with whole_file(path) as temporary, told_when_full(path):
            yield Path("/dev/full") if len(calls) == 2 else temporary

    def write(path, data):
        with full(path) as temporary:
            temporary.write_bytes(data)

    with monkeypatch.context() as patch:
        if writer == "runs.py":
            patch.setattr("generator.runs.whole_file", full)
        else:
            patch.setattr("generator.checkpoint.write_whole", write)
        with pytest.raises(DiskFullError, match=r"The disk is full: .*000004.* was not written"):
            begin(corpus, tmp_path)
    assert [file.name for file in (tmp_path / "state").iterdir()] == ["000002.pt"]
    last = begin(corpus, tmp_path)
    assert identical(weights(last), weights(whole / "checkpoints" / "000006.safetensors"))


@pytest.fixture
def own_corpus(corpus, tmp_path):
    import shutil

    return Path(shutil.copytree(corpus, tmp_path / "corpus"))


def test_a_broken_or_wrong_sized_image_is_named(own_corpus, tmp_path):
    broken = sorted((own_corpus / "low").iterdir())[1]
    broken.write_bytes(broken.read_bytes()[:60])
    with pytest.raises(CorpusError, match=f"{broken.name} is broken"):
        begin(own_corpus, tmp_path / "run")
    Image.new("L", (30, 16)).save(broken)
    with pytest.raises(CorpusError, match=f"{broken.name} is 30×16"):
        begin(own_corpus, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_corpus_of_another_size_is_refused(corpus, tmp_path):
    larger = replace(SHORT, model=replace(SHORT.model, width=64))
    with pytest.raises(SettingsError, match="The images of tiny are 32×16, this network makes 64×16"):
        begin(corpus, tmp_path, larger)


@pytest.mark.parametrize(
    "model",
    [
        {"channels": 3, "prediction": "noise", "schedule": "published", "patch": 1},
        {"schedule": "zero-snr"},
        {"prediction": "x0"},
        {"schedule": "shifted", "patch": 4},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "training",
    [
        {"optimizer": "adamw", "loss": "l1", "weighting": "none", "ema": "cosine"},
        {"optimizer": "muon", "flip": True, "weighting": "min-snr"},
    ],
    ids=str,
)
def test_every_choice_trains_and_samples(corpus, tmp_path, model, training):
    preset = Preset("", replace(SHORT.model, **model), replace(SHORT.training, steps=3, **training))
    checkpoint = begin(corpus, tmp_path, preset, every=3)
    assert all(math.isfinite(loss) for loss in losses(tmp_path))
    assert np.isfinite(sample(load(checkpoint, "cpu"), [1], "unipc", 4)).all()


def test_bfloat16_learns_nearly_the_same(corpus, whole, tmp_path):
    begin(corpus, tmp_path, precision="bfloat16")
    assert losses(tmp_path) == pytest.approx(losses(whole), rel=0.05)
    assert losses(tmp_path) != losses(whole)


def test_every_image_comes_once_in_a_pass_and_processes_share_the_batch(corpus):
    found = open_corpus(corpus)
    training = replace(LEARNING, batch=16)
    one = Batches(found, MODEL, training, CPU, 0, 1)
    count = len(found.names("train"))
    assert count == 64
    first, second = (torch.cat([one._indices(step) for step in steps]) for steps in (range(4), range(4, 8)))
    assert first.sort().values.tolist() == second.sort().values.tolist() == list(range(count))
    assert first.tolist() != second.tolist()
    halves = [Batches(found, MODEL, training, CPU, rank, 2).at(5) for rank in range(2)]
    whole = one.at(5)
    for name in ("x0", "noise", "times"):
        assert torch.equal(torch.cat([getattr(half, name) for half in halves]), getattr(whole, name))
    with pytest.raises(SettingsError, match="A batch of 16 cannot be shared by 3 processes"):
        Batches(found, MODEL, training, CPU, 0, 3)


def test_flips_mirror_about_half_and_nothing_else(corpus):
    found = open_corpus(corpus)
    plain, flipped = (Batches(found, MODEL, replace(LEARNING, batch=64, flip=flip), CPU, 0, 1).at(0) for flip in (0, 1))
    mirrored = [torch.equal(b, a.flip(2)) and not torch.equal(b, a) for a, b in zip(plain.x0, flipped.x0, strict=True)]
    same = [torch.equal(b, a) for a, b in zip(plain.x0, flipped.x0, strict=True)]
    assert all(one != other for one, other in zip(mirrored, same, strict=True))
    assert 16 < sum(mirrored) < 48


def test_the_rate_rises_and_falls_and_the_average_slows():
    training = Training(steps=1000, warmup=100, rate=1.0)
    assert [round(rate_at(training, step), 3) for step in (0, 99, 100, 550, 1000)] == [0.01, 1, 1, 0.5, 0]
    assert [round(ema_at(training, step), 4) for step in (0, 500, 1000)] == [0.996, 0.998, 1]
    by_images = Training(batch=10, ema="half-life", ema_images=100)
    assert ema_at(by_images, 10_000) ** 10 == pytest.approx(0.5)
    assert ema_at(by_images, 0) == pytest.approx(0.5**20)  # at first the average is the last weights


def trainer(corpus, **training):
    preset = replace(SHORT, training=replace(SHORT.training, **training))
    return Trainer(open_corpus(corpus), preset, find_accelerator("cpu"), torch.float32, compiled=False)


def test_the_average_follows_the_weights_and_is_what_a_checkpoint_holds(corpus, whole):
    training = trainer(corpus)
    expected = [weight.clone() for weight in training.net.unet.parameters()]
    for step in range(3):
        training.step()
        kept = ema_at(SHORT.training, step)
        pairs = zip(expected, training.net.unet.parameters(), strict=True)
        expected = [kept * average + (1 - kept) * weight.detach() for average, weight in pairs]
    for mine, average in zip(expected, training.average.unet.parameters(), strict=True):
        assert torch.allclose(mine, average, atol=1e-6)
    state = torch.load(whole / "state" / "000006.pt", weights_only=True)
    saved = weights(whole / "checkpoints" / "000006.safetensors")
    assert identical(saved, state["average"])
    assert not identical(saved, state["network"])


def test_a_step_takes_its_rate_and_no_more_than_a_clipped_gradient(corpus):
    training = trainer(corpus, clip=1e-3)
    assert training.net.unet.init_conv.weight.is_contiguous(memory_format=torch.channels_last)
    for step in range(3):
        _, before = training.step()
        after = torch.stack([weight.grad.norm() for weight in training.net.unet.parameters()]).norm()
        assert after <= 1.001e-3 < before
        assert {group["lr"] for group in training.optimizer.param_groups} == {rate_at(SHORT.training, step)}


def test_the_command_trains_and_says_where(corpus, tmp_path, app):
    run = tmp_path / "run"
    arguments = [str(corpus), "--out", str(run), "--steps", "1", "--batch", "2", "--device", "cpu"]
    result = app.test_cli_runner().invoke(train_diffusion, arguments)
    assert result.exit_code == 1
    assert "The images of tiny are 32×16, this network makes 256×128" in result.output
    result = app.test_cli_runner().invoke(train_diffusion, [*arguments, "--preset", "huge"])
    assert "There is no preset 'huge': give one of paper, fast, starter" in result.output


def test_the_command_goes_through_a_run(corpus, tmp_path, app, monkeypatch):
    monkeypatch.setattr("generator.diffusion.presets.PRESETS", {"tiny": SHORT})
    arguments = [str(corpus), "--out", str(tmp_path / "run"), "--preset", "tiny", "--device", "cpu", "--every", "3"]
    result = app.test_cli_runner().invoke(train_diffusion, arguments)
    assert result.exit_code == 0, result.output
    assert "Trained for 6 steps" in result.output
    begun = tmp_path / "run" / "checkpoints" / "000003.safetensors"
    arguments[2] = str(tmp_path / "further")
    result = app.test_cli_runner().invoke(train_diffusion, [*arguments, "--start", str(begun)])
    assert result.exit_code == 0, result.output
    assert f"training.started_from | {hashlib.sha256(begun.read_bytes()).hexdigest()}" in (
        tmp_path / "further" / "checkpoints" / "000006.md"
    ).read_text()
