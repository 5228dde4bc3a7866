import hashlib
import io
import json
import os
import struct
import subprocess
import sys
import zlib
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEGBaseline8Bit, JPEGLosslessSV1

from app.pixels import RadiographError, pixels_sha256
from app.pools import PoolError, find_files, find_pool, import_pool, list_pools, load_pool, read_pool_image
from app.radiograph import read_radiograph

WIDTH, HEIGHT = 320, 160
PATIENT = "Doe^Jane"


def picture(seed=0, top=255, dtype=np.uint8):
    """Smooth grey values 0..top with both ends reached, different for every seed."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    wave = np.sin(x / (17 + seed)) + np.cos(y / (11 + seed)) + (x * y % 7) / 50
    wave = (wave - wave.min()) / (wave.max() - wave.min())
    return np.rint(wave * top).astype(dtype)


def png(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(seed)).save(path)
    return path


def dicom(path, pixels, photometric="MONOCHROME2", bits=None, syntax=ExplicitVRLittleEndian, **tags):
    """A DICOM file of a 2-D or RGB array, or of encapsulated bytes, with a patient's tags."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.1.3")
    meta.MediaStorageSOPInstanceUID = UID("1.2.3.4")
    meta.TransferSyntaxUID = syntax
    dataset = Dataset()
    dataset.file_meta = meta
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.PatientName, dataset.PatientID, dataset.InstitutionName = PATIENT, "PID-4711", "Clinic of St. Apollonia"
    dataset.PatientBirthDate, dataset.StudyDate = "19010203", "20010203"
    dataset.PhotometricInterpretation = photometric
    dataset.SamplesPerPixel = 3 if photometric in ("RGB", "YBR_FULL") else 1
    if dataset.SamplesPerPixel == 3:
        dataset.PlanarConfiguration = 0
    dataset.Rows, dataset.Columns = HEIGHT, WIDTH
    dataset.BitsAllocated = 8
    if isinstance(pixels, np.ndarray):
        dataset.BitsAllocated = pixels.dtype.itemsize * 8
        pixels = pixels.tobytes()
    dataset.BitsStored = bits or dataset.BitsAllocated
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = 0
    dataset.PixelData = pixels
    dataset["PixelData"].VR = "OB" if dataset.BitsAllocated == 8 else "OW"
    for name, value in tags.items():
        setattr(dataset, name, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def lookup_table(entries, first, bits):
    table = Dataset()
    table.LUTDescriptor = [len(entries), first, bits]
    table.add_new("LUTData", "US", entries)
    return table


def encapsulated(image, format):
    from pydicom.encaps import encapsulate

    buffer = io.BytesIO()
    image.save(buffer, format)
    return encapsulate([buffer.getvalue()])


def grey_of(path):
    image, _ = read_radiograph(path)
    assert image.mode == "L"
    return np.asarray(image)


def refusal(path):
    with pytest.raises(RadiographError) as caught:
        read_radiograph(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def scaled(values, low, high):
    return np.rint(np.clip((values.astype(float) - low) / (high - low), 0, 1) * 255).astype(np.uint8)


# Formats


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp"])
def test_a_lossless_grey_picture_keeps_its_pixels(tmp_path, name):
    Image.fromarray(picture()).save(tmp_path / name, lossless=True)
    assert (grey_of(tmp_path / name) == picture()).all()


def test_a_jpeg_is_read(tmp_path):
    Image.fromarray(picture()).save(tmp_path / "a.jpg", quality=95)
    assert abs(grey_of(tmp_path / "a.jpg").astype(int) - picture()).mean() < 3
    assert read_radiograph(tmp_path / "a.jpg")[1]["format"] == "JPEG"


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_16_bits_are_scaled_from_the_own_range(tmp_path, name):
    deep = picture(top=4000, dtype=np.uint16) + np.uint16(300)
    Image.fromarray(deep).save(tmp_path / name)
    assert (grey_of(tmp_path / name) == scaled(deep, 300, 4300)).all()
    provenance = read_radiograph(tmp_path / name)[1]
    assert (provenance["bits"], provenance["grey"]) == (16, "own range")


def test_a_16_bit_tiff_whose_white_is_zero_is_inverted(tmp_path):
    deep = picture(top=60000, dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "a.tif", tiffinfo={262: 0})
    assert (grey_of(tmp_path / "a.tif") == 255 - scaled(deep, 0, 60000)).all()


def test_a_float_tiff_is_scaled_from_its_own_range(tmp_path):
    values = picture().astype(np.float32) / 255 - 0.5
    Image.fromarray(values).save(tmp_path / "a.tif")
    assert (grey_of(tmp_path / "a.tif") == picture()).all()


@pytest.mark.parametrize(
    ("mode", "name"),
    [("RGB", "a.png"), ("RGBA", "a.png"), ("LA", "a.png"), ("P", "a.png"), ("RGB", "a.tif"), ("P", "a.tif")],
)
def test_grey_stored_as_colour_keeps_its_pixels(tmp_path, mode, name):
    Image.fromarray(picture()).convert(mode).save(tmp_path / name)
    assert (grey_of(tmp_path / name) == picture()).all()


def test_transparency_is_laid_over_black(tmp_path):
    pixels = np.dstack([np.full((HEIGHT, WIDTH), 200, np.uint8), picture()])
    Image.fromarray(pixels, "LA").save(tmp_path / "a.png")
    assert abs(grey_of(tmp_path / "a.png") - picture() * (200 / 255)).max() <= 1


def test_cmyk_and_one_bit_pictures_are_read(tmp_path):
    Image.fromarray(picture()).convert("RGB").convert("CMYK").save(tmp_path / "cmyk.tif")
    assert abs(grey_of(tmp_path / "cmyk.tif").astype(int) - picture()).max() <= 1
    Image.fromarray(picture()).convert("1").save(tmp_path / "one.tif")
    assert set(np.unique(grey_of(tmp_path / "one.tif"))) == {0, 255}
    assert read_radiograph(tmp_path / "one.tif")[1]["bits"] == 1


def test_of_a_tiff_of_several_pages_the_first_is_taken_and_noted(tmp_path):
    first, second = Image.fromarray(picture(1)), Image.fromarray(picture(2))
    first.save(tmp_path / "a.tif", save_all=True, append_images=[second])
    assert (grey_of(tmp_path / "a.tif") == picture(1)).all()
    assert read_radiograph(tmp_path / "a.tif")[1]["notes"] == ["first of 2 pages"]


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif"])
def test_exif_orientation_is_honoured(tmp_path, name):
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side
    side = Image.fromarray(picture()).transpose(Image.Transpose.ROTATE_90)
    side.save(tmp_path / name, exif=exif, quality=95)
    assert abs(grey_of(tmp_path / name).astype(int) - picture()).mean() < 3


def test_equal_pictures_have_equal_pixel_hashes_whatever_their_encoding(tmp_path):
    Image.fromarray(picture()).save(tmp_path / "a.png")
    Image.fromarray(picture()).convert("RGB").save(tmp_path / "a.webp", lossless=True)
    expected = hashlib.sha256(b"320x160:" + picture().tobytes()).hexdigest()
    assert {pixels_sha256(read_radiograph(tmp_path / name)[0]) for name in ("a.png", "a.webp")} == {expected}


# DICOM


def test_dicom_is_recognised_by_its_content(tmp_path):
    assert (grey_of(dicom(tmp_path / "IM0001", picture())) == picture()).all()


def test_monochrome1_is_inverted(tmp_path):
    assert (grey_of(dicom(tmp_path / "a.dcm", picture(), "MONOCHROME1")) == 255 - picture()).all()


def test_dicom_of_12_bits_without_a_window_is_scaled_from_its_own_range(tmp_path):
    deep = picture(top=3000, dtype=np.uint16) + np.uint16(500)
    path = dicom(tmp_path / "a.dcm", deep, bits=12)
    assert (grey_of(path) == scaled(deep, 500, 3500)).all()
    assert read_radiograph(path)[1]["bits"] == 12


def test_the_first_voi_window_of_a_dicom_is_applied(tmp_path):
    deep = picture(top=4095, dtype=np.uint16)
    path = dicom(tmp_path / "a.dcm", deep, bits=12, WindowCenter=[1000.5, 3000], WindowWidth=[1001, 50])
    assert abs(grey_of(path).astype(int) - scaled(deep, 500, 1500)).max() <= 1
    assert read_radiograph(path)[1]["grey"] == "window"


@pytest.mark.parametrize("width", ["", 0])
def test_a_window_without_a_width_is_none(tmp_path, width):
    deep = picture(top=4095, dtype=np.uint16)
    path = dicom(tmp_path / "a.dcm", deep, bits=12, WindowCenter=width, WindowWidth=width)
    assert (grey_of(path) == scaled(deep, 0, 4095)).all()


def test_a_window_counts_in_rescaled_values_and_in_monochrome1_too(tmp_path):
    deep = picture(top=4095, dtype=np.uint16)
    tags = {"RescaleSlope": 2, "RescaleIntercept": -1000, "WindowCenter": 1000.5, "WindowWidth": 1001}
    path = dicom(tmp_path / "a.dcm", deep, "MONOCHROME1", bits=12, **tags)
    assert abs(grey_of(path).astype(int) - (255 - scaled(deep * 2.0 - 1000, 500, 1500))).max() <= 1


def test_a_falling_rescale_turns_the_picture_once_not_twice(tmp_path):
    deep = picture(top=4095, dtype=np.uint16)
    tags = {"RescaleSlope": -1, "RescaleIntercept": 4095, "WindowCenter": 2048, "WindowWidth": 4096}
    expected = scaled(4095 - deep.astype(float), 0, 4095)
    assert (grey_of(dicom(tmp_path / "a.dcm", deep, bits=12, **tags)) == expected).all()


def test_a_sigmoid_window_is_applied(tmp_path):
    deep = picture(top=4095, dtype=np.uint16)
    tags = {"WindowCenter": 2000, "WindowWidth": 2, "VOILUTFunction": "SIGMOID"}
    grey = grey_of(dicom(tmp_path / "a.dcm", deep, bits=12, **tags))
    assert (grey[deep < 1990] == 0).all()
    assert (grey[deep > 2010] == 255).all()


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_a_voi_lookup_table_of_any_depth_is_applied(tmp_path, bits):
    deep = picture(top=4095, dtype=np.uint16)
    top = 2**bits - 1
    entries = np.rint((np.arange(2000) / 1999) ** 2 * top).astype(int)
    path = dicom(tmp_path / "a.dcm", deep, bits=12, VOILUTSequence=[lookup_table(entries.tolist(), 1000, bits)])
    assert (grey_of(path) == scaled(entries[np.clip(deep.astype(int) - 1000, 0, 1999)], 0, top)).all()
    assert read_radiograph(path)[1]["grey"] == "VOI LUT"


def test_a_modality_lookup_table_is_applied(tmp_path):
    entries = (4095 - np.arange(4096)).tolist()
    table = lookup_table(entries, 0, 12)
    table.ModalityLUTType = "US"
    path = dicom(tmp_path / "a.dcm", picture(top=4095, dtype=np.uint16), bits=12, ModalityLUTSequence=[table])
    assert (grey_of(path) == 255 - scaled(picture(top=4095, dtype=np.uint16), 0, 4095)).all()


def test_colour_dicom_is_read(tmp_path):
    path = dicom(tmp_path / "a.dcm", np.dstack([picture()] * 3), "RGB")
    assert (grey_of(path) == picture()).all()


def test_jpeg_dicom_is_read(tmp_path):
    data = encapsulated(Image.fromarray(picture()), "JPEG")
    path = dicom(tmp_path / "a.dcm", data, syntax=JPEGBaseline8Bit)
    assert abs(grey_of(path).astype(int) - picture()).mean() < 5


def test_dicom_that_cannot_be_shown_is_refused_with_the_reason(tmp_path):
    data = encapsulated(Image.fromarray(picture()), "JPEG")
    assert "compressed" in refusal(dicom(tmp_path / "lossless.dcm", data, syntax=JPEGLosslessSV1))
    assert "2 frames" in refusal(dicom(tmp_path / "frames.dcm", np.stack([picture()] * 2), NumberOfFrames=2))
    assert "PALETTE" in refusal(dicom(tmp_path / "palette.dcm", picture(), "PALETTE COLOR"))
    assert "enormous" in refusal(dicom(tmp_path / "big.dcm", picture(), Rows=30000, Columns=60000))
    assert "without a picture" in refusal(dicom(tmp_path / "report.dcm", picture(), Rows=None))
    truncated = tmp_path / "truncated.dcm"
    truncated.write_bytes(dicom(tmp_path / "a.dcm", picture()).read_bytes()[:-9000])
    assert "truncated" in refusal(truncated)
    truncated.write_bytes(truncated.read_bytes()[:200])
    assert "truncated" in refusal(truncated) or "without a picture" in refusal(truncated)


def test_nothing_of_the_patient_reaches_the_pool(tmp_path):
    dicom(tmp_path / "source" / "a.dcm", picture(), BurnedInAnnotation="YES")
    report = import_pool(tmp_path / "pools", "clinic", tmp_path / "source", "real")
    files = [path for path in (tmp_path / "pools").rglob("*") if path.is_file()]
    held = b"".join(path.read_bytes() for path in files)
    assert len(files) == 3
    for secret in (b"Doe", b"Jane", b"4711", b"19010203", b"20010203", b"Apollonia"):
        assert secret not in held
    assert "burnt into the picture" in str(report)


# Bad input


def test_what_is_not_an_image_is_refused(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"")
    assert "empty" in refusal(path)
    path.write_text("a letter, not a picture")
    assert "not an image" in refusal(path)
    assert "cannot be opened" in refusal(tmp_path / "missing.png")
    Image.fromarray(picture()).save(tmp_path / "a.bmp")
    assert "convert it" in refusal(tmp_path / "a.bmp")


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.webp"])
@pytest.mark.parametrize("part", [0.01, 0.6, 0.95])
def test_truncated_images_are_refused(tmp_path, name, part):
    Image.fromarray(picture()).save(tmp_path / name)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: int(len(data) * part)])
    assert "corrupt or truncated" in refusal(tmp_path / name)


def test_a_png_with_one_flipped_bit_is_refused(tmp_path):
    data = bytearray(png(tmp_path / "a.png").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "a.png").write_bytes(data)
    assert "corrupt" in refusal(tmp_path / "a.png")


@pytest.mark.parametrize("side", [10_400, 60_000])
def test_enormous_images_are_refused_before_they_are_decoded(tmp_path, side):
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", b"never looked at")]
    data = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + data)
    assert "enormous" in refusal(tmp_path / "a.png")


def test_tiny_flat_unpanoramic_and_animated_images_are_refused(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(picture()).resize((255, 128)).save(path)
    assert "tiny" in refusal(path)
    for size in [(320, 320), (640, 160)]:
        Image.fromarray(picture()).resize(size).save(path)
        assert "crop it first" in refusal(path)
    Image.new("L", (WIDTH, HEIGHT), 7).save(path)
    assert "flat" in refusal(path)
    Image.new("I;16", (WIDTH, HEIGHT), 700).save(path)
    assert "flat" in refusal(path)
    frames = [Image.fromarray(picture(seed)) for seed in (1, 2)]
    for animated in (path, tmp_path / "a.webp"):
        frames[0].save(animated, save_all=True, append_images=frames[1:])
        assert "animated" in refusal(animated)


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
