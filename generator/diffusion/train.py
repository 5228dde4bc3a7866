"""Training: a corpus in, a run directory out.

    train("quiz_data/corpora/NAME", "runs/NAME", find_preset("fast"))

Every random draw is seeded by what it is for, so that a run that was killed goes on as if it had not been. On several
GPUs or processes: `accelerate launch -m flask train-diffusion …`.
"""

from __future__ import annotations

import copy
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from timm.optim import Muon
from torch import Tensor

from ..checkpoint import file_sha256
from ..corpus import Corpus, open_corpus
from ..devices import find_accelerator, find_precision
from ..durable import whole_file
from ..runs import STATES_KEPT, Run
from ..seeds import seed_of
from .batches import Batch, Batches
from .denoiser import Denoiser, load, save
from .presets import Preset
from .samplers import sample, to_grey
from .settings import SettingsError, Training, plain

LOG_EVERY = 50  # steps between lines of figures; the loss is looked at then
GRID = (4, 2)  # columns and rows of pictures at every checkpoint
GRID_STEPS = 20  # of DPM-Solver++
EMA_RAMP = 0.05  # the half-life is at most this share of the images seen (Karras et al. 2022)
NOT_LEARNT = ("height", "width", "sampler", "steps", "eta", "guidance", "guided_below")  # of a network's settings
EMA_FIRST = 0.996  # where the published factor begins

Progress = Callable[[int, dict], None]


def train(
    corpus: str | Path,
    out: str | Path,
    preset: Preset,
    name: str = "own",
    device: str = "auto",
    precision: str = "auto",
    compiled: bool | None = None,
    every: int = 1000,
    log_every: int = LOG_EVERY,
    start: str | Path | None = None,
    progress: Progress = lambda step, figures: None,
    states: int = STATES_KEPT,
    from_step: int | None = None,
) -> Path:
    """Train the network of `preset` (called `name`) on `corpus` into the run directory `out`; the last checkpoint.

    Called again with the same corpus, preset and precision it goes on from the newest state, or from that of
    `from_step`, to what it would have come to; the last `states` states are kept. Checkpoint, pictures and state are
    written every `every` steps. `compiled` is by default so on a GPU.
    `start` is a checkpoint of the same network whose weights are trained further; the network is random without one.
    `progress` hears each step and the newest figures. Raises SettingsError, CheckpointError, CorpusError, DeviceError
    and RunError.
    """
    found = open_corpus(corpus)
    accelerator = find_accelerator(device)
    dtype = find_precision(precision, accelerator.device)
    trainer = Trainer(found, preset, accelerator, dtype, compiled, start)
    settings = {
        "room": "diffusion",
        "preset": name,
        "model": plain(preset.model),
        "training": plain(preset.training),
        "precision": str(dtype).removeprefix("torch."),
        "corpus": found.name,
        "corpus_fingerprint": found.fingerprint,
        **({"started_from": file_sha256(start)} if start else {}),
    }
    with Run(out, settings, accelerator.is_main_process, states) as run:
        if state := run.load_state(step=from_step):
            trainer.load(state)
        accelerator.wait_for_everyone()
        return _run(run, trainer, settings, every, log_every, progress)


class Trainer:
    """The network, its average, its optimizer, and one step of them."""

    def __init__(
        self,
        corpus: Corpus,
        preset: Preset,
        accelerator,
        dtype: torch.dtype,
        compiled: bool | None,
        start: str | Path | None = None,
    ):
        model, training = preset.model, preset.training
        device = accelerator.device
        world = accelerator.num_processes
        self.batches = Batches(corpus, model, training, device, accelerator.process_index, world)
        self.preset, self.accelerator, self.dtype = preset, accelerator, dtype
        net = _taken_over(start, preset) if start else _initial(preset)
        self.net = net.to(device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.net).eval().requires_grad_(False)
        self.done = 0  # steps
        on_gpu = device.type == "cuda"
        torch.backends.cudnn.benchmark = on_gpu
        wrapped = accelerator.prepare(self.net.unet)
        self.unet = torch.compile(wrapped, dynamic=False) if (on_gpu if compiled is None else compiled) else wrapped
        self.optimizer = _optimizer(self.net, training, on_gpu)

    def step(self) -> tuple[Tensor, Tensor]:
        """One update; the mean loss of this process's images and the gradient's norm, not yet waited for."""
        training = self.preset.training
        for group in self.optimizer.param_groups:
            group["lr"] = rate_at(training, self.done)
        loss = self._loss(self.batches.at(self.done))
        self.optimizer.zero_grad(set_to_none=True)
        self.accelerator.backward(loss)
        norm = torch.nn.utils.clip_grad_norm_(self.net.unet.parameters(), training.clip)
        self.optimizer.step()
        self._follow()
        self.done += 1
        return loss.detach(), norm.detach()

    @torch.no_grad()
    def _follow(self) -> None:
        """Take the weights into their average; with gradients it would keep the history of every step."""
        weights, averages = list(self.net.unet.parameters()), list(self.average.unet.parameters())
        torch._foreach_lerp_(averages, weights, 1 - ema_at(self.preset.training, self.done))

    def _loss(self, batch: Batch) -> Tensor:
        model, training, schedule = self.preset.model, self.preset.training, self.net.schedule
        x = schedule.noisy(batch.x0, batch.noise, batch.times).contiguous(memory_format=torch.channels_last)
        with self.autocast():
            output = self.unet(schedule.to_input(model.prediction, x, batch.times), batch.times)
        predicted = schedule.from_output(model.prediction, output, x, batch.times)
        error = predicted - schedule.target(model.prediction, batch.x0, batch.noise, batch.times)
        each = (error.abs() if training.loss == "l1" else error.square()).mean(dim=(1, 2, 3))
        return (each * schedule.weight(model.prediction, batch.times, training.weighting, training.gamma)).mean()

    def autocast(self):
        return torch.autocast(self.accelerator.device.type, self.dtype, enabled=self.dtype != torch.float32)

    def state(self) -> dict:
        """All that a run needs to go on: tensors and plain values."""
        return {
            "network": self.net.unet.state_dict(),
            "average": self.average.unet.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def load(self, state: dict) -> None:
        """Go on from what state() gave."""
        self.net.unet.load_state_dict(state["network"])
        self.average.unet.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.done = state["step"]


def _optimizer(net: Denoiser, training: Training, on_gpu: bool) -> torch.optim.Optimizer:
    if training.optimizer == "muon":
        # lengths as AdamW's: Liu et al. 2025, "Muon is scalable for LLM training"
        return Muon(net.unet.parameters(), training.rate, nesterov=True, betas=training.betas)
    return torch.optim.AdamW(
        net.unet.parameters(), training.rate, training.betas, weight_decay=0.0, fused=on_gpu or None
    )


def rate_at(training: Training, step: int) -> float:
    """The learning rate of a step: a linear rise, then half a cosine down to 0."""
    if step < training.warmup:
        return training.rate * (step + 1) / training.warmup
    share = (step - training.warmup) / max(training.steps - training.warmup, 1)
    return training.rate * (1 + math.cos(math.pi * min(share, 1.0))) / 2


def ema_at(training: Training, step: int) -> float:
    """The share of the average that a step keeps."""
    if training.ema == "cosine":
        return 1 - (1 - EMA_FIRST) * (1 + math.cos(math.pi * step / training.steps)) / 2
    half_life = min(training.ema_images, EMA_RAMP * training.batch * (step + 1))
    return 0.5 ** (training.batch / half_life)


def _run(run: Run, trainer: Trainer, settings: dict, every: int, log_every: int, progress: Progress) -> Path:
    last = trainer.preset.training.steps
    meter = Meter(trainer)
    figures: dict = {}
    progress(trainer.done, figures)
    while trainer.done < last:
        meter.add(trainer.step())
        keeps = trainer.done % every == 0 or trainer.done == last
        if keeps or trainer.done % log_every == 0:
            figures = meter.read(run)
            run.log(trainer.done, **figures)
        if keeps:
            _keep(run, trainer, settings)
            meter.begin()
        progress(trainer.done, figures)
    trainer.accelerator.wait_for_everyone()
    return run.checkpoint_path(last)


class Meter:
    """Losses since the last line of figures, kept on the device so that no step waits for them."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self.begin()

    def begin(self) -> None:
        """Start the clock anew: what came between was no training."""
        self.seen: list[tuple[Tensor, Tensor]] = []
        self.since = time.perf_counter()

    def add(self, figures: tuple[Tensor, Tensor]) -> None:
        self.seen.append(figures)

    def read(self, run: Run) -> dict[str, float]:
        """The figures since the last reading; RunError where a loss was no number, in every process alike."""
        trainer = self.trainer
        training = trainer.preset.training
        own = torch.stack([torch.stack(pair) for pair in self.seen]).float()
        losses, norms = trainer.accelerator.reduce(own, "mean").T.tolist()
        for step, (loss, norm) in enumerate(zip(losses, norms, strict=True), trainer.done - len(losses) + 1):
            run.refuse_unless_finite(step, loss if math.isfinite(norm) else norm)
        speed = len(losses) * training.batch / (time.perf_counter() - self.since)
        self.begin()
        return {
            "loss": sum(losses) / len(losses),
            "gradient": sum(norms) / len(norms),
            "rate": rate_at(training, trainer.done - 1),
            "images": trainer.done * training.batch,
            "images_per_second": round(speed, 3),
            "memory_gib": round(_memory(trainer.accelerator.device) / 2**30, 3),
        }


def _keep(run: Run, trainer: Trainer, settings: dict) -> None:
    """Checkpoint, pictures, and last the state: a run killed in between writes the first two anew."""
    if not trainer.accelerator.is_main_process:
        return
    step = trainer.done
    others = {key: settings[key] for key in ("preset", "precision", "started_from") if key in settings}
    about = {"training": {**settings["training"], **others, "step": step}}
    about["corpus"] = {"name": settings["corpus"], "fingerprint": settings["corpus_fingerprint"]}
    save(run.checkpoint_path(step), trainer.average.unet.state_dict(), trainer.preset.model, about)
    columns, rows = GRID
    with trainer.autocast():
        pictures = to_grey(sample(trainer.average, range(columns * rows), "dpm++", GRID_STEPS))
    with whole_file(run.sample_path(step)) as temporary:
        Image.fromarray(laid_out(pictures, columns)).save(temporary, "PNG")
    run.save_state(step, trainer.state())


def laid_out(pictures: np.ndarray, columns: int) -> np.ndarray:
    """(n, height, width) → one picture with `columns` of them in a row, two pixels of black between."""
    framed = np.pad(pictures, ((0, 0), (0, 2), (0, 2)))
    rows = [np.concatenate(list(framed[at : at + columns]), axis=1) for at in range(0, len(framed), columns)]
    return np.concatenate(rows)[:-2, :-2]


def _initial(preset: Preset) -> Denoiser:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(preset.training.seed, "weights"))
        return Denoiser(preset.model)


def _taken_over(path: str | Path, preset: Preset) -> Denoiser:
    """The network of a checkpoint, to be trained on."""
    net = load(path, "cpu", "float32")
    ours, theirs = plain(preset.model), plain(net.model)
    if differing := [key for key in ours if key not in NOT_LEARNT and ours[key] != theirs[key]]:
        key = differing[0]
        raise SettingsError(
            f"{Path(path).name} holds another network than the preset's ({key}: {theirs[key]} there, {ours[key]} "
            "here): give the preset it was trained with"
        )
    net.model, net.guide = preset.model, None
    return net.train().requires_grad_(True)


def _memory(device: torch.device) -> int:
    """The most bytes held so far: of the GPU, else of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        import resource
    except ImportError:  # Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
