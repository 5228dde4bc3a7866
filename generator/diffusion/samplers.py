"""Images from noise: the samplers of diffusers, all called the same way.

Every image has a random generator of its own, on the CPU: for the noise it starts from, then for what a sampler with
eta > 0 (or ddpm) adds at every step. So an image is the same alone, in any batch, on any device and in any
process, up to the rounding of sums in another order.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from ..seeds import torch_generator
from .denoiser import Denoiser
from .schedule import TIMES
from .settings import SAMPLERS, SettingsError

PREDICTS = {"noise": "epsilon", "v": "v_prediction", "x0": "sample", "edm": "sample"}  # our words in diffusers'
RHO = 7.0
MOST_NOISE = 80.0  # ratio to the signal: beyond it, nothing is left to be seen
DRAWERS = 8  # threads that draw noise ahead
Noise = Callable[[], Tensor]


def sample(
    net: Denoiser,
    seeds: Sequence[int],
    sampler: str | None = None,
    steps: int | None = None,
    eta: float | None = None,
    batch: int = 32,
    progress: Callable[[int], None] = lambda made: None,
) -> np.ndarray:
    """One image for each seed: float32 in [0, 1], (n, height, width, channels).

    `sampler` is ddpm, ddim, dpm++ (DPM-Solver++ 2M) or unipc; it, `steps` and `eta` (0 … 1, of ddim alone) are what the
    network's settings recommend where not given. ddim and ddpm take steps that divide 1000. `progress` is told the
    number of images made in each batch. Raises SettingsError.
    """
    found = list(sample_batches(net, seeds, sampler, steps, eta, batch, progress))
    model = net.model
    return np.concatenate(found) if found else np.empty((0, model.height, model.width, model.channels), np.float32)


def sample_batches(
    net: Denoiser,
    seeds: Sequence[int],
    sampler: str | None = None,
    steps: int | None = None,
    eta: float | None = None,
    batch: int = 32,
    progress: Callable[[int], None] = lambda made: None,
) -> Iterator[np.ndarray]:
    """sample(), a batch at a time."""
    chosen = _chosen(net, sampler, steps, eta)
    for at in range(0, len(seeds), batch):
        part = list(seeds[at : at + batch])
        # A compiled network is compiled for one size: the last batch is filled up, the filling thrown away.
        filled = part + part[-1:] * (min(batch, len(seeds)) - len(part))
        images = _sample_batch(net, filled, *chosen)[: len(part)]
        yield images
        progress(len(part))


def to_grey(images: np.ndarray) -> np.ndarray:
    """What sample() returned as uint8 (n, height, width): the mean over the channels, rounded."""
    return np.rint(images.mean(axis=3) * 255).astype(np.uint8)


def denoise(net: Denoiser, start: Tensor, noise: Noise, sampler: str, steps: int, eta: float = 0.0) -> Tensor:
    """Turn noise `start` (n, channels, height, width) into images in [-1, 1] on the device of `net`.

    `noise()` gives what is added at a step that adds any: a tensor of the same shape, standard normal.
    """
    scheduler = _scheduler(net, sampler, steps)
    with torch.inference_mode():
        x = start.to(net.device, torch.float32)  # in here: a compiled network would be compiled twice for it
        for t in scheduler.timesteps:
            times = torch.full((len(x),), int(t), device=x.device)
            predict = net.predict if int(t) < net.model.guided_below else net.predict_alone
            output = predict(x, times)
            x = _step(scheduler, sampler, output, t, x, noise, eta)
    return x.clamp(-1, 1)


def _sample_batch(net: Denoiser, seeds: Sequence[int], sampler: str, steps: int, eta: float) -> np.ndarray:
    model = net.model
    shape = (model.channels, model.height, model.width)
    ahead = steps if sampler == "ddpm" or (sampler == "ddim" and eta) else 0
    with ThreadPoolExecutor(DRAWERS) as pool:
        draws = drawn_ahead(pool, seeds, shape, 1 + ahead)
        images = denoise(net, next(draws), lambda: _sent(next(draws), net.device), sampler, steps, eta)
    return ((images + 1) / 2).permute(0, 2, 3, 1).float().cpu().numpy()


def _sent(drawn: Tensor, device: torch.device) -> Tensor:
    """`drawn` on its way to the device, which need not have finished what it is doing."""
    return drawn.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else drawn.to(device)


def drawn_ahead(pool: ThreadPoolExecutor, seeds: Sequence[int], shape: tuple[int, ...], count: int) -> Iterator[Tensor]:
    """`count` batches of standard normal noise on the CPU, row i from the generator of seeds[i].

    The next batch is drawn while the device works on this one: with eta > 0 drawing takes as long as a step.
    """
    generators = [torch_generator(seed, "image") for seed in seeds]

    def begin() -> list:
        return [pool.submit(torch.randn, shape, generator=generator) for generator in generators]

    waiting = begin()
    for left in reversed(range(count)):
        drawn = torch.stack([each.result() for each in waiting])
        waiting = begin() if left else []
        yield drawn


def _chosen(net: Denoiser, sampler: str | None, steps: int | None, eta: float | None) -> tuple[str, int, float]:
    model = net.model
    if eta is None:
        eta = model.eta if sampler in (None, model.sampler) else 0.0
    sampler = sampler or model.sampler
    steps = model.steps if steps is None else steps
    if sampler not in SAMPLERS:
        raise SettingsError(f"There is no sampler {sampler!r}: give one of {', '.join(SAMPLERS)}")
    if not 1 <= steps <= TIMES:
        raise SettingsError(f"steps must be 1 to {TIMES}, not {steps}")
    if sampler in ("ddim", "ddpm") and TIMES % steps:
        even = [count for count in range(1, TIMES + 1) if TIMES % count == 0]
        few, many = max(n for n in even if n < steps), min(n for n in even if n > steps)
        raise SettingsError(f"{sampler} divides {TIMES} times evenly: give {few} or {many} steps, not {steps}")
    if eta and (sampler != "ddim" or not 0 <= eta <= 1):
        raise SettingsError("eta belongs to the sampler ddim and lies between 0 and 1")
    return sampler, steps, eta


def _scheduler(net: Denoiser, sampler: str, steps: int):
    """A scheduler of diffusers with the network's own betas, set for `steps` steps."""
    from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, UniPCMultistepScheduler

    solvers = {"dpm++": DPMSolverMultistepScheduler, "unipc": UniPCMultistepScheduler}
    scheduler = solvers.get(sampler, DDIMScheduler)(
        TIMES,
        trained_betas=net.schedule.betas.numpy(),
        prediction_type=PREDICTS[net.model.prediction],
        # Published: 0, T/steps, 2T/steps … . A network that learned to start from pure noise has to (Lin et al. 2024).
        timestep_spacing="trailing" if net.model.schedule == "zero-snr" else "leading",
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="__array__ implementation doesn't accept a copy")
        scheduler.set_timesteps(steps)
    if sampler in solvers:
        times, sigmas = solver_times(net.schedule.betas, steps)
        scheduler.timesteps, scheduler.sigmas = torch.from_numpy(times), torch.from_numpy(sigmas)
    return scheduler


def solver_times(betas: Tensor, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """(times, ratios of noise to signal at them and 0 at the end) for a solver: spaced as in EDM (Karras et al. 2022,
    equation 5, rho 7), at whole times.

    With evenly spaced times the last step begins where the noise hides fine structure, and leaps over it: on a normal
    distribution of spread 0.05 (of the range -1 … 1), 20 steps of DPM-Solver++ keep 48 % of the spread, these 102 %.
    """
    bars = torch.cumprod(1 - betas, 0).numpy()
    ratios = np.sqrt((1 - bars) / bars)
    highest, lowest = min(ratios[-1], MOST_NOISE) ** (1 / RHO), ratios[0] ** (1 / RHO)
    wanted = (highest + np.linspace(0, 1, steps) * (lowest - highest)) ** RHO
    times = np.abs(np.log(ratios) - np.log(wanted)[:, None]).argmin(axis=1)
    times = np.maximum(times, np.arange(steps)[::-1])  # each time once, all the way down
    times[0] = TIMES - 1
    for at in range(1, steps):
        times[at] = min(times[at], times[at - 1] - 1)
    return times, np.append(ratios[times], 0).astype(np.float32)


def _step(scheduler, sampler: str, output: Tensor, t: Tensor, x: Tensor, noise: Noise, eta: float) -> Tensor:
    """One step. As published, DDIM works the noise out anew from the clipped image; with eta 1 it then is DDPM (Ho et
    al. 2020, the smaller variance; Song et al. 2021, section 4.1)."""
    if sampler not in ("ddim", "ddpm"):
        return scheduler.step(output, t, x, return_dict=False)[0]
    eta = 1.0 if sampler == "ddpm" else eta
    added = noise() if eta else None
    return scheduler.step(output, t, x, eta, True, variance_noise=added, return_dict=False)[0]
