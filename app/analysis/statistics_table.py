"""The statistics as one long table, a row a number: what statistics.csv and the workbook's sheet of intervals hold."""

from collections.abc import Iterator

from .accuracy import SHARES
from .estimate import Estimate
from .mrmc import RANDOM, Interval
from .results import ObserverResult, StudyResults
from .table import Column

STATISTICS = {
    **SHARES,
    "auc": "AUC (DeLong interval)",
    "d_prime": "d′",
    "criterion": "Criterion c",
    "share_right": "Share right, with the exact interval that belongs to the test against guessing",
    "right_fully_certain": "Share right of the fully certain calls",
    "right_partially_certain": "Share right of the partially certain calls",
    "median_seconds": "Median response time in seconds",
    "mean_auc": "Mean AUC of the observers (Obuchowski-Rockette/Hillis)",
    "fleiss_kappa": "Fleiss' kappa",
    "krippendorff_alpha_nominal": "Krippendorff's alpha, nominal",
    "krippendorff_alpha_ordinal": "Krippendorff's alpha, ordinal",
}
MEANINGS = "; ".join(f"{key}: {title}" for key, title in STATISTICS.items())
STATISTIC_COLUMNS = [
    Column("observer", "", "Observer", "text", "The observer's name, or 'All observers'."),
    Column("statistic", "", "Statistic", "text", f"{MEANINGS}."),
    Column("rule", "", "Rule", "text", "What was done with Unsure (left out, wrong, half), or what is random."),
    Column("value", "", "Value", "number", "The number; empty where it is not estimable."),
    Column("low", "", "Low", "number", "Lower bound of the 95 % interval; empty where there is none."),
    Column("high", "", "High", "number", "Upper bound of the 95 % interval; empty where there is none."),
    Column("n", "", "n", "number", "How many answers it rests on; for the mean AUC and for agreement, images."),
    Column("note", "", "Note", "text", "Why a number or an interval is missing, or what to keep in mind."),
]


def statistics_table(results: StudyResults) -> list[dict]:
    """A dict a number, with the names of STATISTIC_COLUMNS: by observer, then for all together."""
    rows = [row for each in [*results.observers, results.everyone] for row in _observer_rows(each)]
    return [*rows, *_mean_rows(results), *_agreement_rows(results)]


def _observer_rows(each: ObserverResult) -> Iterator[dict]:
    for rule, found in each.shares.items():
        for name, estimate in found.items():
            yield _row(each.observer, name, rule, estimate)
    yield _row(each.observer, "auc", "", each.auc)
    yield _row(each.observer, "d_prime", "left out", each.detection.d_prime)
    yield _row(each.observer, "criterion", "left out", each.detection.criterion)
    p = each.guessing["p"]
    exact = each.guessing["share"]
    note = exact.note if p is None else f"p {p:.4g} against guessing"
    yield _row(each.observer, "share_right", "left out", Estimate(exact.value, exact.low, exact.high, exact.n, note))
    for certainty, estimate in each.calibration.items():
        yield _row(each.observer, f"right_{certainty}_certain", "left out", estimate)
    yield _row(each.observer, "median_seconds", "", each.seconds)


def _mean_rows(results: StudyResults) -> Iterator[dict]:
    for covariance, analysis in (results.mrmc or {}).items():
        for treatment in analysis.treatments:
            for key in RANDOM:
                estimate = _as_estimate(treatment.intervals[key], analysis.cases)
                yield _row(results.everyone.observer, "mean_auc", f"{key}, {covariance}", estimate)


def _as_estimate(interval: Interval, cases: int) -> Estimate:
    return Estimate(interval.value, interval.low, interval.high, cases, interval.note)


def _agreement_rows(results: StudyResults) -> Iterator[dict]:
    for name, estimate in results.agreement.items():
        yield _row(results.everyone.observer, name, "", estimate)


def _row(observer: str, statistic: str, rule: str, estimate: Estimate) -> dict:
    return {"observer": observer, "statistic": statistic, "rule": rule, **vars(estimate)}
