"""Grain: what no enlargement can know, drawn at random as strong and as coarse as it is in real pictures.

A network gives about the mean of all pictures that a small one may have come from, and a mean is smooth: the noise of
the detector and the finest net of the bone are not in it. What true pictures have more is measured as the noise of a
detector is (IEC 62220-1): by its power spectrum, and by how strong it is at each level of grey. Drawn anew for each
image, it is what video coders call grain synthesis (Norkin & Birkbeck, "Film Grain Synthesis for AV1 Video Codec",
DCC 2018).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from scipy import fft
from scipy.ndimage import gaussian_filter, map_coordinates

from ..seeds import numpy_generator

PREFIX = "grain."  # before the names of its two arrays in a checkpoint
BLOCK = 32  # pixels of a side, of what one spectrum is taken
LEVELS = np.linspace(0, 255, 18)  # greys between which strength is told apart
FEWEST = 20  # blocks that a level of grey needs to be counted
QUIET = 0.5  # share of them that is measured: the others hold the net of the bone, or an edge that was missed
SMOOTH = 2.0  # pixels; the strength follows the picture's greys, not its finest detail


@dataclass(frozen=True)
class Grain:
    """`power` float32 (BLOCK, BLOCK // 2 + 1): relative power by frequency, 1 on average over the whole plane, in the
    order of a real Fourier transform. `strength` float32 (len(LEVELS),): standard deviation in grey levels at each of
    LEVELS."""

    power: np.ndarray
    strength: np.ndarray

    def as_tensors(self) -> dict[str, torch.Tensor]:
        """For a checkpoint."""
        return {f"{PREFIX}{name}": torch.tensor(getattr(self, name)) for name in ("power", "strength")}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, torch.Tensor]) -> Grain | None:
        """The grain in a checkpoint's tensors, or None. Raises ValueError for one that cannot be."""
        if not any(name.startswith(PREFIX) for name in tensors):
            return None
        held = [tensors.get(f"{PREFIX}{name}", torch.zeros(0)) for name in ("power", "strength")]
        power, strength = (each.float().numpy() for each in held)
        fits = power.shape == (BLOCK, BLOCK // 2 + 1) and strength.shape == LEVELS.shape
        if not fits or not all(np.isfinite(each).all() and (each >= 0).all() for each in (power, strength)):
            raise ValueError("its grain is not what measure() makes")
        return cls(power, strength)

    def add(self, image: np.ndarray, *keys: int | str) -> np.ndarray:
        """`image`, uint8 (height, width), with grain that depends on `keys` alone: uint8 of the same shape."""
        noise = numpy_generator(*keys, "grain").standard_normal(image.shape, np.float32)
        grey = image.astype(np.float32)
        strength = np.interp(gaussian_filter(grey, SMOOTH), LEVELS, self.strength).astype(np.float32)
        drawn = fft.irfft2(fft.rfft2(noise) * self._filter(image.shape), s=image.shape)
        return np.clip(np.round(grey + strength * drawn), 0, 255).astype(np.uint8)

    def _filter(self, shape: tuple[int, int]) -> np.ndarray:
        """What the transform of white noise of `shape` is multiplied with, so that its variance stays 1."""
        down, across = fft.fftfreq(shape[0])[:, None] * BLOCK, fft.rfftfreq(shape[1])[None, :] * BLOCK
        places = np.broadcast_arrays(np.where(down < 0, down + BLOCK, down), across)
        wrapped = np.concatenate([self.power, self.power[:1]])  # the highest negative frequency lies beside 0
        power = map_coordinates(wrapped, places, order=1, mode="nearest")
        twice = np.where((across > 0) & (across < BLOCK / 2), 2.0, 1.0)  # what stands for its mirror image too
        return np.sqrt(power / ((power * twice).sum() / (shape[0] * shape[1]))).astype(np.float32)


def measure(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> Grain:
    """The grain that true pictures have more than made ones; `pairs` of both, true first, uint8 (height, width).

    At each level of grey the quieter blocks count: grain lies over everything, over teeth and air too. Raises
    ValueError where the pictures hold too few blocks.
    """
    spectra, greys = (np.concatenate(part) for part in zip(*[_blocks(*pair) for pair in pairs], strict=True))
    variance = spectra.mean(axis=(1, 2))
    at = np.abs(greys[:, None] - LEVELS).argmin(axis=1)
    levels = {level: np.flatnonzero(at == level) for level in range(len(LEVELS)) if (at == level).sum() >= FEWEST}
    if not levels:
        raise ValueError(f"at least {FEWEST} blocks of about one grey are needed")
    quiet = {level: found[variance[found] <= np.quantile(variance[found], QUIET)] for level, found in levels.items()}
    strength = [np.sqrt(variance[found].mean()) for found in quiet.values()]
    counted = np.concatenate(list(quiet.values()))
    power = (spectra[counted] / variance[counted, None, None].clip(1e-6)).mean(axis=0)
    power = (power / power.mean())[:, : BLOCK // 2 + 1].astype(np.float32)
    strength = np.interp(LEVELS, LEVELS[list(quiet)], strength).astype(np.float32)
    strength[[0, -1]] = 0  # what is black or white, as margins are, lies beyond what the detector tells apart
    return Grain(power, strength)


def _blocks(true: np.ndarray, made: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Power (n, BLOCK, BLOCK) of what `true` has more, a mean of which is the block's variance, and mean greys (n,)."""
    window = np.outer(*[np.sqrt(2 / 3) * (1 - np.cos(2 * np.pi * (np.arange(BLOCK) + 0.5) / BLOCK))] * 2)
    cut = (made.shape[0] // BLOCK, BLOCK, made.shape[1] // BLOCK, BLOCK)
    trimmed = np.s_[: cut[0] * BLOCK, : cut[2] * BLOCK]
    missing = (true[trimmed].astype(np.float32) - made[trimmed]).reshape(cut).swapaxes(1, 2).reshape(-1, BLOCK, BLOCK)
    missing -= missing.mean(axis=(1, 2), keepdims=True)
    greys = made[trimmed].reshape(cut).mean(axis=(1, 3)).ravel()
    return np.abs(fft.fft2(missing * window)) ** 2 / BLOCK**2, greys
