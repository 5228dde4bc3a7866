"""What is compared: the images of a pool or a corpus, large or small, in a fixed order."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ..corpus import MANIFEST, open_corpus
from ..errors import GeneratorError
from ..seeds import numpy_generator

LOW_SIZE = (256, 128)  # what the diffusion network makes, width and height in pixels


class PicturesError(GeneratorError):
    """A folder without images that can be compared."""


@dataclass(frozen=True)
class Pictures:
    """Grey images by name; `read(name)` gives uint8 of shape (height, width)."""

    label: str
    names: tuple[str, ...]
    read: Callable[[str], np.ndarray]

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self.read(name) for name in self.names)

    def some(self, count: int, seed: int) -> Pictures:
        """At most `count` of them, drawn without replacement, in the order of their names."""
        if len(self) <= count:
            return self
        drawn = numpy_generator(seed, "some", self.label).choice(len(self), count, replace=False)
        return self.only([self.names[place] for place in sorted(drawn)])

    def only(self, names: Sequence[str]) -> Pictures:
        """Those called `names`, in that order."""
        return Pictures(self.label, tuple(names), self.read)


def open_pictures(folder: str | os.PathLike, split: str | None = None, low: bool = False) -> Pictures:
    """The images of a pool or a corpus; `split` chooses "train" or "test" of a corpus, `low` the small images.

    A pool's small images are those its generator kept (`low_file` in the manifest), or else area averages of the large
    ones. Raises PicturesError for any other folder.
    """
    folder = Path(folder)
    if (folder / MANIFEST).is_file():
        return _from_corpus(folder, split, low)
    if (folder / "manifest.jsonl").is_file():
        if split:
            raise PicturesError(f"{folder.name} is a pool, and only a corpus has a split: leave the split out")
        return _from_pool(folder, low)
    raise PicturesError(f"{folder} is neither a pool nor a corpus: give the name of one in the data folder")


def open_data_sets(folder: str | os.PathLike) -> list[Pictures]:
    """The large images of a pool or corpus; of a corpus that was made of several data sets, each of them."""
    pictures = open_pictures(folder)
    if not (Path(folder) / MANIFEST).is_file():
        return [pictures]
    sources = {image["name"]: image["source"] for image in open_corpus(folder).images}
    found = [
        Pictures(source, tuple(name for name in pictures.names if sources[name] == source), pictures.read)
        for source in sorted(set(sources.values()))
    ]
    return found if len(found) > 1 else [pictures]


def _from_corpus(folder: Path, split: str | None, low: bool) -> Pictures:
    corpus = open_corpus(folder)
    label = f"{corpus.name} {split}" if split else corpus.name
    return Pictures(label, tuple(corpus.names(split)), corpus.low_image if low else corpus.high_image)


def _from_pool(folder: Path, low: bool) -> Pictures:
    lines = (
        (folder / "manifest.jsonl").read_text("utf-8").split("\n")[:-1]
    )  # what follows the last line end is half a line
    try:
        entries = {entry["file"]: entry for entry in map(json.loads, lines)}
    except (ValueError, KeyError, TypeError) as error:
        raise PicturesError(f"The manifest of the pool {folder.name} is damaged: make the pool again") from error
    if not entries:
        raise PicturesError(f"The pool {folder.name} has no images yet")

    def read(name: str) -> np.ndarray:
        kept = entries[name].get("low_file") if low else None
        with _opened(folder / (kept or name)) as image:
            grey = image.convert("L")
            return np.asarray(grey.resize(LOW_SIZE, Image.Resampling.BOX) if low and not kept else grey)

    return Pictures(folder.name, tuple(sorted(entries)), read)


def _opened(path: Path) -> Image.Image:
    try:
        return Image.open(path)
    except OSError as error:
        raise PicturesError(f"{path} is missing or broken: make the pool again") from error
