"""Is an image a copy of another? The share that says so, and the small moves that must not hide a copy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

NEIGHBOURS = 50


def relative(distances: np.ndarray) -> np.ndarray:
    """The distance to the nearest in parts of the mean distance to the nearest fifty, of distances (…, n), in any
    order, to n other images.

    Near 1 where no other image stands out, 0 for a copy of one. A smooth image is near to all others in pixels
    without being a copy of any: the division makes up for that. N. Carlini et al., USENIX Security 2023, section 5.1.
    """
    nearest = np.sort(distances, axis=-1)[..., :NEIGHBOURS]
    return nearest[..., 0] / np.maximum(nearest.mean(axis=-1), 1e-9)


def moved(picture: np.ndarray, step: int, times: int = 1) -> Iterator[np.ndarray]:
    """The picture (height, width) moved up and down, to the left and to the right by up to `times` steps of `step`
    pixels, (2 · times + 1)² in all; what comes in at an edge repeats it."""
    height, width = picture.shape
    padded = np.pad(picture, step * times, mode="edge")
    for top in range(0, 2 * step * times + 1, step):
        for left in range(0, 2 * step * times + 1, step):
            yield padded[top : top + height, left : left + width]
