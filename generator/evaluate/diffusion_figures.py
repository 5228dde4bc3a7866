"""Figures of the diffusion itself: noise going in, what a training learns, what samplers give for their time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..diffusion import Denoiser, load, sample, to_grey
from ..diffusion.schedule import TIMES, Schedule
from ..diffusion.settings import SCHEDULES
from ..errors import GeneratorError
from ..seeds import torch_generator
from .distances import frechet
from .drawing import COLOURS, FAINT, MARKS, halves, panels, picture, sheet
from .extractors import Extractor, extract
from .pictures import Pictures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN_TIMES = (0, 100, 250, 500, 750, 999)
STEP = 25  # times between two points of the statistics
MOST_CHECKPOINTS = 6
STEPS = {"ddpm": (50, 250), "ddim": (10, 20, 50, 100), "dpm++": (5, 10, 20, 40), "unipc": (5, 10, 20, 40)}


class DiffusionFigureError(GeneratorError):
    """A figure that cannot be drawn of this."""


def check_schedule(name: str) -> None:
    """Raise DiffusionFigureError unless there is a schedule of that name."""
    if name not in SCHEDULES:
        raise DiffusionFigureError(f"There is no schedule {name!r}: give one of {', '.join(SCHEDULES)}")


def noised(images: Sequence[np.ndarray], schedule: str, seed: int) -> Callable[[int], torch.Tensor]:
    """t → the grey uint8 images (height, width) with the noise of time t, (n, height, width), clean ones in [-1, 1]."""
    how = Schedule(schedule)
    clean = torch.from_numpy(np.stack(images))[:, None].float() / 127.5 - 1
    noise = torch.randn(clean.shape, generator=torch_generator(seed, "forward"))
    return lambda t: how.noisy(clean, noise, torch.full((len(clean),), t))[:, 0]


def noised_statistics(
    images: Sequence[np.ndarray], schedule: str, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(times (k,), mean (k, n) and standard deviation (k, n) of the pixels of each noised image)."""
    at = noised(images, schedule, seed)
    times = np.minimum(np.arange(0, TIMES + STEP, STEP), TIMES - 1)
    states = [at(int(t)).flatten(1) for t in times]
    return times, *(torch.stack(found).numpy() for found in zip(*((s.mean(1), s.std(1)) for s in states), strict=True))


def forward_noising(images: Sequence[np.ndarray], schedule: str = "published", seed: int = 0) -> Figure:
    """The first of grey uint8 images (height, width) at six times, above the mean and the standard deviation of each
    image's pixels, which go to those of the noise, 0 and 1."""
    at = noised(images, schedule, seed)
    times, means, deviations = noised_statistics(images, schedule, seed)
    figure, above, below = halves(3.3, (1, 3))
    for cell, t in zip(above.subplots(1, len(SHOWN_TIMES)), SHOWN_TIMES, strict=True):
        picture(cell, ((at(t)[0] + 1) * 127.5).round().clamp(0, 255).byte().numpy(), f"t = {t}")
        cell.set_axis_off()
    for cell, title, values, limit in zip(
        below.subplots(1, 2),
        ("Mean of the pixels", "Standard deviation of the pixels"),
        (means, deviations),
        (0, 1),
        strict=True,
    ):
        cell.plot(times, values, color=COLOURS[0], linewidth=0.9, alpha=0.6)
        cell.axhline(limit, color=FAINT, linewidth=0.9, linestyle=(0, (4, 3)))
        cell.set(title=f"{title} (n {len(images)} images)", xlabel="time t", xlim=(0, TIMES))
    return figure


def run_checkpoints(run: Path) -> list[Path]:
    """Up to six checkpoints of a run directory, the first and the last among them. Raises DiffusionFigureError."""
    paths = sorted((run / "checkpoints").glob("*.safetensors"))
    if not paths:
        raise DiffusionFigureError(f"{run} has no checkpoints: give the run directory of train-diffusion")
    places = np.unique(np.linspace(0, len(paths) - 1, MOST_CHECKPOINTS).round().astype(int))
    return [paths[place] for place in places]


def same_seeds(
    checkpoints: Sequence[Path], seeds: Sequence[int], progress: Callable[[int], None] = lambda made: None
) -> Figure:
    """A row for each checkpoint, a column for each seed: the same noise, as the network learns."""
    figure, axes = sheet(len(checkpoints), len(seeds), titles=0.16)
    for row, path in zip(axes, checkpoints, strict=True):
        net = load(path)
        images = to_grey(sample(net, seeds, progress=progress))
        for cell, image, seed in zip(row, images, seeds, strict=True):
            picture(cell, image, f"step {int(path.stem):,}, seed {seed}")
    return figure


@dataclass(frozen=True)
class Tried:
    """A sampler at a number of network evaluations (NFE): its Fréchet distance and its seconds an image."""

    sampler: str
    evaluations: int
    distance: float
    seconds: float

    def as_dict(self) -> dict:
        return asdict(self)


def try_samplers(
    net: Denoiser,
    real: Pictures,
    extractor: Extractor,
    count: int,
    steps: Mapping[str, Sequence[int]],
    progress: Callable[[int], None] = lambda made: None,
) -> list[Tried]:
    """Each sampler at each number of steps, which is that of the network's evaluations: the Fréchet distance of the
    images of seeds 0 … count−1 to the small real ones, and the time they took. `progress` is told the images made;
    count times the number of settings in all."""
    theirs = extract(extractor, real).values
    tried = []
    for sampler, numbers in steps.items():
        for number in numbers:
            began = time.perf_counter()
            images = to_grey(sample(net, range(count), sampler, number, progress=progress))
            seconds = (time.perf_counter() - began) / count
            ours = extract(extractor, images).values
            tried.append(Tried(sampler, number, frechet(ours, theirs), seconds))
    return tried


def samplers(tried: Sequence[Tried], frechet_name: str, count: int) -> Figure:
    """Distance against evaluations of the network, and against time."""
    from matplotlib.ticker import LogLocator, NullLocator

    figure, axes = panels(3.0, 1, 2, sharey=True)
    for place, sampler in enumerate(dict.fromkeys(each.sampler for each in tried)):
        own = [each for each in tried if each.sampler == sampler]
        look = {"color": COLOURS[place], "marker": MARKS[place], "markersize": 4, "linewidth": 1.2, "label": sampler}
        axes[0, 0].plot([each.evaluations for each in own], [each.distance for each in own], **look)
        axes[0, 1].plot([each.seconds for each in own], [each.distance for each in own], **look)
    for cell in axes[0]:
        cell.set_xscale("log")
        cell.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        cell.xaxis.set_major_formatter("{x:g}")
        cell.xaxis.set_minor_locator(NullLocator())
    axes[0, 0].set(xlabel="evaluations of the network an image", ylabel=f"{frechet_name}\n(n {count} images)")
    axes[0, 1].set(xlabel="seconds an image")
    axes[0, 1].legend()
    return figure
