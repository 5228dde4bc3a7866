"""How well observers agree with each other and with themselves.

Ratings come as an array (observers, images) with NaN for a missing one. Weights, (observers,) and (images,), say how
often each counts: 1 for the plain statistic, a draw's multiplicities for the bootstrap. An observer who was drawn twice
is never compared with the own copy, which would agree perfectly and inflate every replicate.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from .estimate import Estimate, not_estimable
from .intervals import wilson

if TYPE_CHECKING:
    import numpy as np

CATEGORIES = (1, 2, 3, 4, 5)
ALIKE = "all ratings are alike: there is nothing to agree on"
NO_PAIR = "no image was rated by two observers"
BOOTSTRAP_SEED = 20_250_901
REPLICATES = 1000
DRAWS_AT_ONCE = 50


def agreement(ratings: np.ndarray, *, seed: int = BOOTSTRAP_SEED, replicates: int = REPLICATES) -> dict[str, Estimate]:
    """Fleiss' kappa and Krippendorff's alpha (nominal and ordinal), each with a 95 % percentile bootstrap interval.

    Images and observers are drawn with replacement, independently of each other (A. B. Owen, The pigeonhole bootstrap,
    Ann Appl Stat 1 (2007) 386-411). The same seed gives the same intervals. `n` is the number of images. Replicates in
    which a statistic is not estimable are left out, and the note says how many.
    """
    import numpy as np

    observers, images = ratings.shape
    chance = np.random.default_rng(seed)
    draws = [
        (_multiplicities(chance, observers), _multiplicities(chance, images))
        for _ in range(replicates if images else 0)
    ]
    kept = ~np.isnan(ratings).any(axis=0)
    results = {"fleiss_kappa": _bootstrapped(ratings[:, kept], [(w, v[kept]) for w, v in draws], [fleiss_kappa])[0]}
    alphas = _bootstrapped(ratings, draws, [_alpha_of(_nominal_distance), _alpha_of(_ordinal_distance)])
    return results | dict(zip(("krippendorff_alpha_nominal", "krippendorff_alpha_ordinal"), alphas, strict=True))


def fleiss_kappa(counts: np.ndarray, own: np.ndarray, weights: np.ndarray) -> float | str:
    """J. L. Fleiss, Psychol Bull 76 (1971) 378-382, or why it is not estimable.

    Takes, by image and category, the weighted counts of ratings and of each rating's pairing with itself (see
    `category_counts`), for images that every observer rated, and the images' weights.
    """
    total = counts.sum(axis=1)
    pairs = total**2 - own.sum(axis=1)
    used = (pairs > 0) & (weights > 0)
    if not used.any():
        return NO_PAIR
    agreed = (counts**2 - own).sum(axis=1)[used] / pairs[used]
    observed = float(agreed @ weights[used] / weights[used].sum())
    shares = weights[used] @ counts[used]
    expected = float(((shares / shares.sum()) ** 2).sum())
    return ALIKE if expected > 1 - 1e-12 else (observed - expected) / (1 - expected)


def krippendorff_alpha(counts: np.ndarray, own: np.ndarray, weights: np.ndarray, distance) -> float | str:
    """K. Krippendorff, Content Analysis, 2nd ed. (2004), chapter 11, or why it is not estimable. Takes what
    `fleiss_kappa` takes; images with one rating do not count, others with missing ratings do. `distance` gives the
    squared distances (categories, categories) from the categories' totals."""
    import numpy as np

    total = counts.sum(axis=1)
    pairs = total**2 - own.sum(axis=1)
    used = (pairs > 0) & (weights > 0)
    if not used.any():
        return NO_PAIR
    per_pair = weights[used] * total[used] / pairs[used]
    coincidences = (counts[used].T * per_pair) @ counts[used] - np.diag(per_pair @ own[used])
    totals = coincidences.sum(axis=1)
    apart = distance(totals)
    expected = float(totals @ apart @ totals)
    if expected < 1e-12:
        return ALIKE
    return 1 - (totals.sum() - 1) * float((coincidences * apart).sum()) / expected


def category_counts(ratings: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(counts, own) as the statistics take them, each (draws, images, categories), from weights (draws, observers)."""
    import numpy as np

    observers, images = ratings.shape
    chosen = np.stack([ratings == category for category in CATEGORIES], axis=-1).reshape(observers, -1).astype(float)
    shape = (len(weights), images, len(CATEGORIES))
    return (weights @ chosen).reshape(shape), (weights**2 @ chosen).reshape(shape)


def pairwise_kappa(ratings: np.ndarray, names: list[str]) -> dict[tuple[str, str], Estimate]:
    """Cohen's kappa with quadratic weights for each pair of observers, over the images that both rated."""
    import numpy as np

    result = {}
    for i, j in combinations(range(len(names)), 2):
        both = ~np.isnan(ratings[i]) & ~np.isnan(ratings[j])
        result[names[i], names[j]] = weighted_kappa(ratings[i, both], ratings[j, both])
    return result


def weighted_kappa(first: np.ndarray, second: np.ndarray) -> Estimate:
    """J. Cohen, Psychol Bull 70 (1968) 213-220: 1 - observed / expected mean squared difference of two rows of ratings.

    No interval: `agreement` gives one for all observers. Not estimable if both rated every image alike.
    """
    import numpy as np

    n = len(first)
    if not n:
        return not_estimable("no image was rated twice")
    observed = float(np.mean((first - second) ** 2))
    # The mean over all pairs of one's ratings with the other's.
    expected = float(np.mean(first**2) + np.mean(second**2) - 2 * np.mean(first) * np.mean(second))
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


def _bootstrapped(ratings: np.ndarray, draws: list, statistics: list) -> list[Estimate]:
    import numpy as np

    observers, images = ratings.shape
    counts, own = category_counts(ratings, np.ones((1, observers)))
    plain = [statistic(counts[0], own[0], np.ones(images)) for statistic in statistics]
    replicates: list[list[float]] = [[] for _ in statistics]
    for start in range(0, len(draws), DRAWS_AT_ONCE):
        some = draws[start : start + DRAWS_AT_ONCE]
        for (_, weights), count, itself in zip(
            some, *category_counts(ratings, np.array([who for who, _ in some])), strict=True
        ):
            for values, statistic in zip(replicates, statistics, strict=True):
                values.append(statistic(count, itself, weights))
    return [_percentile(value, found, images) for value, found in zip(plain, replicates, strict=True)]


def _percentile(value: float | str, replicates: list, images: int) -> Estimate:
    import numpy as np

    if isinstance(value, str):
        return not_estimable(value, images)
    found = [each for each in replicates if not isinstance(each, str)]
    lost = len(replicates) - len(found)
    if len(found) < len(replicates) / 2 or not found:
        return Estimate(float(value), n=images, note="no interval: most bootstrap samples have no such statistic")
    low, high = np.quantile(found, [0.025, 0.975])
    note = f"{lost} of {len(replicates)} bootstrap samples left out" if lost else ""
    return Estimate(float(value), float(low), float(high), images, note)


def _alpha_of(distance):
    return lambda counts, own, weights: krippendorff_alpha(counts, own, weights, distance)


def _nominal_distance(totals: np.ndarray) -> np.ndarray:
    import numpy as np

    return 1 - np.eye(len(totals))


def _ordinal_distance(totals: np.ndarray) -> np.ndarray:
    """The squared number of ratings between two categories, half of those at either end."""
    import numpy as np

    middle = np.cumsum(totals) - totals / 2
    return (middle[:, None] - middle[None, :]) ** 2
