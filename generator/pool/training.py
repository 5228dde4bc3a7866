"""The training fingerprint: what is kept of the training images, so that copies of them can be refused.

It lies beside the diffusion checkpoint as NAME.fingerprint.npz, 480 bytes an image before compression. No picture can
be made of it beyond 24x12 pixels.
"""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np

from ..corpus import Corpus
from ..durable import whole_file
from .likeness import Likeness, likeness, stack
from .settings import GatedPoolError

FEWEST = 10  # images; with fewer, "nearer than the others" says nothing


def fingerprint_path(checkpoint: Path) -> Path:
    """Where the fingerprint of a checkpoint's training images is looked for."""
    return checkpoint.with_suffix(".fingerprint.npz")


def fingerprint_corpus(corpus: Corpus, out: str | os.PathLike, earlier: Likeness | None = None) -> Path:
    """Write the fingerprint of a corpus's training images to `out`, those of `earlier` trainings before them.

    Raises GatedPoolError for a corpus of fewer than FEWEST.
    """
    many = of_corpus(corpus)
    if earlier is not None:
        pixels, features = ((earlier.pixels, many.pixels), (earlier.features, many.features))
        many = Likeness(np.concatenate(pixels), np.concatenate(features))
    with whole_file(out) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, pixels=many.pixels, features=many.features, corpus=corpus.fingerprint)
    return Path(out)


def of_corpus(corpus: Corpus) -> Likeness:
    """The likenesses of a corpus's training images. Raises GatedPoolError for fewer than FEWEST."""
    names = corpus.names("train")
    if len(names) < FEWEST:
        raise GatedPoolError(f"{corpus.folder} has {len(names)} training images, at least {FEWEST} are needed")
    return stack([likeness(corpus.low_image(name)) for name in names])


def read_fingerprint(path: Path) -> Likeness:
    """The likenesses in a fingerprint. Raises GatedPoolError for a file that is none."""
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as held:
            many = Likeness(held["pixels"], held["features"])
        shapes = (
            many.pixels.ndim,
            many.pixels.shape[1],
            many.features.shape[1],
            many.pixels.dtype,
            many.features.dtype,
        )
        if (
            shapes != (2, 288, 192, np.int8, np.int8)
            or len(many.pixels) != len(many.features)
            or len(many.pixels) < FEWEST
        ):
            raise ValueError("other arrays")
    except (OSError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile) as error:
        raise GatedPoolError(f"{path.name} is no training fingerprint: give the corpus itself with --corpus") from error
    return many
