"""Noise schedules, and the things a network may predict.

A noisy image is x_t = √ᾱ_t · x0 + √(1 − ᾱ_t) · ε, t = 0 … 999. Schedules are given by betas, ᾱ_t = Π (1 − β).

published   cosine (Nichol & Dhariwal 2021, s = 0.008) with betas clipped to [0.0001, 0.02]: ᾱ_999 = 0.0032, not 0
cosine      the same with the usual clip at 0.999
shifted     cosine with its signal-to-noise ratio lowered by (64/128)², for 128 pixels of height: Hoogeboom et al. 2023
zero-snr    cosine scaled so that ᾱ_999 = 0: Lin et al. 2024; for networks that can predict from pure noise: not noise

Networks predict the noise, x0, v (Salimans & Ho 2022), or, called edm, x0 through the preconditioning of Karras et al.
2022 (table 1): the network's input and its target have spread 1 at every time, where the images' is SPREAD.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

TIMES = 1000
SHIFT = (64 / 128) ** 2
# The samplers of diffusers divide by √ᾱ; 2^-24 is what they put for 0 themselves.
LEAST = 2.0**-24
SPREAD = 0.5  # of the images' values in -1 … 1, as in EDM
EDM_NOISE = (-1.2, 1.2)  # mean and deviation of the logarithm of the noise that EDM trains on, relative to the signal


def betas(name: str) -> Tensor:
    """The 1000 betas of a schedule, float64."""
    if name == "published":
        return _betas(_cosine()).clamp(1e-4, 0.02)
    if name == "cosine":
        return _betas(_cosine()).clamp(max=0.999)
    if name == "shifted":
        bars = _bars(_betas(_cosine()).clamp(max=0.999))
        ratio = bars / (1 - bars) * SHIFT
        return _betas(torch.cat((torch.ones(1, dtype=torch.float64), ratio / (1 + ratio))))
    if name == "zero-snr":
        roots = _bars(_betas(_cosine()).clamp(max=0.999)).sqrt()
        first, last = roots[0].clone(), roots[-1].clone()
        bars = ((roots - last) * first / (first - last)).square().clamp_min(LEAST)
        return _betas(torch.cat((torch.ones(1, dtype=torch.float64), bars)))
    raise ValueError(name)


class Schedule(torch.nn.Module):
    """A schedule's ᾱ on the device of its network, and the conversions that depend on it. No part of the weights."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.betas = betas(name)
        bars = _bars(self.betas)
        self.register_buffer("signal", bars.sqrt().float(), persistent=False)
        self.register_buffer("noise", (1 - bars).sqrt().float(), persistent=False)
        self.register_buffer("edm_density", _edm_density(bars).float(), persistent=False)

    def at(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """√ᾱ and √(1 − ᾱ) of times (n,), each (n, 1, 1, 1) in float32."""
        return self.signal[t][:, None, None, None], self.noise[t][:, None, None, None]

    def noisy(self, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """x_t."""
        signal, sigma = self.at(t)
        return signal * x0 + sigma * noise

    def to_input(self, prediction: str, x: Tensor, t: Tensor) -> Tensor:
        """What the network itself is shown of `x`."""
        if prediction != "edm":
            return x
        signal, sigma = self.at(t)
        return x / (sigma.square() + (SPREAD * signal).square()).sqrt()

    def from_output(self, prediction: str, output: Tensor, x: Tensor, t: Tensor) -> Tensor:
        """The prediction that the network's own output stands for, float32."""
        output = output.float()
        if prediction != "edm":
            return output
        signal, sigma = self.at(t)
        whole = sigma.square() + (SPREAD * signal).square()
        return SPREAD**2 * signal / whole * x + sigma * SPREAD / whole.sqrt() * output

    def target(self, prediction: str, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """What the prediction should be."""
        if prediction == "noise":
            return noise
        if prediction in ("x0", "edm"):
            return x0
        signal, sigma = self.at(t)
        return signal * noise - sigma * x0

    def to_noise(self, prediction: str, output: Tensor, x: Tensor, t: Tensor) -> Tensor:
        """The noise in `x` that a prediction stands for."""
        if prediction == "noise":
            return output
        signal, sigma = self.at(t)
        return (x - signal * output) / sigma if prediction in ("x0", "edm") else signal * output + sigma * x

    def weight(self, prediction: str, t: Tensor, weighting: str, gamma: float) -> Tensor:
        """The weight of a squared error in the predicted quantity: (n,).

        none      1
        min-snr   that of x0 is the signal-to-noise ratio, at most `gamma` (Hang et al. 2023, section 3.4)
        edm       as if noise were drawn as in Karras et al. 2022 (table 1), and weighed as there
        """
        if weighting == "none":
            return torch.ones_like(self.signal[t])
        snr = (self.signal[t] / self.noise[t]).square()
        in_image = snr.clamp(max=gamma) if weighting == "min-snr" else (snr + SPREAD**-2) * self.edm_density[t]
        if prediction in ("x0", "edm"):
            return in_image
        return in_image / (snr.clamp_min(LEAST) if prediction == "noise" else snr + 1)


def _cosine() -> Tensor:
    """cos²((t/T + s)/(1 + s) · π/2) at t = 0 … T, relative to its value at 0."""
    t = torch.arange(TIMES + 1, dtype=torch.float64) / TIMES
    bars = torch.cos((t + 0.008) / 1.008 * math.pi / 2).square()
    return bars / bars[0]


def _betas(bars: Tensor) -> Tensor:
    return 1 - bars[1:] / bars[:-1]


def _bars(betas: Tensor) -> Tensor:
    return torch.cumprod(1 - betas, dim=0)


def _edm_density(bars: Tensor) -> Tensor:
    """How much more often EDM trains on each time's noise than a uniform draw of times would, mean 1: (1000,)."""
    logarithm = ((1 - bars) / bars.clamp_min(LEAST)).log() / 2
    mean, deviation = EDM_NOISE
    density = torch.exp(-((logarithm - mean) / deviation).square() / 2) * torch.gradient(logarithm)[0]
    return density / density.mean()
