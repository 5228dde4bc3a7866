"""Reading one image file, whatever its format."""

import hashlib
import struct
import zlib

import numpy as np
import pytest
from pictures import HEIGHT, WIDTH, dicom, encapsulated, grey_of, lookup_table, picture, png, refusal, scaled
from PIL import Image
from pydicom.uid import JPEGBaseline8Bit, JPEGLosslessSV1

from app.pixels import pixels_sha256
from app.pools import import_pool
from app.radiograph import read_radiograph

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
