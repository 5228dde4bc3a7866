"""The scored answers of a table as columns: what every statistic over all observers starts from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING

from ..study import RATINGS, TRUTHS
from .ratings import Ratings

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Scored:
    """First showings, one entry an answer. `observer` and `image` are places in `observers` and `images`, both in order
    of first appearance; `synthetic` is True for the positive class; `seconds` is the response time and `number` the
    trial's position from 1, NaN where not known; `repeats` holds (observer's place, first rating, second rating) of the
    images shown twice; `pools` maps an image to its pool, None where not known."""

    observers: list[str]
    images: list[str]
    observer: np.ndarray
    image: np.ndarray
    synthetic: np.ndarray
    rating: np.ndarray
    seconds: np.ndarray
    number: np.ndarray
    repeats: list[tuple[int, int, int]]
    pools: dict[str, str | None]

    @classmethod
    def of(cls, rows: Iterable[Mapping], *, include_simulated: bool = False) -> Scored:
        """From a table of answers: rated rows with kind "scored", simulated observers only if asked for.

        An observer without such a row is not in it. Raises ValueError for a truth or a rating that there is not.
        """
        import numpy as np

        wanted = [
            row
            for row in rows
            if row.get("kind") == "scored"
            and row.get("rating") is not None
            and (include_simulated or not row.get("simulated"))
        ]
        for row in wanted:
            if row.get("truth") not in TRUTHS or row["rating"] not in RATINGS:
                raise ValueError(f"truth {row.get('truth')!r} with rating {row['rating']!r}: expected {TRUTHS}, 1 to 5")
        first = [row for row in wanted if not row.get("repeat")]
        observers, images = (
            {name: i for i, name in enumerate(dict.fromkeys(row[key] for row in first))}
            for key in ("observer", "image")
        )
        seconds = np.array([_number(row.get("response_ms")) for row in first], float) / 1000
        return cls(
            list(observers),
            list(images),
            np.array([observers[row["observer"]] for row in first], int),
            np.array([images[row["image"]] for row in first], int),
            np.array([row["truth"] == "synthetic" for row in first], bool),
            np.array([row["rating"] for row in first], int),
            seconds,
            np.array([_number(row.get("number")) for row in first], float),
            _repeats(first, (row for row in wanted if row.get("repeat")), observers),
            {row["image"]: row.get("pool") for row in first},
        )

    @property
    def right(self) -> np.ndarray:
        """1 for a right call, 0 for a wrong one, NaN for Unsure."""
        import numpy as np

        return np.where(self.rating == 3, nan, (self.rating > 3) == self.synthetic)

    def matrix(self) -> np.ndarray:
        """Ratings (observers, images), NaN where there is none."""
        import numpy as np

        values = np.full((len(self.observers), len(self.images)), nan)
        values[self.observer, self.image] = self.rating
        return values

    def image_is_synthetic(self) -> np.ndarray:
        """The truth of each image, (images,)."""
        import numpy as np

        truth = np.zeros(len(self.images), bool)
        truth[self.image] = self.synthetic
        return truth

    def ratings(self, treatment: str, observers: Iterable[str]) -> Ratings:
        """The answers of some observers, in their order, as one treatment of a multi-reader multi-case study."""
        places = {name: i for i, name in enumerate(self.observers)}
        names = list(observers)
        values = self.matrix()[[places[name] for name in names]]
        return Ratings([treatment], names, self.images, self.image_is_synthetic(), values[None])


def _number(value: float | None) -> float:
    return nan if value is None else value


def _repeats(first: list[Mapping], again: Iterable[Mapping], observers: Mapping) -> list[tuple[int, int, int]]:
    second = {(row["observer"], row["image"]): row["rating"] for row in again}
    pairs = ((row["observer"], row["rating"], second.get((row["observer"], row["image"]))) for row in first)
    return [(observers[name], one, two) for name, one, two in pairs if two is not None] if second else []
