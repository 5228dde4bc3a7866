"""How well the machine observer told real from synthetic: accuracy and area under the ROC curve with 95 % intervals."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.stats import binomtest, rankdata

from .distances import NORMAL_95, Estimate


def accuracy(right: np.ndarray) -> Estimate:
    """The share of right calls (n,), with Wilson's interval."""
    count, total = int(right.sum()), len(right)
    interval = binomtest(count, total).proportion_ci(0.95, method="wilson")
    return Estimate(count / total, float(interval.low), float(interval.high))


def area(synthetic: np.ndarray, real: np.ndarray) -> Estimate:
    """The area under the ROC curve of probabilities (m,) and (n,), ties ½, with Newcombe's interval.

    R. G. Newcombe, Stat Med 25 (2006) 559-573, method 5: it has a width at an area of 1 too, where DeLong's has none.
    """
    m, n = len(synthetic), len(real)
    value = float(rankdata(np.concatenate((synthetic, real)))[:m].sum() - m * (m + 1) / 2) / (m * n)

    def beyond(truth: float, side: int) -> float:
        spread = (m + n) / 2 - 1
        variance = truth * (1 - truth) * (1 + spread * ((1 - truth) / (2 - truth) + truth / (1 + truth))) / (m * n)
        return value - truth + side * NORMAL_95 * np.sqrt(variance)

    low = brentq(beyond, 0, value * (1 - 1e-9), (-1,)) if value > 0 else 0.0
    high = brentq(beyond, value + 1e-9 * (1 - value), 1, (1,)) if value < 1 else 1.0
    return Estimate(value, float(low), float(high))
