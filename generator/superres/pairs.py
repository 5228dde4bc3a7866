"""Training pairs from a corpus: a random piece of a large image, and the small image made from it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from ..corpus import Corpus
from ..errors import GeneratorError
from ..seeds import numpy_generator
from .config import SCALE, SuperResError
from .degrade import Degradation, degrade
from .toolbox import drawn_from

MARGIN = 72  # pixels around the crop that blur and resizing may look at, as published: 400 for a crop of 256


class Pairs(Dataset):
    """Pair `step × batch + slot` of a run: what it is depends on these two, the seed and the corpus alone."""

    def __init__(self, corpus: Corpus, how: Degradation, crop: int, batch: int, seed: int):
        self.corpus, self.how, self.crop, self.batch, self.seed = corpus, how, crop, batch, seed
        self.names = corpus.names("train")
        refuse_unless_usable(corpus, crop)

    def __getitem__(self, number: int) -> tuple[torch.Tensor, torch.Tensor] | str:
        """(small (1, crop/4, crop/4), large (1, crop, crop)), float32 in [0, 1]; or what is wrong with the image."""
        step, slot = divmod(number, self.batch)
        draw = numpy_generator(self.seed, "pair", step, slot)
        name = self.names[draw.integers(len(self.names))]
        try:
            image = self.corpus.high_image(name)
        except GeneratorError as error:
            return str(error)
        large = self._piece(image, draw)
        with drawn_from(self.seed, "degrade", name, step, slot):
            small = degrade(large, self.how)
        inner = slice(MARGIN, MARGIN + self.crop), slice(MARGIN, MARGIN + self.crop)
        inner_small = tuple(slice(part.start // SCALE, part.stop // SCALE) for part in inner)
        return tuple(torch.from_numpy(part.copy())[None] for part in (small[inner_small], large[inner]))

    def _piece(self, image: np.ndarray, draw: np.random.Generator) -> np.ndarray:
        """A crop with its margin, float32 in [0, 1], mirrored half of the time: jaws are alike on both sides."""
        top, left = (self._start(length, draw) for length in image.shape)
        image = cv2.copyMakeBorder(image, MARGIN, MARGIN, MARGIN, MARGIN, cv2.BORDER_REFLECT_101)
        piece = image[top : top + self.crop + 2 * MARGIN, left : left + self.crop + 2 * MARGIN]
        piece = piece[:, ::-1] if draw.random() < 0.5 else piece
        return np.ascontiguousarray(piece, np.float32) / 255

    def _start(self, length: int, draw: np.random.Generator) -> int:
        """Where a crop begins, on the grid of the small image, so that borders and markers look as they will.

        One that would reach over an edge is moved up to it: every pixel is in as many crops as any other. Of crops
        drawn inside the image, a corner would be in hardly any.
        """
        start = int(draw.integers(1 - self.crop // SCALE, -(-length // SCALE))) * SCALE
        return min(max(start, 0), length - self.crop)


def refuse_unless_usable(corpus: Corpus, crop: int) -> None:
    """Raises SuperResError unless the corpus can train a network that enlarges four times, in crops of that size."""
    (width, height), (small_width, small_height) = corpus.high_size, corpus.low_size
    if (width, height) != (small_width * SCALE, small_height * SCALE):
        raise SuperResError(
            f"The large images of the corpus are {width}×{height} and the small ones {small_width}×{small_height}: "
            f"they must be {SCALE} times as large"
        )
    if crop % SCALE or crop > min(width, height):
        raise SuperResError(
            f"The crop must be a multiple of {SCALE} of at most {min(width, height)} pixels, not {crop}"
        )
    for split, use in (("train", "to train on"), ("test", "to measure the network on")):
        if not corpus.names(split):
            raise SuperResError(f"The corpus {corpus.name} has no images {use}: prepare it with some in each split")


def batches(pairs: Pairs, first: int, last: int, workers: int, share: Sequence[int] = (0, 1)):
    """Iterate over (small, large) batches of the steps `first` … `last` - 1; `share` is (process, processes).

    Raises SuperResError with what is wrong with an image.
    """
    process, processes = share
    numbers = [
        step * pairs.batch + slot for step in range(first, last) for slot in range(process, pairs.batch, processes)
    ]
    loader = DataLoader(
        pairs,
        pairs.batch // processes,
        sampler=numbers,
        num_workers=workers,
        collate_fn=_together,
        pin_memory=torch.cuda.is_available(),  # so that copying to the GPU needs no waiting
        worker_init_fn=_one_core,
    )
    for batch in loader:
        if isinstance(batch, str):
            raise SuperResError(batch)
        yield batch


def _one_core(worker: int) -> None:
    """OpenCV takes all cores in every worker otherwise, and its threads do not survive a fork."""
    cv2.setNumThreads(0)


def _together(items: list):
    """A worker's exception would arrive with its whole traceback; so errors come as texts."""
    broken = [item for item in items if isinstance(item, str)]
    return broken[0] if broken else tuple(torch.stack(parts) for parts in zip(*items, strict=True))
