"""Noise schedules, and the three things a network may predict.

A noisy image is x_t = √ᾱ_t · x0 + √(1 − ᾱ_t) · ε, t = 0 … 999. Schedules are given by betas, ᾱ_t = Π (1 − β).

published   cosine (Nichol & Dhariwal 2021, s = 0.008) with betas clipped to [0.0001, 0.02]: ᾱ_999 = 0.0032, not 0
cosine      the same with the usual clip at 0.999
shifted     cosine with its signal-to-noise ratio lowered by (64/128)², for 128 pixels of height: Hoogeboom et al. 2023
zero-snr    cosine scaled so that ᾱ_999 = 0: Lin et al. 2024; for v and x0 networks, which can predict from pure noise
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

TIMES = 1000
SHIFT = (64 / 128) ** 2
# The samplers of diffusers divide by √ᾱ; 2^-24 is what they put for 0 themselves.
LEAST = 2.0**-24


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

    def at(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """√ᾱ and √(1 − ᾱ) of times (n,), each (n, 1, 1, 1) in float32."""
        return self.signal[t][:, None, None, None], self.noise[t][:, None, None, None]

    def noisy(self, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """x_t."""
        signal, sigma = self.at(t)
        return signal * x0 + sigma * noise

    def target(self, prediction: str, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """What a network of that prediction should output."""
        if prediction == "noise":
            return noise
        if prediction == "x0":
            return x0
        signal, sigma = self.at(t)
        return signal * noise - sigma * x0

    def to_noise(self, prediction: str, output: Tensor, x: Tensor, t: Tensor) -> Tensor:
        """The noise in `x` that a network's output stands for."""
        if prediction == "noise":
            return output
        signal, sigma = self.at(t)
        return (x - signal * output) / sigma if prediction == "x0" else signal * output + sigma * x

    def weight(self, prediction: str, t: Tensor, gamma: float) -> Tensor:
        """The min-SNR-γ weight of a squared error in the predicted quantity (Hang et al. 2023, section 3.4): (n,)."""
        snr = (self.signal[t] / self.noise[t]).square()
        capped = snr.clamp(max=gamma)
        return {"x0": capped, "noise": capped / snr.clamp_min(LEAST), "v": capped / (snr + 1)}[prediction]


def _cosine() -> Tensor:
    """cos²((t/T + s)/(1 + s) · π/2) at t = 0 … T, relative to its value at 0."""
    t = torch.arange(TIMES + 1, dtype=torch.float64) / TIMES
    bars = torch.cos((t + 0.008) / 1.008 * math.pi / 2).square()
    return bars / bars[0]


def _betas(bars: Tensor) -> Tensor:
    return 1 - bars[1:] / bars[:-1]


def _bars(betas: Tensor) -> Tensor:
    return torch.cumprod(1 - betas, dim=0)
