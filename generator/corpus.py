"""A corpus, read: prepared training images with their manifest (docs/data.md gives the format).

    corpus = open_corpus("quiz_data/corpora/NAME")
    corpus.names("train"), corpus.low("train"), corpus.high_image(name)

Written by `generator/prepare`. Every image that is read is checked: a broken or wrong-sized one is named.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from .errors import GeneratorError

FORMAT = 1
MANIFEST = "manifest.json"
SPLITS = ("train", "test")
AGAIN = "run flask prepare-data again, it makes what is missing or damaged anew"


class CorpusError(GeneratorError):
    """A folder that is no corpus, or an image in it that cannot be used."""


@dataclass(frozen=True)
class Corpus:
    """An opened corpus; `images` are the manifest's entries, sorted by name, each a dict with name, split, source …"""

    folder: Path
    name: str
    images: tuple[Mapping, ...]
    high_size: tuple[int, int]  # width, height in pixels
    low_size: tuple[int, int]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the sorted lines `name split high_sha256`: equal corpora and splits, equal values."""
        lines = sorted(f"{image['name']} {image['split']} {image['high_sha256']}\n" for image in self.images)
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def names(self, split: str | None = None) -> list[str]:
        """The names of the images in one split ("train" or "test"), or in both, sorted."""
        if split not in (None, *SPLITS):
            raise CorpusError(f"A corpus has the splits train and test, not {split!r}")
        return [image["name"] for image in self.images if split in (None, image["split"])]

    def low(self, split: str | None = None) -> np.ndarray:
        """All small images of a split, uint8 of shape (n, height, width), in the order of names(split)."""
        width, height = self.low_size
        names = self.names(split)
        pixels = np.empty((len(names), height, width), np.uint8)
        with ThreadPoolExecutor(os.cpu_count()) as readers:
            for row, image in zip(pixels, readers.map(self.low_image, names), strict=True):
                row[:] = image
        return pixels

    def low_image(self, name: str) -> np.ndarray:
        """One small image, uint8 of shape (height, width)."""
        return _read(self.low_path(name), self.low_size)

    def high_image(self, name: str) -> np.ndarray:
        """One large image, uint8 of shape (height, width)."""
        return _read(self.high_path(name), self.high_size)

    def low_path(self, name: str) -> Path:
        """Where the small image lies."""
        return self.folder / "low" / f"{name}.png"

    def high_path(self, name: str) -> Path:
        """Where the large image lies."""
        return self.folder / "high" / f"{name}.png"


def open_corpus(folder: str | os.PathLike) -> Corpus:
    """The corpus in `folder`. Only the manifest is read here. Raises CorpusError for anything but a finished corpus."""
    folder = Path(folder)
    manifest = read_manifest(folder)
    try:
        images = tuple(sorted(manifest["images"], key=lambda image: image["name"]))
        high, low = (tuple(int(length) for length in manifest["size"][kind]) for kind in ("high", "low"))
        corpus = Corpus(folder, manifest["name"], images, high, low)
        # The fingerprint asks every entry for what it needs.
        usable = (
            images
            and corpus.fingerprint
            and len(high) == len(low) == 2
            and all(image["split"] in SPLITS for image in images)
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CorpusError(f"{folder / MANIFEST} lacks what a corpus needs: {AGAIN}") from error
    if not usable:
        raise CorpusError(f"{folder / MANIFEST} names no usable images: {AGAIN}")
    return corpus


def read_manifest(folder: Path) -> dict:
    """The manifest of a corpus as it stands in the file. Raises CorpusError if there is none, or not of this format."""
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise CorpusError(f"{folder} holds no finished corpus ({MANIFEST} is missing): {AGAIN}") from error
    except (OSError, ValueError) as error:
        raise CorpusError(f"{path} cannot be read ({error}): {AGAIN}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise CorpusError(f"{path} is no corpus of format {FORMAT}: {AGAIN}")
    return manifest


def _read(path: Path, size: tuple[int, int]) -> np.ndarray:
    try:
        with Image.open(path, formats=["PNG"]) as image:
            found = (image.mode, image.size)
            pixels = np.asarray(image)
    except FileNotFoundError as error:
        raise CorpusError(f"{path} is missing: {AGAIN}") from error
    except Exception as error:  # decoders fail in every way there is
        raise CorpusError(f"{path} is broken ({error}): {AGAIN}") from error
    if found != ("L", size):
        mode, (width, height) = found
        raise CorpusError(f"{path} is {width}×{height} of mode {mode}, not {size[0]}×{size[1]} of 8-bit grey: {AGAIN}")
    return pixels
