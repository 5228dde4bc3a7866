"""All results of a study, computed once: what the report, the research pages and the JSON export show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import agreement as agree
from . import difficulty, experience, roc, times
from .accuracy import SHARES, UNSURE_RULES, against_guessing, calibration, shares, synthetic_by_rating
from .confusion import CELLS, Confusion, pooled
from .detection import Detection, detection
from .estimate import Estimate, plain
from .intervals import mean_with_interval
from .mrmc import COVARIANCES, Mrmc, analyse
from .scored import Scored
from .table import ALL_OBSERVERS

if TYPE_CHECKING:
    import numpy as np

MOST_IN_PAIRS = 50  # observers: more make a thousand pairs, which nobody reads
Curve = list[tuple[float, float]]


@dataclass(frozen=True)
class ObserverResult:
    """One observer, or all together: `shares` by rule for Unsure and name, `guessing` as from `intervals.guessing`,
    `seconds` the median response time, `finished` None where not known."""

    observer: str
    finished: bool | None
    confusion: Confusion
    shares: dict[str, dict[str, Estimate]]
    curve: Curve
    auc: Estimate
    detection: Detection
    guessing: dict
    calibration: dict[str, Estimate]
    by_rating: dict[str, Estimate]
    seconds: Estimate


@dataclass(frozen=True)
class StudyResults:
    """`mrmc` by kind of covariance. It takes in the observers in `mrmc_observers`, and so does everything in which each
    observer weighs the same (`means`, `mean_curve`, slopes of `drift`, `experience`) and `agreement`, as soon as two
    have finished. `pairs` has all observers, and is empty above MOST_IN_PAIRS of them.
    `means` are the observers' mean shares, Unsure left out, with Student's t interval, cut at 0 and 1. `settings` is by
    pool, setting and value; `agreement`, `times`, `drift` and `experience` by name as their modules give them.
    `machines` are machine observers, which are in nothing else."""

    scored: Scored
    observers: list[ObserverResult]
    everyone: ObserverResult
    means: dict[str, Estimate]
    mean_curve: Curve
    mrmc: dict[str, Mrmc] | None
    mrmc_observers: list[str]
    agreement: dict[str, Estimate]
    pairs: dict[tuple[str, str], Estimate]
    intra_observer: dict[str, dict[str, Estimate]]
    times: dict[str, dict[str, Estimate]]
    drift: dict
    images: list[difficulty.ImageResult]
    pools: dict[str, Estimate]
    settings: dict[tuple[str, str, str], Estimate]
    experience: dict
    machines: list[ObserverResult]

    def as_dict(self) -> dict:
        """Everything but the answers themselves, ready for JSON."""
        return plain({name: value for name, value in vars(self).items() if name != "scored"})


def study_results(
    rows: Iterable[Mapping],
    finished: Mapping[str, bool] | None = None,
    *,
    include_simulated: bool = False,
    machine_rows: Iterable[Mapping] = (),
) -> StudyResults:
    """Everything from a table of answers; `finished` says of each observer whether the session is complete.

    Observers who are not finished are left out of the multi-reader analysis, which needs images that all rated, and of
    means over observers, where few answers would weigh as much as many; everywhere else what they have answered counts.
    `machine_rows` are the answers of machine observers, never pooled with people's. Raises ValueError for a truth or a
    rating that there is not.
    """
    rows = list(rows)
    finished = finished or {}
    scored = Scored.of(rows, include_simulated=include_simulated)
    observers = _observers(scored, finished)
    complete = [name for name in scored.observers if finished.get(name) is not False]
    ratings = scored.ratings("study", complete) if complete else None
    matrix = scored.matrix()
    return StudyResults(
        scored=scored,
        observers=observers,
        everyone=_everyone(scored, observers),
        means=_means(observers, complete),
        mean_curve=roc.mean_curve([each.curve for each in observers if each.curve and each.observer in complete]),
        mrmc={covariance: analyse(ratings, covariance) for covariance in COVARIANCES} if ratings else None,
        mrmc_observers=complete,
        agreement=agree.agreement(_to_compare(scored, matrix, complete)),
        pairs=agree.pairwise_kappa(matrix, scored.observers) if len(matrix) <= MOST_IN_PAIRS else {},
        intra_observer=agree.intra_observer(scored.repeats, scored.observers),
        times=times.response_times(scored),
        drift=times.drift(scored, complete),
        images=difficulty.by_image(scored),
        pools=difficulty.by_pool(scored),
        settings=difficulty.by_setting(scored),
        experience=_experience(rows, [each for each in observers if each.observer in complete]),
        machines=_observers(Scored.of(machine_rows), {}),
    )


def _observers(scored: Scored, finished: Mapping[str, bool]) -> list[ObserverResult]:
    counted, seconds = _confusions(scored), times.by_observer(scored)
    return [
        _observer(name, finished.get(name), counted[i], *_ratings_of(scored, i), seconds[name])
        for i, name in enumerate(scored.observers)
    ]


def _to_compare(scored: Scored, matrix: np.ndarray, complete: list[str]) -> np.ndarray:
    """The rows of the observers to compare: who has finished, or everybody while fewer than two have."""
    rows = [place for place, name in enumerate(scored.observers) if name in complete]
    return matrix[rows] if len(rows) > 1 else matrix


def _confusions(scored: Scored) -> list[Confusion]:
    """By observer, the same counts as `confusion_by_observer`'s, from columns."""
    import numpy as np

    counts = np.zeros((len(scored.observers), 2, 6), int)
    np.add.at(counts, (scored.observer, scored.synthetic.astype(int), scored.rating), 1)
    return [
        Confusion(**{cell: int(own[int(truth == "synthetic"), rating]) for (truth, rating), cell in CELLS.items()})
        for own in counts
    ]


def _ratings_of(scored: Scored, observer: int | None):
    """(ratings of synthetic images, ratings of real images) of an observer, or of all."""
    own = slice(None) if observer is None else scored.own[observer]
    rating, synthetic = scored.rating[own], scored.synthetic[own]
    return rating[synthetic], rating[~synthetic]


def _observer(name: str, finished: bool | None, confusion: Confusion, positives, negatives, seconds) -> ObserverResult:
    called_synthetic, called_real = confusion.tp + confusion.fn, confusion.tn + confusion.fp
    return ObserverResult(
        observer=name,
        finished=finished,
        confusion=confusion,
        shares={rule: shares(confusion, rule) for rule in UNSURE_RULES},
        curve=roc.roc_points(positives, negatives),
        auc=roc.auc(positives, negatives),
        detection=detection(confusion.tp, called_synthetic, confusion.fp, called_real),
        guessing=against_guessing(confusion),
        calibration=calibration(confusion),
        by_rating=synthetic_by_rating(confusion),
        seconds=seconds,
    )


def _everyone(scored: Scored, observers: list[ObserverResult]) -> ObserverResult:
    states = [each.finished for each in observers]
    finished = None if None in states or not states else all(states)
    together = pooled(each.confusion for each in observers)
    return _observer(ALL_OBSERVERS, finished, together, *_ratings_of(scored, None), times.median(scored.seconds))


def _means(observers: list[ObserverResult], complete: list[str]) -> dict[str, Estimate]:
    counted = [each.shares["left out"] for each in observers if each.observer in complete]
    found = {name: [each[name].value for each in counted] for name in SHARES}
    return {
        name: mean_with_interval([value for value in values if value is not None], (0.0, 1.0))
        for name, values in found.items()
    }


def _experience(rows: list[Mapping], observers: list[ObserverResult]) -> dict:
    accuracies = {each.observer: each.shares["left out"]["accuracy"] for each in observers}
    known = experience.profiles(rows)
    groups = {name: experience.by_group(accuracies, known, name) for name in ("role", "specialty")}
    return experience.by_years(accuracies, known) | groups
