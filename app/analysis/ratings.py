"""Ratings of a multi-reader multi-case study as one array, and reading them from a CSV file or a table of answers."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite, nan
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

RATING_COLUMNS = ("reader", "treatment", "case", "truth", "rating")
TRUTH_WORDS = {"0": False, "1": True, "real": False, "synthetic": True}


class RatingsError(ValueError):
    """The ratings cannot be read: one sentence that says what to do."""


@dataclass(frozen=True)
class Ratings:
    """Who rated what how. `positive` is the truth of each case, (cases,), True for the class that high ratings speak
    for; `values` the ratings, (treatments, readers, cases), NaN where there is none."""

    treatments: list[str]
    readers: list[str]
    cases: list[str]
    positive: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, entries: Iterable[tuple[str, str, str, bool, float]]) -> Ratings:
        """From (reader, treatment, case, positive, rating), in order of first appearance; treatments sorted.

        Raises RatingsError for a case with two truths, for a rating given twice, and if there is none.
        """
        import numpy as np

        given: dict[tuple[str, str, str], float] = {}
        truths: dict[str, bool] = {}
        for reader, treatment, case, positive, rating in entries:
            if truths.setdefault(case, positive) != positive:
                raise RatingsError(f"Case {case} is both positive and negative: give each case one truth.")
            if (treatment, reader, case) in given:
                raise RatingsError(
                    f"Reader {reader} rated case {case} twice in treatment {treatment}: leave one of the two."
                )
            given[treatment, reader, case] = rating
        if not given:
            raise RatingsError("There are no ratings.")
        treatments = sorted({treatment for treatment, _, _ in given})
        readers = list(dict.fromkeys(reader for _, reader, _ in given))
        places = [{name: i for i, name in enumerate(names)} for names in (treatments, readers, truths)]
        values = np.full((len(treatments), len(readers), len(truths)), nan)
        index = tuple(np.array([places[axis][key[axis]] for key in given]) for axis in range(3))
        values[index] = list(given.values())
        return cls(treatments, readers, list(truths), np.array(list(truths.values())), values)


def read_ratings(path: Path) -> Ratings:
    """Read a CSV file with the columns reader, treatment, case, truth, rating; others are not looked at.

    truth is 1 (positive) or 0, or synthetic (positive) or real; rating any number, high for positive. Raises
    RatingsError for a file that is not like this.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = [name for name in RATING_COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise RatingsError(
                    f"{path} has no column {missing[0]!r}: its first line must name {', '.join(RATING_COLUMNS)}."
                )
            return Ratings.of(_entry(path, reader.line_num, row) for row in reader)
    except OSError as error:
        raise RatingsError(f"Cannot read {path}: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise RatingsError(f"{path} is not a CSV file in UTF-8: save it as 'CSV UTF-8'.") from error


def _entry(path: Path, line: int, row: Mapping) -> tuple[str, str, str, bool, float]:
    reader, treatment, case, truth, rating = ((row[name] or "").strip() for name in RATING_COLUMNS)
    try:
        value = float(rating)
    except ValueError:
        value = nan
    if not (reader and treatment and case) or truth.casefold() not in TRUTH_WORDS or not isfinite(value):
        raise RatingsError(
            f"{path}, line {line}: {reader!r}, {treatment!r}, {case!r}, {truth!r}, {rating!r} is no rating: "
            "truth must be 0 or 1, rating a number, and nothing empty."
        )
    return reader, treatment, case, TRUTH_WORDS[truth.casefold()], value
