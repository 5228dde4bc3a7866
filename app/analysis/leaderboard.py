"""Who has done best so far, for studies that want it. Only those who have finished: it tells nothing of open trials."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .estimate import Estimate
from .intervals import wilson

RULE = "accuracy_unsure_counted_wrong"  # with Unsure left out, one sure answer and 199 Unsure could win


@dataclass(frozen=True)
class Place:
    """One observer's place, from 1; equal shares have equal places. `right` of `n` answers, with Wilson's interval."""

    rank: int
    observer: str
    right: int
    share: Estimate


def leaderboard(table: Iterable[Mapping]) -> list[Place]:
    """The places of the finished observers in `table.confusion_table`, by accuracy with Unsure counted wrong."""
    *observers, _together = table
    found = [(row["tp"] + row["tn"], row) for row in observers if row["finished"] and row[f"{RULE}_n"]]
    found.sort(key=lambda pair: (-pair[1][RULE], pair[1]["observer"].casefold()))
    shares = [row[RULE] for _, row in found]
    return [
        Place(1 + shares.index(row[RULE]), row["observer"], right, wilson(right, row[f"{RULE}_n"]))
        for right, row in found
    ]
