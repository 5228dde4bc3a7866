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


COLUMNS = ("observer", "image", "truth", "rating", "response_ms", "number", "pool", "source", "settings", "repeat")


@dataclass(frozen=True)
class Scored:
    """First showings, one entry an answer. `observer` and `image` are places in `observers` and `images`, both in order
    of first appearance; `synthetic` is True for the positive class; `seconds` is the response time and `number` the
    trial's position from 1, NaN where not known; `repeats` holds (observer's place, first rating, second rating) of the
    images shown twice. `pools`, `sources` and `settings` map an image to its pool, its source and what it was made with
    (setting -> value), None where not known. `own` holds, by observer, the places of the own answers."""

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
    sources: dict[str, str | None]
    settings: dict[str, Mapping | None]
    own: list[np.ndarray]

    @classmethod
    def of(cls, rows: Iterable[Mapping], *, include_simulated: bool = False) -> Scored:
        """From a table of answers: rated rows with kind "scored", simulated observers only if asked for.

        An observer without such a row is not in it. Raises ValueError for a truth or a rating that there is not.
        """
        import numpy as np

        # One visit a row: in a large table most of the time is spent on finding the rows in memory.
        wanted = [
            tuple(map(row.get, COLUMNS))
            for row in rows
            if row.get("kind") == "scored"
            and row.get("rating") is not None
            and (include_simulated or not row.get("simulated"))
        ]
        first = [each for each in wanted if not each[-1]]
        again = [each for each in wanted if each[-1]]
        columns = zip(*first, strict=True) if first else [()] * len(COLUMNS)
        names, shown, truth, rating, response_ms, number, *origin, _ = columns
        _check(set(zip(truth, rating, strict=True)))
        observers, images = ({name: i for i, name in enumerate(dict.fromkeys(found))} for found in (names, shown))
        observer = np.array([observers[name] for name in names], int)
        order = np.argsort(observer, kind="stable")
        return cls(
            list(observers),
            list(images),
            observer,
            np.array([images[name] for name in shown], int),
            np.array([each == "synthetic" for each in truth], bool),
            np.array(rating, int),
            # None becomes NaN.
            np.array(response_ms, float) / 1000,
            np.array(number, float),
            _repeats(first, again, observers),
            *(dict(zip(shown, values, strict=True)) for values in origin),
            np.split(order, np.searchsorted(observer[order], range(1, len(observers)))) if observers else [],
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


def _check(pairs: set[tuple]) -> None:
    for truth, rating in pairs:
        if truth not in TRUTHS or rating not in RATINGS:
            raise ValueError(f"truth {truth!r} with rating {rating!r}: expected {' or '.join(TRUTHS)} and 1 to 5")


def _repeats(first: list[tuple], again: list[tuple], observers: Mapping) -> list[tuple[int, int, int]]:
    second = {(observer, image): rating for observer, image, _, rating, *_ in again}
    if not second:
        return []
    pairs = ((observer, rating, second.get((observer, image))) for observer, image, _, rating, *_ in first)
    return [(observers[name], one, two) for name, one, two in pairs if two is not None]
