"""Which candidates become the pool: a function of the candidates in the order of their index, and of nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from .gate import Refusal
from .likeness import Likeness, distances
from .settings import GatedPoolError, Settings

# Distance of two images' greys, in steps of the likeness. The nearest two of 99 real radiographs were 11.6 apart, of
# 100 phantoms of one look 13.2; noise, another tone curve or a shift by a pixel of 256x128 leave at most 3.7.
DUPLICATE = 5.0
PATIENCE = 5  # candidates an image that is wanted, before a gate that refuses so many is taken for a fault


class Decision:
    """The pool as far as the candidates go. advance() takes in what has become known."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.accepted: list[int] = []
        self.refused: dict[int, dict] = {}
        self.next = 0
        self.horizon = settings.count
        self._pixels = np.empty((settings.count, 288), np.int8)

    @property
    def done(self) -> bool:
        """Whether the pool has as many images as were asked for."""
        return len(self.accepted) == self.settings.count

    def advance(self, known: Mapping[int, dict]) -> Iterator[tuple[dict, dict | None]]:
        """Decide on every candidate whose turn has come: yields (candidate, why it is refused or None).

        Where all that were planned are decided and images are missing, as many more seeds are planned. Raises
        GatedPoolError where most are refused.
        """
        while not self.done and self.next in known:
            candidate = known[self.next]
            refusal = candidate["refusal"] or self._duplicate(candidate)
            if refusal:
                self.refused[self.next] = refusal
            else:
                self._pixels[len(self.accepted)] = Likeness.from_text(candidate["likeness"]).pixels
                self.accepted.append(self.next)
            self.next += 1
            yield candidate, refusal
            if self.next == self.horizon and not self.done:
                self._plan_more()

    def _plan_more(self) -> None:
        if self.horizon > PATIENCE * (self.settings.count + 10):
            counts = {}
            for refusal in self.refused.values():
                counts[refusal["check"]] = counts.get(refusal["check"], 0) + 1
            most = max(counts, key=counts.get)
            raise GatedPoolError(
                f"Of {self.next} images {len(self.refused)} were refused, {counts[most]} by the check {most}: look at "
                f"the checkpoint, or leave this check out with --without-check {most} under another pool name"
            )
        self.horizon += self.settings.count - len(self.accepted)

    def _duplicate(self, candidate: dict) -> dict | None:
        if "duplicate" not in self.settings.checks or not self.accepted:
            return None
        mine = Likeness.from_text(candidate["likeness"]).pixels
        found = distances(mine, self._pixels[: len(self.accepted)])
        if found.min() >= DUPLICATE:
            return None
        twin = self.accepted[int(found.argmin())]
        return Refusal("duplicate", float(found.min()), DUPLICATE, f"nearly the same as image {twin}").as_dict()
