"""What is measured on one study image as served: numbers that have nothing to do with anatomy, or should not have.

Every function takes the 8-bit grey picture as float64 (height, width); greys are 0 to 255. Tone, bit depth and detail
are measured inside the margins, so that a border is a finding of the edge alone; what does not measure tone is made so
that more light or more contrast leaves it as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .borders import border_widths
from .markers import marker_area

if TYPE_CHECKING:
    import numpy as np

EDGE = 24  # pixels from the edge in which a border line is looked for
CORNER = 24  # pixels, side of the square in each corner
MARGIN = 32  # pixels from the edge that the classifier sees; also the mask that is advised
CELL = 32  # pixels along the edge that the classifier sees as one
QUANTILES = 24


@dataclass(frozen=True)
class Measure:
    """A number for each image. `group` joins measures that one cause moves together; `unit` is for people."""

    name: str
    group: str
    unit: str
    of: Callable[[np.ndarray], float]


def mean(grey: np.ndarray) -> float:
    """Mean grey inside the margins."""
    return float(_inside(grey).mean())


def contrast(grey: np.ndarray) -> float:
    """Standard deviation of the greys inside the margins."""
    return float(_inside(grey).std())


def border_line(grey: np.ndarray) -> float:
    """The greatest step between neighbouring lines near the edge, beyond the usual one: means of the middle half of the
    steps along the side, so that what covers less than a quarter of it is no line."""
    import numpy as np
    from scipy.stats import trim_mean

    steps = []
    for side in (grey, grey.T, grey[::-1], grey.T[::-1]):
        across = np.abs(trim_mean(np.diff(side[: EDGE + 1], axis=0), 0.25, axis=1))
        steps.append(across.max() - np.median(across))
    return _in_contrasts(max(steps), grey)


def border_width(grey: np.ndarray) -> float:
    """Pixels of uniform black or white border, the four sides together."""
    import numpy as np

    return float(sum(border_widths(grey.astype(np.uint8))))


def corners(grey: np.ndarray) -> float:
    """Mean grey of the four corners against the rest of the margins, in standard deviations of the picture."""
    import numpy as np

    margins = np.ones(grey.shape, bool)
    margins[MARGIN:-MARGIN, MARGIN:-MARGIN] = False
    squares = np.zeros(grey.shape, bool)
    for rows in (slice(None, CORNER), slice(-CORNER, None)):
        for columns in (slice(None, CORNER), slice(-CORNER, None)):
            squares[rows, columns] = True
    return _in_contrasts(float(grey[squares].mean() - grey[margins & ~squares].mean()), grey)


def noise(grey: np.ndarray) -> float:
    """Noise, in standard deviations of the picture: the median size of the finest diagonal Haar coefficients.

    D. L. Donoho & I. M. Johnstone, Biometrika 81 (1994) 425-455: median |HH| / 0.6745. A median of rounded greys is
    coarse, so the mean of the smaller half stands in for it; of a normal variable that is 0.3236 standard deviations.
    What is black or white throughout, as a mask is, has no noise to measure.
    """
    import numpy as np

    picture = _inside(grey)
    corners = np.stack([picture[row::2, column::2] for row in (0, 1) for column in (0, 1)])
    fine = np.abs(corners[0] - corners[1] - corners[2] + corners[3]) / 2
    fine = np.sort(fine[(corners.max(axis=0) > 0) & (corners.min(axis=0) < 255)])
    return _in_contrasts(float(fine[: len(fine) // 2].mean() / 0.3236), grey) if len(fine) > 1 else 0.0


def high_frequency(grey: np.ndarray) -> float:
    """Power above a quarter of a cycle a pixel, in decibels against that between 1/16 and 1/4."""
    import numpy as np

    picture = _inside(grey)
    window = np.outer(*(np.hanning(length) for length in picture.shape))
    power = np.abs(np.fft.rfft2((picture - picture.mean()) * window)) ** 2
    rows, columns = np.fft.fftfreq(picture.shape[0])[:, None], np.fft.rfftfreq(picture.shape[1])
    radius = np.hypot(rows, columns)
    high, middle = power[radius > 1 / 4].sum(), power[(radius > 1 / 16) & (radius <= 1 / 4)].sum()
    return float(10 * np.log10((high + 1e-9) / (middle + 1e-9)))


def jpeg_grid(grey: np.ndarray) -> float:
    """How much larger the step is at every eighth line, in any phase, than at its neighbours: what JPEG's blocks leave.

    In parts of the mean step, and the stronger of rows and columns.
    """
    import numpy as np

    picture = _inside(grey)
    return max(_eighth_lines(np.abs(np.diff(picture, axis=1))), _eighth_lines(np.abs(np.diff(picture, axis=0)).T))


def _eighth_lines(steps: np.ndarray) -> float:
    """Of the steps between columns (rows, columns - 1): the median excess at the strongest of eight phases."""
    import numpy as np

    profile = np.minimum(steps, 8).mean(axis=0)  # an edge of anatomy counts no more than a step of 8 greys
    excess = profile[1:-1] - (profile[:-2] + profile[2:]) / 2
    phases = np.array([np.median(excess[phase::8]) for phase in range(8)])
    return float((phases.max() - np.median(phases)) / (profile.mean() + 1e-9))


def unused_levels(grey: np.ndarray) -> float:
    """The share of grey levels without any pixel, of those between the first and the last percentile."""
    return float((_inner_counts(grey) == 0).mean())


def uneven_levels(grey: np.ndarray) -> float:
    """How much the number of pixels jumps from grey level to grey level: what rescaled or dropped bits leave."""
    import numpy as np

    counts = _inner_counts(grey)
    if len(counts) < 3:
        return 0.0
    return float(np.abs(counts[1:-1] - (counts[:-2] + counts[2:]) / 2).mean() / counts.mean())


def tone_curve(grey: np.ndarray) -> np.ndarray:
    """The shape of the histogram: quantiles without mean and contrast, and the shares of pure black and white from a
    hundredth on; below, they are single objects."""
    import numpy as np

    counts = _counts(grey)
    shape = (_quantiles(counts, (np.arange(QUANTILES) + 0.5) / QUANTILES) - mean(grey)) / max(contrast(grey), 1.0)
    return np.append(shape, np.maximum(counts[[0, 255]] / counts.sum(), 0.01))


def margin_cells(grey: np.ndarray) -> np.ndarray:
    """What the classifier of margins sees: mean and spread of each cell along the four sides, as the inside measures
    tone. Margins of one grey, as a mask leaves them, are all zeros."""
    import numpy as np

    sides = (grey[:MARGIN], grey[-MARGIN:], _middle(grey)[:, :MARGIN].T, _middle(grey)[:, -MARGIN:].T)
    cells = [cell for side in sides for cell in np.split(side, range(CELL, side.shape[1], CELL), axis=1)]
    if all(np.ptp(cell) == 0 for cell in cells):
        return np.zeros(2 * len(cells))
    means, spreads = np.array([cell.mean() for cell in cells]), np.array([cell.std() for cell in cells])
    return np.concatenate([means - mean(grey), spreads]) / max(contrast(grey), 1.0)


def _inside(grey: np.ndarray) -> np.ndarray:
    return _middle(grey)[:, MARGIN:-MARGIN]


def _middle(grey: np.ndarray) -> np.ndarray:
    return grey[MARGIN:-MARGIN]


def _counts(grey: np.ndarray) -> np.ndarray:
    """How many pixels inside the margins have each grey level."""
    import numpy as np

    return np.bincount(_inside(grey).astype(np.uint8).ravel(), minlength=256)


def _quantiles(counts: np.ndarray, shares: np.ndarray) -> np.ndarray:
    return counts.cumsum().searchsorted(shares * counts.sum())


def _inner_counts(grey: np.ndarray) -> np.ndarray:
    """How many pixels have each grey level between the first and the last percentile."""
    import numpy as np

    counts = _counts(grey)
    low, high = _quantiles(counts, np.array([0.01, 0.99]))
    return counts[low : high + 1]


def _in_contrasts(value: float, grey: np.ndarray) -> float:
    return value / max(contrast(grey), 1.0)


MEASURES = (
    Measure("mean", "tone", "grey", mean),
    Measure("contrast", "tone", "grey", contrast),
    Measure("unused grey levels", "bit depth", "of all", unused_levels),
    Measure("uneven grey levels", "bit depth", "of the mean", uneven_levels),
    Measure("border line", "edge", "contrasts", border_line),
    Measure("border width", "edge", "px", border_width),
    Measure("corners", "edge", "contrasts", corners),
    Measure("markers", "markers", "px", marker_area),
    Measure("noise", "detail", "contrasts", noise),
    Measure("high frequencies", "detail", "dB", high_frequency),
    Measure("JPEG grid", "detail", "of a step", jpeg_grid),
)
