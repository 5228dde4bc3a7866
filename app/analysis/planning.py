"""Planning a study by simulation: how wide its interval will be, and how likely it shows what it should show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

from .estimate import Estimate, not_estimable
from .intervals import wilson
from .mrmc import RANDOM, analyse
from .ratings import Ratings

CRITERIA = (-1.1, -0.35, 0.35, 1.1)  # between the five ratings, about the middle of the two classes
SHARED = 0.4  # of an image's variance, in common to all observers
GUESSING = 0.5
NEVER = not_estimable("no simulated study had an interval")


class PlanError(ValueError):
    """No such study can be planned: one sentence that says what to change."""


@dataclass(frozen=True)
class Plan:
    """What a study would give, over `simulations` simulated ones. `widths` and `powers` by the random factors of
    `mrmc.RANDOM`: the mean width of the 95 % interval of the mean AUC (None if it never had one), and the share of
    intervals that lie above `against`. `mean_auc` is the AUC after five ratings, a little below the one asked for."""

    observers: int
    images: int
    auc: float
    spread: float
    against: float
    simulations: int
    mean_auc: float
    widths: dict[str, float | None]
    powers: dict[str, Estimate]


def plan_study(
    observers: int,
    images: int,
    auc: float,
    *,
    spread: float = 0.05,
    against: float = GUESSING,
    simulations: int = 500,
    seed: int = 0,
    progress: Callable[[], object] = lambda: None,
) -> Plan:
    """Simulate studies of half real and half synthetic images and analyse each one (DeLong covariances).

    The model is that of C. A. Roe & C. E. Metz (Acad Radiol 4 (1997) 298-303) with two components: an image's evidence
    is its class mean plus a part common to all observers (variance SHARED) plus each observer's own (1 - SHARED); the
    observers' areas under the curve vary with the standard deviation `spread`. Four criteria make five ratings of it.
    `progress` is called after each simulated study. Raises PlanError for a study that cannot be.
    """
    import numpy as np

    _check(observers, images, auc, spread, against, simulations)
    chance = np.random.default_rng(seed)
    means, widths, above = [], {key: [] for key in RANDOM}, dict.fromkeys(RANDOM, 0)
    for _ in range(simulations):
        result = analyse(_draw(chance, observers, images, auc, spread), "delong").treatments[0]
        means.append(result.mean)
        for key, interval in result.intervals.items():
            if interval.se is not None:
                widths[key].append(interval.high - interval.low)
                above[key] += interval.low > against
        progress()
    return Plan(
        observers,
        images,
        auc,
        spread,
        against,
        simulations,
        float(np.mean(means)),
        {key: float(np.mean(found)) if found else None for key, found in widths.items()},
        {key: wilson(count, simulations) if widths[key] else NEVER for key, count in above.items()},
    )


def _check(observers: int, images: int, auc: float, spread: float, against: float, simulations: int) -> None:
    if observers < 1 or simulations < 1:
        raise PlanError("It takes at least one observer and one simulation.")
    if images < 4 or images % 2:
        raise PlanError(f"{images} images: give an even number of 4 or more, half real and half synthetic.")
    if not 0.5 <= auc <= 0.99 or not 0.5 <= against < 1:
        raise PlanError("An area under the curve to plan with is 0.5 (guessing) to 0.99.")
    if not 0 <= spread <= 0.2:
        raise PlanError(f"A spread of {spread}: give the observers' standard deviation of the AUC, 0 to 0.2.")


def _draw(chance, observers: int, images: int, auc: float, spread: float) -> Ratings:
    import numpy as np
    from scipy.special import ndtri

    positive = np.arange(images) < images // 2
    own_auc = np.clip(chance.normal(auc, spread, observers), 0.01, 0.995)
    distance = sqrt(2) * ndtri(own_auc)
    evidence = sqrt(SHARED) * chance.normal(size=images) + sqrt(1 - SHARED) * chance.normal(size=(observers, images))
    evidence += np.where(positive, distance[:, None] / 2, -distance[:, None] / 2)
    ratings = 1 + (evidence[..., None] > np.array(CRITERIA)).sum(axis=-1)
    names = [[str(i) for i in range(count)] for count in (observers, images)]
    return Ratings(["planned"], *names, positive, ratings[None].astype(float))
