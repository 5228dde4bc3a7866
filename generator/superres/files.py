"""A folder of images enlarged into another folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
from PIL import Image

from ..durable import whole_file
from .config import SuperResError
from .enlarge import BATCH, upscale
from .hat import HAT

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")
LARGEST = 2048  # pixels a side: beyond, one image takes more memory than a card has
PNG_BITS = 24  # where a PNG's header has its bits a channel
TIFF_BITS = 258  # the tag with the bits of each channel


def find_images(folder: str | Path) -> list[Path]:
    """The image files in `folder`, sorted. Raises SuperResError where there are none, or two of one name."""
    files = sorted(path for path in Path(folder).iterdir() if path.suffix.lower() in SUFFIXES)
    if not files:
        raise SuperResError(f"{folder} holds no images ({', '.join(SUFFIXES)})")
    stems = [path.stem for path in files]
    twice = sorted({stem for stem in stems if stems.count(stem) > 1})
    if twice:
        raise SuperResError(f"Two images in {folder} are called {twice[0]}: they would become one file, rename one")
    return files


def read_image(path: Path) -> np.ndarray:
    """uint8 (h, w), or (h, w, 3) where the image has colours. Raises SuperResError for anything but 8-bit images."""
    try:
        with Image.open(path) as image:
            image.load()
            deep = image.mode.startswith(("I", "F")) or _bits(path, image) > 8
    except Exception as error:  # decoders fail in every way there is
        raise SuperResError(f"{path} cannot be read as an image ({error}): replace or remove it") from error
    if deep:
        raise SuperResError(f"{path} has more than 8 bits a channel: convert it to 8-bit grey or 8-bit RGB first")
    if max(image.size) > LARGEST:
        raise SuperResError(f"{path} is {image.width}×{image.height}: the longest side may have {LARGEST} pixels")
    if image.mode in ("1", "L"):
        return np.asarray(image.convert("L"))
    if image.mode != "RGB":
        raise SuperResError(f"{path} has the mode {image.mode}: convert it to 8-bit grey, or to RGB, first")
    pixels = np.asarray(image)
    return pixels[..., 0] if (pixels == pixels[..., :1]).all() else pixels


def _bits(path: Path, image: Image.Image) -> int:
    """Bits a channel in the file: of 16 in colour, Pillow drops half and does not tell."""
    if image.format == "PNG":
        return path.read_bytes()[PNG_BITS]
    return max(image.tag_v2.get(TIFF_BITS, (1,))) if image.format == "TIFF" else 8


def upscale_folder(
    net: HAT,
    folder: str | Path,
    out: str | Path,
    progress: Callable[[int], None] = lambda done: None,
    **options,
) -> list[Path]:
    """Enlarge every image of `folder` into a PNG of the same name in `out`; returns them. `options` are upscale()'s.

    Files that are there already are left: stopped and called again, it goes on. Every image is read before the first
    is computed, so that a broken one is told of at once.
    """
    files, out = find_images(folder), Path(out)
    if out.resolve() == Path(folder).resolve():
        raise SuperResError("Give another folder for the results than that of the images")
    shapes = [read_image(path).shape for path in files]
    if net.config.channels == 1 and (
        coloured := [file for file, shape in zip(files, shapes, strict=True) if shape[2:]]
    ):
        raise SuperResError(f"{coloured[0]} is in colour, and this network was trained on grey: convert it first")
    out.mkdir(parents=True, exist_ok=True)
    targets = [out / f"{path.stem}.png" for path in files]
    waiting = [(*job, shape) for *job, shape in zip(files, targets, shapes, strict=True) if not job[1].exists()]
    progress(len(files) - len(waiting))
    for jobs in _of_one_size(waiting, options.get("batch_size", BATCH)):
        made = upscale(net, np.stack([read_image(source) for source, *_ in jobs]), **options)
        for (_, target, _), pixels in zip(jobs, made, strict=True):
            with whole_file(target) as temporary:
                Image.fromarray(pixels).save(temporary, "PNG")
            progress(1)
    return targets


def _of_one_size(jobs: list, most: int) -> Iterator[list]:
    """Neighbouring jobs whose images have one shape, at most `most` together."""
    for _, alike in groupby(jobs, key=lambda job: job[2]):
        alike = list(alike)
        for start in range(0, len(alike), most):
            yield alike[start : start + most]
