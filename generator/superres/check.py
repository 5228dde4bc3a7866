"""How good a network is: PSNR and SSIM on held-out images, and a sheet to look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..corpus import Corpus
from ..durable import whole_file
from . import toolbox
from .config import SCALE
from .degrade import Degradation, degrade

BORDER = SCALE  # pixels left out at the edges, as is the custom
WINDOW = (320, 240)  # width and height in pixels of what a sheet shows of each image
ROWS = 4
LABEL = 22


@dataclass(frozen=True)
class Case:
    """A held-out image: `small` as the network is given it, `true` as it should become, both uint8 (h, w)."""

    name: str
    small: np.ndarray
    true: np.ndarray


def held_out(corpus: Corpus, how: Degradation, images: int, seed: int) -> dict[str, list[Case]]:
    """The first `images` test images, twice: "clean" as prepared, "degraded" as in training, the same in every run."""
    names = corpus.names("test")[:images]
    trues = [corpus.high_image(name) for name in names]
    clean = [Case(name, corpus.low_image(name), true) for name, true in zip(names, trues, strict=True)]
    degraded = [Case(name, _degraded(true, how, seed, name), true) for name, true in zip(names, trues, strict=True)]
    return {"clean": clean, "degraded": degraded}


def _degraded(true: np.ndarray, how: Degradation, seed: int, name: str) -> np.ndarray:
    with toolbox.drawn_from(seed, "check", name):
        return (degrade(true.astype(np.float32) / 255, how) * 255).round().astype(np.uint8)


def bicubic(small: np.ndarray) -> np.ndarray:
    """`small` enlarged by bicubic interpolation: what a network has to beat."""
    height, width = small.shape
    return np.asarray(Image.fromarray(small).resize((width * SCALE, height * SCALE), Image.Resampling.BICUBIC))


def measure(cases: Mapping[str, list[Case]], enlarge: Callable[[np.ndarray], np.ndarray]) -> dict[str, float]:
    """Means over the images of each kind of case: psnr_KIND in dB and ssim_KIND.

    `enlarge` maps uint8 (n, h, w) to uint8 (n, 4h, 4w).
    """
    figures = {}
    for kind, some in cases.items():
        made = enlarge(np.stack([case.small for case in some]))
        for name, value in (("psnr", toolbox.psnr), ("ssim", toolbox.ssim)):
            figures[f"{name}_{kind}"] = float(
                np.mean([value(image, case.true, BORDER) for image, case in zip(made, some, strict=True)])
            )
    return figures


def measure_bicubic(cases: Mapping[str, list[Case]]) -> dict[str, float]:
    """measure() of bicubic interpolation."""
    return measure(cases, lambda smalls: np.stack([bicubic(small) for small in smalls]))


def write_sheet(path: Path, cases: list[Case], enlarge: Callable[[np.ndarray], np.ndarray]) -> None:
    """Write a PNG: a row for each of the first images; low, bicubic, ours and true beside each other, with figures."""
    cases = cases[:ROWS]
    made = enlarge(np.stack([case.small for case in cases]))
    rows = [_row(case, image) for case, image in zip(cases, made, strict=True)]
    with whole_file(path) as temporary:
        Image.fromarray(np.concatenate(rows)).save(temporary, "PNG")


def _row(case: Case, ours: np.ndarray) -> np.ndarray:
    low = case.small.repeat(SCALE, 0).repeat(SCALE, 1)
    plain = bicubic(case.small)
    tiles = [_tile(f"low  {case.name}", low)]
    tiles += [_tile(_told(name, image, case.true), image) for name, image in (("bicubic", plain), ("ours", ours))]
    return np.concatenate([*tiles, _tile("true", case.true)], 1)


def _told(name: str, image: np.ndarray, true: np.ndarray) -> str:
    return f"{name}  {toolbox.psnr(image, true, BORDER):.2f} dB  SSIM {toolbox.ssim(image, true, BORDER):.3f}"


def _tile(label: str, image: np.ndarray) -> np.ndarray:
    """The middle of the image, where the front teeth are, below its label."""
    height, width = (min(side, length) for side, length in zip(WINDOW[::-1], image.shape, strict=True))
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    tile = Image.new("L", (width + 4, height + LABEL + 4), 0)
    tile.paste(Image.fromarray(image[top : top + height, left : left + width]), (2, LABEL))
    ImageDraw.Draw(tile).text((6, 3), label, fill=230, font=ImageFont.load_default(size=14))
    return np.asarray(tile)
