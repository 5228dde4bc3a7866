"""What a reader of the report's tables must know: why a number or an interval is missing, table by table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .accuracy import SHARES, UNSURE_RULES
from .estimate import Estimate
from .results import StudyResults

MOST_NAMED = 8
Named = Iterable[tuple[str, Estimate]]


def table_notes(results: StudyResults) -> dict[str, list[str]]:
    """Table -> its notes, a sentence each."""
    everybody = [*results.observers, results.everyone, *results.machines]
    tables: dict[str, Named] = {
        "summary": [
            *((f"mean {title}", results.means[name]) for name, title in SHARES.items()),
            ("agreement", results.agreement["krippendorff_alpha_ordinal"]),
        ],
        "observers": _observer_estimates(results),
        **{
            rule: [
                (f"{SHARES[name]} of {each.observer}", each.shares[rule][name]) for each in everybody for name in SHARES
            ]
            for rule in UNSURE_RULES
        },
        "calibration": [
            (f"{name} of {each.observer}", estimate)
            for each in everybody
            for name, estimate in (*each.by_rating.items(), *_certainties(each.calibration))
        ],
        "times": [
            *((f"by {group}, {name}", each) for group, found in results.times.items() for name, each in found.items()),
            *((each.observer, each.seconds) for each in results.observers),
            *((f"accuracy, {name}", each) for name, each in results.drift["accuracy"].items()),
            ("slope of accuracy", results.drift["accuracy_slope"]),
            ("slope of seconds", results.drift["seconds_slope"]),
        ],
        "agreement": [(name.replace("_", " "), each) for name, each in results.agreement.items()],
        "pairs": [(" and ".join(pair), each) for pair, each in results.pairs.items()],
        "intra": [(name, each) for name, found in results.intra_observer.items() for each in found.values()],
        "pools": list(results.pools.items()),
        "settings": [(" ".join(key), each) for key, each in results.settings.items()],
    }
    return {table: notes(named) for table, named in tables.items()}


def _observer_estimates(results: StudyResults) -> Iterator[tuple[str, Estimate]]:
    for each in [*results.observers, results.everyone, *results.machines]:
        yield f"AUC of {each.observer}", each.auc
        yield f"d′ and c of {each.observer}", each.detection.d_prime
        yield f"comparison with guessing of {each.observer}", each.guessing["share"]


def _certainties(found: dict[str, Estimate]) -> Iterator[tuple[str, Estimate]]:
    for certainty, estimate in found.items():
        yield f"{certainty} certain", estimate


def notes(named: Named) -> list[str]:
    """A sentence for each note, with the names of those it holds for."""
    grouped: dict[str, list[str]] = {}
    for name, estimate in named:
        if estimate.note:
            missing = estimate.value is None and not estimate.note.startswith("not estimable")
            grouped.setdefault(f"not estimable: {estimate.note}" if missing else estimate.note, []).append(name)
    return [f"{note[0].upper()}{note[1:]} ({_listed(list(dict.fromkeys(names)))})." for note, names in grouped.items()]


def _listed(names: list[str]) -> str:
    rest = len(names) - MOST_NAMED
    return "; ".join(names) if rest <= 1 else f"{'; '.join(names[:MOST_NAMED])}; and {rest} others"
