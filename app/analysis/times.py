"""Response times, and how times and accuracy drift over a session."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import TYPE_CHECKING

from ..study import RATINGS
from .estimate import LEVEL, Estimate, not_estimable
from .intervals import mean_with_interval, wilson
from .scored import Scored

if TYPE_CHECKING:
    import numpy as np

PARTS = 4  # of a session, by position


def median(values: np.ndarray) -> Estimate:
    """The median with its distribution-free interval between two order statistics, of coverage 95 % or more.

    W. J. Conover, Practical Nonparametric Statistics, 3rd ed. (1999), section 3.2. NaN is left out. Without an
    interval below six values, where even their whole range covers less than 95 %.
    """
    import numpy as np

    known = np.sort(values[~np.isnan(values)])
    n = len(known)
    if not n:
        return not_estimable("no response time was measured")
    middle = float(np.median(known))
    k = _bound(n)
    if k < 1:
        return Estimate(middle, n=n, note="no interval: it takes six answers")
    return Estimate(middle, float(known[k - 1]), float(known[n - k]), n)


@cache
def _bound(n: int) -> int:
    """The largest k with P(fewer than k of n values lie below the median) <= 2.5 %."""
    from scipy.stats import binom

    k = int(binom.ppf((1 - LEVEL) / 2, n, 0.5))
    return k + 1 if binom.cdf(k, n, 0.5) <= (1 - LEVEL) / 2 else k


def response_times(scored: Scored) -> dict[str, dict[str, Estimate]]:
    """Median seconds to the rating, all observers together: by rating, by correctness, by quarter of the session."""
    seconds, right = scored.seconds, scored.right
    quarters = session_quarters(scored)
    return {
        "rating": {words: median(seconds[scored.rating == rating]) for rating, words in RATINGS.items()},
        "correctness": {
            "right": median(seconds[right == 1]),
            "wrong": median(seconds[right == 0]),
            "Unsure": median(seconds[scored.rating == 3]),
        },
        "quarter": {f"quarter {part + 1}": median(seconds[quarters == part]) for part in range(PARTS)},
    }


def by_observer(scored: Scored) -> dict[str, Estimate]:
    """Observer -> median seconds to the rating."""
    return {name: median(scored.seconds[own]) for name, own in zip(scored.observers, scored.own, strict=True)}


def drift(scored: Scored, observers: Collection[str] | None = None) -> dict:
    """How observers change over a session: `accuracy` by quarter (Unsure left out, all observers together, Wilson), and
    the mean over observers of each one's own slope, per 100 images: `accuracy_slope` (a share) and `seconds_slope`.

    A slope for each observer and Student's t over observers keeps answers of one observer together (J. N. S. Matthews
    et al., BMJ 300 (1990) 230-235). Slopes are those of `observers`, or of all; `n` of a slope is their number.
    """
    right, quarters = scored.right, session_quarters(scored)
    accuracy = {}
    for part in range(PARTS):
        calls = right[(quarters == part) & (scored.rating != 3)]
        accuracy[f"quarter {part + 1}"] = wilson(int(calls.sum()), len(calls))
    return {
        "accuracy": accuracy,
        "accuracy_slope": _mean_slope(scored, right, observers),
        "seconds_slope": _mean_slope(scored, scored.seconds, observers),
    }


def session_quarters(scored: Scored) -> np.ndarray:
    """The quarter of the session, from 0, of each answer; -1 where the position is not known."""
    import numpy as np

    known = ~np.isnan(scored.number)
    parts = np.full(len(scored.number), -1)
    if known.any():
        length = scored.number[known].max()
        parts[known] = np.minimum((scored.number[known] - 1) * PARTS // length, PARTS - 1)
    return parts


def _mean_slope(scored: Scored, values: np.ndarray, observers: Collection[str] | None) -> Estimate:
    wanted = scored.observers if observers is None else observers
    answers = [own for name, own in zip(scored.observers, scored.own, strict=True) if name in wanted]
    slopes = [_slope(scored.number[own], values[own]) for own in answers]
    return mean_with_interval([slope for slope in slopes if slope is not None])


def _slope(positions: np.ndarray, values: np.ndarray) -> float | None:
    """Least squares, per 100 positions; None with fewer than three different positions."""
    import numpy as np

    known = ~np.isnan(positions) & ~np.isnan(values)
    if len(np.unique(positions[known])) < 3:
        return None
    away = positions[known] - positions[known].mean()
    return float(100 * away @ values[known] / (away @ away))
