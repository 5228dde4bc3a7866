"""Distances between two sets of features, with intervals.

`ours` are the generated images' features, `theirs` the real ones', both float64 (n, d). Everything is a pure function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial.distance import cdist
from torch_fidelity.metric_isc import KEY_METRIC_ISC_MEAN, isc_features_to_metric
from torch_fidelity.metric_prc import calculate_precision_recall_full

from ..errors import GeneratorError
from ..seeds import numpy_generator

GROUPS = 10  # of the jackknife
NORMAL_95 = 1.959963984540054


class DistanceError(GeneratorError):
    """Too few images to compare."""


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval; None where it has none."""

    value: float
    low: float | None
    high: float | None


def frechet(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The Fréchet distance of two Gaussians fitted to the features (Dowson & Landau 1982; Heusel et al. 2017).

    The trace of the root of the covariances' product is the sum of the singular values of A·Bᵀ, where A and B are the
    centred features over √(n - 1); that needs no root of a matrix that few images leave singular.
    """
    a, b = (_reduced((side - side.mean(0)) / np.sqrt(len(side) - 1)) for side in (ours, theirs))
    shared = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    return float(((ours.mean(0) - theirs.mean(0)) ** 2).sum() + (a**2).sum() + (b**2).sum() - 2 * shared)


def _reduced(centred: np.ndarray) -> np.ndarray:
    """A matrix of at most d rows with the same product of its transpose and itself."""
    return np.linalg.qr(centred, mode="r") if len(centred) > centred.shape[1] else centred


def kernel_distance(ours: np.ndarray, theirs: np.ndarray) -> float:
    """The unbiased squared maximum mean discrepancy with the kernel (x·y/d + 1)³ over all images.

    Bińkowski et al. 2018: KID where the features are Inception's. May be slightly negative for equal distributions.
    """

    def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (x @ y.T / x.shape[1] + 1) ** 3

    def within(x: np.ndarray) -> float:
        values = kernel(x, x)
        return (values.sum() - np.trace(values)) / (len(x) * (len(x) - 1))

    return float(within(ours) + within(theirs) - 2 * kernel(ours, theirs).mean())


def precision_and_recall(ours: np.ndarray, theirs: np.ndarray, neighbours: int = 3) -> tuple[float, float]:
    """Improved precision and recall (Kynkäänniemi et al. 2019)."""
    return calculate_precision_recall_full(torch.from_numpy(ours), torch.from_numpy(theirs), neighbours)


def density_and_coverage(ours: np.ndarray, theirs: np.ndarray, neighbours: int = 5) -> tuple[float, float]:
    """Density and coverage (Naeem et al. 2020): how many real neighbourhoods a generated image lies in, over the number
    of neighbours, and the share of real neighbourhoods with a generated image in them."""
    radii = np.sort(cdist(theirs, theirs), axis=1)[:, neighbours]
    inside = cdist(ours, theirs) < radii
    return float(inside.sum() / (neighbours * len(ours))), float(inside.any(axis=0).mean())


def classifier_score(logits: np.ndarray, splits: int = 10) -> float:
    """The Inception score (Salimans et al. 2016) of class logits (n, k), the mean over `splits` fixed parts."""
    return isc_features_to_metric(torch.from_numpy(logits), splits)[KEY_METRIC_ISC_MEAN]


def with_interval(
    measure: Callable[..., float], *sides: np.ndarray, seed: int = 0, limits: tuple[float, float] = (-np.inf, np.inf)
) -> Estimate:
    """`measure(*sides)` with a 95 % interval from the grouped jackknife over images (Efron & Tibshirani 1993, 11.5),
    cut at the `limits` of what is measured; without one where no group makes any difference.

    The images of each side are put in 10 groups at random; each group is left out in turn, on all sides at once. The
    bootstrap is no choice here: drawing an image twice changes what these distances measure.
    """
    refuse_too_few(*sides)
    groups = [
        numpy_generator(seed, "jackknife", place).permutation(len(side)) % GROUPS for place, side in enumerate(sides)
    ]
    left_out = [measure(*(side[group != g] for side, group in zip(sides, groups, strict=True))) for g in range(GROUPS)]
    error = np.sqrt((GROUPS - 1) / GROUPS * ((left_out - np.mean(left_out)) ** 2).sum())
    value = measure(*sides)
    if error == 0:
        return Estimate(value, None, None)
    low, high = np.clip((value - NORMAL_95 * error, value + NORMAL_95 * error), *limits)
    return Estimate(value, float(low), float(high))


def refuse_too_few(*sides: np.ndarray) -> None:
    """Raise DistanceError unless every side has enough images for the jackknife."""
    fewest = min(map(len, sides))
    if fewest < 2 * GROUPS:
        raise DistanceError(f"A distance needs at least {2 * GROUPS} images on each side, and one has {fewest}")
