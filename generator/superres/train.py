"""Training in two stages: L1 first, then L1 with perceptual and adversarial loss.

    train("quiz_data/corpora/NAME", "runs/NAME", "starter")

Every random draw is seeded by what it is for, so that a run that was killed goes on as if it had not been.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..checkpoint import file_sha256
from ..corpus import Corpus, open_corpus
from ..devices import find_accelerator, find_precision
from ..runs import STATES_KEPT, Run
from ..seeds import seed_of
from . import check, toolbox
from .config import SuperResError
from .degrade import DEGRADATIONS
from .enlarge import upscale
from .fast import allow_many_sizes
from .hat import HAT
from .initial import start_as_interpolation
from .pairs import Pairs, batches
from .perceptual import find_vgg
from .presets import Preset, find_preset
from .weights import load, save

BETAS = (0.9, 0.99)
LOG_EVERY = 50  # steps between lines of figures
DETAIL, AMPLIFIED = 9, 10.0  # pixels across, and times, of what a discriminator of detail sees


def train(
    corpus: str | Path,
    out: str | Path,
    preset: str | Preset = "starter",
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    workers: int = 2,
    vgg_weights: str | Path | None = None,
    start: str | Path | None = None,
    progress: Callable[[int, dict], None] = lambda step, figures: None,
    states: int = STATES_KEPT,
    from_step: int | None = None,
    **changes,
) -> Path:
    """Train on `corpus` into the run directory `out`; returns the last checkpoint, which has the averaged weights.

    `preset` is a name or a Preset, of which `changes` replace fields (l1_steps, batch, perceptual_weight …). A run that
    was stopped, called with the same arguments, goes on from its last state, or from that of `from_step`, to what it
    would have come to; device and number of workers may be others. The last `states` states are kept. `start` is a
    checkpoint of the same network whose weights are trained further; without one the network begins as interpolation.
    `progress` hears each step and the newest figures. Raises
    SuperResError, CheckpointError, CorpusError and RunError.
    """
    preset = replace(find_preset(preset) if isinstance(preset, str) else preset, **changes)
    corpus = open_corpus(corpus)
    pairs = Pairs(corpus, DEGRADATIONS[preset.degradation], preset.crop, preset.batch, seed)
    _refuse_unless_sensible(preset)
    vgg = find_vgg(vgg_weights) if preset.perceptual_weight and preset.gan_steps else None
    accelerator = find_accelerator(device)
    if preset.batch % accelerator.num_processes:
        raise SuperResError(f"A batch of {preset.batch} cannot be shared by {accelerator.num_processes} processes")
    trainer = Trainer(preset, seed, accelerator, find_precision(precision, accelerator.device), vgg, start)
    settings = {
        "room": "superres",
        "seed": seed,
        "corpus": corpus.name,
        "corpus_fingerprint": corpus.fingerprint,
        **preset.as_dict(),
        **trainer.start,
    }
    with Run(out, settings, accelerator.is_main_process, states) as run:
        return _run(run, trainer, pairs, workers, progress, from_step)


def _refuse_unless_sensible(preset: Preset) -> None:
    if preset.l1_steps + preset.gan_steps < 1 or min(preset.l1_steps, preset.gan_steps) < 0:
        raise SuperResError("Give a number of steps to train for, in the first stage, the second or both")
    if preset.gan_steps and preset.crop % 8:
        raise SuperResError(f"The discriminator takes crops of a multiple of 8 pixels, not {preset.crop}")
    if preset.discriminator_sees not in ("image", "detail"):
        raise SuperResError(f"The discriminator sees the image or its detail, not {preset.discriminator_sees!r}")
    if min(preset.batch, preset.check_every, preset.check_images) < 1:
        raise SuperResError("The batch, the steps between checkpoints and their images must be 1 or more")


class Trainer:
    """The networks, their optimisers and one training step."""

    def __init__(
        self,
        preset: Preset,
        seed: int,
        accelerator,
        dtype: torch.dtype,
        vgg: Path | None,
        start: str | Path | None = None,
    ):
        self.preset, self.accelerator, self.dtype = preset, accelerator, dtype
        self.seed, self.vgg = seed, vgg
        self.start = {"started_from": file_sha256(start)} if start else {}
        self.network = self._built("network", lambda: _begun(preset, start))
        self.network.compute_dtype = dtype
        self.average = copy.deepcopy(self.network).requires_grad_(False).eval()
        if accelerator.device.type == "cuda":
            _compile(self.network)
        self.wrapped = accelerator.prepare(self.network)
        self.optimiser = self._optimiser_of(self.network, preset.learning_rate)
        self.discriminator = None

    def _built(self, what: str, build: Callable[[], nn.Module]) -> nn.Module:
        with torch.random.fork_rng(devices=[]):  # built on the CPU
            torch.manual_seed(seed_of(self.seed, what))
            return build().to(self.accelerator.device)

    def _optimiser_of(self, network: nn.Module, rate: float):
        return self.accelerator.prepare(torch.optim.Adam(network.parameters(), rate, BETAS))

    def begin_second_stage(self) -> None:
        """Go on from the averaged weights of the first stage, with a discriminator."""
        if self.preset.l1_steps:
            self.network.load_state_dict(self.average.state_dict())
            self.optimiser = self._optimiser_of(self.network, self.preset.learning_rate)
        channels = self.preset.network.channels
        self.bare_discriminator = self._built(
            "discriminator", lambda: toolbox.discriminator(channels, self.preset.discriminator)
        )
        self.discriminator = self.accelerator.prepare(self.bare_discriminator)
        self.discriminator_optimiser = self._optimiser_of(self.bare_discriminator, self.preset.discriminator_rate)
        self.gan = toolbox.gan_loss()
        self.perceptual = toolbox.perceptual_loss(self.vgg).to(self.accelerator.device) if self.vgg else None

    def step(self, step: int, low: Tensor, high: Tensor) -> dict[str, Tensor]:
        """One update with images (n, 1, h, w) and (n, 1, 4h, 4w); the losses, not yet waited for."""
        second = step >= self.preset.l1_steps
        if second and self.discriminator is None:
            self.begin_second_stage()
        self._set_rate(step)
        low, high = (self._on_device(images) for images in (low, high))
        made = self.wrapped(low)
        losses = {"l1": F.l1_loss(made, high)}
        if second:
            losses |= self._second_stage_losses(made, high)
        self.optimiser.zero_grad(set_to_none=True)
        self.accelerator.backward(self._weighted(losses))
        self.optimiser.step()
        if second:
            losses["discriminator"] = self._teach_discriminator(made.detach(), high)
        self._average(step)
        return {name: loss.detach() for name, loss in losses.items()}

    def _on_device(self, images: Tensor) -> Tensor:
        images = images.to(self.accelerator.device, non_blocking=True)
        return images.expand(-1, self.preset.network.channels, -1, -1)

    def _autocast(self):
        """The discriminator and VGG compute in the network's precision; HAT sees to its own."""
        return torch.autocast(self.accelerator.device.type, self.dtype, enabled=self.dtype != torch.float32)

    def _second_stage_losses(self, made: Tensor, high: Tensor) -> dict[str, Tensor]:
        self.bare_discriminator.requires_grad_(False)
        with self._autocast():
            losses = {"gan": self.gan(self.bare_discriminator(self.judged(made)), True)}
            if self.perceptual is not None:
                losses["perceptual"] = self.perceptual(_in_colour(made), _in_colour(high))
        self.bare_discriminator.requires_grad_(True)
        return losses

    def judged(self, images: Tensor) -> Tensor:
        """What the discriminator is shown of images (n, c, h, w).

        Grain is a hundredth of the grey scale. Under spectral norms, which keep every layer's gain at 1, it takes
        thousands of steps until an image's grain counts beside its greys; amplified, it is told in a hundred.
        """
        if self.preset.discriminator_sees == "image":
            return images
        around = F.avg_pool2d(images, DETAIL, 1, DETAIL // 2, count_include_pad=False)
        return AMPLIFIED * (images - around)

    def _weighted(self, losses: dict[str, Tensor]) -> Tensor:
        weights = {"l1": 1.0, "perceptual": self.preset.perceptual_weight, "gan": self.preset.gan_weight}
        return sum(weights[name] * loss for name, loss in losses.items())

    def _teach_discriminator(self, made: Tensor, high: Tensor) -> Tensor:
        with self._autocast():
            logits = self.discriminator(self.judged(torch.cat([high, made]))).float()
            true, false = logits.chunk(2)
            loss = self.gan(true, True, is_disc=True) + self.gan(false, False, is_disc=True)
        self.discriminator_optimiser.zero_grad(set_to_none=True)
        self.accelerator.backward(loss)
        self.discriminator_optimiser.step()
        return loss

    def _set_rate(self, step: int) -> None:
        preset, first = self.preset, step < self.preset.l1_steps
        into, length = (step, preset.l1_steps) if first else (step - preset.l1_steps, preset.gan_steps)
        halved = 0.5 ** sum(into >= share * length for share in preset.halve_at)
        full = preset.learning_rate if first else preset.second_rate
        _give_rate(self.optimiser, full * min(1.0, (into + 1) / max(preset.warm_up, 1)) * halved)
        if not first:  # the discriminator is ahead: one that has learnt nothing yet teaches the network to fool it
            _give_rate(self.discriminator_optimiser, preset.discriminator_rate * halved)

    @torch.no_grad()  # or the average would keep the history of every step
    def _average(self, step: int) -> None:
        """The factor grows to its value over the first steps, so that the average soon forgets where it began."""
        factor = min(self.preset.ema, (step + 1) / (step + 10))
        averages, weights = list(self.average.parameters()), list(self.network.parameters())
        torch._foreach_lerp_(averages, weights, 1 - factor)

    def state(self) -> dict:
        """All that a run needs to go on: tensors and plain values."""
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        if self.discriminator is not None:
            state["discriminator"] = self.bare_discriminator.state_dict()
            state["discriminator_optimiser"] = self.discriminator_optimiser.state_dict()
        return state

    def load(self, state: dict) -> None:
        """Go on from what state() gave."""
        if "discriminator" in state:
            self.begin_second_stage()
            self.bare_discriminator.load_state_dict(state["discriminator"])
            self.discriminator_optimiser.load_state_dict(state["discriminator_optimiser"])
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])


def _give_rate(optimiser, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate


def _compile(network: HAT) -> None:
    """Compile one block of each kind; the others of its kind use the same code."""
    allow_many_sizes()
    for group in network.layers:
        for block in (*group.residual_group.blocks, group.residual_group.overlap_attn):
            block.compile(dynamic=False)


def _begun(preset: Preset, start: str | Path | None) -> HAT:
    """The network before its first step: a checkpoint's, or one that interpolates."""
    if not start:
        return start_as_interpolation(HAT(preset.network))
    network = load(start)
    ours, theirs = preset.network.as_dict(), network.config.as_dict()
    if differing := [key for key in ours if ours[key] != theirs[key]]:
        key = differing[0]
        raise SuperResError(
            f"{Path(start).name} holds another network than the preset's ({key}: {theirs[key]} there, {ours[key]} "
            "here): give the preset it was trained with"
        )
    return network.train().requires_grad_(True)


def _in_colour(images: Tensor) -> Tensor:
    return images.expand(-1, 3, -1, -1)


def _run(run: Run, trainer: Trainer, pairs: Pairs, workers: int, progress: Callable, from_step: int | None) -> Path:
    preset, accelerator = trainer.preset, trainer.accelerator
    last = preset.l1_steps + preset.gan_steps
    state = run.load_state(step=from_step) or {"step": 0}
    if state["step"]:
        trainer.load(state)
    cases = check.held_out(pairs.corpus, pairs.how, preset.check_images, trainer.seed)
    bicubic = _rounded(check.measure_bicubic(cases), "bicubic_") if accelerator.is_main_process else {}
    meter = Meter(preset.batch, accelerator)
    share = accelerator.process_index, accelerator.num_processes
    for step, (low, high) in enumerate(batches(pairs, state["step"], last, workers, share), state["step"]):
        meter.add(trainer.step(step, low, high))
        done = step + 1
        checks = done % preset.check_every == 0 or done in (preset.l1_steps, last)
        if done % LOG_EVERY == 0 or checks:
            figures = meter.read()
            run.refuse_unless_finite(done, sum(value for name, value in figures.items() if name in LOSSES))
            run.log(done, **figures)
        progress(done, meter.newest)
        if checks:
            if accelerator.is_main_process:
                _keep(run, trainer, pairs, cases, bicubic, done)
            accelerator.wait_for_everyone()
            meter.restart()
    return run.checkpoint_path(last)


LOSSES = ("l1", "perceptual", "gan", "discriminator")


class Meter:
    """Mean losses and images per second since they were last read; adding does not wait for a GPU.

    The means are those of all processes, which have to read together.
    """

    def __init__(self, batch: int, accelerator):
        self.batch, self.accelerator, self.newest = batch, accelerator, {}
        self.restart()

    def restart(self) -> None:
        self._losses, self._since = [], time.monotonic()

    def add(self, losses: dict[str, Tensor]) -> None:
        self._losses.append(losses)

    def read(self) -> dict[str, float]:
        some = self._losses
        names = some[-1].keys()
        own = [torch.stack([losses[name] for losses in some if name in losses]).float().mean() for name in names]
        means = dict(zip(names, self.accelerator.reduce(torch.stack(own), "mean").tolist(), strict=True))
        rate = self.batch * len(some) / (time.monotonic() - self._since)
        self.newest = {**means, "images_per_s": round(rate, 3)}
        self.restart()
        return self.newest


def _keep(run: Run, trainer: Trainer, pairs: Pairs, cases: dict, bicubic: dict, done: int) -> None:
    """Measure the averaged weights, write checkpoint, card and sheet, then the state."""
    device, precision = str(trainer.accelerator.device), str(trainer.dtype).removeprefix("torch.")
    enlarge = partial(upscale, trainer.average, precision=precision, device=device, batch_size=4)
    figures = _rounded(check.measure(cases, enlarge))
    run.log(done, **figures, **bicubic)
    check.write_sheet(run.sample_path(done), cases["clean"], enlarge)
    save(trainer.average.state_dict(), run.checkpoint_path(done), _about(trainer, pairs.corpus, done, figures, bicubic))
    run.save_state(done, trainer.state())


def _rounded(figures: dict[str, float], before: str = "") -> dict[str, float]:
    return {before + name: round(value, 4) for name, value in figures.items()}


def _about(trainer: Trainer, corpus: Corpus, step: int, figures: dict, bicubic: dict) -> dict:
    settings = trainer.preset.as_dict()
    return {
        "config": settings.pop("network"),
        "training": {
            "step": step,
            "stage": 1 if step <= trainer.preset.l1_steps else 2,
            "seed": trainer.seed,
            "corpus": corpus.name,
            "corpus_fingerprint": corpus.fingerprint,
            "settings": settings,
            **trainer.start,
        },
        "measured": {**figures, **bicubic},
    }
