"""Accuracy against the observers' experience and role. With few observers this describes them and tests nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import atanh, sqrt, tanh
from statistics import NormalDist, fmean

from .estimate import LEVEL, Estimate, not_estimable

FEWEST = 4  # observers for an interval of a correlation


def profiles(rows: Iterable[Mapping]) -> dict[str, dict]:
    """Observer -> role, specialty and years, None where not known."""
    found: dict[str, dict] = {}
    for row in rows:
        if row["observer"] not in found:
            found[row["observer"]] = {name: row.get(name) or None for name in ("role", "specialty")}
            found[row["observer"]]["years"] = row.get("years")
    return found


def by_years(accuracies: Mapping[str, float | None], known: Mapping[str, Mapping]) -> dict:
    """Spearman's rank correlation of accuracy with years of experience over observers, and a sentence on what it can
    tell. `points` are (observer, years, accuracy)."""
    points = [
        (name, known[name]["years"], accuracy)
        for name, accuracy in accuracies.items()
        if accuracy is not None and known.get(name, {}).get("years") is not None
    ]
    correlation = spearman([years for _, years, _ in points], [accuracy for _, _, accuracy in points])
    return {"spearman": correlation, "points": points, "wording": _wording(correlation)}


def by_group(accuracies: Mapping[str, float | None], known: Mapping[str, Mapping], name: str) -> dict[str, dict]:
    """Role or specialty -> number of observers, and mean, lowest and highest accuracy over them."""
    groups: dict[str, list[float]] = {}
    for observer, accuracy in accuracies.items():
        group = known.get(observer, {}).get(name)
        if group and accuracy is not None:
            groups.setdefault(group, []).append(accuracy)
    return {
        group: {"n": len(values), "mean": fmean(values), "lowest": min(values), "highest": max(values)}
        for group, values in sorted(groups.items())
    }


def spearman(first: Sequence[float], second: Sequence[float]) -> Estimate:
    """Spearman's rank correlation (ties: mean ranks) with the interval by Fisher's z and the variance
    (1 + r²/2) / (n - 3) of D. G. Bonett & T. A. Wright, Psychometrika 65 (2000) 23-28."""
    from scipy.stats import rankdata

    n = len(first)
    if n < 3:
        return not_estimable("it takes three observers", n)
    if len(set(first)) == 1 or len(set(second)) == 1:
        return not_estimable("all observers are alike in one of the two", n)
    one, two = (ranks - (n + 1) / 2 for ranks in (rankdata(first), rankdata(second)))
    r = max(-1.0, min(1.0, float(one @ two / sqrt((one @ one) * (two @ two)))))
    if n < FEWEST or abs(r) > 1 - 1e-12:
        return Estimate(r, n=n, note="no interval: too few observers, or a perfect order")
    half = NormalDist().inv_cdf((1 + LEVEL) / 2) * sqrt((1 + r * r / 2) / (n - 3))
    return Estimate(r, tanh(atanh(r) - half), tanh(atanh(r) + half), n)


def _wording(correlation: Estimate) -> str:
    if correlation.value is None:
        return f"Accuracy and experience: not estimable ({correlation.note}; n = {correlation.n} observers)."
    if correlation.low is None:
        return f"From {correlation.n} observers nothing can be said about accuracy and experience in general."
    if correlation.low <= 0 <= correlation.high:
        return (
            f"From {correlation.n} observers no relation of accuracy and experience can be shown, and none ruled out: "
            f"correlations from {correlation.low:.2f} to {correlation.high:.2f} agree with these data."
        )
    direction = "more" if correlation.value > 0 else "less"
    return (
        f"Among these {correlation.n} observers those with more years were {direction} often right; with so few, "
        "other differences between them may explain it."
    )
