"""The quality gate: why one generated image is refused. Duplicates within the pool are decided in `decide`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .likeness import Likeness, moved_likeness, nearness

BLANK = 12.0  # grey levels of standard deviation; of 99 real radiographs and 200 phantoms the lowest had 24
SATURATED = 0.4  # share of pixels within one level of black or of white; there the highest was 0.08
COLOUR = 8.0  # grey levels between the highest and the lowest channel, on average
MEMORISED = 0.45  # see likeness.nearness(); there, against others of their kind, the lowest was 0.49


@dataclass(frozen=True)
class Refusal:
    """One check that an image failed: the value that was measured, the limit, and more in words."""

    check: str
    value: float
    limit: float
    says: str

    def as_dict(self) -> dict:
        return {"check": self.check, "value": round(self.value, 4), "limit": self.limit, "says": self.says}


def inspect(
    colours: np.ndarray, small: np.ndarray, large: np.ndarray, training: Likeness | None, checks: tuple[str, ...]
) -> tuple[Refusal | None, dict]:
    """The first of `checks` that an image fails, or None, and how near the nearest training image is.

    `colours` (height, width, channels) as the diffusion made it, float in [0, 1]; `small` the same in 8-bit grey;
    `large` the finished picture; `training` the inner likeness of the training images.
    """
    near = _nearest(small, training)
    found = [*_plain(colours, large), *_memorised(near)]
    return next((each for each in found if each.check in checks and _fails(each)), None), near


def _fails(found: Refusal) -> bool:
    low_is_bad = found.check in ("blank", "training-pixels", "training-features")
    return found.value < found.limit if low_is_bad else found.value > found.limit


def _plain(colours: np.ndarray, large: np.ndarray) -> list[Refusal]:
    dark, light = float((large <= 1).mean()), float((large >= 254).mean())
    cast = float((colours.max(axis=2) - colours.min(axis=2)).mean() * 255)
    return [
        Refusal("blank", float(large.std()), BLANK, "hardly any contrast"),
        Refusal("saturated", max(dark, light), SATURATED, "mostly black" if dark > light else "mostly white"),
        Refusal("colour", cast, COLOUR, "the channels differ"),
    ]


def _memorised(near: dict) -> list[Refusal]:
    return [
        Refusal(check, value, MEMORISED, f"training image {near[f'{check}-image']} is much nearer than the others")
        for check, value in near.items()
        if not check.endswith("-image")
    ]


def _nearest(small: np.ndarray, training: Likeness | None) -> dict:
    if training is None:
        return {}
    moves, near = moved_likeness(small), {}
    for kind in ("pixels", "features"):
        value, which = nearness(getattr(moves, kind), getattr(training, kind))
        near |= {f"training-{kind}": round(value, 4), f"training-{kind}-image": which}
    return near
