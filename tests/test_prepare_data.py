"""Data sets become a corpus: exact crops, one fixed split, nothing twice, whatever is killed or broken on the way."""

import csv
import hashlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict

import numpy as np
import pytest
from live import ROOT
from PIL import Image, ImageOps

from generator.corpus import CorpusError, open_corpus
from generator.prepare import PrepareError, prepare
from generator.prepare.alike import NEAR, near_pairs, perceptual_hash, split_of
from generator.prepare.pictures import find_borders

RADIOGRAPHS = ROOT.parent / "shared" / "radiographs"
SIZE = (64, 32)  # of the large images in these tests
WIDTH, HEIGHT = 320, 160


def picture(seed) -> Image.Image:
    noise = Image.frombytes("L", (24, 12), random.Random(f"radiograph {seed}").randbytes(288))
    return noise.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)


def pictures(folder, seeds, name="{}.png"):
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        picture(seed).save(folder / name.format(seed))
    return folder


def tiny(corpora, name, folder, recipe="generic", **options):
    return prepare(corpora, name, folder, recipe, size=SIZE, **{"processes": 1} | options)


def splits(corpora, name="all"):
    return {image["file"]: image["split"] for image in open_corpus(corpora / name).images}


def contents(folder):
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def source(tmp_path):
    return pictures(tmp_path / "source", range(12))


@pytest.mark.parametrize(
    ("recipe", "margins"),
    [
        ("adld", (90, 30, 30, 170)),
        ("dentex", (20, 100, 50, 20)),
        ("tufts", (20, 30, 100, 100)),
        ("uspforp", (30, 30, 165, 30)),
        ("tsxk", (0, 0, 0, 0)),
    ],
)
def test_each_recipe_cuts_its_published_margins_then_lanczos_then_the_average(tmp_path, recipe, margins):
    top, left, bottom, right = margins
    original = picture(recipe).resize((1200, 600))
    (tmp_path / "in").mkdir()
    original.save(tmp_path / "in" / "1.png")
    tiny(tmp_path, "one", tmp_path / "in", recipe)
    corpus = open_corpus(tmp_path / "one")
    inside = Image.fromarray(np.asarray(original)[top : 600 - bottom, left : 1200 - right])
    expected = np.asarray(inside.resize(SIZE, Image.Resampling.LANCZOS))
    (name,) = corpus.names()
    assert np.array_equal(corpus.high_image(name), expected)
    average = expected.reshape(8, 4, 16, 4).mean(axis=(1, 3))
    assert np.abs(corpus.low_image(name) - average).max() <= 0.5
    assert corpus.images[0]["crop"] == list(margins)
    image = corpus.images[0]
    assert image["original_size"] == [1200, 600]
    assert image["source_sha256"] == hashlib.sha256((tmp_path / "in" / "1.png").read_bytes()).hexdigest()
    for size in ("high", "low"):
        pixels = getattr(corpus, f"{size}_image")(name)
        height, width = pixels.shape
        expected = hashlib.sha256(f"{width}x{height}:".encode() + pixels.tobytes()).hexdigest()
        assert image[f"{size}_sha256"] == expected


def test_the_command_makes_1024_by_512_of_a_rendered_pool(flask, data, tmp_path):
    done = flask("prepare-data", "phantoms", "--from", ROOT / "quiz_data" / "pools" / "warm-up", "--processes", 1)
    assert (done.exit_code, "1 images to train, 0 to test" in done.output) == (0, True), done.output
    corpus = open_corpus(data / "corpora" / "phantoms")
    assert (corpus.high_size, corpus.low_size) == ((1024, 512), (256, 128))
    assert corpus.low("train").shape == (1, 128, 256)
    assert corpus.images[0]["group"].startswith("phantom/")


def test_real_originals_become_a_corpus_by_the_recipe_of_their_kind(flask, data, tmp_path):
    if not RADIOGRAPHS.exists():
        pytest.skip("no radiographs beside the checkout (../shared/radiographs)")
    source = tmp_path / "in"
    source.mkdir()
    files = sorted((RADIOGRAPHS / "originals").glob("*.png"))[:3]
    for file in files:
        (source / file.name).symlink_to(file)
    done = flask("prepare-data", "real", "--from", source, "--recipe", "adld", "--processes", 1)
    assert done.exit_code == 0, done.output
    corpus = open_corpus(data / "corpora" / "real")
    assert [image["original_size"] for image in corpus.images] == [[2943, 1435]] * 3
    for name, file in zip(sorted(corpus.names()), files, strict=True):
        pixels = np.asarray(Image.open(file).convert("L"))[90 : 1435 - 30, 30 : 2943 - 170]
        expected = Image.fromarray(pixels).resize((1024, 512), Image.Resampling.LANCZOS)
        assert np.array_equal(corpus.high_image(name), np.asarray(expected))
        assert corpus.low_image(name).shape == (128, 256)


def test_a_crop_on_the_command_line_replaces_the_recipe_and_a_wrong_one_is_told(flask, data, tmp_path):
    source = pictures(tmp_path / "in", range(1))
    assert flask("prepare-data", "a", "--from", source, "--recipe", "adld", "--crop", "1,2,3,4").exit_code == 0
    assert open_corpus(data / "corpora" / "a").images[0]["crop"] == [1, 2, 3, 4]
    assert "four whole numbers" in flask("prepare-data", "b", "--from", source, "--crop", "1,2,3").output
    assert "four whole numbers" in flask("prepare-data", "b", "--from", source, "--crop", "90,x,3,4").output
    assert not (data / "corpora" / "b").exists()


@pytest.mark.parametrize(
    ("outer", "inner"),
    [(255, 255), (0, 0), (255, 0), (0, 255)],
    ids=["white", "black", "black in white", "white in black"],
)
def test_generic_trims_white_and_black_borders_exactly(outer, inner):
    pixels = np.asarray(picture(3)).clip(40, 210)
    framed = np.pad(pixels, ((2, 4), (3, 5)), constant_values=inner)
    framed = np.pad(framed, ((7, 0), (1, 9)), constant_values=outer)
    assert find_borders(framed) == (9, 4, 4, 14)
    assert find_borders(pixels) == (0, 0, 0, 0)


def test_phantoms_of_one_patient_stay_on_one_side_whatever_the_machine(tmp_path):
    for look, offset in (("wide", 0), ("narrow", 100)):
        pool = pictures(tmp_path / look / "images", range(offset, offset + 20)).parent
        (pool / "pool.json").write_text("{}")
        lines = [
            {"file": f"images/{offset + i}.png", "provenance": {"generator": "phantom", "seed": 7, "index": i}}
            for i in range(20)
        ]
        (pool / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"file": "im')
        pictures(pool / "images", [f"torn {look}"])
        tiny(tmp_path, "all", pool, test_share=0.5)
    found = splits(tmp_path)
    assert len(found) == 40
    assert set(found.values()) == {"train", "test"}
    assert all(found[f"images/{i}.png"] == found[f"images/{100 + i}.png"] for i in range(20))


def test_patients_told_in_a_csv_stay_on_one_side(tmp_path, source):
    table = tmp_path / "groups.csv"
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([["file", "group"], *([f"{i}.png", f"P{i % 3}"] for i in range(11))])
    tiny(tmp_path, "all", source, groups=table, test_share=0.5, seed=1)
    images = open_corpus(tmp_path / "all").images
    sides = defaultdict(set)
    for image in images:
        sides[image["group"]].add(image["split"])
    assert set(sides) == {"source/P0", "source/P1", "source/P2", None}
    assert all(len(side) == 1 for side in sides.values())
    table.write_text("name,patient\n1.png,P1\n")
    with pytest.raises(PrepareError, match="columns file and group"):
        tiny(tmp_path, "other", source, groups=table)


def altered(image):
    """The same radiograph as others would store it."""
    yield "small", image.resize((WIDTH // 2, HEIGHT // 2), Image.Resampling.BILINEAR)
    yield "bright", image.point(lambda value: min(255, int(value * 1.2 + 15)))
    yield "gamma", image.point(lambda value: int(255 * (value / 255) ** 1.5))
    yield "framed", ImageOps.expand(image.point(lambda value: 40 + value * 170 // 255), 12, 255)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=30)
    yield "jpeg", Image.open(buffer)


def test_resized_brightened_framed_and_recompressed_copies_land_on_one_side(tmp_path, source):
    others = tmp_path / "others"
    others.mkdir()
    for seed in range(12):
        for kind, image in altered(picture(seed)):
            image.save(others / f"{seed}-{kind}.png")
    for folder in (source, others):
        tiny(tmp_path, "all", folder, test_share=0.5)
    together = defaultdict(set)
    for image in open_corpus(tmp_path / "all").images:
        together[image["together"]].add((int(image["file"].split(".")[0].split("-")[0]), image["split"]))
    assert len(together) == 12
    assert all(len(members) == 1 for members in together.values())
    assert {split for ((_, split),) in together.values()} == {"train", "test"}


def test_one_radiograph_under_two_recipes_lands_on_one_side(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for seed in range(8):
        picture(seed).resize((1600, 800)).save(folder / f"{seed}.png")
    tiny(tmp_path, "all", folder, "adld", test_share=0.5)
    tiny(tmp_path, "all", folder, "dentex")
    sides = defaultdict(set)
    for image in open_corpus(tmp_path / "all").images:
        sides[image["file"]].add(image["split"])
    assert len(sides) == 8
    assert all(len(side) == 1 for side in sides.values())


def test_the_hash_tells_radiographs_apart_that_resemble_each_other():
    folder = ROOT / "quiz_data" / "pools"
    hashes = []
    for file in sorted((folder / "demo-real" / "images").iterdir())[:20]:
        with Image.open(file) as opened:
            image = opened.convert("L")
        hashes.append(perceptual_hash(image))
        again = [perceptual_hash(other) for kind, other in altered(image) if kind != "framed"]
        assert all(distance(hashes[-1], other) <= NEAR for other in again)
    assert min(distance(a, b) for i, a in enumerate(hashes) for b in hashes[:i]) > NEAR


def distance(a, b):
    return (int(a, 16) ^ int(b, 16)).bit_count()


def test_all_near_pairs_are_found():
    draw = random.Random(5)
    hashes = [draw.randbytes(32).hex() for _ in range(600)]
    for index, bits in ((599, NEAR), (300, NEAR + 1), (17, 1)):
        hashes[index] = f"{int(hashes[0], 16) ^ sum(1 << bit for bit in draw.sample(range(256), bits)):064x}"
    expected = {(i, j) for j in range(600) for i in range(j) if distance(hashes[i], hashes[j]) <= NEAR}
    assert set(near_pairs(hashes)) == expected >= {(0, 599), (0, 17)}
    assert (0, 300) not in expected


def test_the_test_share_is_kept_and_the_seed_changes_who_is_in_it():
    members = [[{"source_sha256": f"{i:064x}"}] for i in range(4000)]
    sides = [[split_of(member, 0.1, seed) for member in members] for seed in (0, 1)]
    for side in sides:
        assert Counter(side)["test"] == pytest.approx(400, abs=4 * (4000 * 0.1 * 0.9) ** 0.5)
    assert sides[0] != sides[1]


def test_added_images_move_no_others_and_the_order_of_data_sets_does_not_matter(tmp_path, source):
    more = pictures(tmp_path / "more", range(100, 112))
    tiny(tmp_path / "1", "all", source, test_share=0.4)
    before = splits(tmp_path / "1")
    tiny(tmp_path / "1", "all", more)
    after = splits(tmp_path / "1")
    assert {file: after[file] for file in before} == before
    assert len(after) == 24
    assert set(before.values()) == {"train", "test"}
    tiny(tmp_path / "2", "all", more, test_share=0.4)
    tiny(tmp_path / "2", "all", source)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")
    assert open_corpus(tmp_path / "1" / "all").fingerprint == open_corpus(tmp_path / "2" / "all").fingerprint


def test_two_processes_make_what_one_makes(tmp_path, source):
    tiny(tmp_path / "1", "all", source)
    tiny(tmp_path / "2", "all", source, processes=2)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_killed_midway_and_started_again_gives_the_uninterrupted_corpus(tmp_path):
    folder = pictures(tmp_path / "in", range(30))
    code = f"from generator.prepare import prepare; prepare({str(tmp_path / 'killed')!r}, 'all', {str(folder)!r}, "
    command = [sys.executable, "-c", f"{code}'generic', size={SIZE}, processes=1)"]
    process = subprocess.Popen(command, cwd=ROOT)
    high = tmp_path / "killed" / "all" / "high"
    while not high.is_dir() or len(list(high.glob("[!.]*"))) < 4:
        assert process.poll() is None
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    there = {path: path.stat().st_mtime_ns for path in high.glob("[!.]*")}
    assert 4 <= len(there) < 30
    (high / ".x.png.0123abcd").write_bytes(b"what a kill leaves")
    with pytest.raises(CorpusError, match="flask prepare-data again"):
        open_corpus(tmp_path / "killed" / "all")
    tiny(tmp_path / "killed", "all", folder)
    tiny(tmp_path / "whole", "all", folder)
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")
    assert {path: path.stat().st_mtime_ns for path in there} == there


def test_what_is_damaged_or_missing_in_a_corpus_is_named_and_made_anew(tmp_path, source):
    tiny(tmp_path, "all", source)
    whole = contents(tmp_path / "all")
    corpus = open_corpus(tmp_path / "all")
    broken, missing, swapped, *_ = corpus.names()
    corpus.high_path(broken).write_bytes(corpus.high_path(broken).read_bytes()[:-40])
    corpus.high_path(missing).unlink()
    Image.new("L", (8, 8)).save(corpus.low_path(swapped))
    for name, read in ((broken, corpus.high_image), (missing, corpus.high_image), (swapped, corpus.low_image)):
        with pytest.raises(CorpusError, match=rf"{name}\.png.*flask prepare-data again"):
            read(name)
    tiny(tmp_path, "all", source)
    assert contents(tmp_path / "all") == whole


@pytest.mark.parametrize("manifest", [None, "{", "[]", '{"format": 2}', '{"format": 1}'])
def test_a_folder_that_is_no_corpus_is_told(tmp_path, manifest):
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(CorpusError, match="flask prepare-data again"):
        open_corpus(tmp_path)


def test_unusable_files_are_named_and_the_others_go_on(flask, tmp_path, source):
    (source / "broken.png").write_bytes((source / "1.png").read_bytes()[:-200])
    (source / "words.jpg").write_text("no image")
    (source / "empty.tif").write_bytes(b"")
    (source / "device.dcm").write_bytes(bytes(128) + b"DICM" + bytes(64))
    Image.new("L", (WIDTH, HEIGHT), 90).save(source / "flat.bmp")
    picture("tooth").crop((0, 0, 160, 160)).save(source / "tooth.png")
    (source / "notes.txt").write_text("not looked at")
    done = flask("prepare-data", "all", "--from", source, "--processes", 1)
    assert done.exit_code == 0, done.output
    assert "12 images" in done.output
    assert "6 files could not be used" in done.output
    for name, why in {
        "broken.png": "copy it again",
        "words.jpg": "no image",
        "empty.tif": "empty",
        "device.dcm": "flask import-pool",
        "flat.bmp": "flat",
        "tooth.png": "panoramic",
    }.items():
        assert any(name in line and why in line for line in done.output.splitlines()), name


def test_deep_and_coloured_pictures_are_read(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    grey = np.asarray(picture(1)).astype(np.uint16)
    grey = grey - grey.min()
    Image.fromarray(1000 + grey * 30).save(folder / "deep.png")
    Image.fromarray(1000 + grey * 30).save(folder / "deep.tif")
    Image.merge("RGB", [picture(2)] * 3).save(folder / "colour.bmp")
    tiny(tmp_path, "all", folder, crop=(0, 0, 0, 0))
    corpus = open_corpus(tmp_path / "all")
    images = {image["file"]: image["name"] for image in corpus.images}
    assert np.array_equal(
        corpus.high_image(images["colour.bmp"]), np.asarray(picture(2).resize(SIZE, Image.Resampling.LANCZOS))
    )
    deep = Image.fromarray(np.rint(grey / grey.max() * 255).astype(np.uint8)).resize(SIZE, Image.Resampling.LANCZOS)
    assert np.array_equal(corpus.high_image(images["deep.png"]), np.asarray(deep))
    manifest = json.loads((tmp_path / "all" / "manifest.json").read_text())
    assert [(copy["file"], copy["copy_of"]) for copy in manifest["copies"]] == [("deep.tif", images["deep.png"])]


def test_masks_beside_the_radiographs_are_passed_over_and_copies_left_out(tmp_path):
    for kind in ("PNG", "JSON"):
        pictures(tmp_path / "tsxk" / kind / "d2" / "img", range(5))
        pictures(tmp_path / "tsxk" / kind / "d2" / "masks_machine", range(50, 55))
    report = str(tiny(tmp_path, "all", tmp_path / "tsxk", "tsxk"))
    assert "5 exact copies were left out" in report
    assert {image["file"].split("/")[2] for image in open_corpus(tmp_path / "all").images} == {"img"}


def test_files_that_are_gone_leave_the_corpus_and_a_moved_folder_is_the_same_source(tmp_path, source):
    tiny(tmp_path, "all", source, "tsxk")
    (source / "3.png").unlink()
    moved = source.rename(tmp_path / "moved")
    tiny(tmp_path, "all", moved, "tsxk")
    assert set(splits(tmp_path)) == {f"{i}.png" for i in range(12) if i != 3}


def test_a_second_folder_does_not_replace_the_first_unasked(tmp_path, source):
    more = pictures(tmp_path / "more", range(20, 23))
    tiny(tmp_path, "all", source, "tufts", crop=(0, 0, 0, 0))
    with pytest.raises(PrepareError, match="--source NAME"):
        tiny(tmp_path, "all", more, "tufts")
    tiny(tmp_path, "all", more, "tufts", crop=(0, 0, 0, 0), source="tufts-2")
    assert Counter(image["source"] for image in open_corpus(tmp_path / "all").images) == {"tufts": 12, "tufts-2": 3}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"recipe": "kaggle"}, "no recipe 'kaggle'"),
        ({"name": "../up"}, "name of a corpus"),
        ({"source": "My hospital"}, "name of a source"),
        ({"test_share": 0.9}, "0 to 0.5"),
        ({"name": "begun", "seed": 5}, "choose another name"),
        ({"name": "begun", "test_share": 0.2}, "choose another name"),
        ({"crop": (1, 2, 3)}, "four whole numbers"),
        ({"crop": (500, 0, 0, 0)}, "None of the 12 files"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line_and_changes_nothing(tmp_path, source, options, sentence):
    tiny(tmp_path / "corpora", "begun", source)
    before = contents(tmp_path / "corpora")
    given = {"name": "next", "recipe": "generic"} | options
    with pytest.raises(PrepareError, match=sentence) as caught:
        tiny(tmp_path / "corpora", given.pop("name"), source, given.pop("recipe"), **given)
    assert "\n" not in str(caught.value)
    assert contents(tmp_path / "corpora") == before


def test_a_folder_without_images_is_told(flask, tmp_path):
    (tmp_path / "empty").mkdir()
    done = flask("prepare-data", "all", "--from", tmp_path / "empty")
    assert done.exit_code != 0
    assert "holds no PNG" in done.output
