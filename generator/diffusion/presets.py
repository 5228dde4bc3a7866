"""The choices that are recommended, and the published one."""

from __future__ import annotations

from dataclasses import dataclass, field

from .settings import Model, SettingsError, Training


@dataclass(frozen=True)
class Preset:
    """A network with its training, and what it is for."""

    about: str
    model: Model = field(default_factory=Model)
    training: Training = field(default_factory=Training)


PRESETS = {
    "paper": Preset("As published: 34 million parameters, three equal channels, noise prediction, 250 DDIM steps."),
    "fast": Preset(
        "Recommended on a GPU: grey, on 2×2 pixels at once, v-prediction, min-SNR weighting, 20 solver steps.",
        Model(
            channels=1,
            widths=(96, 192, 256, 512),
            patch=2,
            prediction="v",
            schedule="cosine",
            sampler="dpm++",
            steps=20,
            eta=0.0,
        ),
        Training(
            steps=20_000,
            batch=64,
            rate=3e-4,
            warmup=500,
            loss="l2",
            weighting="min-snr",
            ema="half-life",
            ema_images=50_000,
        ),
    ),
    "starter": Preset(
        "Small, for two processor cores: an image takes about 1.5 seconds of one core.",
        Model(
            channels=1,
            widths=(64, 64, 96, 128),
            patch=4,
            prediction="v",
            schedule="cosine",
            sampler="dpm++",
            steps=20,
            eta=0.0,
        ),
        Training(
            steps=40_000,
            batch=8,
            rate=2e-3,
            optimizer="muon",
            warmup=200,
            loss="l2",
            weighting="min-snr",
            ema="half-life",
            ema_images=50_000,
        ),
    ),
}


def find_preset(name: str) -> Preset:
    """The preset called `name`; SettingsError names those there are."""
    if name not in PRESETS:
        raise SettingsError(f"There is no preset {name!r}: give one of {', '.join(PRESETS)}")
    return PRESETS[name]
