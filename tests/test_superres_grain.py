"""Promises of the grain: as strong and as coarse as what was measured, of its seed alone, kept in a checkpoint."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter

from app.cli.checkpoints import pack_checkpoint
from generator.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from generator.superres import HAT, HatConfig, load, load_grain
from generator.superres.grain import LEVELS, Grain, measure
from generator.superres.weights import save

TINY = HatConfig(channels=1, embed_dim=8, depths=(1,), heads=(2,), window=4, squeeze_factor=4, features=4)


def noisy_pairs(count=6, sigma=1.2, strength=lambda grey: 2 + grey / 64):
    """Smooth pictures, and the same with Gaussian noise of a known spectrum and strength."""
    rng = np.random.default_rng(5)
    for _ in range(count):
        smooth = gaussian_filter(rng.uniform(0, 255, (8, 16)), 1)
        made = np.kron(np.clip((smooth - smooth.mean()) * 3 + 128, 20, 235), np.ones((32, 32)))
        noise = gaussian_filter(rng.standard_normal(made.shape), sigma, mode="wrap")
        noise /= noise.std()
        yield np.round(np.clip(made + strength(made) * noise, 0, 255)).astype(np.uint8), made.round().astype(np.uint8)


def spectrum(noise):
    """Power by frequency in rings of 0.05 cycles a pixel."""
    power = np.abs(np.fft.fft2(noise - noise.mean())) ** 2
    radius = np.hypot(*np.meshgrid(np.fft.fftfreq(noise.shape[0]), np.fft.fftfreq(noise.shape[1]), indexing="ij"))
    return np.array([power[(radius >= at) & (radius < at + 0.05)].mean() for at in np.arange(0.05, 0.4, 0.05)])


def test_measured_strength_is_that_of_the_noise_at_each_grey():
    grain = measure(noisy_pairs())
    middle = (LEVELS > 60) & (LEVELS < 200)
    found = grain.strength[middle] / (2 + LEVELS[middle] / 64)
    assert found.min() > 0.8  # the quieter half of the blocks is measured: somewhat less than all of them
    assert found.max() < 1.0
    assert found.std() < 0.05


def test_drawn_grain_has_the_spectrum_and_the_strength_that_were_measured():
    pairs = list(noisy_pairs())
    grain = measure(pairs)
    flat = np.full((512, 1024), 120, np.uint8)
    drawn = grain.add(flat, 1).astype(float) - 120
    theirs = np.mean([spectrum(true.astype(float) - made) for true, made in pairs], axis=0)
    ours = spectrum(drawn)
    assert drawn.std() == pytest.approx(np.interp(120, LEVELS, grain.strength), rel=0.05)
    assert abs(np.log10(ours / ours.sum()) - np.log10(theirs / theirs.sum()))[:4].max() < 0.15


def test_noise_without_colour_has_an_even_spectrum():
    grain = measure(noisy_pairs(sigma=1e-3))
    assert grain.power.std() < 0.15
    assert grain.power.mean() == pytest.approx(1, abs=0.05)


def test_black_and_white_stay_as_they_are():
    grain = measure(noisy_pairs())
    for grey in (0, 255):
        assert (grain.add(np.full((64, 64), grey, np.uint8), 1) == grey).all()


def test_one_seed_is_one_grain_and_another_is_another():
    grain, grey = measure(noisy_pairs()), np.full((64, 128), 100, np.uint8)
    assert np.array_equal(grain.add(grey, 7), grain.add(grey, 7))
    assert not np.array_equal(grain.add(grey, 7), grain.add(grey, 8))


def test_edges_that_an_enlargement_missed_do_not_count():
    """A fifth of the blocks hold a hard edge moved by a pixel; the strength stays within a tenth."""
    spoilt = []
    for true, made in noisy_pairs():
        true = true.copy()
        true[::, 0:160:32] = 255
        spoilt.append((true, made))
    plain = measure(noisy_pairs()).strength
    assert np.allclose(measure(spoilt).strength, plain, rtol=0.1)


def test_too_few_blocks_are_refused():
    with pytest.raises(ValueError, match="at least 20 blocks"):
        measure([(np.zeros((64, 64), np.uint8), np.zeros((64, 64), np.uint8))])


def make_corpus(folder, count):
    """Noise around one grey, 128×64 pixels and averaged down."""
    rng = np.random.default_rng(3)
    images = []
    for number in range(count):
        high = rng.normal(120, 5, (64, 128)).round().astype(np.uint8)
        low = high.reshape(16, 4, 32, 4).mean((1, 3)).round().astype(np.uint8)
        for kind, picture in (("high", high), ("low", low)):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(folder / kind / f"{number}.png")
        images.append({"name": str(number), "split": "train", "high_sha256": str(number)})
    manifest = {"format": 1, "name": "noise", "images": images, "size": {"high": [128, 64], "low": [32, 16]}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture
def enlarger(tmp_path):
    """A checkpoint of a tiny network."""
    torch.manual_seed(1)
    path = tmp_path / "sr.safetensors"
    save(HAT(TINY).state_dict(), path, {"config": TINY.as_dict(), "training": {"step": 1}})
    return path


def test_the_command_puts_the_grain_into_the_checkpoint_and_the_network_stays(enlarger, tmp_path, app):
    corpus, out, run = make_corpus(tmp_path / "corpus", 24), tmp_path / "out.safetensors", app.test_cli_runner()
    result = run.invoke(pack_checkpoint, [str(enlarger), str(out), "--grain", str(corpus)])
    assert result.exit_code == 0, result.output
    grain = load_grain(out)
    assert grain.strength.shape == LEVELS.shape
    assert load_grain(enlarger) is None
    x = torch.rand(1, 1, 16, 16)
    assert torch.allclose(load(out)(x), load(enlarger)(x), atol=1e-2)
    assert "| grain.images | 24 |" in out.with_suffix(".md").read_text()
    again = tmp_path / "again.safetensors"
    assert run.invoke(pack_checkpoint, [str(out), str(again)]).exit_code == 0
    assert np.array_equal(load_grain(again).power, grain.power)


def test_grain_of_a_diffusion_network_is_refused(tmp_path, app):
    path = tmp_path / "d.safetensors"
    save_checkpoint(path, "diffusion", {"a": torch.zeros(1)}, {"config": {}})
    result = app.test_cli_runner().invoke(pack_checkpoint, [str(path), str(tmp_path / "out"), "--grain", str(tmp_path)])
    assert "d.safetensors is a diffusion network: grain belongs to a super-resolution" in result.output


@pytest.mark.parametrize("change", [{"power": torch.zeros(3)}, {"strength": -torch.ones(len(LEVELS))}, {"power": None}])
def test_a_spoilt_grain_is_refused_in_one_line(enlarger, tmp_path, change):
    good = Grain(np.ones((32, 17), np.float32), np.ones(len(LEVELS), np.float32)).as_tensors()
    good |= {f"grain.{name}": tensor for name, tensor in change.items() if tensor is not None}
    for name in [name for name, tensor in change.items() if tensor is None]:
        del good[f"grain.{name}"]
    tensors, about = load_checkpoint(enlarger, "superres")
    path = tmp_path / "spoilt.safetensors"
    save_checkpoint(path, "superres", tensors | good, {key: about[key] for key in ("config", "training")})
    with pytest.raises(CheckpointError, match="its grain is not what measure"):
        load_grain(path)
