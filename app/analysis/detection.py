"""Signal detection: how well an observer tells the two classes apart (d'), and which way the observer leans (c)."""

from dataclasses import dataclass
from math import exp, pi, sqrt
from statistics import NormalDist

from .estimate import LEVEL, Estimate, not_estimable

CORRECTION = (
    "A rate of 0 or 1 is replaced by 1/(2N) or 1 − 1/(2N) (Macmillan & Kaplan, Psychol Bull 98 (1985) 185–199); "
    "other rates stay as they are."
)
NORMAL = NormalDist()


@dataclass(frozen=True)
class Detection:
    """d' and the criterion c of the equal-variance normal model. c above 0: slow to call an image fake."""

    d_prime: Estimate
    criterion: Estimate


def detection(hits: float, signals: float, false_alarms: float, noise: float) -> Detection:
    """d' = z(H) - z(F) and c = -(z(H) + z(F)) / 2, with `hits` of `signals` and `false_alarms` of `noise`.

    D. M. Green & J. A. Swets, Signal Detection Theory and Psychophysics (1966); intervals from the variance of
    V. Gourevitch & E. Galanter, Psychometrika 32 (1967) 25-33. Not estimable if a class has no answer; extreme rates
    are corrected as CORRECTION says, and the note tells.
    """
    n = int(signals + noise)
    if not signals or not noise:
        missing = not_estimable("only one class was called real or fake", n)
        return Detection(missing, missing)
    hit_rate, false_rate = _inside(hits, signals), _inside(false_alarms, noise)
    z_hit, z_false = NORMAL.inv_cdf(hit_rate), NORMAL.inv_cdf(false_rate)
    variance = _variance(hit_rate, z_hit, signals) + _variance(false_rate, z_false, noise)
    note = "a rate of 0 or 1 was corrected" if {hits / signals, false_alarms / noise} & {0.0, 1.0} else ""
    half = NORMAL.inv_cdf((1 + LEVEL) / 2) * sqrt(variance)
    difference, lean = z_hit - z_false, -(z_hit + z_false) / 2
    return Detection(
        Estimate(difference, difference - half, difference + half, n, note),
        Estimate(lean, lean - half / 2, lean + half / 2, n, note),
    )


def _inside(count: float, n: float) -> float:
    return min(max(count / n, 1 / (2 * n)), 1 - 1 / (2 * n))


def _variance(rate: float, z: float, n: float) -> float:
    density = exp(-z * z / 2) / sqrt(2 * pi)
    return rate * (1 - rate) / (n * density**2)
