import hashlib
import io
import json
import random
import shutil
from pathlib import Path

import pytest
from PIL import Image

from app.pixels import pixels_sha256
from app.pools import PoolError, import_pool, load_pool
from app.study_images import build_images, choose

RADIOGRAPHS = Path(__file__).resolve().parents[2] / "shared" / "radiographs"


def make_pool(folder, name, truth, seeds, size=(400, 200)):
    """Import one noise picture for every seed as a pool; equal seeds give equal pictures."""
    source = folder / f"{name}-source"
    source.mkdir(parents=True)
    for seed in seeds:
        noise = Image.frombytes("L", (20, 10), random.Random(seed).randbytes(200))
        noise.resize(size, Image.Resampling.BICUBIC).save(source / f"{seed}.png")
    import_pool(folder / "pools", name, source, truth)
    return load_pool(folder / "pools" / name)


@pytest.fixture(scope="module")
def two_pools(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two_pools")
    return make_pool(folder, "real", "real", range(30)), make_pool(folder, "made", "synthetic", range(100, 106))


@pytest.fixture
def pools(two_pools, tmp_path):
    """A copy of two pools that a test may damage: 30 real images, 6 synthetic ones."""
    folder = two_pools[0].folder.parent
    shutil.copytree(folder, tmp_path / "pools")
    return tuple(load_pool(tmp_path / "pools" / pool.name) for pool in two_pools)


def names_for(chosen):
    return [f"{number:032x}" for number in range(len(chosen))]


def sources(chosen):
    return [(pool.name, image.source) for pool, image in chosen]


# Choosing


def test_half_of_the_images_come_from_either_pool_and_none_twice(two_pools):
    chosen = choose(*two_pools, 12, seed=1)
    assert sorted(pool.name for pool, _ in chosen) == ["made"] * 6 + ["real"] * 6
    assert len(set(sources(chosen))) == 12


def test_the_choice_depends_on_the_seed_alone(pools):
    real, synthetic = pools
    before = sources(choose(real, synthetic, 10, seed=7))
    manifest = real.folder / "manifest.jsonl"
    manifest.write_text("".join(reversed(manifest.read_text().splitlines(keepends=True))))
    assert sources(choose(load_pool(real.folder), synthetic, 10, seed=7)) == before
    assert sources(choose(real, synthetic, 10, seed=8)) != before


def test_the_choice_is_the_documented_one(two_pools):
    real, _ = two_pools
    by_hash = sorted(real.images, key=lambda i: hashlib.sha256(f"5:{i.pixels_sha256}".encode()).hexdigest())
    chosen = [image for pool, image in choose(*two_pools, 8, seed=5) if pool is real]
    assert {image.source for image in chosen} == {image.source for image in by_hash[:4]}


def test_the_order_does_not_tell_the_larger_pool(two_pools):
    firsts = [choose(*two_pools, 12, seed)[0][0].name for seed in range(40)]
    assert 8 < firsts.count("real") < 32


def test_a_picture_that_stands_in_a_pool_twice_is_chosen_once(pools):
    real, synthetic = pools
    manifest = synthetic.folder / "manifest.jsonl"
    manifest.write_text(manifest.read_text() * 2)
    with pytest.raises(PoolError, match="has 6 different images, 7 are needed"):
        choose(real, load_pool(synthetic.folder), 14, seed=1)


@pytest.mark.parametrize("count", [0, -2, 7])
def test_a_count_that_cannot_be_halved_is_refused(two_pools, count):
    with pytest.raises(PoolError, match="even number"):
        choose(*two_pools, count, seed=1)


def test_too_few_images_are_told_with_both_numbers(two_pools):
    with pytest.raises(PoolError, match="the pool made has 6 different images, 10 are needed"):
        choose(*two_pools, 20, seed=1)


def test_the_wrong_truth_of_a_pool_is_refused(two_pools):
    real, synthetic = two_pools
    with pytest.raises(PoolError, match="the pool made holds synthetic images: give a pool of real ones"):
        choose(synthetic, real, 4, seed=1)


def test_the_same_pool_twice_is_refused(two_pools):
    with pytest.raises(PoolError, match="give two pools"):
        choose(two_pools[0], two_pools[0], 4, seed=1)


def test_pools_with_a_picture_in_common_are_refused(two_pools, tmp_path):
    overlapping = make_pool(tmp_path, "other", "synthetic", [3, 200, 201])
    with pytest.raises(PoolError, match=r"1 pictures in common, such as 3\.png and 3\.png"):
        choose(two_pools[0], overlapping, 4, seed=1)


# Building


def test_study_images_are_the_whole_pictures_resized_and_nothing_else(two_pools, tmp_path):
    chosen = choose(*two_pools, 6, seed=1)
    folder = tmp_path / "study"
    calls = []
    records = build_images(chosen, folder, names_for(chosen), lambda: calls.append(1))
    assert len(calls) == 6
    assert sorted(path.name for path in folder.iterdir()) == sorted(f"{name}.webp" for name in names_for(chosen))
    for (pool, image), name, record in zip(chosen, names_for(chosen), records, strict=True):
        data = (folder / f"{name}.webp").read_bytes()
        original = Image.open(pool.folder / image.file)
        expected = original.resize((1024, 512), Image.Resampling.LANCZOS)
        shown = Image.open(io.BytesIO(data))
        assert shown.size == (1024, 512)
        assert [band.tobytes() for band in shown.split()] == [expected.tobytes()] * 3
        assert record == {
            "name": name,
            "truth": pool.truth,
            "pool": pool.name,
            "source": image.source,
            "sha256": hashlib.sha256(data).hexdigest(),
            "pixels_sha256": pixels_sha256(expected),
        }
        json.dumps(record)


def test_nothing_about_a_file_tells_its_truth(two_pools, tmp_path):
    chosen = choose(*two_pools, 6, seed=1)
    build_images(chosen, tmp_path / "study", names_for(chosen))
    facts = set()
    for path in (tmp_path / "study").iterdir():
        data = path.read_bytes()
        image = Image.open(io.BytesIO(data))
        metadata = {key: value for key, value in image.info.items() if value}
        kind = data[12:16]  # a lossless stream and no extended header: no room for EXIF, ICC or XMP
        facts.add((kind, image.mode, image.size, json.dumps(metadata, default=str), path.stat().st_mtime))
        facts.add(path.stat().st_mode)
    assert len(facts) == 2
    assert b"VP8L" in {fact[0] for fact in facts if isinstance(fact, tuple)}


def test_the_same_study_has_the_same_files(two_pools, tmp_path):
    chosen = choose(*two_pools, 4, seed=1)
    first = build_images(chosen, tmp_path / "one", names_for(chosen))
    assert build_images(chosen, tmp_path / "two", names_for(chosen)) == first


def test_a_pool_file_that_changed_is_noticed_and_nothing_is_left(pools, tmp_path):
    chosen = choose(*pools, 4, seed=1)
    pool, image = chosen[2]
    with (pool.folder / image.file).open("ab") as file:
        file.write(b" ")
    with pytest.raises(PoolError, match=f"source {image.source}.* has changed"):
        build_images(chosen, tmp_path / "studies" / "study", names_for(chosen))
    (pool.folder / image.file).unlink()
    with pytest.raises(PoolError, match="restore it"):
        build_images(chosen, tmp_path / "studies" / "study", names_for(chosen))
    assert list((tmp_path / "studies").iterdir()) == []


def test_pictures_that_are_equal_once_resized_are_noticed_with_both_sources(tmp_path):
    real = make_pool(tmp_path, "real", "real", [1], (3072, 1536))
    picture = Image.open(real.folder / real.images[0].file)
    picture.paste(0, (0, 0, 200, 200))
    folders = {"real-a": tmp_path / "a", "made-b": tmp_path / "b"}
    for value, (name, folder) in enumerate(folders.items()):
        folder.mkdir()
        picture.putpixel((100, 100), value)  # a difference that the resize rounds away
        picture.save(folder / f"{name}.png")
        import_pool(tmp_path / "pools", name, folder, "real" if value == 0 else "synthetic")
    chosen = choose(*(load_pool(tmp_path / "pools" / name) for name in folders), 2, seed=1)
    with pytest.raises(PoolError, match=r"real-a\.png of the pool real-a") as caught:
        build_images(sorted(chosen, key=lambda pair: pair[0].truth), tmp_path / "studies" / "study", names_for(chosen))
    assert "made-b.png of the pool made-b" in str(caught.value)
    assert list((tmp_path / "studies").iterdir()) == []


def test_an_existing_folder_is_never_touched(two_pools, tmp_path):
    chosen = choose(*two_pools, 2, seed=1)
    (tmp_path / "study").mkdir()
    with pytest.raises(PoolError, match="exists already"):
        build_images(chosen, tmp_path / "study", names_for(chosen))
    assert list((tmp_path / "study").iterdir()) == []


def test_ctrl_c_leaves_nothing_behind(two_pools, tmp_path):
    chosen = choose(*two_pools, 12, seed=1)

    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_images(chosen, tmp_path / "studies" / "study", names_for(chosen), interrupted)
    assert list((tmp_path / "studies").iterdir()) == []


def test_real_radiographs_become_a_study(tmp_path):
    if not RADIOGRAPHS.exists():
        pytest.skip("no radiographs beside the checkout (../shared/radiographs)")
    few = tmp_path / "few"
    few.mkdir()
    for path in sorted((RADIOGRAPHS / "originals").glob("*.png"))[:2]:
        shutil.copy(path, few)
    for name, source, truth in [("small", RADIOGRAPHS / "kennedy", "real"), ("large", few, "synthetic")]:
        report = import_pool(tmp_path / "pools", name, source, truth)
        assert (report.skipped, report.duplicates, report.overlaps) == ([], [], [])
    small, large = (load_pool(tmp_path / "pools" / name) for name in ("small", "large"))
    assert (len(small.images), len(large.images)) == (5, 2)
    chosen = choose(small, large, 4, seed=1)
    records = build_images(chosen, tmp_path / "study", names_for(chosen))
    assert len({record["pixels_sha256"] for record in records}) == 4
