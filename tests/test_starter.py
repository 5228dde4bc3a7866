"""The starter weights: shipped, small, of phantoms alone, and what the demo's synthetic images were made with."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from generator import diffusion, phantom, superres
from generator.checkpoint import load_checkpoint
from generator.pool.settings import STARTERS, image_seed, sha256_of
from generator.pool.training import fingerprint_path, read_fingerprint
from generator.pool_folder import stored_image

pytestmark = pytest.mark.usefixtures("one_thread")

DEMO = Path(__file__).parents[1] / "quiz_data" / "pools" / "demo-synthetic"


def lines(pool):
    return [json.loads(line) for line in (pool / "manifest.jsonl").read_text().splitlines()]


def greys(file):
    with Image.open(file) as image:
        return np.asarray(image.convert("L")).astype(int)


def alike(one, other):
    """Equal but for rounding, which differs from one kind of processor to another, and what lossy WebP makes of it.

    One small pixel a level apart came to a mean of 0.4 and at most 14 levels; of twenty images the nearest two are 27
    apart.
    """
    difference = np.abs(one - other)
    return difference.mean() < 2 and difference.max() <= 48


def test_the_weights_are_small_and_come_with_their_cards_and_fingerprint():
    assert sum(path.stat().st_size for path in STARTERS.values()) <= 20e6
    for kind, path in STARTERS.items():
        tensors, _ = load_checkpoint(path, kind)
        assert {tensor.dtype for tensor in tensors.values() if tensor.is_floating_point()} == {torch.float16}
        card = path.with_suffix(".md").read_text()
        assert "must not be used" in card
        assert "phantoms) alone; no radiograph of a patient was seen" in card
    learnt_from = read_fingerprint(fingerprint_path(STARTERS["diffusion"])).pixels
    assert len(learnt_from) > 20_000


def test_the_diffusion_finds_noise_better_than_its_weaker_version_on_the_demos_phantoms():
    """Phantoms that neither saw; the weaker version, of 750 steps, is what guides it. A step count would tell less:
    the network was trained in several runs, each counted from one."""
    net = diffusion.load(STARTERS["diffusion"], device="cpu")
    files = sorted((DEMO.parent / "demo-real" / "images").iterdir())[:8]
    small = np.stack([greys(file).reshape(128, 4, 256, 4).mean((1, 3)) for file in files])
    clean = torch.tensor(small / 127.5 - 1, dtype=torch.float32)[:, None]
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    for step in (100, 300, 500, 700):
        times = torch.full((len(clean),), step)
        noisy = net.schedule.noisy(clean, noise, times)
        target = net.schedule.target(net.model.prediction, clean, noise, times)
        own, weaker = (
            (predicted - target).square().mean()
            for predicted in (net.predict_alone(noisy, times), net.guide(noisy, times))
        )
        assert own < 0.9 * weaker, step


def test_the_super_resolution_beats_interpolation_on_the_demos_phantoms():
    net, gains = superres.load(STARTERS["superres"]), []
    for file in sorted((DEMO.parent / "demo-real" / "images").iterdir())[:3]:
        true = greys(file)
        small = true.reshape(128, 4, 256, 4).mean((1, 3)).round().astype(np.uint8)
        bicubic = np.asarray(Image.fromarray(small).resize((1024, 512), Image.Resampling.BICUBIC)).astype(int)
        (ours,) = superres.upscale(net, small[None].copy(), device="cpu")
        error, theirs = (np.square(made - true).mean() for made in (ours.astype(int), bicubic))
        gains.append(10 * np.log10(theirs / error))
    assert min(gains) > 0.2


def test_the_demo_was_made_with_them():
    made_by = json.loads((DEMO / "pool.json").read_text())["made_by"]
    assert made_by["command"] == "generate-pool"
    assert {kind: made_by[kind] for kind in STARTERS} == {kind: sha256_of(path) for kind, path in STARTERS.items()}
    assert made_by["training"] == sha256_of(fingerprint_path(STARTERS["diffusion"]))
    assert len(lines(DEMO)) == 100


def test_the_demos_real_side_is_what_the_phantoms_are_now(tmp_path):
    """`make pool` would make the same: the shipped pools are of the phantoms' present version."""
    for pool in ("demo-real", "warm-up"):
        assert json.loads((DEMO.parent / pool / "pool.json").read_text())["made_by"]["version"] == phantom.VERSION
    line = lines(DEMO.parent / "demo-real")[57]
    picture, _ = phantom.render(1, 57, "wide")
    (tmp_path / "one.webp").write_bytes(stored_image(0, picture, 80)[1])
    assert alike(greys(tmp_path / "one.webp"), greys(DEMO.parent / "demo-real" / line["file"]))


def test_the_same_command_begins_with_the_demos_first_images(flask, app):
    """Without names of checkpoints: the starter weights are what it takes."""
    done = flask("generate-pool", "again", "--count", 2, "--quality", 80, "--device", "cpu")
    assert done.exit_code == 0, done.output
    again = Path(app.config["QUIZ_DATA"]) / "pools" / "again"
    said, says = (json.loads((pool / "pool.json").read_text())["about"] for pool in (DEMO, again))
    assert said == says
    shipped = lines(DEMO)[:2]
    assert [line["source"] for line in lines(again)] == [line["source"] for line in shipped]
    for line in shipped:
        assert alike(greys(again / line["file"]), greys(DEMO / line["file"]))


def test_an_image_from_the_middle_is_what_its_seed_gives(tmp_path):
    line = lines(DEMO)[57]
    seed = line["provenance"]["seed"]
    assert seed == image_seed(0, line["provenance"]["index"])
    small = diffusion.to_grey(diffusion.sample(diffusion.load(STARTERS["diffusion"], "cpu"), [seed], batch=1))
    large = superres.upscale(superres.load(STARTERS["superres"]), small, device="cpu")
    grained = superres.load_grain(STARTERS["superres"]).add(large[0], seed)
    (tmp_path / "one.webp").write_bytes(stored_image(0, grained, 80)[1])
    assert alike(greys(tmp_path / "one.webp"), greys(DEMO / line["file"]))
    assert not alike(greys(DEMO / line["file"]), greys(DEMO / lines(DEMO)[58]["file"]))


def test_no_checkerboard():
    """The upsampling by four, and the network's patches of four small pixels, leave no lines in the mean spectrum."""
    spectrum = np.mean([np.abs(np.fft.rfft2(greys(DEMO / line["file"]))) for line in lines(DEMO)[:40]], axis=0)
    along = {"across": spectrum[2:40].mean(0), "down": spectrum[:, 2:40].mean(1)}
    for name, profile in along.items():
        for period in (2, 4, 8, 16):
            place = {"across": 1024, "down": 512}[name] // period
            beside = np.r_[profile[place - 8 : place - 2], profile[place + 3 : place + 9]]
            assert profile[place - 1 : place + 2].max() < 3 * np.median(beside), (name, period)
