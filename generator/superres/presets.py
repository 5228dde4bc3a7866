"""The two ways to train: as published, and small enough for a 2-core machine."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from .config import HatConfig, SuperResError


@dataclass(frozen=True)
class Preset:
    """A network and how it is trained; steps are of one batch each, crops in pixels of the large image."""

    network: HatConfig
    degradation: str  # a name in degrade.DEGRADATIONS
    crop: int
    batch: int
    l1_steps: int  # first stage: L1 alone
    gan_steps: int  # second stage: L1, perceptual and adversarial loss
    learning_rate: float  # of the network in the first stage, by Adam with betas (0.9, 0.99)
    second_rate: float  # of the network in the second stage
    warm_up: int  # steps over which the network's learning rate grows to it in each stage
    halve_at: tuple[float, ...]  # shares of a stage after which the learning rate is halved
    discriminator: int  # its number of features
    discriminator_rate: float  # its learning rate, from its first step
    discriminator_sees: str  # "image", or "detail": what differs from the mean around it, ten times as strong
    perceptual_weight: float  # beside the L1 loss's 1
    gan_weight: float
    ema: float  # factor of the running average of the weights
    check_every: int  # steps between checkpoints, each with its measures and sheet
    check_images: int  # held-out images they are measured on

    def as_dict(self) -> dict:
        """Plain JSON values."""
        return asdict(self)


PAPER = Preset(
    network=HatConfig(),
    degradation="real-esrgan",
    crop=256,
    batch=4,
    l1_steps=400_000,
    gan_steps=400_000,
    learning_rate=1e-4,
    second_rate=1e-4,
    warm_up=1_000,
    halve_at=(1.0,),
    discriminator=64,
    discriminator_rate=1e-4,
    discriminator_sees="image",
    perceptual_weight=1.0,
    gan_weight=0.1,
    ema=0.999,
    check_every=5_000,
    check_images=16,
)
STARTER = Preset(
    network=HatConfig(channels=1, embed_dim=60, depths=(6, 6), heads=(2, 2), features=32),
    degradation="mild",
    crop=128,
    batch=8,
    l1_steps=6_000,
    gan_steps=2_000,
    learning_rate=4e-4,
    second_rate=5e-5,
    warm_up=200,
    halve_at=(0.5, 0.75, 0.9),
    discriminator=16,
    discriminator_rate=1e-3,
    discriminator_sees="detail",
    perceptual_weight=1.0,
    gan_weight=0.02,
    ema=0.999,
    check_every=250,
    check_images=4,
)
PRESETS = {"paper": PAPER, "starter": STARTER}


def find_preset(name: str) -> Preset:
    """The preset called `name`; SuperResError lists those there are."""
    if name not in PRESETS:
        raise SuperResError(f"There is no preset {name!r}: choose one of {', '.join(PRESETS)}")
    return PRESETS[name]
