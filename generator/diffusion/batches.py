"""Which images stand in which batch, with which noise: all of it decided by the seed and the step."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..corpus import Corpus
from ..seeds import torch_generator
from .schedule import TIMES
from .settings import Model, SettingsError, Training


@dataclass(frozen=True)
class Batch:
    """Clean images and noise (n, channels, height, width) in float32, and times (n,)."""

    x0: Tensor
    noise: Tensor
    times: Tensor


class Batches:
    """The training images of a corpus on a device, as bytes, and the batch of any step of any process.

    All processes draw the numbers of the whole batch and take their own rows, so that their number does not change
    what is learned from. CPU and GPU draw different numbers.
    """

    def __init__(self, corpus: Corpus, model: Model, training: Training, device: torch.device, rank: int, world: int):
        if corpus.low_size != (model.width, model.height):
            size, wanted = ("×".join(map(str, pair)) for pair in (corpus.low_size, (model.width, model.height)))
            raise SettingsError(f"The images of {corpus.name} are {size}, this network makes {wanted}: prepare others")
        if not corpus.names("train"):
            raise SettingsError(f"{corpus.name} has no training images")
        if training.batch % world:
            raise SettingsError(f"A batch of {training.batch} cannot be shared by {world} processes")
        self.model, self.training, self.device = model, training, device
        share = training.batch // world
        self.own = slice(rank * share, (rank + 1) * share)
        self.images = torch.from_numpy(corpus.low("train")).to(device)
        self._orders: dict[int, Tensor] = {}

    def at(self, step: int) -> Batch:
        """This process's rows of the batch of `step`."""
        model, size = self.model, self.training.batch
        draw = torch_generator(self.training.seed, "batch", step, device=self.device)
        noise = torch.randn((size, model.channels, model.height, model.width), generator=draw, device=self.device)
        times = torch.randint(TIMES, (size,), generator=draw, device=self.device)
        mirrored = torch.rand((size,), generator=draw, device=self.device) < 0.5
        images = self.images[self._indices(step)[self.own]]
        if self.training.flip:
            images = torch.where(mirrored[self.own, None, None], images.flip(2), images)
        x0 = images[:, None].float() / 127.5 - 1
        return Batch(x0.expand(-1, model.channels, -1, -1), noise[self.own], times[self.own])

    def _indices(self, step: int) -> Tensor:
        """The images of the whole batch: every image once in each pass, in an order of its own."""
        at, end = step * self.training.batch, (step + 1) * self.training.batch
        chosen: list[Tensor] = []
        while at < end:
            number, place = divmod(at, len(self.images))
            chosen.append(self._order(number)[place : place + end - at])
            at += len(chosen[-1])
        return torch.cat(chosen)

    def _order(self, number: int) -> Tensor:
        """The order of a pass. It goes to the device whole: a step that copied its part would wait for the GPU."""
        if number not in self._orders:
            draw = torch_generator(self.training.seed, "order", number)
            self._orders = {pass_: order for pass_, order in self._orders.items() if pass_ == number - 1}
            self._orders[number] = torch.randperm(len(self.images), generator=draw).to(self.device)
        return self._orders[number]
