"""Multi-reader multi-case analysis: the readers' mean AUC with intervals, and its comparison between treatments.

The method of N. A. Obuchowski & H. E. Rockette (Commun Stat Simul Comput 24 (1995) 285-308) with the degrees of freedom
of S. L. Hillis (Stat Med 26 (2007) 596-619); the formulas for each set of random factors, and for cases that differ
between treatments, as in S. L. Hillis, Stat Med 33 (2014) 330-360. Error covariances by the jackknife over cases or
by DeLong's method.

Designs. Every reader reads every treatment. The cases may be the same in all treatments ("paired cases"), others in
each ("cases nested in treatments"), or partly the same: only shared cases make errors of two treatments covary. An
incomplete design is made complete: a case counts in a treatment if every reader rated it there, and cases that count
nowhere are counted as `left_out`. No value is made up for a missing rating.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import inf, sqrt
from typing import TYPE_CHECKING

from .estimate import LEVEL
from .intervals import p_value
from .ratings import Ratings
from .roc import placements

if TYPE_CHECKING:
    import numpy as np

NO_VARIANCE = 1e-15  # what rounding leaves of a variance of 0, on the AUC's scale squared
COVARIANCES = ("jackknife", "delong")
RANDOM = {
    "random readers and cases": "speaks of other readers and other cases like these",
    "fixed readers": "speaks of these readers and other cases like these",
    "fixed cases": "speaks of other readers like these and of these cases",
}


@dataclass(frozen=True)
class Interval:
    """A mean AUC, or a difference of two, under one choice of what is random. `df` is inf for a normal quantile;
    `p` tests a difference of 0 (None for a mean). What is not estimable is None and `note` says why."""

    value: float
    se: float | None
    df: float | None
    low: float | None
    high: float | None
    p: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Test:
    """The test of equal treatments: F (for fixed readers chi-square / df1, with df2 inf), or None and a note."""

    f: float | None
    df1: int
    df2: float | None
    p: float | None
    note: str = ""


@dataclass(frozen=True)
class Treatment:
    """One treatment analysed by itself. `intervals` has a key of RANDOM each; the mean squares and covariances are on
    the AUC's scale squared, `cov2` None with one reader."""

    name: str
    aucs: dict[str, float]
    positives: int
    negatives: int
    mean: float
    ms_readers: float | None
    variance: float
    cov2: float | None
    intervals: dict[str, Interval]


@dataclass(frozen=True)
class Comparison:
    """All treatments together. `differences` maps a pair of names to the first mean minus the second, by RANDOM."""

    ms_treatments: float
    ms_interaction: float | None
    variance: float
    cov1: float
    cov2: float | None
    cov3: float | None
    tests: dict[str, Test]
    differences: dict[tuple[str, str], dict[str, Interval]]


@dataclass(frozen=True)
class Mrmc:
    """The whole analysis. `reason` says why there is none (then `treatments` is empty); `comparison` is None for one
    treatment."""

    covariance: str
    design: str
    readers: int
    cases: int
    left_out: int
    treatments: list[Treatment]
    comparison: Comparison | None
    reason: str = ""


def analyse(ratings: Ratings, covariance: str = "jackknife") -> Mrmc:
    """The multi-reader multi-case analysis of all treatments in `ratings`; ValueError for an unknown `covariance`."""
    import numpy as np

    if covariance not in COVARIANCES:
        raise ValueError(f"{covariance!r}: expected one of {', '.join(COVARIANCES)}")
    used = ~np.isnan(ratings.values).any(axis=1)  # treatments x cases
    left_out = int((~used.any(axis=0)).sum())
    size = {"covariance": covariance, "design": _design(used), "readers": len(ratings.readers)}
    size |= {"cases": len(ratings.cases) - left_out, "left_out": left_out}
    classes = [(int((cases & ratings.positive).sum()), int((cases & ~ratings.positive).sum())) for cases in used]
    for name, (positives, negatives) in zip(ratings.treatments, classes, strict=True):
        if min(positives, negatives) < 2:
            reason = (
                f"not estimable: in treatment {name} all readers ({len(ratings.readers)}) rated {positives} positive "
                f"and {negatives} negative cases, and it takes two of each"
            )
            return Mrmc(**size, treatments=[], comparison=None, reason=reason)
    aucs, errors = _errors(ratings, used, covariance)
    treatments = [
        _treatment(name, dict(zip(ratings.readers, aucs[i].tolist(), strict=True)), classes[i], errors[i, :, i, :])
        for i, name in enumerate(ratings.treatments)
    ]
    comparison = _compare(ratings.treatments, aucs, errors) if len(aucs) > 1 else None
    return Mrmc(**size, treatments=treatments, comparison=comparison)


def _design(used: np.ndarray) -> str:
    if len(used) == 1:
        return "one treatment"
    if (used == used[0]).all():
        return "paired cases"
    return "cases partly shared by treatments" if (used.sum(axis=0) > 1).any() else "cases nested in treatments"


def _errors(ratings: Ratings, used: np.ndarray, covariance: str) -> tuple[np.ndarray, np.ndarray]:
    """(AUCs (treatments, readers), their error covariances (treatments, readers, treatments, readers))."""
    import numpy as np

    t, r, cases = ratings.values.shape
    aucs, terms = np.empty((t, r)), np.zeros((t, r, cases))
    for i, (values, cases) in enumerate(zip(ratings.values, used, strict=True)):
        aucs[i], terms[i][:, cases] = auc_terms(values[:, cases], ratings.positive[cases], covariance)
    flat = terms.reshape(t * r, -1)
    return aucs, (flat @ flat.T).reshape(t, r, t, r)


def auc_terms(ratings: np.ndarray, positive: np.ndarray, covariance: str) -> tuple[np.ndarray, np.ndarray]:
    """(AUCs (curves,), terms (curves, cases)): the sums over cases of products of terms are the AUCs' covariances.

    Takes ratings (curves, cases) with two cases of each class. DeLong: each class's placements, less their mean, over
    √(m(m - 1)). Jackknife: the AUC without a case, less the mean of these, times √((N - 1)/N); without a case, the AUC
    is the mean of the placements of the other cases of its class, so the placements give all of them at once.
    """
    import numpy as np

    sides = placements(ratings[:, positive], ratings[:, ~positive])
    terms = np.empty(ratings.shape)
    for side, mask in zip(sides, (positive, ~positive), strict=True):
        m = side.shape[1]
        if covariance == "delong":
            terms[:, mask] = (side - side.mean(axis=1, keepdims=True)) / sqrt(m * (m - 1))
        else:
            terms[:, mask] = (side.sum(axis=1, keepdims=True) - side) / (m - 1)
    if covariance == "jackknife":
        cases = terms.shape[1]
        terms = (terms - terms.mean(axis=1, keepdims=True)) * sqrt((cases - 1) / cases)
    return sides[0].mean(axis=1), terms


def _treatment(name: str, aucs: dict[str, float], classes: tuple[int, int], errors: np.ndarray) -> Treatment:
    r = len(aucs)
    mean, variance = sum(aucs.values()) / r, float(errors.diagonal().mean())
    ms = sum((auc - mean) ** 2 for auc in aucs.values()) / (r - 1) if r > 1 else None
    cov2 = float((errors.sum() - errors.trace()) / (r * (r - 1))) if r > 1 else None
    shared = max(cov2 or 0.0, 0.0)
    total = None if ms is None else ms + r * shared
    intervals = {
        "random readers and cases": _interval(mean, _scaled(total, 1 / r), _hillis_df(total, ms, r - 1)),
        "fixed readers": _interval(mean, (variance + (r - 1) * shared) / r, inf),
        "fixed cases": _interval(mean, _scaled(ms, 1 / r), r - 1),
    }
    return Treatment(name, aucs, *classes, mean, ms, variance, cov2, intervals)


def _hillis_df(total: float | None, ms: float | None, df: int) -> float | None:
    """Hillis' degrees of freedom. Without any spread between readers they are infinite, as for fixed readers."""
    if total is None:
        return None
    return inf if ms < NO_VARIANCE else total**2 / (ms**2 / df)


def _interval(value: float, squared_error: float | None, df: float | None, *, difference: bool = False) -> Interval:
    """value ± t·SE, cut at the ends of the scale: 0 and 1, for a difference -1 and 1."""
    from scipy.stats import t

    if squared_error is None:
        return Interval(value, None, None, None, None, note="no interval from one reader")
    if squared_error < NO_VARIANCE:
        return Interval(value, None, None, None, None, note="no interval: the ratings leave no variance")
    se = sqrt(squared_error)
    half = float(t.ppf((1 + LEVEL) / 2, df)) * se
    p = p_value(2 * t.sf(abs(value) / se, df)) if difference else None
    return Interval(value, se, df, max(value - half, -1.0 if difference else 0.0), min(value + half, 1.0), p)


def _compare(names: list[str], aucs: np.ndarray, errors: np.ndarray) -> Comparison:
    t, r = aucs.shape
    means = aucs.mean(axis=1)
    ms_t = float(r * means.var(ddof=1))
    ms_tr = _interaction(aucs) if r > 1 else None
    variance, cov1, cov2, cov3 = _components(errors)
    shared = max((cov2 or 0.0) - (cov3 or 0.0), 0.0)
    noise = {
        "random readers and cases": None if ms_tr is None else ms_tr + r * shared,
        "fixed readers": variance - cov1 + (r - 1) * shared,
        "fixed cases": ms_tr,
    }
    df2 = {
        "random readers and cases": _hillis_df(noise["random readers and cases"], ms_tr, (t - 1) * (r - 1)),
        "fixed readers": inf,
        "fixed cases": (t - 1) * (r - 1),
    }
    differences = {
        (names[i], names[j]): {
            key: _interval(float(means[i] - means[j]), _scaled(noise[key], 2 / r), df2[key], difference=True)
            for key in RANDOM
        }
        for i, j in combinations(range(t), 2)
    }
    tests = {key: _test(ms_t, noise[key], t - 1, df2[key]) for key in RANDOM}
    return Comparison(ms_t, ms_tr, variance, cov1, cov2, cov3, tests, differences)


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _interaction(aucs: np.ndarray) -> float:
    """MS(treatment x reader)."""
    t, r = aucs.shape
    rest = aucs - aucs.mean(axis=0) - aucs.mean(axis=1, keepdims=True) + aucs.mean()
    return float((rest**2).sum() / ((t - 1) * (r - 1)))


def _components(errors: np.ndarray) -> tuple[float, float, float | None, float | None]:
    """(Var, Cov1, Cov2, Cov3): the mean error variance, and the mean covariances of the same reader in two treatments,
    of two readers in one treatment, and of two readers in two treatments; the last two None with one reader."""
    import numpy as np

    t, r = errors.shape[:2]
    own_treatment = np.einsum("irjs,ij->rs", errors, np.eye(t)) / t
    other_treatment = np.einsum("irjs,ij->rs", errors, 1 - np.eye(t)) / (t * (t - 1))
    means = []
    for block in (own_treatment, other_treatment):
        same = float(block.diagonal().mean())
        means += [same, float((block.sum() - block.trace()) / (r * (r - 1))) if r > 1 else None]
    variance, cov2, cov1, cov3 = means
    return variance, cov1, cov2, cov3


def _test(ms_t: float, noise: float | None, df1: int, df2: float | None) -> Test:
    from scipy.stats import chi2
    from scipy.stats import f as f_distribution

    if noise is None:
        return Test(None, df1, None, None, "not estimable from one reader")
    if noise < NO_VARIANCE:
        return Test(None, df1, None, None, "not estimable: the ratings leave no variance")
    f = ms_t / noise
    # scipy's F distribution has no infinite degrees of freedom; its limit is chi-square / df1.
    p = chi2.sf(f * df1, df1) if df2 == inf else f_distribution.sf(f, df1, df2)
    return Test(f, df1, df2, p_value(p))
