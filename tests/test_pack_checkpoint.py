"""Promises of pack-checkpoint: half the size and nearly the same images; and a fingerprint by which copies of training
images are refused where these are not at hand."""

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from tiny_pools import UNTRAINED, lines, make, tiny_checkpoints

from generator.checkpoint import load_checkpoint, save_checkpoint
from generator.errors import GeneratorError
from generator.pool.settings import image_seed

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    return tiny_checkpoints(tmp_path_factory.mktemp("checkpoints"))


@pytest.fixture(scope="module")
def pool(checkpoints, tmp_path_factory):
    return make(tmp_path_factory.mktemp("pools"), checkpoints)


@pytest.fixture(scope="module")
def corpus(checkpoints, tmp_path_factory):
    """A corpus of twelve training images; two are what the networks make of the pool's second and third seed."""
    from generator import diffusion

    folder = tmp_path_factory.mktemp("corpus")
    (folder / "low").mkdir()
    seeds = [image_seed(3, 1), image_seed(3, 2), *range(10)]
    small = diffusion.to_grey(diffusion.sample(diffusion.load(checkpoints["diffusion"]), seeds))
    images = []
    for number, grey in enumerate(small):
        Image.fromarray(grey).save(folder / "low" / f"{number:02d}.png")
        images.append({"name": f"{number:02d}", "split": "train", "high_sha256": f"{number:064d}"})
    size = {"high": [1024, 512], "low": [256, 128]}
    manifest = {"format": 1, "name": "twelve", "size": size, "images": images}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def part_of(corpus, folder, names):
    """A corpus of some of the training images."""
    shutil.copytree(corpus, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["images"] = [image for image in manifest["images"] if image["name"] in names]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.mark.parametrize("way", ["corpus", "fingerprint", "fingerprints of two trainings"])
def test_memorised_images_are_refused_whether_a_corpus_is_given_or_its_fingerprint(
    pool, checkpoints, corpus, tmp_path, way, flask
):
    used, option = dict(checkpoints), {"corpus": corpus}
    if way != "corpus":
        packed, named, earlier = tmp_path / "d.safetensors", corpus, []
        if way == "fingerprints of two trainings":  # the first on the memorised images and others, the second on more
            first = part_of(corpus, tmp_path / "first", [f"{number:02d}" for number in range(10)])
            named = part_of(corpus, tmp_path / "second", [f"{number:02d}" for number in range(2, 12)])
            assert flask("pack-checkpoint", checkpoints["diffusion"], packed, "--corpus", first).exit_code == 0
            earlier = ["--earlier", packed.with_suffix(".fingerprint.npz")]  # which is replaced
        done = flask("pack-checkpoint", checkpoints["diffusion"], packed, "--corpus", named, *earlier)
        assert done.exit_code == 0, done.output
        shutil.copy(checkpoints["diffusion"], packed)  # half precision would change a few pixels
        used["diffusion"], option = packed, {}
    gated = make(tmp_path, used, **option)
    refused = lines(gated / "refused.jsonl")
    assert [(line["index"], line["check"]) for line in refused] == [(1, "training-pixels"), (2, "training-pixels")]
    assert "training image 0" in refused[0]["says"]
    assert [line["provenance"]["index"] for line in lines(gated / "manifest.jsonl")] == [0, 3, 4, 5, 6]
    assert json.loads((gated / "pool.json").read_text())["made_by"]["training"]
    left = make(tmp_path, used, name="left", without=(*UNTRAINED, "training-pixels", "training-features"), **option)
    kept = [line["pixels_sha256"] for line in lines(left / "manifest.jsonl")]
    assert kept == [line["pixels_sha256"] for line in lines(pool / "manifest.jsonl")]


def test_an_earlier_fingerprint_needs_a_corpus_to_go_with(flask, checkpoints, tmp_path):
    packed = tmp_path / "d.safetensors"
    done = flask("pack-checkpoint", checkpoints["diffusion"], packed, "--earlier", checkpoints["diffusion"])
    assert (done.exit_code, packed.exists()) == (1, False)
    assert "is taken into the fingerprint of a corpus: name it with --corpus" in done.output


def test_a_fingerprint_that_is_none_and_a_corpus_too_small_are_refused(checkpoints, corpus, tmp_path):
    shutil.copy(checkpoints["diffusion"], tmp_path / "d.safetensors")
    used = {**checkpoints, "diffusion": tmp_path / "d.safetensors"}
    for broken in (b"", b"PK\x03\x04", b"\x80\x04."):
        (tmp_path / "d.fingerprint.npz").write_bytes(broken)
        with pytest.raises(GeneratorError, match="no training fingerprint"):
            make(tmp_path / "pools", used)
    small = json.loads((corpus / "manifest.json").read_text())
    small["images"] = small["images"][:3]
    (tmp_path / "manifest.json").write_text(json.dumps(small))
    with pytest.raises(GeneratorError, match="3 training images, at least 10"):
        make(tmp_path / "pools", checkpoints, corpus=tmp_path)


def test_a_checkpoint_packed_in_half_precision_makes_nearly_the_same_images(flask, pool, checkpoints, tmp_path):
    packed = {kind: tmp_path / path.name for kind, path in checkpoints.items()}
    for kind, path in checkpoints.items():
        packed[kind].with_suffix(".fingerprint.npz").write_bytes(b"of other images")
        done = flask("pack-checkpoint", path, packed[kind], "--notes", "Of nothing but chance.")
        assert (done.exit_code, done.output) == (0, f"Packed ({kind}): {packed[kind]}\n")
        weights = load_checkpoint(packed[kind], kind)[0].values()
        assert {tensor.dtype for tensor in weights if tensor.is_floating_point()} == {torch.float16}
        assert not packed[kind].with_suffix(".fingerprint.npz").exists()
        assert packed[kind].with_suffix(".md").read_text().endswith("\nOf nothing but chance.\n")
    made = make(tmp_path, packed, count=2)
    for name in ("000000.png", "000001.png"):
        one, other = (np.asarray(Image.open(each / "images" / name)).astype(int) for each in (made, pool))
        assert np.abs(one - other).mean() < 2


def test_what_cannot_be_packed_is_told(flask, checkpoints, corpus, tmp_path):
    torch.save({}, tmp_path / "x.pth")
    save_file({"w": torch.zeros(1)}, tmp_path / "other.safetensors")
    save_checkpoint(tmp_path / "big.safetensors", "superres", {"w": torch.tensor([1e6])}, {"config": {}})
    for file, more, words in [
        (tmp_path / "x.pth", [], "is no safetensors file"),
        (tmp_path / "other.safetensors", [], "is a checkpoint of neither network"),
        (tmp_path / "big.safetensors", [], "do not fit in half precision"),
        (checkpoints["diffusion"], ["--corpus", "nowhere"], "nowhere"),
    ]:
        done = flask("pack-checkpoint", file, tmp_path / "out.safetensors", *more)
        assert (done.exit_code, words in done.output, done.output.count("\n")) == (1, True, 1), done.output
        assert not (tmp_path / "out.safetensors").exists()
