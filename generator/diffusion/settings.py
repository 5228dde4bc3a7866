"""What there is to choose of a network and of its training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from ..errors import GeneratorError

PREDICTIONS = ("noise", "v", "x0", "edm")
SCHEDULES = ("published", "cosine", "shifted", "zero-snr")
LOSSES = ("l1", "l2")
OPTIMIZERS = ("adamw", "muon")
WEIGHTINGS = ("none", "min-snr", "edm")
EMAS = ("cosine", "half-life")
SAMPLERS = ("ddpm", "ddim", "dpm++", "unipc")
# Whole numbers, at most: a checkpoint's header that asks for more is no network of ours.
MOST = {"height": 4096, "width": 4096, "channels": 64, "patch": 64, "heads": 64, "head_width": 512, "groups": 512,
        "steps": 1000}  # fmt: skip
MOST_WIDTH = 4096


class SettingsError(GeneratorError):
    """Settings that no network or training can have."""


@dataclass(frozen=True)
class Model:
    """What builds a network and says how its output is to be read. It stands in every checkpoint as `config`."""

    height: int = 128  # pixels
    width: int = 256
    channels: int = 3  # equal ones; 3 as published
    widths: tuple[int, ...] = (64, 128, 256, 512)  # channels of each level, from the highest resolution
    patch: int = 1  # the network works on patch × patch pixels at once
    heads: int = 4  # of attention
    head_width: int = 32
    groups: int = 8  # of group norm
    prediction: str = "noise"  # noise, v, x0 or edm: see schedule.py
    schedule: str = "published"  # see schedule.py
    sampler: str = "ddim"  # recommended for this network
    steps: int = 250
    eta: float = 1.0
    guidance: float = 1.0  # by a weaker version of the network in the same checkpoint (Karras et al. 2024); 1 is none
    guided_below: int = 1000  # times from which on it guides: before them noise hides all but the greys

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(int(width) for width in self.widths))
        _one_of(self, prediction=PREDICTIONS, schedule=SCHEDULES, sampler=SAMPLERS)
        for name, most in MOST.items():
            value = getattr(self, name)
            if type(value) is not int or not 1 <= value <= most:
                raise SettingsError(f"{name} must be a whole number from 1 to {most}, not {value!r}")
        if not 2 <= len(self.widths) <= 8 or any(width < 1 or width % self.groups for width in self.widths):
            raise SettingsError(f"widths must be two or more multiples of {self.groups}, not {list(self.widths)}")
        if max(self.widths) > MOST_WIDTH:
            raise SettingsError(f"widths must not be more than {MOST_WIDTH}")
        if self.widths[0] < 4:  # the sinusoids divide by half of it less one
            raise SettingsError("the first of the widths must be 4 or more")
        if not 1 <= self.guidance <= 10 or not 1 <= self.guided_below <= 1000:
            raise SettingsError("guidance lies between 1 and 10, and guided_below between 1 and 1000")
        unit = self.patch * 2 ** (len(self.widths) - 2)
        if self.height % unit or self.width % unit:
            raise SettingsError(f"height and width must be multiples of {unit} for this patch and these levels")


@dataclass(frozen=True)
class Training:
    """How a network is trained. One step is one batch over all processes together."""

    steps: int = 100_000
    batch: int = 16
    rate: float = 1e-4  # the highest learning rate; Muon's updates are scaled to be about as long as AdamW's
    betas: tuple[float, float] = (0.9, 0.99)  # AdamW's, as published, without weight decay
    optimizer: str = "adamw"  # adamw, or muon (Jordan 2024) for matrices and kernels with AdamW for the rest
    warmup: int = 300  # steps of linear rise; a cosine to 0 follows
    clip: float = 1.0  # highest norm of the gradient
    loss: str = "l1"  # l1 or l2, on what the network predicts
    weighting: str = "none"  # of times: none, min-snr (Hang et al. 2023) or edm (Karras et al. 2022)
    gamma: float = 5.0  # of min-snr
    ema: str = "cosine"  # cosine: factor from 0.996 to 1 over the training, as published; half-life: by images seen
    ema_images: int = 50_000  # the half-life, in images
    flip: bool = False  # mirrors half of the images. Side markers would come out mirrored: for corpora without any
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "betas", tuple(float(beta) for beta in self.betas))
        _one_of(self, optimizer=OPTIMIZERS, loss=LOSSES, weighting=WEIGHTINGS, ema=EMAS)
        if min(self.steps, self.batch, self.warmup, self.ema_images) < 1 or min(self.rate, self.clip, self.gamma) <= 0:
            raise SettingsError("steps, batch, warmup, ema_images, rate, clip and gamma must be greater than 0")


def model_from(config: Mapping) -> Model:
    """The Model that a checkpoint's `config` describes; SettingsError for anything else."""
    known = {each.name for each in fields(Model)}
    if unknown := sorted(set(config) - known):
        raise SettingsError(f"The checkpoint's configuration has {unknown[0]!r}, which this version does not know")
    try:
        return Model(**config)
    except (TypeError, ValueError) as error:
        raise SettingsError(f"The checkpoint's configuration cannot be used: {error}") from error


def plain(settings: Model | Training) -> dict:
    """The settings as JSON values."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(settings).items()}


def _one_of(settings: object, **known: tuple[str, ...]) -> None:
    for name, values in known.items():
        if getattr(settings, name) not in values:
            raise SettingsError(f"{name} must be one of {', '.join(values)}, not {getattr(settings, name)!r}")
