"""All that is taken from basicsr, the toolbox of this field, and what it takes to use version 1.4.2 today.

- It imports `torchvision.transforms.functional_tensor`, which torchvision removed: it stands in while basicsr is
  imported, and is gone afterwards.
- Importing it switches numpy's warnings off for the whole process, and warns of old ways of its own: both contained.
- Its JPEG step passes OpenCV a quality with decimals, which 4.10 and newer refuse, and pixels with decimals, which 5
  complains of: jpeg() does the same with whole ones.
- It draws from the global generators of numpy and Python: drawn_from() seeds them for a block and puts them back.
- It loads VGG19 through arguments that torchvision deprecated, from a path relative to the current directory: the
  layers are handed to it.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import random
import sys
import types
import warnings
from collections.abc import Iterator
from functools import lru_cache
from types import SimpleNamespace

import cv2
import numpy as np
import torch
from torch import nn

from ..checkpoint import read_published
from ..seeds import seed_of
from .config import SuperResError

GONE = "torchvision.transforms.functional_tensor"
KERNELS = ("iso", "aniso", "generalized_iso", "generalized_aniso", "plateau_iso", "plateau_aniso")
KERNEL_SHARES = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)  # as in the options published with Real-ESRGAN
KERNEL_SIZES = range(7, 22, 2)
# Layers of VGG19, before their ReLU, with their weights in the loss.
VGG_LAYERS = {"conv1_2": 0.1, "conv2_2": 0.1, "conv3_4": 1.0, "conv4_4": 1.0, "conv5_4": 1.0}


@lru_cache
def basicsr(module: str) -> types.ModuleType:
    """The module `basicsr.<module>`. Raises SuperResError where basicsr is not installed or does not work."""
    with _gone_module(), np.errstate(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module(f"basicsr.{module}")
        except ImportError as error:
            raise SuperResError(f"Training needs basicsr 1.4.2 ({error}): run make install") from error


@contextlib.contextmanager
def _gone_module() -> Iterator[None]:
    from torchvision.transforms import functional

    there = GONE in sys.modules
    if not there:
        sys.modules[GONE] = types.ModuleType(GONE)
        sys.modules[GONE].rgb_to_grayscale = functional.rgb_to_grayscale
    try:
        yield
    finally:
        if not there:
            del sys.modules[GONE]


@contextlib.contextmanager
def drawn_from(*keys: int | str) -> Iterator[None]:
    """In the block, numpy's and Python's global generators draw what `keys` say; afterwards they are as before."""
    seed = seed_of(*keys)
    kept = np.random.get_state(), random.getstate()
    np.random.seed([seed & 0xFFFFFFFF, seed >> 32])
    random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(kept[0])
        random.setstate(kept[1])


def blur_kernel(sigma: tuple[float, float], generalised: tuple[float, float], plateau: tuple[float, float]):
    """A random blur kernel of one of six kinds, of 7 to 21 pixels: float64, odd and square, sum 1."""
    size = random.choice(KERNEL_SIZES)
    turn = (-np.pi, np.pi)
    return basicsr("data.degradations").random_mixed_kernels(
        KERNELS, KERNEL_SHARES, size, sigma, sigma, turn, generalised, plateau, noise_range=None
    )


def sinc_kernel(size: int, cutoff: float) -> np.ndarray:
    """A circular low-pass of `size` pixels (odd) with its cutoff in radians (π is the pixel grid's): it rings."""
    with np.errstate(divide="ignore", invalid="ignore"):  # 0/0 in the middle, which it fills in afterwards
        return basicsr("data.degradations").circular_lowpass_kernel(cutoff, size)


def gaussian_noise(image: np.ndarray, sigma: tuple[float, float]) -> np.ndarray:
    """`image` (h, w) in [0, 1] with noise of a random strength within `sigma`, in grey levels of 255."""
    return basicsr("data.degradations").random_add_gaussian_noise(image, sigma_range=sigma)


def poisson_noise(image: np.ndarray, scale: tuple[float, float]) -> np.ndarray:
    """`image` (h, w) in [0, 1] with photon noise of a random strength within `scale`."""
    return basicsr("data.degradations").random_add_poisson_noise(image, scale_range=scale)


def jpeg(image: np.ndarray, quality: float) -> np.ndarray:
    """`image` (h, w) in [0, 1] after JPEG of `quality` (0 to 100, rounded down)."""
    pixels = (image.clip(0, 1) * 255).round().astype(np.uint8)
    data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])[1]
    return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE).astype(np.float32) / 255


def psnr(image: np.ndarray, true: np.ndarray, border: int) -> float:
    """Peak signal-to-noise ratio in dB of two grey uint8 images, `border` pixels left out on each side."""
    return float(basicsr("metrics.psnr_ssim").calculate_psnr(image, true, border))


def ssim(image: np.ndarray, true: np.ndarray, border: int) -> float:
    """Structural similarity (Wang et al. 2004: Gaussian window of 11 pixels, σ 1.5), as psnr()."""
    return float(basicsr("metrics.psnr_ssim").calculate_ssim(image, true, border))


def discriminator(channels: int, features: int) -> nn.Module:
    """Real-ESRGAN's discriminator: a U-Net with spectral norms, (n, channels, h, w) → (n, 1, h, w) logits."""
    return basicsr("archs.discriminator_arch").UNetDiscriminatorSN(channels, features)


def gan_loss() -> nn.Module:
    """loss(logits, True or False) by binary cross-entropy."""
    return basicsr("losses.gan_loss").GANLoss("vanilla")


def perceptual_loss(weights_file: str | os.PathLike) -> nn.Module:
    """loss(made, true): weighted L1 distance of VGG19's features; images (n, 3, h, w) in [0, 1]; a scalar.

    `weights_file` is torchvision's vgg19-dcbb9e9d.pth, of which the classifier is not needed. Raises SuperResError
    where it is another file.
    """
    features = _vgg_features(weights_file)
    extractor = basicsr("archs.vgg_arch")
    torchvision, extractor.vgg = extractor.vgg, SimpleNamespace(vgg19=lambda pretrained: features)
    try:
        return _First(basicsr("losses.basic_loss").PerceptualLoss(VGG_LAYERS))
    finally:
        extractor.vgg = torchvision


def _vgg_features(weights_file: str | os.PathLike) -> SimpleNamespace:
    from torchvision.models import vgg

    features = vgg.make_layers(vgg.cfgs["E"])  # 19 layers are configuration E of the VGG paper
    tensors = read_published(weights_file)
    try:
        features.load_state_dict(
            {name.removeprefix("features."): tensors[name] for name in tensors if name.startswith("features.")}
        )
    except RuntimeError as error:
        raise SuperResError(f"{weights_file} does not hold the weights of VGG19: give vgg19-dcbb9e9d.pth") from error
    return SimpleNamespace(features=features)


class _First(nn.Module):
    """basicsr's loss gives a pair, of which the second is nothing."""

    def __init__(self, loss: nn.Module):
        super().__init__()
        self.loss = loss

    def forward(self, made: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
        return self.loss(made, true)[0]
