"""The uniform black or white border that a picture may have around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

# A line of pixels is border while nine tenths of it lie in so narrow a range, at either end of the grey scale.
FLATNESS = 12  # grey levels
DEEPEST = 8  # a border is at most this part of the height or width; what is flat beyond it is anatomy, or air


def border_widths(grey: np.ndarray) -> tuple[int, int, int, int]:
    """Width in pixels of the border at the (top, left, bottom, right) of an 8-bit grey picture (height, width)."""
    return _border(grey), _border(grey.T), _border(grey[::-1]), _border(grey.T[::-1])


def _border(grey: np.ndarray) -> int:
    """How many of the first rows are all black or all white, but for a twentieth of their pixels at either end."""
    import numpy as np

    places = [int(share * (grey.shape[1] - 1)) for share in (0.05, 0.95)]
    low, high = np.partition(grey[: len(grey) // DEEPEST], places, axis=1)[:, places].T.astype(int)
    flat = (high - low < FLATNESS) & ((high <= FLATNESS) | (low >= 255 - FLATNESS))
    return int(flat.argmin()) if not flat.all() else len(flat)
