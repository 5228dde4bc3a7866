"""Which images of one set resemble those of another the most."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from PIL import Image

from ..nearness import NEIGHBOURS, moved

SIZE = (128, 64)  # width and height at which pixels are compared
BLOCK = 256  # rows of distances held in memory at a time
MARGIN = 4  # pixels on each side, of SIZE, that are left out where images are moved
TIMES = 2  # pixels of SIZE that an image is moved by at most


def comparable(pictures: Iterable[np.ndarray], progress: Callable[[int], None] | None = None) -> np.ndarray:
    """Grey uint8 images (height, width) of any size as rows (n, 8192), float32, of length 1 and mean 0.

    Area averages, so that noise and encoding count for little; brightness and contrast count for nothing. The distance
    of two rows is √(2 − 2r), where r is the correlation of the pictures.
    """
    rows = []
    for picture in pictures:
        row = np.asarray(Image.fromarray(picture).convert("F").resize(SIZE, Image.Resampling.BOX)).ravel()
        row = row - row.mean()
        rows.append(row / max(np.linalg.norm(row), 1e-6))
        if progress:
            progress(1)
    return np.stack(rows)


def mirrored(rows: np.ndarray) -> np.ndarray:
    """The rows of comparable() for the same pictures, left and right exchanged."""
    return np.ascontiguousarray(rows.reshape(-1, *SIZE[::-1])[:, :, ::-1]).reshape(len(rows), -1)


def nearest(images: np.ndarray, references: np.ndarray, count: int = NEIGHBOURS) -> tuple[np.ndarray, np.ndarray]:
    """Euclidean distances of rows (n, d) to their `count` nearest rows of `references` (m, d), from the nearest, and
    which rows those are: both (n, min(count, m))."""
    count = min(count, len(references))
    squares = (references.astype(np.float64) ** 2).sum(1)
    distances, places = np.empty((len(images), count)), np.empty((len(images), count), int)
    for start in range(0, len(images), BLOCK):
        rows = slice(start, start + BLOCK)
        block = images[rows].astype(np.float64)
        squared = (block**2).sum(1)[:, None] + squares - 2 * (images[rows] @ references.T)
        order = np.argsort(squared, axis=1, kind="stable")[:, :count]
        places[rows] = order
        distances[rows] = np.sqrt(np.maximum(np.take_along_axis(squared, order, axis=1), 0))
    return distances, places


def nearest_moved(images: np.ndarray, references: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As nearest(), for rows of comparable(): each image may be moved by up to two pixels (16 of 1024) in any
    direction, and of each distance the smallest counts. Compared are the pictures without their margins.

    Moved are only images beside the fifty references nearest to them as they are; a copy that was moved so little is
    the nearest of all or nearly so.
    """
    _, places = nearest(images, references)
    distances = np.empty(places.shape)
    for row, (image, which) in enumerate(zip(images, places, strict=True)):
        theirs = _windows(references[which].reshape(-1, *SIZE[::-1]))
        ours = _windows(np.stack([*moved(image.reshape(SIZE[::-1]), 1, TIMES)]))
        found = np.sqrt(np.maximum(2 - 2 * (ours @ theirs.T).max(axis=0), 0))
        order = np.argsort(found, kind="stable")
        distances[row], places[row] = found[order], which[order]
    return distances, places


def _windows(pictures: np.ndarray) -> np.ndarray:
    """Pictures (n, height, width) without their margins, as rows of length 1 and mean 0."""
    rows = pictures[:, MARGIN:-MARGIN, MARGIN:-MARGIN].reshape(len(pictures), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
