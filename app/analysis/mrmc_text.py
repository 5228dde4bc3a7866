"""A multi-reader multi-case analysis, a planned study and what they mean, as lines of text."""

from collections.abc import Mapping
from math import inf

from .estimate import Estimate, counted
from .mrmc import COVARIANCES, RANDOM, Comparison, Interval, Mrmc, Test, Treatment, analyse
from .planning import Plan
from .ratings import Ratings
from .roc import auc


def ratings_document(ratings: Ratings) -> dict:
    """All that `analyse-ratings` tells: by treatment each reader's AUC with DeLong's interval, and the analysis with
    each kind of covariances. `estimate.plain` makes it ready for JSON."""
    curves = {
        treatment: dict(zip(ratings.readers, _reader_aucs(ratings, i), strict=True))
        for i, treatment in enumerate(ratings.treatments)
    }
    return {"readers": curves, **{covariance: analyse(ratings, covariance) for covariance in COVARIANCES}}


def _reader_aucs(ratings: Ratings, treatment: int) -> list[Estimate]:
    """Over all cases that the reader rated, whether others did or not."""
    found = []
    for values in ratings.values[treatment]:
        rated = values == values  # NaN is not itself
        found.append(auc(values[rated & ratings.positive], values[rated & ~ratings.positive]))
    return found


def ratings_lines(document: Mapping) -> list[str]:
    """`ratings_document` to read."""
    first: Mrmc = document[COVARIANCES[0]]
    size = f"{counted(first.readers, 'reader')}, {counted(first.cases, 'case')}, {first.design}"
    lines = [f"{size}; {counted(first.left_out, 'case')} left out."]
    for treatment, readers in document["readers"].items():
        lines += ["", f"Treatment {treatment}: AUC of each reader (95 % interval, DeLong)"]
        lines += [f"  {name:<24} {_estimate(area)}" for name, area in readers.items()]
    for covariance in COVARIANCES:
        lines += ["", f"Obuchowski-Rockette/Hillis, {covariance} covariances", *mrmc_lines(document[covariance])]
    return lines


def mrmc_lines(result: Mrmc) -> list[str]:
    """The analysis to read, with the digits that published tables print."""
    if result.reason:
        return [f"  {result.reason}"]
    lines = [line for treatment in result.treatments for line in _treatment_lines(treatment)]
    return lines + (_comparison_lines(result.comparison) if result.comparison else [])


def _treatment_lines(treatment: Treatment) -> list[str]:
    return [
        f"  Treatment {treatment.name}: mean AUC {treatment.mean:.8f} "
        f"({treatment.positives} positive, {treatment.negatives} negative cases)",
        *(f"    {key:<26}{_interval(treatment.intervals[key])}" for key in RANDOM),
        f"    MS(R) {_number(treatment.ms_readers)}  Var(error) {_number(treatment.variance)}  "
        f"Cov2 {_number(treatment.cov2)}",
    ]


def _comparison_lines(comparison: Comparison) -> list[str]:
    lines = ["  All treatments equal?"]
    lines += [f"    {key:<26}{_test(comparison.tests[key])}" for key in RANDOM]
    for pair, intervals in comparison.differences.items():
        lines.append(f"  Treatment {pair[0]} minus {pair[1]}: {intervals[next(iter(RANDOM))].value:.8f}")
        lines += [f"    {key:<26}{_interval(intervals[key])}" for key in RANDOM]
    lines.append(
        f"    MS(T) {_number(comparison.ms_treatments)}  MS(TR) {_number(comparison.ms_interaction)}  "
        f"Var(error) {_number(comparison.variance)}  Cov1 {_number(comparison.cov1)}  "
        f"Cov2 {_number(comparison.cov2)}  Cov3 {_number(comparison.cov3)}"
    )
    return lines


def plan_lines(plan: Plan) -> list[str]:
    """A planned study to read."""
    lines = [
        f"{counted(plan.observers, 'observer')}, {plan.images} images, AUC {plan.auc:g} (standard deviation between "
        f"observers {plan.spread:g}), against {plan.against:g}; {plan.simulations} simulated studies.",
        f"Mean AUC after five ratings: {plan.mean_auc:.3f}",
        f"{'':<28}{'width of the 95 % interval':<30}power (95 % interval)",
    ]
    for key in RANDOM:
        power = plan.powers[key]
        if power.value is None:
            lines.append(f"{key:<28}not estimable: {power.note}")
        else:
            width = f"{plan.widths[key]:.3f}"
            lines.append(f"{key:<28}{width:<30}{power.value:.1%} ({power.low:.1%} to {power.high:.1%})")
    return lines


def _estimate(estimate: Estimate) -> str:
    if estimate.value is None:
        return f"not estimable: {estimate.note} (n {estimate.n})"
    interval = f"  {estimate.low:.8f} to {estimate.high:.8f}" if estimate.low is not None else f"  {estimate.note}"
    return f"{estimate.value:.8f}{interval}  n {estimate.n}"


def _interval(interval: Interval) -> str:
    if interval.se is None:
        return interval.note
    p = "" if interval.p is None else f"  p {_p(interval.p)}"
    return f"{interval.low:.8f} to {interval.high:.8f}  SE {interval.se:.8f}  df {_df(interval.df)}{p}"


def _test(test: Test) -> str:
    if test.f is None:
        return test.note
    return f"F {test.f:.6f}  df {test.df1}, {_df(test.df2)}  p {_p(test.p)}"


def _df(df: float) -> str:
    return "infinite" if df == inf else f"{df:.2f}"


def _p(p: float) -> str:
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}"


def _number(value: float | None) -> str:
    return "not estimable" if value is None else f"{value:.8f}"
