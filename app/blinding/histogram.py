"""Exact histogram specification: every picture gets the same number of pixels of each grey level.

After D. Coltuc, P. Bolon & J.-M. Chassery, IEEE Trans Image Process 15 (2006) 1143-1152: the pixels are put in a strict
order by their grey value, then by the mean of ever larger neighbourhoods, and dealt the reference's levels in turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

LEVELS = 256


def histogram(grey: np.ndarray) -> np.ndarray:
    """The share of the pixels of an 8-bit grey picture at each of the 256 levels."""
    import numpy as np

    return np.bincount(grey.ravel(), minlength=LEVELS) / grey.size


def match_histogram(grey: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The 8-bit grey picture with the histogram `reference` (256 shares that add up to 1), to the pixel."""
    import numpy as np

    matched = np.empty(grey.size, np.uint8)
    matched[np.argsort(_strict_order(grey), axis=None)] = np.repeat(
        np.arange(LEVELS, dtype=np.uint8), _counts(reference, grey.size)
    )
    return matched.reshape(grey.shape)


def _strict_order(grey: np.ndarray) -> np.ndarray:
    """A number for each pixel that sorts by grey value, then by the mean of 3x3, then of 5x5 pixels, then by lot.

    The lot is the same for all pictures. Without it, the pixels of a flat area would be dealt out from top to bottom.
    """
    import numpy as np
    from scipy.ndimage import uniform_filter

    value = grey.astype(np.float64)
    lot = np.random.default_rng(0).random(grey.shape)
    nearest, near = (uniform_filter(value, size, mode="nearest") / LEVELS for size in (3, 5))
    # Means of 9 and 25 whole numbers come in steps of 1/9 and 1/25: each term is less than half a step of the last.
    return value + (nearest + (near + lot / (2 * 25 * LEVELS)) / (2 * 9 * LEVELS)) / 2


def _counts(shares: np.ndarray, total: int) -> np.ndarray:
    """Whole numbers nearest to `shares` of `total` that add up to it: largest remainders are rounded up."""
    import numpy as np

    exact = shares * (total / shares.sum())
    counts = np.floor(exact).astype(int)
    upwards = np.argsort(counts - exact, kind="stable")[: total - counts.sum()]
    counts[upwards] += 1
    return counts
