"""Whether a number differs between real and synthetic images, and how much."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING

from ..analysis.estimate import Estimate
from ..analysis.roc import auc
from .classifier import judge

if TYPE_CHECKING:
    import numpy as np

LEVEL = 0.05  # probability of any false alarm in an audit of images that do not differ at all
POWER = 0.8


@dataclass(frozen=True)
class Difference:
    """AUC of real against synthetic with DeLong's 95 % interval (above 0.5: synthetic is higher), and its p-value."""

    auc: Estimate
    p: float


def difference(values: np.ndarray, synthetic: np.ndarray) -> Difference:
    """Of one number an image: Mann and Whitney's test, two-sided, of the AUC against ½."""
    from scipy.stats import mannwhitneyu

    positives, negatives = values[synthetic], values[~synthetic]
    return Difference(auc(positives, negatives), float(mannwhitneyu(positives, negatives).pvalue))


def spread_difference(values: np.ndarray, synthetic: np.ndarray) -> Difference:
    """Whether one side lies farther from the common middle: the test of the distances from the middle of the medians.

    An AUC of ½ also comes about where one side's numbers are all alike and the other's vary.
    """
    import numpy as np

    middle = (np.median(values[synthetic]) + np.median(values[~synthetic])) / 2
    return difference(np.abs(values - middle), synthetic)


def classified_difference(features: np.ndarray, synthetic: np.ndarray) -> Difference:
    """Of many numbers an image: the AUC of a cross-validated classifier, with the p-value of random labellings."""
    scores, p = judge(features, synthetic)
    return Difference(auc(scores[synthetic], scores[~synthetic]), p)


def holm(p_values: list[float]) -> list[float]:
    """p-values that may be held against LEVEL each, although there are many (S. Holm, Scand J Stat 6 (1979) 65-70)."""
    adjusted, highest = [1.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, p_values[place] * (len(p_values) - rank)))
        adjusted[place] = highest
    return adjusted


def can_stand_out(real: int, synthetic: int, tests: int) -> bool:
    """Whether images that differ without overlap would be found at all: two sides of few images can be so by chance."""
    return min(real, synthetic) > 0 and 2 / comb(real + synthetic, real) * tests <= LEVEL


def detectable_auc(real: int, synthetic: int, tests: int) -> float:
    """The AUC that is found with a probability of POWER if nothing else differs, by the normal approximation.

    The standard error is that of Mann and Whitney's test where nothing differs: sqrt((m + n + 1) / 12mn).
    """
    error = sqrt((real + synthetic + 1) / (12 * real * synthetic))
    quantile = NormalDist().inv_cdf
    return min(1.0, 0.5 + error * (quantile(1 - LEVEL / tests / 2) + quantile(POWER)))
