"""Small images made from large ones, as training input.

The published networks were trained on Real-ESRGAN's degradations (Wang et al., "Real-ESRGAN: Training Real-World Blind
Super-Resolution with Pure Synthetic Data", ICCVW 2021): blur, resize, noise and JPEG, twice. Radiographs are grey, so
all of it is computed on one channel.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import cv2
import numpy as np

from . import toolbox
from .config import SCALE

RESIZES = {"area": cv2.INTER_AREA, "bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC}


@dataclass(frozen=True)
class Round:
    """One round of blur, resize, noise and JPEG; ranges are (least, most), drawn from evenly."""

    blur: float  # probability
    sigma: tuple[float, float]  # of the blur, in pixels
    sinc: float = 0.0  # probability that the blur is a low-pass that rings
    generalised: tuple[float, float] = (0.5, 4.0)  # shape of the generalised Gaussian kernels
    plateau: tuple[float, float] = (1.0, 2.0)  # shape of the plateau kernels
    resize: tuple[float, float] = (1.0, 1.0)  # factors
    directions: tuple[float, float, float] = (0.0, 0.0, 1.0)  # probabilities to enlarge, reduce, keep
    noise: float = 0.0  # probability
    gaussian: float = 0.5  # share of the noise that is Gaussian; the rest is Poisson
    gaussian_sigma: tuple[float, float] = (0.0, 1.0)  # grey levels of 255
    poisson_scale: tuple[float, float] = (0.0, 1.0)
    jpeg: tuple[float, float] | None = None  # quality


@dataclass(frozen=True)
class Degradation:
    """Two rounds with the reduction by four between them, then a low-pass and the second JPEG in either order."""

    first: Round
    second: Round
    clean: float = 0.0  # share of the images that are reduced by averaging alone
    final_sinc: float = 0.0  # probability
    modes: tuple[str, ...] = ("area", "bilinear", "bicubic")  # of the resizes


# The options published with Real-ESRGAN.
REAL_ESRGAN = Degradation(
    first=Round(
        blur=1.0,
        sigma=(0.2, 3.0),
        sinc=0.1,
        resize=(0.15, 1.5),
        directions=(0.2, 0.7, 0.1),
        noise=1.0,
        gaussian_sigma=(1.0, 30.0),
        poisson_scale=(0.05, 3.0),
        jpeg=(30.0, 95.0),
    ),
    second=Round(
        blur=0.8,
        sigma=(0.2, 1.5),
        sinc=0.1,
        resize=(0.3, 1.2),
        directions=(0.3, 0.4, 0.3),
        noise=1.0,
        gaussian_sigma=(1.0, 25.0),
        poisson_scale=(0.05, 2.5),
        jpeg=(30.0, 95.0),
    ),
    final_sinc=0.8,
)
# What our own small images are like: averaged when prepared, and when sampled with a little noise or softness.
MILD = Degradation(
    first=Round(blur=1.0, sigma=(0.2, 2.0)),
    second=Round(blur=0.0, sigma=(0.2, 1.0), noise=0.5, gaussian=1.0, gaussian_sigma=(0.0, 3.0)),
    clean=0.5,
    modes=("area",),
)
DEGRADATIONS = {"real-esrgan": REAL_ESRGAN, "mild": MILD}


def degrade(high: np.ndarray, how: Degradation) -> np.ndarray:
    """`high`, float32 (h, w) in [0, 1], sides divisible by four → float32 (h/4, w/4), rounded to 256 levels.

    Draws from the global generators of numpy and Python: call it within toolbox.drawn_from().
    """
    small = (high.shape[1] // SCALE, high.shape[0] // SCALE)
    if np.random.uniform() < how.clean:
        return _rounded(cv2.resize(high, small, interpolation=cv2.INTER_AREA))
    image = _first_round(high, how)
    image = _resize(_blurred(image, how.second), _scaled(small, _factor(how.second)), how.modes)
    image = _noisy(image, how.second)
    if np.random.uniform() < 0.5:
        image = _compressed(_sharp_edged(_resize(image, small, how.modes), how), how.second)
    else:
        image = _sharp_edged(_resize(_compressed(image, how.second), small, how.modes), how)
    return _rounded(image)


def _first_round(image: np.ndarray, how: Degradation) -> np.ndarray:
    size = (image.shape[1], image.shape[0])
    image = _resize(_blurred(image, how.first), _scaled(size, _factor(how.first)), how.modes)
    return _compressed(_noisy(image, how.first), how.first)


def _blurred(image: np.ndarray, how: Round) -> np.ndarray:
    if np.random.uniform() >= how.blur:
        return image
    if np.random.uniform() < how.sinc:
        size = random.choice(toolbox.KERNEL_SIZES)
        return _filtered(image, toolbox.sinc_kernel(size, np.random.uniform(np.pi / (3 if size < 13 else 5), np.pi)))
    return _filtered(image, toolbox.blur_kernel(how.sigma, how.generalised, how.plateau))


def _sharp_edged(image: np.ndarray, how: Degradation) -> np.ndarray:
    """The final low-pass, which imitates the ringing of sharpening and compression."""
    if np.random.uniform() >= how.final_sinc:
        return image
    size = random.choice(toolbox.KERNEL_SIZES)
    return _filtered(image, toolbox.sinc_kernel(size, np.random.uniform(np.pi / 3, np.pi)))


def _filtered(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return cv2.filter2D(image, -1, kernel.astype(np.float32), borderType=cv2.BORDER_REFLECT_101)


def _factor(how: Round) -> float:
    direction = random.choices(("up", "down", "keep"), how.directions)[0]
    least, most = how.resize
    return {"up": np.random.uniform(1, most), "down": np.random.uniform(least, 1), "keep": 1.0}[direction]


def _scaled(size: tuple[int, int], factor: float) -> tuple[int, int]:
    return tuple(max(1, int(length * factor)) for length in size)


def _resize(image: np.ndarray, size: tuple[int, int], modes: tuple[str, ...]) -> np.ndarray:
    mode = random.choice(modes)
    return image if image.shape == size[::-1] else cv2.resize(image, size, interpolation=RESIZES[mode])


def _noisy(image: np.ndarray, how: Round) -> np.ndarray:
    if np.random.uniform() >= how.noise:
        return image
    image = image.clip(0, 1)
    if np.random.uniform() < how.gaussian:
        return toolbox.gaussian_noise(image, how.gaussian_sigma).astype(np.float32)
    return toolbox.poisson_noise(image, how.poisson_scale).astype(np.float32)


def _compressed(image: np.ndarray, how: Round) -> np.ndarray:
    return image if how.jpeg is None else toolbox.jpeg(image, np.random.uniform(*how.jpeg))


def _rounded(image: np.ndarray) -> np.ndarray:
    return (image.clip(0, 1) * 255).round().astype(np.float32) / 255
