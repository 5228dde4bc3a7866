"""One number as a reader study reports it: with its interval, how many observations it rests on, and what to know."""

from dataclasses import dataclass, fields, is_dataclass
from math import inf, isfinite

LEVEL = 0.95  # of every interval, unless a function says otherwise


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval.

    `n` is the number of observations that it rests on (a half where an Unsure counts as one). `value`, `low` and `high`
    are None where they cannot be estimated; `note` says why, or what to keep in mind.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: float = 0
    note: str = ""

    def __post_init__(self):
        for bound in (self.value, self.low, self.high):
            if bound is not None and not isfinite(bound):
                raise ValueError(f"an estimate of {bound}: say None and why")


def not_estimable(note: str, n: float = 0) -> Estimate:
    """The estimate that there is not, with the reason."""
    return Estimate(None, n=n, note=note)


def count(n: float) -> str:
    """How an `n` is printed: whole, or with the half that an Unsure counted as."""
    return f"{n:.1f}".removesuffix(".0")


def counted(n: int, what: str) -> str:
    """ "1 observer", "2 observers"."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def plain(document: object) -> object:
    """The document with its dataclasses and numpy numbers as JSON knows them; infinite degrees of freedom in words."""
    if is_dataclass(document):
        return plain({item.name: getattr(document, item.name) for item in fields(document)})
    if isinstance(document, dict):
        return {
            " - ".join(key) if isinstance(key, tuple) else str(key): plain(value) for key, value in document.items()
        }
    if isinstance(document, list | tuple):
        return [plain(value) for value in document]
    if hasattr(document, "tolist"):
        return plain(document.tolist())
    return "infinite" if document == inf else document
