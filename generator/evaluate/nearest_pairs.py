"""Pairs for the eye: the synthetic images that come nearest to a real one, and that one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..nearness import relative
from .assessment import Source
from .nearest import comparable, mirrored, nearest_moved
from .pictures import Pictures

PAIRS = 8
Pair = tuple[np.ndarray, np.ndarray, str]  # synthetic image, real image, how near


def nearest_ones(
    relative_distances: np.ndarray, places: np.ndarray, ours: Pictures, theirs: Pictures, count: int = PAIRS
) -> list[Pair]:
    """Those of `ours` with the smallest relative distances (n,), each with the one of `theirs` at its place (n,)."""
    return [
        (
            ours.read(ours.names[number]),
            theirs.read(theirs.names[places[number]]),
            f"{relative_distances[number]:.2f}",
        )
        for number in np.argsort(relative_distances, kind="stable")[:count]
    ]


def find_pairs(ours: Source, real: Source, progress: Callable[[int], None] | None = None) -> list[Pair]:
    """The nearest pairs of two sources by their pixels, mirror images and small moves included."""
    rows = comparable(real.low, progress)
    distances, places = nearest_moved(comparable(ours.low, progress), np.concatenate((rows, mirrored(rows))))
    return nearest_ones(relative(distances), places[:, 0] % len(rows), ours.high, real.high)
