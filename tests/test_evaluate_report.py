"""`flask evaluate-pool` and `flask figure …`, from the command line to the page."""

import json
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from app.pools import import_pool
from generator.cards import write_card
from generator.checkpoint import file_sha256
from generator.diffusion import Model, sample
from generator.diffusion.denoiser import Denoiser, save
from generator.evaluate import extractors, vit
from generator.evaluate.diffusion_figures import STEPS
from generator.evaluate.extractors import Extractor
from generator.evaluate.found_cards import cards_of
from generator.evaluate.results import text

IMAGES = 40
TINY = replace(vit.PRESETS["small"], size=(64, 32), stem=(8, 16), width=16, depth=1, heads=2, epochs=1, steps=1)
MODEL = Model(height=16, width=32, channels=1, widths=(8, 8), patch=2, prediction="v", schedule="cosine")


@pytest.fixture(autouse=True)
def quick(monkeypatch, one_thread):
    """A small observer, and random projections in the place of the offline network."""
    monkeypatch.setitem(vit.PRESETS, "small", TINY)
    weights = torch.randn(64 * 32, 12, generator=torch.Generator().manual_seed(0))

    def run(images):
        features = images[:, 0].flatten(1) / 255 @ weights
        return features, features

    offline = Extractor("random", "FD on random features", "KD on random features", "random score", (64, 32), run)
    monkeypatch.setattr(extractors, "_lite0", lambda weights, device: offline)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Pools of smooth noise: `real`, `alike` and `darker`, the last two synthetic; and `copies` of darker."""
    root = tmp_path_factory.mktemp("made")
    for seed, (name, truth, shift) in enumerate(
        [("real", "real", 0), ("alike", "synthetic", 0), ("darker", "synthetic", 90)]
    ):
        random = np.random.default_rng(seed)
        pictures = [
            Image.fromarray(random.integers(shift // 2, 256 - shift, (8, 16), dtype=np.uint8)).resize(
                (512, 256), Image.Resampling.BICUBIC
            )
            for _ in range(IMAGES)
        ]
        pool_of(root, name, truth, pictures)
    mirrored = [
        (picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if i % 2 else picture).resize((500, 250))
        for i, picture in enumerate(pictures)
    ]
    pool_of(root, "copies", "synthetic", mirrored)
    return root / "pools"


def pool_of(root: Path, name: str, truth: str, pictures: list[Image.Image]) -> None:
    (root / name).mkdir()
    for i, picture in enumerate(pictures):
        picture.save(root / name / f"{i:03d}.png")
    import_pool(root / "pools", name, root / name, truth)


@pytest.fixture
def pools(made, data):
    shutil.copytree(made, data / "pools", dirs_exist_ok=True)


def test_an_evaluation_is_one_page_its_figures_and_its_numbers(flask, pools, tmp_path):
    out = tmp_path / "evaluation"
    done = flask("evaluate-pool", "alike", "darker", "--against", "real", "--offline", "--out", out)
    assert done.exit_code == 0, done.output
    results = json.loads((out / "results.json").read_text())
    alike, darker = results["generators"]
    measured = [
        {(pair["of"], pair["and"]): pair["measures"] for pair in generator["pairs"]} for generator in (alike, darker)
    ]
    assert len(measured[0]) == 6
    near, far = (pairs["synthetic HR", "real HR"]["FD on random features"] for pairs in measured)
    assert near["value"] < far["low"]
    assert near["low"] <= near["value"] <= near["high"]
    assert f"{far['value']:.2f}"[:3] in done.output
    assert {"precision", "recall", "density", "coverage", "KD on random features"} < set(
        measured[0]["synthetic LR", "real LR"]
    )
    assert alike["copying"]["copies"] is False
    assert sum(alike["machine_observer"]["ratings"]["real"]) == IMAGES
    page = (out / "report.html").read_text()
    assert "FID only" not in page
    assert "are no FID, KID or Inception score" in page
    assert not re.search(r'(?:src|href)="(?!data:)', page)  # nothing is fetched
    assert page.count("<img") == 9
    # The study's table: every set against every other, and the score of each.
    studys = [
        [re.findall(r"<t[hd][^>]*>([^<]*)<", row) for row in re.findall(r"<tr>.*?</tr>", found, re.DOTALL)]
        for found in re.findall(r"<caption>FD on random features between all sets.*?</table>", page, re.DOTALL)
    ]
    names = ["synthetic HR", "synthetic LR", "real HR", "real LR"]
    for generator, (head, *rows) in zip((alike, darker), studys, strict=True):
        assert head == ["", *names, "random score"]
        assert [row[0] for row in rows] == names
        assert [row[-1] for row in rows] == [text(generator["scores"][name]) for name in names]
        table = {
            (row[0], name): cell for row in rows for name, cell in zip(names, row[1:-1], strict=True) if cell != "–"
        }
        told = {
            (pair["of"], pair["and"]): text(pair["measures"]["FD on random features"]) for pair in generator["pairs"]
        }
        assert table == told | {(other, one): cell for (one, other), cell in told.items()}
    assert {path.suffix for path in out.iterdir()} == {".html", ".json", ".svg", ".png"}


def test_copies_of_training_images_are_told(flask, pools, data, tmp_path):
    """A pool of the training images themselves, half of them mirrored, against images nobody trained on."""
    arguments = ["--against", "real", "--training", "darker", "--offline", "--out", tmp_path / "evaluation"]
    done = flask("evaluate-pool", "copies", *arguments)
    assert done.exit_code == 0, done.output
    assert re.search(r"Copies training images +yes", done.output)
    shared = flask("evaluate-pool", "alike", "--against", "real", "--training", "real", *arguments[4:])
    assert shared.exit_code == 1
    assert "40 of the real images are training images" in shared.output


def test_mistakes_are_told_in_one_line(flask, pools, tmp_path):
    out = tmp_path / "evaluation"

    def told(*args):
        done = flask(*args, "--out", out)
        assert done.exit_code == 1
        assert len(done.output.strip().splitlines()) <= 2
        assert not out.exists()
        return done.output

    assert "no pool, corpus or folder nowhere" in told("evaluate-pool", "nowhere", "--against", "real", "--offline")
    assert "given twice" in told("evaluate-pool", "real", "--against", "real", "--offline")
    assert "at least 20 images on each side, and one has 8" in told(
        "evaluate-pool", "fakes", "--against", "real", "--offline"
    )
    assert "cases has 8 real images, and it takes 40 at least" in told(
        "evaluate-pool", "alike", "--against", "cases", "--offline"
    )
    assert "leave the split out" in told("evaluate-pool", "alike", "--against", "real", "--split", "test", "--offline")
    assert "give one of inception, dinov2, lite0" in told(
        "evaluate-pool", "alike", "--against", "real", "--extractor", "vgg"
    )
    assert "has no image 'x'" in told("figure", "examples", "real", "--image", "x")
    assert "--training" in told("figure", "pairs", "alike")
    assert "no schedule 'linear'" in told("figure", "noising", "real", "--schedule", "linear")
    (tmp_path / "run").mkdir()
    assert "has no checkpoints" in told("figure", "checkpoints", tmp_path / "run")


def test_without_the_generators_packages_one_sentence_says_so(flask, pools, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "generator.evaluate.assessment", None)
    done = flask("evaluate-pool", "alike", "--against", "real", "--offline", "--out", tmp_path / "evaluation")
    assert done.exit_code == 1
    assert "This needs the generator's packages" in done.output


def test_the_model_cards_of_a_pool_are_found(tmp_path):
    pool, weights = tmp_path / "pool", tmp_path / "weights" / "run"
    pool.mkdir()
    weights.mkdir(parents=True)
    checkpoint = weights / "000500.safetensors"
    checkpoint.write_bytes(b"weights")
    write_card(checkpoint, "A network", "It makes images.", {"preset": "starter"})
    made_by = {"diffusion": file_sha256(checkpoint), "superres": "0" * 64}
    (pool / "pool.json").write_text(json.dumps({"made_by": made_by}))
    cards, missing = cards_of(pool, [tmp_path / "weights"])
    assert [card.splitlines()[0] for card in cards] == ["# A network"]
    assert missing == ["superres checkpoint 000000000000…"]
    assert cards_of(Path("quiz_data/pools/demo-real"), []) == ([], [])


@pytest.fixture
def run(tmp_path):
    """A run directory with two checkpoints of random networks."""
    folder = tmp_path / "run" / "checkpoints"
    folder.mkdir(parents=True)
    for step in (0, 500):
        torch.manual_seed(step)
        save(folder / f"{step:06d}.safetensors", Denoiser(MODEL).unet.state_dict(), MODEL, {"training": {}})
    return folder.parent


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("examples", ["real"]),
        ("attention", ["darker", "--against", "real"]),
        ("pairs", ["alike", "--training", "real"]),
        ("noising", ["real"]),
    ],
)
def test_every_figure_is_one_command(flask, pools, tmp_path, name, arguments):
    out = tmp_path / "figures"
    done = flask("figure", name, *arguments, "--out", out)
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in out.iterdir()) == [f"{name}.png", f"{name}.svg"]
    with Image.open(out / f"{name}.png") as image:
        assert image.width == 1440  # 7.2 inches at 200 pixels
        assert np.asarray(image.convert("L")).std() > 5


def test_a_map_is_seeded(flask, pools, tmp_path):
    for out, seed in (("one", 0), ("two", 0), ("three", 1)):
        args = ("figure", "tsne", "real", "darker", "--offline", "--seed", seed, "--out", tmp_path / out)
        assert flask(*args).exit_code == 0
    one, two, three = ((tmp_path / out / "tsne.svg").read_bytes() for out in ("one", "two", "three"))
    assert one == two != three


def test_figures_of_a_diffusion_run(flask, pools, run, tmp_path, monkeypatch):
    from generator.evaluate import diffusion_figures

    monkeypatch.setattr(diffusion_figures, "STEPS", {"ddim": (1, 2), "dpm++": (2,)})
    out = tmp_path / "figures"
    done = flask("figure", "checkpoints", run, "--count", 2, "--out", out)
    assert done.exit_code == 0, done.output
    checkpoint = run / "checkpoints" / "000500.safetensors"
    done = flask("figure", "samplers", checkpoint, "--against", "real", "--offline", "--count", 20, "--out", out)
    assert done.exit_code == 0, done.output
    tried = json.loads((out / "samplers.json").read_text())["tried"]
    assert [(each["sampler"], each["evaluations"]) for each in tried] == [("ddim", 1), ("ddim", 2), ("dpm++", 2)]
    assert all(each["distance"] > 0 and each["seconds"] > 0 for each in tried)


@pytest.mark.parametrize("sampler", STEPS)
def test_a_step_of_every_sampler_is_one_evaluation_of_the_network(sampler):
    net = Denoiser(MODEL).eval()
    evaluations = []
    net.unet.register_forward_hook(lambda *_: evaluations.append(1))
    for steps in STEPS[sampler][:2]:
        evaluations.clear()
        sample(net, [0], sampler, steps)
        assert len(evaluations) == steps


def test_the_pixels_of_noised_images_end_as_those_of_the_noise(pools, data):
    from generator.evaluate.assessment import open_source
    from generator.evaluate.diffusion_figures import noised_statistics

    images = [*open_source(data / "pools" / "real").low]
    times, means, deviations = noised_statistics(images, "published", 0)
    clean = np.stack(images) / 127.5 - 1
    assert times[0] == 0
    assert times[-1] == 999
    assert means[0] == pytest.approx(clean.mean((1, 2)), abs=0.01)
    assert np.abs(means[-1]).max() < 0.1
    assert deviations[-1] == pytest.approx(np.ones(len(images)), abs=0.05)


def test_a_corpus_is_shown_by_its_data_sets(tmp_path):
    from generator.evaluate.pictures import open_data_sets

    corpus = tmp_path / "corpus"
    shutil.copytree(Path("quiz_data/pools/warm-up"), corpus)
    assert [one.label for one in open_data_sets(corpus)] == ["corpus"]
    images = [
        {"name": f"{source}-{i}", "split": "train", "source": source, "high_sha256": "0"}
        for source in ("dentex", "tufts")
        for i in range(2)
    ]
    manifest = {"format": 1, "name": "both", "images": images, "size": {"high": [1024, 512], "low": [256, 128]}}
    (corpus / "manifest.json").write_text(json.dumps(manifest))
    assert {one.label: one.names for one in open_data_sets(corpus)} == {
        "dentex": ("dentex-0", "dentex-1"),
        "tufts": ("tufts-0", "tufts-1"),
    }
