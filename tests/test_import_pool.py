"""Importing a folder of images as a pool, and reading pools."""

import hashlib
import io
import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from pictures import HEIGHT, WIDTH, dicom, picture, png
from PIL import Image

from app.pools import PoolError, find_files, find_pool, import_pool, list_pools, load_pool, read_pool_image

# Importing a folder


def test_an_imported_pool_is_as_the_format_demands(tmp_path):
    png(tmp_path / "source" / "b.png", 1)
    png(tmp_path / "source" / "sub" / "a.png", 2)
    report = import_pool(tmp_path / "pools", "clinic-1", tmp_path / "source", "real", about="From our clinic.")
    folder = tmp_path / "pools" / "clinic-1"
    about = json.loads((folder / "pool.json").read_text())
    assert (about["name"], about["truth"], about["about"]) == ("clinic-1", "real", "From our clinic.")
    assert datetime.fromisoformat(about["created"]).utcoffset().total_seconds() == 0
    assert isinstance(about["made_by"], dict)
    lines = (folder / "manifest.jsonl").read_text().split("\n")
    assert lines.pop() == ""
    images = [json.loads(line) for line in lines]
    assert [image["source"] for image in images] == ["b.png", "sub/a.png"]
    for image, seed in zip(images, (1, 2), strict=True):
        data = (folder / image["file"]).read_bytes()
        stored = Image.open(io.BytesIO(data))
        assert (stored.format, stored.mode, stored.info) == ("PNG", "L", {})
        assert (np.asarray(stored) == picture(seed)).all()
        assert hashlib.sha256(data).hexdigest() == image["sha256"]
        assert (image["width"], image["height"]) == (WIDTH, HEIGHT)
        assert image["provenance"] == {"format": "PNG", "mode": "L", "bits": 8, "grey": "unchanged"}
    assert sorted(path.name for path in (folder / "images").iterdir()) == sorted(image["file"][7:] for image in images)
    assert load_pool(folder).images == tuple(report.images)
    assert [pool.name for pool in list_pools(tmp_path / "pools")] == ["clinic-1"]


def test_bad_files_are_reported_and_do_not_stop_the_import(tmp_path):
    source = tmp_path / "source"
    png(source / "good.png", 1)
    (source / "bad.png").write_bytes(b"nonsense")
    (source / "empty.jpg").write_bytes(b"")
    report = import_pool(tmp_path / "pools", "p", source, "synthetic")
    assert [source for source, _ in report.skipped] == ["bad.png", "empty.jpg"]
    assert len(load_pool(tmp_path / "pools" / "p").images) == 1
    assert "bad.png is not an image" in str(report)
    assert "1 synthetic images imported" in str(report)


def test_equal_pictures_are_imported_once_and_reported(tmp_path):
    source = tmp_path / "source"
    png(source / "a.png", 1)
    dicom(source / "b", picture(1))
    report = import_pool(tmp_path / "pools", "p", source, "real")
    assert report.duplicates == [("b", "a.png")]
    assert len(list((tmp_path / "pools" / "p" / "images").iterdir())) == 1


def test_pictures_that_another_pool_has_are_reported(tmp_path):
    png(tmp_path / "one" / "a.png", 1)
    png(tmp_path / "two" / "b.png", 1)
    png(tmp_path / "two" / "c.png", 2)
    import_pool(tmp_path / "pools", "first", tmp_path / "one", "real")
    report = import_pool(tmp_path / "pools", "second", tmp_path / "two", "synthetic")
    assert report.overlaps == [("b.png", "first", "a.png")]
    assert len(report.images) == 2
    assert "b.png is a.png of the pool first" in str(report)


def test_other_files_are_counted_and_hidden_ones_ignored(tmp_path):
    source = tmp_path / "source"
    png(source / "a.png", 1)
    png(source / ".hidden.png", 2)
    png(source / ".cache" / "b.png", 3)
    png(tmp_path / "outside.png", 4)
    (source / "link.png").symlink_to(tmp_path / "outside.png")
    (source / "broken.png").symlink_to(tmp_path / "nowhere.png")
    for name in ("notes.txt", "table.csv", "Thumbs.db", "DICOMDIR", ".DS_Store"):
        (source / name).write_text("no picture")
    os.mkfifo(source / "pipe.png")
    assert find_files(source) == [source / "a.png"]
    report = import_pool(tmp_path / "pools", "p", source, "real")
    assert (report.other_files, report.skipped, len(report.images)) == (3, [], 1)


def test_progress_is_called_once_a_file(tmp_path):
    for number in range(5):
        png(tmp_path / "source" / f"{number}.png", number % 3)
    calls = []
    import_pool(tmp_path / "pools", "p", tmp_path / "source", "real", progress=lambda: calls.append(1))
    assert len(calls) == len(find_files(tmp_path / "source")) == 5


@pytest.mark.parametrize("name", ["", "Upper", "a b", "../a", "a/b", ".a", "x" * 65, "a\n"])
def test_names_that_the_format_forbids_are_refused(tmp_path, name):
    png(tmp_path / "source" / "a.png")
    with pytest.raises(PoolError, match="cannot name a pool"):
        import_pool(tmp_path / "pools", name, tmp_path / "source", "real")


def test_an_import_that_fails_leaves_nothing_behind(tmp_path):
    source, pools = tmp_path / "source", tmp_path / "pools"
    source.mkdir()
    with pytest.raises(PoolError, match="no image file"):
        import_pool(pools, "p", source, "real")
    (source / "bad.png").write_bytes(b"nonsense")
    with pytest.raises(PoolError, match=r"none of the 1 .* bad.png, is not an image"):
        import_pool(pools, "p", source, "real")
    with pytest.raises(PoolError, match="not a folder"):
        import_pool(pools, "p", tmp_path / "missing", "real")
    with pytest.raises(PoolError, match="real or synthetic"):
        import_pool(pools, "p", source, "fake")
    assert not pools.exists() or not list(pools.iterdir())


def test_an_existing_pool_is_never_touched(tmp_path):
    png(tmp_path / "source" / "a.png")
    import_pool(tmp_path / "pools", "p", tmp_path / "source", "real")
    before = (tmp_path / "pools" / "p" / "manifest.jsonl").read_bytes()
    with pytest.raises(PoolError, match="already"):
        import_pool(tmp_path / "pools", "p", tmp_path / "source", "synthetic")
    assert (tmp_path / "pools" / "p" / "manifest.jsonl").read_bytes() == before
    assert [path.name for path in (tmp_path / "pools").iterdir()] == ["p"]


def test_ctrl_c_leaves_nothing_behind(tmp_path):
    for number in range(6):
        png(tmp_path / "source" / f"{number}.png", number)

    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_pool(tmp_path / "pools", "p", tmp_path / "source", "real", progress=interrupted)
    assert list((tmp_path / "pools").iterdir()) == []


def test_metadata_of_pictures_is_dropped(tmp_path):
    exif = Image.Exif()
    exif[0x010E] = "SECRET description"
    source = tmp_path / "source"
    source.mkdir()
    Image.fromarray(picture()).save(
        source / "a.jpg", exif=exif, icc_profile=b"SECRET profile", comment=b"SECRET comment", xmp=b"SECRET xmp"
    )
    import_pool(tmp_path / "pools", "p", source, "real")
    assert all(b"SECRET" not in path.read_bytes() for path in (tmp_path / "pools").rglob("*") if path.is_file())


def test_a_file_name_that_is_not_utf_8_is_imported(tmp_path):
    source = tmp_path / "source"
    data = png(source / "a.png").read_bytes()
    try:
        (source / os.fsdecode(b"\xe9.png")).write_bytes(data)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    (source / "a.png").unlink()
    assert import_pool(tmp_path / "pools", "p", source, "real").images[0].source == "\ufffd.png"


# Reading pools


@pytest.fixture
def pool_folder(tmp_path):
    for seed in (1, 2):
        png(tmp_path / "source" / f"{seed}.png", seed)
    import_pool(tmp_path / "pools", "p", tmp_path / "source", "real")
    return tmp_path / "pools" / "p"


def test_a_last_manifest_line_that_a_crash_cut_off_is_dropped(pool_folder):
    manifest = pool_folder / "manifest.jsonl"
    manifest.write_bytes(manifest.read_bytes()[:-1])
    assert [image.source for image in load_pool(pool_folder).images] == ["1.png"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"file": "images/', '"file": "images/../../'),
        ('"file": "images/', '"file": "/images/'),
        ('"file": "images/', '"file": "", "was": "'),
        ('"width": 320', '"width": -320'),
        ('"pixels_sha256"', '"pixels"'),
        ('"sha256": "', '"sha256": "x'),
        ("{", "["),
    ],
)
def test_a_manifest_that_the_format_forbids_is_refused(pool_folder, old, new):
    manifest = pool_folder / "manifest.jsonl"
    text = manifest.read_text()
    assert old in text
    manifest.write_text(text.replace(old, new))
    with pytest.raises(PoolError, match="line 1 of"):
        load_pool(pool_folder)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"name": "q", "truth": "real", "about": ""}', '{"name": "p", "truth": "?", "about": ""}']
)
def test_a_pool_json_that_the_format_forbids_is_refused(pool_folder, text):
    (pool_folder / "pool.json").write_text(text)
    with pytest.raises(PoolError, match="pool"):
        load_pool(pool_folder)


def test_a_folder_without_pool_json_is_no_pool(tmp_path):
    with pytest.raises(PoolError, match="not a pool"):
        load_pool(tmp_path)
    assert list_pools(tmp_path / "missing") == []


def test_a_pool_is_found_by_name_and_an_unknown_name_told_those_there_are(pool_folder, tmp_path):
    assert find_pool([tmp_path / "missing", pool_folder.parent], "p").folder == pool_folder
    for name in ("other", "../pools/p"):
        with pytest.raises(PoolError, match="there is p"):
            find_pool([pool_folder.parent], name)


def test_a_changed_or_missing_pool_image_is_noticed(pool_folder):
    pool = load_pool(pool_folder)
    assert (np.asarray(read_pool_image(pool, pool.images[0])) == picture(1)).all()
    path = pool_folder / pool.images[0].file
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(PoolError, match=r"1\.png.* has changed"):
        read_pool_image(pool, pool.images[0])
    path.unlink()
    with pytest.raises(PoolError, match=r"1\.png.* cannot be read"):
        read_pool_image(pool, pool.images[0])


def test_the_web_application_loads_no_imaging_library_with_the_pools():
    code = "import sys, app.study_images; print([m for m in ('PIL', 'numpy', 'pydicom') if m in sys.modules])"
    root = Path(__file__).resolve().parents[1]
    found = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
