"""Counting right and wrong answers by certainty, and the shares that follow. Synthetic is the positive class.

Definitions: T. Fawcett, An introduction to ROC analysis, Pattern Recognition Letters 27 (2006) 861-874, with the
reader's call in place of the classifier's: ratings 4 and 5 call an image fake, 1 and 2 real, 3 (Unsure) neither.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import NamedTuple

from ..study import RATINGS, TRUTHS

UNSURE = 3
CERTAINTY = {1: "fully", 2: "partially", 3: "none", 4: "partially", 5: "fully"}


def outcome(truth: str, rating: int) -> str:
    """TP, TN, FP, FN or Unsure. Raises ValueError for a truth or a rating that there is not."""
    if truth not in TRUTHS or rating not in RATINGS:
        raise ValueError(f"truth {truth!r} with rating {rating!r}: expected {' or '.join(TRUTHS)} and 1 to 5")
    if rating == UNSURE:
        return "Unsure"
    called_fake = rating > UNSURE
    if truth == "synthetic":
        return "TP" if called_fake else "FN"
    return "FP" if called_fake else "TN"


def certainty(rating: int) -> str:
    """fully (ratings 1 and 5), partially (2 and 4) or none (3). Raises ValueError for any other rating."""
    if rating not in CERTAINTY:
        raise ValueError(f"rating {rating!r}: expected 1 to 5")
    return CERTAINTY[rating]


def _cell(truth: str, rating: int) -> str:
    result = outcome(truth, rating)
    if result == "Unsure":
        return "unsure_fake" if truth == "synthetic" else "unsure_real"
    return f"{result.lower()}_{certainty(rating)}_certain"


# The count in `Confusion` that an answer adds to, by its truth and rating.
CELLS = {(truth, rating): _cell(truth, rating) for truth in TRUTHS for rating in RATINGS}


def classify(row: Mapping) -> dict:
    """The columns that follow from a row's truth and rating: label, outcome and certainty.

    Empty for an unrated row; the outcome is None where the truth is not known. Raises ValueError for a truth or a
    rating that there is not.
    """
    truth, rating = row.get("truth"), row.get("rating")
    if rating is None:
        return {}
    return {
        "certainty": certainty(rating),
        "label": RATINGS[rating],
        "outcome": None if truth is None else outcome(truth, rating),
    }


class Rate(NamedTuple):
    """A share with its denominator."""

    hits: int
    n: int

    @property
    def value(self) -> float | None:
        """0 to 1, or None (not estimable) where n is 0."""
        return self.hits / self.n if self.n else None


@dataclass(frozen=True)
class Metric:
    """What a share is called, how it is computed, and what it tells."""

    name: str
    title: str
    formula: str
    meaning: str


METRICS = (
    Metric(
        "sensitivity",
        "Sensitivity (recall)",
        "TP / (TP + FN)",
        "Of the synthetic images called real or fake, the share called fake. Unsure is left out.",
    ),
    Metric(
        "specificity",
        "Specificity",
        "TN / (TN + FP)",
        "Of the real images called real or fake, the share called real. Unsure is left out.",
    ),
    Metric("precision", "Precision", "TP / (TP + FP)", "Of the images called fake, the share that is synthetic."),
    Metric(
        "accuracy_excluding_unsure",
        "Accuracy, Unsure left out",
        "(TP + TN) / (TP + TN + FP + FN)",
        "Of the images called real or fake, the share called rightly. Unsure is left out.",
    ),
    Metric(
        "accuracy_unsure_counted_wrong",
        "Accuracy, Unsure counted wrong",
        "(TP + TN) / (TP + TN + FP + FN + Unsure)",
        "Of all images answered, the share called rightly. An Unsure counts as a wrong answer.",
    ),
)


@dataclass(frozen=True)
class Confusion:
    """How a group of answers came out: the ten counts of truth by rating, and what follows from them.

    "fully certain" are ratings 1 and 5, "partially certain" 2 and 4; an Unsure is told apart by the image's truth.
    """

    tp_fully_certain: int = 0
    tp_partially_certain: int = 0
    tn_fully_certain: int = 0
    tn_partially_certain: int = 0
    fp_fully_certain: int = 0
    fp_partially_certain: int = 0
    fn_fully_certain: int = 0
    fn_partially_certain: int = 0
    unsure_real: int = 0
    unsure_fake: int = 0

    @property
    def tp(self) -> int:
        return self.tp_fully_certain + self.tp_partially_certain

    @property
    def tn(self) -> int:
        return self.tn_fully_certain + self.tn_partially_certain

    @property
    def fp(self) -> int:
        return self.fp_fully_certain + self.fp_partially_certain

    @property
    def fn(self) -> int:
        return self.fn_fully_certain + self.fn_partially_certain

    @property
    def unsure(self) -> int:
        return self.unsure_real + self.unsure_fake

    @property
    def answered(self) -> int:
        return self.tp + self.tn + self.fp + self.fn + self.unsure

    @property
    def rates(self) -> dict[str, Rate]:
        """Every share of METRICS by name, each with its denominator."""
        right = self.tp + self.tn
        return {
            "sensitivity": Rate(self.tp, self.tp + self.fn),
            "specificity": Rate(self.tn, self.tn + self.fp),
            "precision": Rate(self.tp, self.tp + self.fp),
            "accuracy_excluding_unsure": Rate(right, self.answered - self.unsure),
            "accuracy_unsure_counted_wrong": Rate(right, self.answered),
        }

    @property
    def sensitivity(self) -> float | None:
        return self.rates["sensitivity"].value

    @property
    def specificity(self) -> float | None:
        return self.rates["specificity"].value

    @property
    def precision(self) -> float | None:
        return self.rates["precision"].value

    @property
    def accuracy_excluding_unsure(self) -> float | None:
        return self.rates["accuracy_excluding_unsure"].value

    @property
    def accuracy_unsure_counted_wrong(self) -> float | None:
        return self.rates["accuracy_unsure_counted_wrong"].value


def confusion_by_observer(rows: Iterable[Mapping], *, include_simulated: bool = False) -> dict[str, Confusion]:
    """Observer -> Confusion, in the order in which the observers first appear.

    Only rated rows with kind "scored" count, and of an image shown twice the first. An observer with none of them is
    there with zeros; a simulated one is not there at all unless `include_simulated`. Raises ValueError for a scored
    rating without a possible truth.
    """
    counts: dict[str, Counter] = {}
    for row in rows:
        if row.get("simulated") and not include_simulated:
            continue
        answers = counts.setdefault(row["observer"], Counter())
        if row.get("kind") == "scored" and not row.get("repeat") and row.get("rating") is not None:
            answers[row.get("truth"), row["rating"]] += 1
    return {observer: _from_counts(answers) for observer, answers in counts.items()}


def _from_counts(answers: Counter) -> Confusion:
    # _cell, not CELLS: it names the truth or rating that cannot be.
    return Confusion(**{_cell(truth, rating): count for (truth, rating), count in answers.items()})


def pooled(confusions: Iterable[Confusion]) -> Confusion:
    """All groups as one: their counts added up, so that every answer weighs the same; not a mean of shares."""
    groups = list(confusions)
    return Confusion(**{item.name: sum(getattr(group, item.name) for group in groups) for item in fields(Confusion)})
