"""One pool against another: every distance between their large and small images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ..seeds import numpy_generator
from .distances import (
    Estimate,
    classifier_score,
    density_and_coverage,
    frechet,
    kernel_distance,
    precision_and_recall,
    refuse_too_few,
    with_interval,
)
from .extractors import Extractor, Features

OURS_HIGH, OURS_LOW, THEIRS_HIGH, THEIRS_LOW = "synthetic HR", "synthetic LR", "real HR", "real LR"
ANY, NOT_NEGATIVE, SHARE = (-np.inf, np.inf), (0.0, np.inf), (0.0, 1.0)  # what a measure can be


@dataclass(frozen=True)
class Pair:
    """Two sets of images and what was measured between them, by the measure's name."""

    ours: str
    theirs: str
    measures: dict[str, Estimate]


@dataclass(frozen=True)
class Evaluation:
    """All figures of one pool against another; `halves` is the Fréchet distance between halves of the real images."""

    sizes: dict[str, int]
    scores: dict[str, Estimate]
    pairs: tuple[Pair, ...]
    halves: dict[str, Estimate]


def evaluate(found: Mapping[str, Features], extractor: Extractor, seed: int = 0) -> Evaluation:
    """Measure four sets of images by their features from `extractor`, called by the names above.

    Between sets of the same resolution all distances are taken, between the others the Fréchet distance alone, as in
    the study's table. Raises DistanceError where a set has too few images.
    """
    values = {name: features.values for name, features in found.items()}
    refuse_too_few(*values.values())
    return Evaluation(
        {name: len(features) for name, features in values.items()},
        _scores(found, seed) if extractor.score_name else {},
        tuple(_pair(extractor, values, ours, theirs, seed) for ours, theirs in combinations(values, 2)),
        {name: _floor(values[name], seed) for name in (THEIRS_HIGH, THEIRS_LOW)},
    )


def _scores(found: Mapping[str, Features], seed: int) -> dict[str, Estimate]:
    return {name: with_interval(classifier_score, features.logits, seed=seed) for name, features in found.items()}


def _pair(extractor: Extractor, values: dict[str, np.ndarray], ours: str, theirs: str, seed: int) -> Pair:
    measures = {extractor.frechet_name: (frechet, NOT_NEGATIVE)}
    if {ours, theirs} in ({OURS_HIGH, THEIRS_HIGH}, {OURS_LOW, THEIRS_LOW}):
        measures |= {
            extractor.kernel_name: (kernel_distance, ANY),
            "precision": (lambda a, b: precision_and_recall(a, b)[0], SHARE),
            "recall": (lambda a, b: precision_and_recall(a, b)[1], SHARE),
            "density": (lambda a, b: density_and_coverage(a, b)[0], NOT_NEGATIVE),
            "coverage": (lambda a, b: density_and_coverage(a, b)[1], SHARE),
        }
    sides = values[ours], values[theirs]
    found = {
        name: with_interval(measure, *sides, seed=seed, limits=limits) for name, (measure, limits) in measures.items()
    }
    return Pair(ours, theirs, found)


def _floor(values: np.ndarray, seed: int) -> Estimate:
    """What two halves of one source, drawn at random, are apart: the floor of the Fréchet distance."""
    mixed = values[numpy_generator(seed, "halves").permutation(len(values))]
    return with_interval(frechet, *np.array_split(mixed, 2), seed=seed, limits=NOT_NEGATIVE)
