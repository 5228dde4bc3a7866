"""Which images of one set resemble those of another the most, and whether they do so suspiciously."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from PIL import Image

SIZE = (128, 64)  # width and height at which pixels are compared
BLOCK = 256  # rows of distances held in memory at a time
AROUND = 50  # neighbours that say how dense the reference images lie


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


def nearest(images: np.ndarray, references: np.ndarray, count: int = AROUND) -> tuple[np.ndarray, np.ndarray]:
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


def relative(distances: np.ndarray) -> np.ndarray:
    """(n,) the distance to the nearest in parts of the mean distance to the nearest fifty, of rows from nearest().

    Near 1 where no reference image stands out, 0 for a copy of one. A smooth image is near to all others in pixels
    without being a copy of any: the division makes up for that. N. Carlini et al., USENIX Security 2023, section 5.1;
    the gate of generator/pool takes the same share, of coarser pixels.
    """
    return distances[:, 0] / np.maximum(distances.mean(1), 1e-12)
