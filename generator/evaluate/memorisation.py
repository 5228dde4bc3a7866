"""Does a generator copy its training images?

Each synthetic image's nearest training image, relative to the ones after it, is held against the same for real images
that were not trained on: a generator that copies has more near ones than chance gives.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import hypergeom

from ..errors import GeneratorError
from ..nearness import relative
from .nearest import mirrored, nearest, nearest_moved

FEWEST = 20  # images in each set
QUANTILE = 0.01
LEVEL = 0.01  # of the whole rule: each of its two tests has half of it
RULE = (
    "The threshold is the 1st percentile of the held-out real images' relative distances. Synthetic images below it "
    "that have the same nearest training image count once. More of them than chance gives, by an exact test on ranks "
    "(precedence test) at the level 0.005 in pixels or in features, count as copying."
)


class MemorisationError(GeneratorError):
    """Too few images to tell copying from chance."""


@dataclass(frozen=True)
class Nearness:
    """How near synthetic (n,) and held-out real images (m,) come to a training image, relative to its rivals.

    `distances` and `places` (n,) name each synthetic image's nearest training image; `below` counts the synthetic
    images under `threshold`, `originals` the training images those are nearest to, and `p` is the chance of so many
    originals or more where synthetic images come no nearer than the held-out.
    """

    space: str
    synthetic: np.ndarray
    held_out: np.ndarray
    distances: np.ndarray
    places: np.ndarray
    threshold: float
    below: int
    originals: int
    p: float

    @property
    def copies(self) -> bool:
        """Whether this space alone shows copying."""
        return self.p < LEVEL / 2


def nearness(space: str, synthetic: np.ndarray, held_out: np.ndarray, training: np.ndarray) -> Nearness:
    """Compare rows of features (n, d), (m, d) and (k, d). Raises MemorisationError for fewer than 20 of any."""
    return _judged(space, nearest(synthetic, training), nearest(held_out, training), training)


def pixel_nearness(synthetic: np.ndarray, held_out: np.ndarray, training: np.ndarray) -> Nearness:
    """The same for rows from nearest.comparable(), each moved a little if that brings it nearer; a training image's
    mirror image is as good as itself."""
    both = np.concatenate((training, mirrored(training)))

    def once(found: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        return found[0], found[1] % len(training)

    return _judged("pixels", once(nearest_moved(synthetic, both)), once(nearest_moved(held_out, both)), training)


def _judged(space: str, ours: tuple, theirs: tuple, training: np.ndarray) -> Nearness:
    fewest = min(len(ours[0]), len(theirs[0]), len(training))
    if fewest < FEWEST:
        raise MemorisationError(f"Memorisation needs at least {FEWEST} images of each kind, and one kind has {fewest}")
    synthetic, held_out = relative(ours[0]), relative(theirs[0])
    rank = max(1, int(QUANTILE * (len(held_out) + 1)))
    threshold = float(np.sort(held_out)[rank - 1])
    below, places = synthetic < threshold, ours[1][:, 0]
    # Images that are all nearly alike are no independent cases: they all lie below the threshold or none does. Each
    # original counting once, too few are counted at worst, which can only make p larger.
    originals = len(np.unique(places[below]))
    p = precedence(originals, len(synthetic), rank, len(held_out))
    return Nearness(space, synthetic, held_out, ours[0][:, 0], places, threshold, int(below.sum()), originals, p)


def precedence(below: int, synthetic: int, rank: int, held_out: int) -> float:
    """The chance that `below` or more of the synthetic values are smaller than the held-out value of that rank, if all
    come from one distribution (Epstein 1954; Balakrishnan & Ng 2006, "Precedence-type tests", chapter 2).

    They are when of the below + rank − 1 smallest of all values at most rank − 1 are held-out ones.
    """
    if below == 0:
        return 1.0
    return float(hypergeom.cdf(rank - 1, synthetic + held_out, held_out, below + rank - 1))
