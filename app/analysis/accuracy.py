"""Sensitivity, specificity and their kin with intervals, under each rule for Unsure."""

from dataclasses import dataclass

from ..study import RATINGS
from .confusion import CELLS, Confusion
from .estimate import Estimate
from .intervals import f_score, guessing, mean_of_shares, wilson

UNSURE_RULES = {
    "left out": "An Unsure is no answer: it is in no count.",
    "wrong": "An Unsure is a wrong call: FN for a synthetic image, FP for a real one.",
    "half": "An Unsure is half right, half wrong, as a guess would be on average: ½ TP and ½ FN, or ½ TN and ½ FP.",
}
UNSURE_WEIGHTS = {"left out": (0.0, 0.0), "wrong": (0.0, 1.0), "half": (0.5, 0.5)}  # right, wrong
SHARES = {
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "precision": "Precision",
    "f1": "F1",
}


@dataclass(frozen=True)
class Calls:
    """TP, TN, FP and FN once a rule for Unsure has been applied; halves are possible."""

    tp: float
    tn: float
    fp: float
    fn: float

    @classmethod
    def of(cls, confusion: Confusion, rule: str) -> "Calls":
        """The calls under a rule of UNSURE_RULES; KeyError for another."""
        right, wrong = UNSURE_WEIGHTS[rule]
        return cls(
            confusion.tp + right * confusion.unsure_fake,
            confusion.tn + right * confusion.unsure_real,
            confusion.fp + wrong * confusion.unsure_real,
            confusion.fn + wrong * confusion.unsure_fake,
        )


def shares(confusion: Confusion, rule: str) -> dict[str, Estimate]:
    """Every share of SHARES under a rule of UNSURE_RULES, with Wilson intervals (see `f_score`, `mean_of_shares`).

    The intervals hold for one observer's answers. Over several observers' answers together they are too narrow, because
    answers of one observer, and answers to one image, are alike: there the multi-reader analysis is the right one.
    """
    calls = Calls.of(confusion, rule)
    sensitivity = wilson(calls.tp, calls.tp + calls.fn)
    specificity = wilson(calls.tn, calls.tn + calls.fp)
    return {
        "accuracy": wilson(calls.tp + calls.tn, calls.tp + calls.tn + calls.fp + calls.fn),
        "balanced_accuracy": mean_of_shares(sensitivity, specificity),
        "sensitivity": sensitivity,
        "specificity": specificity,
        "precision": wilson(calls.tp, calls.tp + calls.fp),
        "f1": f_score(calls.tp, calls.fp, calls.fn),
    }


def against_guessing(confusion: Confusion) -> dict:
    """The exact binomial test of right answers against ½; Unsure is left out, because a guess would have no Unsure."""
    right = confusion.tp + confusion.tn
    return guessing(right, right + confusion.fp + confusion.fn)


def calibration(confusion: Confusion) -> dict[str, Estimate]:
    """Calibration of certainty: the share of right calls among the fully certain and among the partially certain ones,
    with Wilson intervals."""
    result = {}
    for certainty in ("fully", "partially"):
        right, wrong = (
            sum(getattr(confusion, f"{name}_{certainty}_certain") for name in names)
            for names in (("tp", "tn"), ("fp", "fn"))
        )
        result[certainty] = wilson(right, right + wrong)
    return result


def synthetic_by_rating(confusion: Confusion) -> dict[str, Estimate]:
    """Calibration of the scale: by rating, in words, the share of synthetic images among those rated so, with Wilson
    intervals. An observer whose ratings mean what they say has shares that rise from the first to the last."""
    result = {}
    for rating, words in RATINGS.items():
        real, synthetic = (getattr(confusion, CELLS[truth, rating]) for truth in ("real", "synthetic"))
        result[words] = wilson(synthetic, real + synthetic)
    return result
