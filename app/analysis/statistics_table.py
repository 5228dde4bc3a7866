"""The statistics as one long table, a row a number: what statistics.csv and the workbook's sheet of intervals hold."""

from collections.abc import Iterator

from ..study import RATINGS
from .accuracy import SHARES
from .estimate import Estimate
from .mrmc import RANDOM, Interval
from .results import ObserverResult, StudyResults
from .table import ALL_OBSERVERS, MACHINE_RULE, Column

STATISTICS = {
    **SHARES,
    "auc": "AUC",
    "d_prime": "d′",
    "criterion": "Criterion c",
    "share_right": "Share right, compared with guessing",
    "right_fully_certain": "Share right of the fully certain calls",
    "right_partially_certain": "Share right of the partially certain calls",
    **{f"synthetic_{rating}": f"Share synthetic of the images rated '{words}'" for rating, words in RATINGS.items()},
    "median_seconds": "Median response time in seconds",
    **{f"mean_{name}": f"Mean {title if name == 'f1' else title.lower()}" for name, title in SHARES.items()},
    "mean_auc": "Mean AUC",
    "fleiss_kappa": "Fleiss' kappa",
    "krippendorff_alpha_nominal": "Krippendorff's alpha, nominal",
    "krippendorff_alpha_ordinal": "Krippendorff's alpha, ordinal",
    "right_by_pool": "Share right of a pool's images",
    "right_by_setting": "Share right of a pool's images made with a setting",
}
WILSON = "Wilson's interval."
BOOTSTRAP = "Bootstrap over observers and images."
MEANINGS_OF = {
    "accuracy": f"(TP + TN) / (TP + TN + FP + FN). {WILSON}",
    "balanced_accuracy": "Mean of sensitivity and specificity. Interval combined from theirs by square-and-add.",
    "sensitivity": f"TP / (TP + FN): of the synthetic images, the share called fake. {WILSON}",
    "specificity": f"TN / (TN + FP): of the real images, the share called real. {WILSON}",
    "precision": f"TP / (TP + FP): of the images called fake, the share that is synthetic. {WILSON}",
    "f1": "2 TP / (2 TP + FP + FN). Wilson's interval of TP / (TP + FP + FN), of which it is a function.",
    "auc": "Area under the empirical ROC curve over the five levels, ties ½. DeLong's interval.",
    "d_prime": "z(hit rate) − z(false alarm rate), Unsure left out. Interval after Gourevitch and Galanter.",
    "criterion": "−½ (z(hit rate) + z(false alarm rate)); above 0: slow to call an image fake.",
    "share_right": "Unsure left out; exact interval, and in the note p of the two-sided exact binomial test against ½.",
    "right_fully_certain": f"Of the ratings 1 and 5. {WILSON}",
    "right_partially_certain": f"Of the ratings 2 and 4. {WILSON}",
    **dict.fromkeys((f"synthetic_{rating}" for rating in RATINGS), f"Calibration of the scale. {WILSON}"),
    "median_seconds": "From painting to the selection of the submitted rating. Distribution-free interval.",
    **dict.fromkeys(
        (f"mean_{name}" for name in SHARES),
        "Mean over the observers who have finished. Student's t interval over them.",
    ),
    "mean_auc": "Mean over the observers who have finished. Obuchowski-Rockette/Hillis interval; the rule says what is "
    "random and where the covariances come from.",
    "fleiss_kappa": f"Agreement of all observers, over the images that all rated. {BOOTSTRAP}",
    "krippendorff_alpha_nominal": f"Agreement, over the images that two or more rated. {BOOTSTRAP}",
    "krippendorff_alpha_ordinal": f"The same; a disagreement weighs more the farther apart the levels are. {BOOTSTRAP}",
    "right_by_pool": f"Unsure left out, all observers together. {WILSON}",
    "right_by_setting": f"Unsure left out, all observers together. {WILSON}",
}
MEANINGS = "; ".join(f"{key}: {title}" for key, title in STATISTICS.items())
STATISTIC_COLUMNS = [
    Column(
        "observer",
        "",
        "Observer",
        "text",
        f"The observer's name, or {ALL_OBSERVERS!r}, or below it the machine observer's: {MACHINE_RULE}",
    ),
    Column("statistic", "", "Statistic", "text", f"{MEANINGS}."),
    Column(
        "rule",
        "",
        "Rule",
        "text",
        "What was done with Unsure (left out, wrong, half), what is random, or the pool and setting.",
    ),
    Column("value", "", "Value", "number", "The number; empty where it is not estimable."),
    Column("low", "", "Low", "number", "Lower bound of the 95 % interval; empty where there is none."),
    Column("high", "", "High", "number", "Upper bound of the 95 % interval; empty where there is none."),
    Column(
        "n",
        "",
        "n",
        "number",
        "How many answers it rests on; for the mean AUC and agreement images, for other means observers.",
    ),
    Column("note", "", "Note", "text", "Why a number or an interval is missing, or what to keep in mind."),
]


def statistics_table(results: StudyResults) -> list[dict]:
    """A dict a number, with the names of STATISTIC_COLUMNS: by observer, then for all together, then by machine."""
    people, machines = (
        [row for each in group for row in _observer_rows(each)]
        for group in ([*results.observers, results.everyone], results.machines)
    )
    return [*people, *_mean_rows(results), *_agreement_rows(results), *_origin_rows(results), *machines]


def _observer_rows(each: ObserverResult) -> Iterator[dict]:
    for rule, found in each.shares.items():
        for name, estimate in found.items():
            yield _row(each.observer, name, rule, estimate)
    yield _row(each.observer, "auc", "", each.auc)
    yield _row(each.observer, "d_prime", "left out", each.detection.d_prime)
    yield _row(each.observer, "criterion", "left out", each.detection.criterion)
    p = each.guessing["p"]
    exact = each.guessing["share"]
    note = exact.note if p is None else f"p {'< 0.0001' if p < 0.0001 else f'{p:.4g}'} against guessing"
    yield _row(each.observer, "share_right", "left out", Estimate(exact.value, exact.low, exact.high, exact.n, note))
    for certainty, estimate in each.calibration.items():
        yield _row(each.observer, f"right_{certainty}_certain", "left out", estimate)
    for rating, words in RATINGS.items():
        yield _row(each.observer, f"synthetic_{rating}", "", each.by_rating[words])
    yield _row(each.observer, "median_seconds", "", each.seconds)


def _mean_rows(results: StudyResults) -> Iterator[dict]:
    for name, estimate in results.means.items():
        yield _row(results.everyone.observer, f"mean_{name}", "left out", estimate)
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


def _origin_rows(results: StudyResults) -> Iterator[dict]:
    for pool, estimate in results.pools.items():
        yield _row(results.everyone.observer, "right_by_pool", pool, estimate)
    for (pool, name, value), estimate in results.settings.items():
        yield _row(results.everyone.observer, "right_by_setting", f"{pool}, {name} {value}", estimate)


def _row(observer: str, statistic: str, rule: str, estimate: Estimate) -> dict:
    return {"observer": observer, "statistic": statistic, "rule": rule, **vars(estimate)}
