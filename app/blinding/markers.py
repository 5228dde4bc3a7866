"""Burnt-in markers: the letters and signs that a device lays over the picture near its edge."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

BRIGHT = 235  # grey level from which a marker's pixels are looked for
BAND = 128  # pixels from the edge in which it lies with its whole outline
SMALLEST, LARGEST = 8, 110  # pixels, height and width of a marker's outline
SHARP = 60  # grey levels that it stands out from what surrounds it


def marker_area(grey: np.ndarray) -> float:
    """Pixels of all markers in an 8-bit grey picture (height, width)."""
    return float(sum(area for area, _ in _markers(grey)))


def marker_depth(grey: np.ndarray) -> int:
    """How wide a mask on all sides has to be to cover every marker, in pixels; 0 without one."""
    return max((depth for _, depth in _markers(grey)), default=0)


def _markers(grey: np.ndarray) -> Iterator[tuple[int, int]]:
    """(pixels, distance from the nearest edge to its far side) of each marker."""
    import numpy as np
    from scipy.ndimage import find_objects, label

    labels, _ = label(grey >= BRIGHT, structure=np.ones((3, 3), int))
    for number, place in enumerate(find_objects(labels), start=1):
        if all(SMALLEST <= part.stop - part.start <= LARGEST for part in place):
            depth = _depth(place, grey.shape)
            if depth and _stands_out(grey, labels, number, place):
                yield int((labels[place] == number).sum()), depth


def _depth(place: tuple[slice, slice], shape: tuple[int, int]) -> int:
    """The distance from the nearest edge to the far side of an outline; 0 if it touches an edge or lies too far in."""
    near = [(part.start, part.stop) for part in place] + [
        (length - part.stop, length - part.start) for part, length in zip(place, shape, strict=True)
    ]
    depth = min(far for _, far in near)
    return depth if min(start for start, _ in near) > 0 and depth <= BAND else 0


def _stands_out(grey: np.ndarray, labels: np.ndarray, number: int, place: tuple[slice, slice]) -> bool:
    """Whether a line of pixels two away from the shape is darker by SHARP, on all sides by its upper quartile."""
    import numpy as np
    from scipy.ndimage import binary_dilation

    window = tuple(slice(max(part.start - 4, 0), part.stop + 4) for part in place)
    shape = labels[window] == number
    ring = binary_dilation(shape, iterations=3) & ~binary_dilation(shape, iterations=2)
    return bool(ring.any()) and float(np.percentile(grey[window][ring], 75)) <= grey[window][shape].mean() - SHARP
