"""How well observers agree with each other and with themselves.

Ratings come as an array (observers, images) with NaN for a missing one. Weights, (observers,) and (images,), say how
often each counts: 1 for the plain statistic, a draw's multiplicities for the bootstrap. An observer who was drawn twice
is never compared with the own copy, which would agree perfectly and inflate every replicate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import TYPE_CHECKING

from .estimate import Estimate, not_estimable
from .intervals import wilson

if TYPE_CHECKING:
    import numpy as np

CATEGORIES = (1, 2, 3, 4, 5)
NAMES = ("fleiss_kappa", "krippendorff_alpha_nominal", "krippendorff_alpha_ordinal")
ALIKE = "all ratings are alike: there is nothing to agree on"
NO_PAIR = "no image was rated by two observers"
BOOTSTRAP_SEED = 20_250_901
REPLICATES = 1000
DRAWS_AT_ONCE = 50


def agreement(ratings: np.ndarray, *, seed: int = BOOTSTRAP_SEED, replicates: int = REPLICATES) -> dict[str, Estimate]:
    """Fleiss' kappa and Krippendorff's alpha (nominal and ordinal), each with a 95 % percentile bootstrap interval.

    Images and observers are drawn with replacement, independently of each other (A. B. Owen, The pigeonhole bootstrap,
    Ann Appl Stat 1 (2007) 386-411). The same seed gives the same intervals. Kappa takes the images that all observers
    rated, alpha those that two rated; `n` is their number. Replicates in which a statistic is not estimable are left
    out, and the note says how many.
    """
    import numpy as np

    observers, images = ratings.shape
    rated = (~np.isnan(ratings)).sum(axis=0)
    complete, pairable = rated == observers, rated > 1
    chance = np.random.default_rng(seed)
    draws = [(np.ones(observers), np.ones(images))]
    if images:
        draws += [(_multiplicities(chance, observers), _multiplicities(chance, images)) for _ in range(replicates)]
    found = [_statistics(*each, complete) for each in _counted(ratings, draws)]
    sizes = dict(zip(NAMES, (complete.sum(), pairable.sum(), pairable.sum()), strict=True))
    return {name: _percentile([each[name] for each in found], int(n)) for name, n in sizes.items()}


def _counted(ratings: np.ndarray, draws: list) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(counts, own, images' weights) of each draw, as the statistics take them."""
    import numpy as np

    for start in range(0, len(draws), DRAWS_AT_ONCE):
        some = draws[start : start + DRAWS_AT_ONCE]
        counts, own = category_counts(ratings, np.array([observers for observers, _ in some]))
        yield from zip(counts, own, (images for _, images in some), strict=True)


def _statistics(counts: np.ndarray, own: np.ndarray, weights: np.ndarray, complete: np.ndarray) -> dict:
    table = coincidences(counts, own, weights)
    values = (
        fleiss_kappa(counts, own, weights * complete),
        krippendorff_alpha(table, _nominal_distance),
        krippendorff_alpha(table, _ordinal_distance),
    )
    return dict(zip(NAMES, values, strict=True))


def fleiss_kappa(counts: np.ndarray, own: np.ndarray, weights: np.ndarray) -> float | str:
    """J. L. Fleiss, Psychol Bull 76 (1971) 378-382, or why it is not estimable.

    Takes, by image and category, the weighted counts of ratings and of each rating's pairing with itself (see
    `category_counts`), and the images' weights, 0 for images that not all observers rated.
    """
    total = counts.sum(axis=1)
    pairs = total**2 - own.sum(axis=1)
    used = (pairs > 0) & (weights > 0)
    if not used.any():
        return NO_PAIR
    agreed = (counts[used] ** 2 - own[used]).sum(axis=1) / pairs[used]
    observed = float(agreed @ weights[used] / weights[used].sum())
    shares = weights[used] @ counts[used]
    expected = float(((shares / shares.sum()) ** 2).sum())
    return ALIKE if expected > 1 - 1e-12 else (observed - expected) / (1 - expected)


def coincidences(counts: np.ndarray, own: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Krippendorff's table (categories, categories): each image's pairs of ratings, weighing as much as its ratings.

    Takes what `fleiss_kappa` takes; an image with one rating has no pair and does not count.
    """
    import numpy as np

    total = counts.sum(axis=1)
    pairs = total**2 - own.sum(axis=1)
    per_pair = np.divide(weights * total, pairs, out=np.zeros_like(total), where=pairs > 0)
    return (counts.T * per_pair) @ counts - np.diag(per_pair @ own)


def krippendorff_alpha(table: np.ndarray, distance: Callable[[np.ndarray], np.ndarray]) -> float | str:
    """K. Krippendorff, Content Analysis, 2nd ed. (2004), chapter 11, from the coincidences, or why it is not estimable.
    `distance` gives the squared distances (categories, categories) from the categories' totals."""
    totals = table.sum(axis=1)
    if not totals.any():
        return NO_PAIR
    apart = distance(totals)
    expected = float(totals @ apart @ totals)
    if expected < 1e-9 * totals.sum() ** 2:
        return ALIKE
    return 1 - (totals.sum() - 1) * float((table * apart).sum()) / expected


def category_counts(ratings: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(counts, own) as the statistics take them, each (draws, images, categories), from weights (draws, observers)."""
    import numpy as np

    observers, images = ratings.shape
    # Single precision holds counts exactly, and halves the time.
    chosen = np.stack([ratings == category for category in CATEGORIES], axis=-1)
    chosen = chosen.reshape(observers, images * len(CATEGORIES)).astype(np.float32)
    shape = (len(weights), images, len(CATEGORIES))
    once, squared = weights.astype(np.float32), (weights**2).astype(np.float32)
    return (once @ chosen).reshape(shape).astype(float), (squared @ chosen).reshape(shape).astype(float)


def pairwise_kappa(ratings: np.ndarray, names: list[str]) -> dict[tuple[str, str], Estimate]:
    """Cohen's kappa with quadratic weights for each pair of observers, over the images that both rated.

    J. Cohen, Psychol Bull 70 (1968) 213-220: 1 - observed / expected mean squared difference of two ratings. No
    interval: `agreement` gives one for all observers. Not estimable if both rated every image alike.
    """
    import numpy as np

    rated = (~np.isnan(ratings)).astype(float)
    values = np.nan_to_num(ratings)
    both = rated @ rated.T
    n = np.maximum(both, 1)
    # The mean of the one's ratings, and of their squares, over the images that the other rated too.
    means, squares = values @ rated.T / n, values**2 @ rated.T / n
    observed = squares + squares.T - 2 * (values @ values.T) / n
    expected = squares + squares.T - 2 * means * means.T
    return {
        (names[i], names[j]): _kappa(float(observed[i, j]), float(expected[i, j]), int(both[i, j]))
        for i, j in combinations(range(len(names)), 2)
    }


def weighted_kappa(first: np.ndarray, second: np.ndarray) -> Estimate:
    """Cohen's kappa with quadratic weights of two rows of ratings, as in `pairwise_kappa`."""
    import numpy as np

    return pairwise_kappa(np.stack([first, second]), ["first", "second"])["first", "second"]


def _kappa(observed: float, expected: float, n: int) -> Estimate:
    if not n:
        return not_estimable("no image was rated twice")
    if expected < 1e-12:
        return not_estimable(ALIKE, n)
    return Estimate(1 - observed / expected, n=n)


def intra_observer(pairs: list[tuple[int, int, int]], names: list[str]) -> dict[str, dict[str, Estimate]]:
    """Observer -> agreement with the own first rating on images shown twice: `exact` is the share of equal ratings,
    `same_call` that of equal calls (real, Unsure, fake), both with Wilson intervals; `weighted_kappa` as above.

    Takes (observer's place in names, first rating, second rating); an observer without repeats is left out.
    """
    import numpy as np

    result = {}
    for place, name in enumerate(names):
        own = np.array([(first, second) for who, first, second in pairs if who == place], float).reshape(-1, 2)
        if len(own):
            first, second = own.T
            same_call = int((np.sign(first - 3) == np.sign(second - 3)).sum())
            result[name] = {
                "exact": wilson(int((first == second).sum()), len(own)),
                "same_call": wilson(same_call, len(own)),
                "weighted_kappa": weighted_kappa(first, second),
            }
    return result


def _multiplicities(chance: np.random.Generator, n: int) -> np.ndarray:
    import numpy as np

    return np.bincount(chance.integers(n, size=n), minlength=n).astype(float)


def _percentile(values: list[float | str], images: int) -> Estimate:
    """The first value with the interval of the others, the bootstrap's."""
    import numpy as np

    value, *replicates = values
    if isinstance(value, str):
        return not_estimable(value, images)
    found = [each for each in replicates if not isinstance(each, str)]
    lost = len(replicates) - len(found)
    if len(found) < len(replicates) / 2 or not found:
        return Estimate(float(value), n=images, note="no interval: most bootstrap samples have no such statistic")
    low, high = np.quantile(found, [0.025, 0.975])
    if max(found) - min(found) < 1e-12:
        return Estimate(float(value), n=images, note="no interval: the bootstrap samples are all alike")
    note = f"{lost} of {len(replicates)} bootstrap samples left out" if lost else ""
    return Estimate(float(value), float(low), float(high), images, note)


def _nominal_distance(totals: np.ndarray) -> np.ndarray:
    import numpy as np

    return 1 - np.eye(len(totals))


def _ordinal_distance(totals: np.ndarray) -> np.ndarray:
    """The squared number of ratings between two categories, half of those at either end."""
    import numpy as np

    middle = np.cumsum(totals) - totals / 2
    return (middle[:, None] - middle[None, :]) ** 2
