"""Accuracy against the observers' experience and role. With few observers this describes them and tests nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import atanh, sqrt, tanh
from statistics import NormalDist, fmean

from .estimate import LEVEL, Estimate, counted, not_estimable

FEWEST = 4  # observers for an interval of a correlation
FEW = 30  # observers below which a correlation rests on few


def profiles(rows: Iterable[Mapping]) -> dict[str, dict]:
    """Observer -> role, specialty and years, None where not known."""
    found: dict[str, dict] = {}
    for row in rows:
        if row["observer"] not in found:
            found[row["observer"]] = {name: row.get(name) or None for name in ("role", "specialty")}
            found[row["observer"]]["years"] = row.get("years")
    return found


def by_years(accuracies: Mapping[str, Estimate], known: Mapping[str, Mapping]) -> dict:
    """Spearman's rank correlation of accuracy with years of experience over observers, and a sentence on what it can
    tell. `accuracies` are estimates by observer; `points` are (observer, years, accuracy, its n)."""
    points = [
        (name, known[name]["years"], accuracy.value, accuracy.n)
        for name, accuracy in accuracies.items()
        if accuracy.value is not None and known.get(name, {}).get("years") is not None
    ]
    correlation = spearman([years for _, years, *_ in points], [accuracy for _, _, accuracy, _ in points])
    return {"spearman": correlation, "points": points, "wording": _wording(correlation)}


def by_group(accuracies: Mapping[str, Estimate], known: Mapping[str, Mapping], name: str) -> dict[str, dict]:
    """Role or specialty -> number of observers, and mean, lowest and highest accuracy over them."""
    groups: dict[str, list[float]] = {}
    for observer, accuracy in accuracies.items():
        group = known.get(observer, {}).get(name)
        if group and accuracy.value is not None:
            groups.setdefault(group, []).append(accuracy.value)
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
        return Estimate(r, n=n, note="no interval: it takes four observers, not in the same order in both")
    half = NormalDist().inv_cdf((1 + LEVEL) / 2) * sqrt((1 + r * r / 2) / (n - 3))
    return Estimate(r, tanh(atanh(r) - half), tanh(atanh(r) + half), n)


def _wording(correlation: Estimate) -> str:
    if correlation.value is None:
        return f"Accuracy and experience: not estimable ({correlation.note}; n = {counted(correlation.n, 'observer')})."
    direction = "more" if correlation.value > 0 else "less"
    if correlation.low is None and correlation.n >= FEWEST:
        return (
            f"These {correlation.n} observers stand in one order by years and by accuracy: those with more years "
            f"were {direction} often right. There is no interval, and other differences between them may explain it."
        )
    if correlation.low is None:
        return f"From {correlation.n} observers nothing can be said about accuracy and experience in general."
    if correlation.low <= 0 <= correlation.high:
        bounds = f"{correlation.low:.2f} to {correlation.high:.2f}".replace("-", "−")
        return (
            f"From {correlation.n} observers no relation of accuracy and experience can be shown, and none ruled out: "
            f"correlations from {bounds} agree with these data."
        )
    return (
        f"Among these {correlation.n} observers those with more years were {direction} often right; other differences "
        f"between them may explain it{', and they are few' if correlation.n < FEW else ''}."
    )
