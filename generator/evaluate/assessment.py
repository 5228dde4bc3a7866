"""Everything that a generator report says, measured: distances, copying, the map, and what a machine observer makes of
the images."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import GeneratorError
from ..seeds import numpy_generator
from .evaluation import OURS_HIGH, OURS_LOW, THEIRS_HIGH, THEIRS_LOW, Evaluation, evaluate
from .extractors import Extractor, Features, extract
from .machine_observer import Observation, epochs_of, observe
from .map import embed
from .memorisation import Nearness, nearness, pixel_nearness
from .nearest import comparable
from .pictures import Pictures, open_pictures

ON_THE_MAP = 500  # images of a source
OBSERVED = 200  # images of a side that the machine observer rates
FEWEST_REAL = 40  # halves of them are compared
MOST_GENERATORS = 7  # with the real images as many as there are marks for the map
Stage = Callable[[int, str], AbstractContextManager]  # (length, label) -> a progress bar with update(n)


class AssessmentError(GeneratorError):
    """Sets of images that cannot be held against each other."""


@dataclass(frozen=True)
class Source:
    """Images in their two sizes, under the same names."""

    high: Pictures
    low: Pictures

    @property
    def label(self) -> str:
        return self.high.label

    def at(self, places: Sequence[int]) -> Source:
        """Those at `places`, in that order."""
        names = [self.high.names[place] for place in places]
        return Source(self.high.only(names), self.low.only(names))


def open_source(folder: Path, split: str | None = None) -> Source:
    """The images of a pool or a corpus in both sizes; raises PicturesError as open_pictures()."""
    return Source(open_pictures(folder, split), open_pictures(folder, split, low=True))


@dataclass(frozen=True)
class Copying:
    """What the images were compared with, and how near they come in pixels and in features."""

    training: Source
    held_out: Source
    named: bool  # whether training images were named, or half of the real ones stand for them
    spaces: tuple[Nearness, ...]

    @property
    def copies(self) -> bool:
        return any(space.copies for space in self.spaces)


@dataclass(frozen=True)
class Observed:
    """The machine observer's view of `images`, of which `synthetic` gives the truth."""

    images: list[np.ndarray]
    synthetic: np.ndarray
    observation: Observation


@dataclass(frozen=True)
class Generator:
    """One generator's images and all that was measured on them."""

    source: Source
    evaluation: Evaluation
    copying: Copying
    observed: Observed


@dataclass(frozen=True)
class Assessment:
    """One or more generators against the same real images; `places` is the map, by source."""

    real: Source
    extractor: Extractor
    seed: int
    generators: tuple[Generator, ...]
    places: dict[str, np.ndarray]


class _Silent:
    def update(self, count: int) -> None:
        pass


def silent(length: int, label: str) -> AbstractContextManager:
    """A Stage that shows nothing."""
    return contextlib.nullcontext(_Silent())


def assess(
    generated: Sequence[Source],
    real: Source,
    extractor: Extractor,
    training: Source | None = None,
    seed: int = 0,
    preset: str = "small",
    stage: Stage = silent,
) -> Assessment:
    """Hold each of `generated` against `real` images, which nobody trained on; `training` are those that were.

    Without `training` a random half of the real images stands for them. Raises AssessmentError, DistanceError,
    MemorisationError or ObserverError where there are too few images, or training images among the real ones.
    """
    _check_labels([*generated, real])
    if len(real.high) < FEWEST_REAL:
        raise AssessmentError(f"{real.label} has {len(real.high)} real images, and it takes {FEWEST_REAL} at least")
    sets = [pictures for source in (real, *generated) for pictures in (source.high, source.low)]
    with stage(sum(map(len, sets)) + (len(training.high) if training else 0), f"Features ({extractor.name})") as bar:
        of_real, *of_generated = [_features(source, extractor, bar.update) for source in (real, *generated)]
        of_training = extract(extractor, training.high, bar.update).values if training else None
    copying = _Copies(real, of_real[0].values, training, of_training, seed)
    found = []
    for source, (high, low) in zip(generated, of_generated, strict=True):
        sides = {OURS_HIGH: high, OURS_LOW: low, THEIRS_HIGH: of_real[0], THEIRS_LOW: of_real[1]}
        evaluation = evaluate(sides, extractor, seed)
        copies = copying.of(source, high.values)
        found.append(Generator(source, evaluation, copies, observed(source.high, real.high, preset, seed, stage)))
    sources = zip((real, *generated), (of_real, *of_generated), strict=True)
    labels = {source.label: high.values for source, (high, _) in sources}
    return Assessment(real, extractor, seed, tuple(found), mapped(labels, seed))


def _check_labels(sources: Sequence[Source]) -> None:
    labels = [source.label for source in sources]
    if len(sources) > MOST_GENERATORS + 1:
        raise AssessmentError(f"{len(sources) - 1} pools do not fit on one page: give at most {MOST_GENERATORS}")
    twice = {label for label in labels if labels.count(label) > 1}
    if twice:
        raise AssessmentError(f"{twice.pop()} is given twice: hold a pool against another one")


def _features(source: Source, extractor: Extractor, progress: Callable[[int], None]) -> tuple[Features, Features]:
    return extract(extractor, source.high, progress), extract(extractor, source.low, progress)


class _Copies:
    """The training and the held-out real images, which all generators are compared with."""

    def __init__(
        self, real: Source, features: np.ndarray, training: Source | None, of_training: np.ndarray | None, seed: int
    ):
        self._named = training is not None
        rows = comparable(real.low)
        if self._named:
            self._training, self._held_out = training, real
            self._features = of_training, features
            self._rows = comparable(training.low), rows
            _refuse_shared(*self._rows)
            return
        halves = np.array_split(numpy_generator(seed, "training").permutation(len(real.high)), 2)
        self._training, self._held_out = (real.at(half) for half in halves)
        self._features = tuple(features[half] for half in halves)
        self._rows = tuple(rows[half] for half in halves)

    def of(self, source: Source, features: np.ndarray) -> Copying:
        training, held_out = self._rows
        pixels = pixel_nearness(comparable(source.low), held_out, training)
        learned = nearness("features", features, self._features[1], self._features[0])
        return Copying(self._training, self._held_out, self._named, (pixels, learned))


def _refuse_shared(training: np.ndarray, held_out: np.ndarray) -> None:
    known = {row.tobytes() for row in training}
    shared = sum(row.tobytes() in known for row in held_out)
    if shared:
        raise AssessmentError(
            f"{shared} of the real images are training images: hold the pool against images that were not trained on, "
            "such as --split test of the corpus"
        )


def observed(ours: Pictures, theirs: Pictures, preset: str, seed: int, stage: Stage = silent) -> Observed:
    """Let a machine observer tell `ours` from `theirs`: equally many of either, drawn at random."""
    count = min(len(ours), len(theirs), OBSERVED)
    images = [*theirs.some(count, seed), *ours.some(count, seed)]
    synthetic = np.repeat((False, True), count)
    with stage(epochs_of(preset, len(images)), f"Machine observer ({ours.label})") as bar:
        return Observed(images, synthetic, observe(images, synthetic, preset, seed, progress=bar.update))


def mapped(features: dict[str, np.ndarray], seed: int) -> dict[str, np.ndarray]:
    """Positions on one map of up to 500 random images of each source, from features (n, d) by label."""
    drawn = [
        rows[numpy_generator(seed, "map", label).permutation(len(rows))[:ON_THE_MAP]]
        for label, rows in features.items()
    ]
    return dict(zip(features, embed(drawn, seed), strict=True))
