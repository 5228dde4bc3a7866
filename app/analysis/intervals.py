"""Intervals and tests for shares of right answers."""

import sys
from collections.abc import Sequence
from math import inf, sqrt
from statistics import NormalDist, fmean, stdev

from .estimate import LEVEL, Estimate, not_estimable


def wilson(hits: float, n: float, level: float = LEVEL) -> Estimate:
    """A share with its Wilson score interval, without continuity correction.

    E. B. Wilson, J Am Stat Assoc 22 (1927) 209-212; R. G. Newcombe, Stat Med 17 (1998) 857-872, method 3. `hits` may be
    a half: where an Unsure counts ½. Raises ValueError unless 0 <= hits <= n.
    """
    if not 0 <= hits <= n:
        raise ValueError(f"{hits} of {n} is no share")
    if n == 0:
        return not_estimable("no answer to compute it from")
    z = NormalDist().inv_cdf((1 + level) / 2)
    share = hits / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # At 0 and at n the bound is exact, whatever the rounding.
    low = 0.0 if hits == 0 else middle - half
    high = 1.0 if hits == n else middle + half
    return Estimate(share, low, high, n)


def f_score(tp: float, fp: float, fn: float) -> Estimate:
    """F1 = 2 TP / (2 TP + FP + FN) with an interval.

    With p = TP / (TP + FP + FN), F1 = 2p / (1 + p), which grows with p: so p's Wilson interval, mapped, is F1's.
    """
    share = wilson(tp, tp + fp + fn)
    if share.value is None:
        return not_estimable("no image is synthetic or was called fake")
    value, low, high = (2 * p / (1 + p) for p in (share.value, share.low, share.high))
    return Estimate(value, low, high, share.n)


def mean_of_shares(first: Estimate, second: Estimate) -> Estimate:
    """The mean of two independent shares, as balanced accuracy is of sensitivity and specificity.

    The interval is put together from theirs: square-and-add, R. G. Newcombe, Stat Med 17 (1998) 873-890, method 10.
    """
    n = first.n + second.n
    if first.value is None or second.value is None:
        return not_estimable("one class has no answer to compute it from", n)
    value = (first.value + second.value) / 2
    below = sqrt((first.value - first.low) ** 2 + (second.value - second.low) ** 2) / 2
    above = sqrt((first.high - first.value) ** 2 + (second.high - second.value) ** 2) / 2
    return Estimate(value, max(0.0, value - below), min(1.0, value + above), n)


def guessing(hits: int, n: int) -> dict:
    """Comparison with guessing: the exact binomial test, two-sided, of `hits` right answers of `n` against ½.

    The interval is the exact one that belongs to the test (Clopper & Pearson, Biometrika 26 (1934) 404-413). Returns
    share (an Estimate) and p (None without an answer; see `p_value`). Raises ValueError unless 0 <= hits <= n.
    """
    from scipy.stats import binomtest

    if n == 0:
        return {"share": not_estimable("no answer to compute it from"), "p": None}
    test = binomtest(hits, n, 0.5)
    exact = test.proportion_ci(LEVEL, method="exact")
    return {"share": Estimate(hits / n, float(exact.low), float(exact.high), n), "p": p_value(test.pvalue)}


def p_value(p: float) -> float:
    """The p-value as a plain number up to 1. One too small for the machine becomes its smallest number: none is 0."""
    return min(max(float(p), sys.float_info.min), 1.0)


def mean_with_interval(values: Sequence[float], scale: tuple[float, float] = (-inf, inf)) -> Estimate:
    """The mean over observers with Student's t interval, cut at the ends of the scale; no interval from one observer,
    nor where all have the same value."""
    from scipy.stats import t

    n = len(values)
    if not n:
        return not_estimable("no observer has enough answers")
    mean = fmean(values)
    if n == 1:
        return Estimate(mean, n=1, note="no interval from one observer")
    spread = stdev(values)
    if spread < 1e-12 * max(1.0, abs(mean)):  # what rounding leaves of 0
        return Estimate(mean, n=n, note="no interval: all observers have the same value")
    half = float(t.ppf((1 + LEVEL) / 2, n - 1) * spread / sqrt(n))
    return Estimate(mean, max(scale[0], mean - half), min(scale[1], mean + half), n)
