"""Fréchet distances on EfficientNet-Lite0 features of what trained checkpoints make, and of nothing else.

`frechet_of` is shared by benchmarks/generator_speed.py --quality and benchmarks/ablation.py.
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
from generator.durable import write_whole
from generator.evaluate.distances import frechet
from generator.evaluate.extractors import extract, load_extractor

WAYS = (
    ("ddim", 250, 1.0),
    ("ddim", 250, 0.0),
    ("ddim", 50, 0.0),
    ("ddim", 25, 0.0),
    ("dpm++", 10, 0.0),
    ("dpm++", 15, 0.0),
    ("dpm++", 20, 0.0),
    ("dpm++", 25, 0.0),
    ("unipc", 10, 0.0),
    ("unipc", 15, 0.0),
    ("unipc", 20, 0.0),
    ("unipc", 25, 0.0),
)


class Quality:
    """Distances to the held-out images of a corpus, `count` of them at most; their features are worked out once."""

    def __init__(self, corpus: Corpus, device: torch.device, count: int):
        held_out = corpus.low("test")[:count]
        self.count = len(held_out)
        self.extractor = load_extractor("lite0", device=device)
        self.theirs = self._features(held_out)

    def _features(self, pictures: np.ndarray) -> np.ndarray:
        return extract(self.extractor, pictures).values

    def of(self, pictures: np.ndarray) -> float:
        """The distance of grey uint8 images (n, height, width)."""
        return frechet(self._features(pictures), self.theirs)


def frechet_of(net: Denoiser, quality: Quality, sampler: str, steps: int, eta: float, batch: int) -> dict:
    """The distance of as many images as are held out, and how many a second were made, the first batch left out."""
    found, marks = [], []
    for images in sample_batches(net, range(quality.count), sampler, steps, eta, batch):
        found.append(to_grey(images))
        marks.append(time.perf_counter())
    pictures = np.concatenate(found)
    made = quality.count - len(found[0])
    speed = round(made / (marks[-1] - marks[0]), 3) if made else None
    return {"frechet": round(quality.of(pictures), 3), "images": len(pictures), "images_per_second": speed}


def ways_of(net: Denoiser, quality: Quality, batch: int, file: Path, allowed: Callable[[], bool]) -> Iterator[dict]:
    """A row for each way of sampling; what stands in `file` is not measured again, and `allowed` ends it early."""
    rows = json.loads(file.read_text()) if file.exists() else []
    known = {(row["sampler"], row["steps"], row["eta"]) for row in rows}
    yield from rows
    for sampler, steps, eta in WAYS:
        if (sampler, steps, eta) in known or not allowed():
            continue
        row = {"sampler": sampler, "steps": steps, "eta": eta, **frechet_of(net, quality, sampler, steps, eta, batch)}
        rows.append(row)
        write_whole(file, json.dumps(rows, indent=2).encode() + b"\n")
        yield row
