"""The empirical ROC curve over the ordered ratings, the area under it, and DeLong's covariances.

Ties count ½, which is the trapezoidal rule (D. Bamber, J Math Psychol 12 (1975) 387-415). Higher ratings speak for the
positive class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .estimate import LEVEL, Estimate, not_estimable

if TYPE_CHECKING:
    import numpy as np


def roc_points(positives: np.ndarray, negatives: np.ndarray) -> list[tuple[float, float]]:
    """(false positive rate, true positive rate) from (0, 0) to (1, 1), one point a distinct rating.

    Takes the ratings of the positive and of the negative cases, 1-D; empty if one class has none.
    """
    import numpy as np

    if not len(positives) or not len(negatives):
        return []
    thresholds = np.unique(np.concatenate([positives, negatives]))[::-1]
    rates = [(np.mean(negatives >= level), np.mean(positives >= level)) for level in thresholds]
    return [(0.0, 0.0), *((float(fpr), float(tpr)) for fpr, tpr in rates)]


def placements(positives: np.ndarray, negatives: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """DeLong's structural components: (for each positive case the share of negative ones below it, for each negative
    case the share of positive ones above it), ties ½.

    E. R. DeLong et al., Biometrics 44 (1988) 837-845; by ranks as X. Sun & W. Xu, IEEE Signal Process Lett 21 (2014)
    1389-1393. Takes arrays (..., cases); either class must have a case.
    """
    import numpy as np
    from scipy.stats import rankdata

    m, n = positives.shape[-1], negatives.shape[-1]
    together = rankdata(np.concatenate([positives, negatives], axis=-1), axis=-1)
    below = (together[..., :m] - rankdata(positives, axis=-1)) / n
    above = 1 - (together[..., m:] - rankdata(negatives, axis=-1)) / m
    return below, above


def auc(positives: np.ndarray, negatives: np.ndarray) -> Estimate:
    """Area under the empirical ROC curve with DeLong's interval, value ± z·SE, cut at 0 and 1.

    Not estimable without both classes; without an interval where a class has one case, or where the estimated variance
    is 0, as with an area of 0 or 1.
    """
    from statistics import NormalDist

    import numpy as np

    m, n = len(positives), len(negatives)
    if not m or not n:
        return not_estimable("only one class was rated", m + n)
    below, above = placements(np.asarray(positives), np.asarray(negatives))
    value = float(below.mean())
    if m < 2 or n < 2:
        return Estimate(value, n=m + n, note="no interval: it takes two cases of each class")
    variance = float(below.var(ddof=1) / m + above.var(ddof=1) / n)
    if variance < 1e-15:  # what rounding leaves of 0
        return Estimate(value, n=m + n, note="no interval: the ratings leave no variance to estimate it from")
    half = NormalDist().inv_cdf((1 + LEVEL) / 2) * variance**0.5
    return Estimate(value, max(0.0, value - half), min(1.0, value + half), m + n)


def mean_curve(curves: list[list[tuple[float, float]]]) -> list[tuple[float, float]]:
    """The curves' vertical mean: at each false positive rate the mean of the true positive rates.

    T. Fawcett, Pattern Recognit Lett 27 (2006) 861-874, section 10.1. The area under it is the mean of the areas.
    Empty if there is no curve.
    """
    import numpy as np

    if not curves:
        return []
    grid = np.unique([rate for curve in curves for rate, _ in curve])
    before, after = (np.mean([_heights(curve, grid, side) for curve in curves], axis=0) for side in ("left", "right"))
    # A curve that rises straight up has two heights at that rate.
    both = np.stack([before, after], axis=-1).ravel()
    return list(zip(np.repeat(grid, 2).tolist(), both.tolist(), strict=True))


def _heights(curve: list[tuple[float, float]], grid: np.ndarray, side: str) -> np.ndarray:
    """A curve's height at each rate of the grid, on the left or on the right of a vertical rise."""
    import numpy as np

    x, y = np.array(curve).T
    heights = np.interp(grid, x, y)
    place = np.searchsorted(x, grid, side) - (side == "right")
    corner = x[place] == grid
    heights[corner] = y[place[corner]]
    return heights
