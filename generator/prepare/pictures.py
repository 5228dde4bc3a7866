"""One file → one large and one small training image, and what has to be known of them."""

from __future__ import annotations

import hashlib
import io
import json
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image, ImageOps, PngImagePlugin

from ..durable import whole_file
from .alike import perceptual_hash
from .errors import PictureError
from .recipes import Margins

VERSION = 1  # raised when the same file and margins would give other pixels
REDUCTION = 4  # the small image is the large one averaged over squares of this side
MIN_ASPECT, MAX_ASPECT = 1.4, 3.2  # width / height of a panoramic radiograph, after the margins are cut
BLACK, WHITE = 15, 235  # grey values up to and from which a pixel may be border
BORDER_SHARE = 0.8  # of a row's or column's pixels have to be border; the rest of a frayed one is not
MAX_TRIM = 0.4  # of the width or height, on each side
DEEP_MODES = ("I;16", "I;16L", "I;16B", "I", "F")
TIFF_PHOTOMETRIC, TIFF_WHITE_IS_ZERO = 262, 0
NOTE = "prepared"  # the PNG text in which a large image keeps what is known of its original


@dataclass(frozen=True)
class Job:
    """One file to prepare. `margins` None trims borders; `size` is the large image's width and height."""

    folder: Path
    file: str
    source: str
    group: str | None
    margins: Margins | None
    size: tuple[int, int]
    corpus: Path


def prepare_picture(job: Job) -> tuple[dict, bool]:
    """Write the file's two images into the corpus, unless they are there. Returns their record for the manifest, and
    whether an earlier run had made them.

    The name is made of the file's name, its content and the recipe, so that the same name never stands for other
    pixels. A file that cannot be used gives a record with `reason` in place of the images' fields.
    """
    record = {"source": job.source, "file": job.file}
    try:
        data = _read(job.folder / job.file)
        record["source_sha256"] = hashlib.sha256(data).hexdigest()
        name = _name(job, record["source_sha256"])
        found = _finished(job, name)
        high, note = found or _make(job, name, data)
        low = _small(job, name, high)
    except PictureError as error:
        return {"source": job.source, "file": job.file, "reason": str(error)}, False
    record = {
        "name": name,
        **record,
        "group": job.group,
        **note,
        "high_sha256": pixels_sha256(high),
        "low_sha256": pixels_sha256(low),
    }
    return record, found is not None


def pixels_sha256(image: Image.Image) -> str:
    """Of the text `WIDTHxHEIGHT:` and the grey pixels, row by row, as in docs/pool-format.md."""
    return hashlib.sha256(f"{image.width}x{image.height}:".encode() + image.tobytes()).hexdigest()


def read_grey(data: bytes) -> Image.Image:
    """The picture in a file's bytes, upright, 8-bit grey.

    Colour goes through ITU-R 601 luma, transparency is ignored, deeper pictures (16 bit, float) are scaled from their
    own minimum..maximum to 0..255. Raises PictureError.
    """
    if not data:
        raise PictureError("is an empty file: copy it again from its source")
    if data[128:132] == b"DICM":
        raise PictureError("is DICOM: make a pool of the files with flask import-pool, and prepare that")
    try:
        with Image.open(io.BytesIO(data)) as image:
            upright = ImageOps.exif_transpose(image)
            grey = _stretched(upright) if image.mode in DEEP_MODES else _shallow(upright)
            inverted = image.format == "TIFF" and image.mode.startswith("I;16")
            if inverted and image.tag_v2.get(TIFF_PHOTOMETRIC) == TIFF_WHITE_IS_ZERO:
                grey = ImageOps.invert(grey)
    except PictureError:
        raise
    except Exception as error:  # decoders fail in every way there is
        detail = (str(error).splitlines() or [type(error).__name__])[0]
        raise PictureError(f"is broken or no image ({detail}): copy it again from its source") from error
    return grey


def cut(image: Image.Image, margins: Margins) -> Image.Image:
    """The image without its margins (top, left, bottom, right). Raises PictureError unless a radiograph is left."""
    top, left, bottom, right = margins
    width, height = image.width - left - right, image.height - top - bottom
    if width <= 0 or height <= 0 or not MIN_ASPECT <= width / height <= MAX_ASPECT:
        raise PictureError(
            f"is no panoramic radiograph ({image.width}×{image.height}, {max(width, 0)}×{max(height, 0)} inside the "
            f"margins): width/height has to be {MIN_ASPECT} to {MAX_ASPECT}"
        )
    return _within(image, margins)


def find_borders(pixels: np.ndarray) -> Margins:
    """Margins (top, left, bottom, right) of a grey picture's black and white borders, also of one inside another.

    Rows and columns go, from outside, while BORDER_SHARE of their pixels inside the other margins is black or is
    white; at most MAX_TRIM of the height or width goes on each side.
    """
    height, width = pixels.shape
    most = int(height * MAX_TRIM), int(width * MAX_TRIM)
    margins = (0, 0, 0, 0)
    while True:
        top, left, bottom, right = margins
        inside = pixels[top : height - bottom, left : width - right]
        above, below = _blank_ends(inside)
        before, behind = _blank_ends(inside.T)
        wider = (
            min(top + above, most[0]),
            min(left + before, most[1]),
            min(bottom + below, most[0]),
            min(right + behind, most[1]),
        )
        if wider == margins:
            return margins
        margins = wider


def _within(image: Image.Image, margins: Margins) -> Image.Image:
    top, left, bottom, right = margins
    return image.crop((left, top, image.width - right, image.height - bottom))


def _blank_ends(lines: np.ndarray) -> tuple[int, int]:
    """How many rows at the top and at the bottom are border, row by row."""
    blank = ((lines <= BLACK).mean(axis=1) >= BORDER_SHARE) | ((lines >= WHITE).mean(axis=1) >= BORDER_SHARE)
    kept = np.flatnonzero(~blank)
    return (int(kept[0]), int(len(blank) - 1 - kept[-1])) if len(kept) else (len(blank), len(blank))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PictureError(f"cannot be read ({error.strerror}): check the file and its permissions") from error


def _name(job: Job, sha256: str) -> str:
    stem = re.sub(r"[^a-z0-9]+", "-", PurePosixPath(job.file).stem.lower()).strip("-")[:40] or "image"
    identity = json.dumps([VERSION, job.file, sha256, job.margins, job.size])
    return f"{job.source}-{stem}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"


def _finished(job: Job, name: str) -> tuple[Image.Image, dict] | None:
    """The large image and its note, if an earlier run left them whole."""
    try:
        with Image.open(job.corpus / "high" / f"{name}.png", formats=["PNG"]) as image:
            image.load()
            note = json.loads(image.text[NOTE])
    except Exception:  # missing, damaged or foreign: it is made anew
        return None
    return (image, note) if (image.mode, image.size) == ("L", job.size) else None


def _make(job: Job, name: str, data: bytes) -> tuple[Image.Image, dict]:
    original = read_grey(data)
    borders = find_borders(np.asarray(original))
    margins = borders if job.margins is None else job.margins
    inside = cut(original, margins)
    low, high = inside.getextrema()
    if low == high:
        raise PictureError("is flat (one grey value only): not a radiograph, or a failed export")
    if inside.width < job.size[0] // REDUCTION or inside.height < job.size[1] // REDUCTION:
        raise PictureError(f"is tiny ({inside.width}×{inside.height} inside the margins): use the original")
    large = inside.resize(job.size, Image.Resampling.LANCZOS)
    note = {
        "original_size": list(original.size),
        "crop": list(margins),
        # Of the whole picture, so that one radiograph under two recipes is recognised.
        "perceptual_hash": perceptual_hash(_within(original, borders)),
    }
    _write(job.corpus / "high" / f"{name}.png", large, json.dumps(note))
    return large, note


def _small(job: Job, name: str, high: Image.Image) -> Image.Image:
    """The area average of the large image, written unless the same is there."""
    low = high.reduce(REDUCTION)
    path = job.corpus / "low" / f"{name}.png"
    try:
        with Image.open(path, formats=["PNG"]) as there:
            same = (there.mode, there.size) == ("L", low.size) and there.tobytes() == low.tobytes()
    except Exception:  # as in _finished
        same = False
    if not same:
        _write(path, low)
    return low


def _write(path: Path, image: Image.Image, note: str | None = None) -> None:
    text = PngImagePlugin.PngInfo()
    if note:
        text.add_text(NOTE, note)
    with whole_file(path) as temporary:
        image.save(temporary, "PNG", pnginfo=text, compress_level=4)  # half the time of 6, and no larger


def _shallow(image: Image.Image) -> Image.Image:
    return image.convert("L") if image.mode in ("1", "L", "LA") else image.convert("RGB").convert("L")


def _stretched(image: Image.Image) -> Image.Image:
    values = np.asarray(image, dtype=np.float64)
    low, high = values.min(), values.max()
    if not np.isfinite(high - low) or low == high:
        raise PictureError("is flat (one grey value only) or holds no finite numbers: not a radiograph")
    return Image.fromarray(np.rint((values - low) / (high - low) * 255).astype(np.uint8))
