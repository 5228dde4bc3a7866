"""Where training begins: a HAT that interpolates.

A HAT with random weights makes grey noise and has to learn first to pass its input on. Here two channels for each of
the image's carry it, plus and minus, around the leaky ReLU and through the pixel shuffles with the kernels of quadratic
interpolation; everything else starts random, and adds nothing yet. The network and its parameters are what they were.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .hat import DOUBLINGS, HAT

SLOPE = 0.01  # of the leaky ReLU
# Lagrange's quadratic through the pixels before, at and after, a quarter pixel to either side.
QUARTERS = torch.tensor([[0.15625, 0.9375, -0.09375], [-0.09375, 0.9375, 0.15625]])


@torch.no_grad()
def start_as_interpolation(net: HAT) -> HAT:
    """Set the weights of `net`, freshly made, so that it enlarges by quadratic interpolation; returns it."""
    channels = net.config.channels
    carriers = 2 * channels
    _carry(net.conv_first, torch.cat([torch.eye(channels), -torch.eye(channels)]))
    _carry(net.conv_before_upsample[0], torch.eye(carriers))
    for place in DOUBLINGS:
        _interpolate(net.upsample[place], carriers)
    for last in (net.conv_after_body, net.conv_last):
        last.weight.zero_()
        last.bias.zero_()
    _carry(net.conv_last, torch.cat([torch.eye(channels), -torch.eye(channels)], 1) / (1 + SLOPE))
    return net


def _carry(convolution: nn.Conv2d, matrix: Tensor) -> None:
    """The first output channels become `matrix` times the first input channels, pixel by pixel."""
    rows, columns = matrix.shape
    convolution.weight[:rows] = 0
    convolution.weight[:rows, :columns, 1, 1] = matrix
    convolution.bias[:rows] = 0


def _interpolate(convolution: nn.Conv2d, carriers: int) -> None:
    """Each carrier becomes its four sub-pixels, in the order of the pixel shuffle."""
    convolution.weight[: 4 * carriers] = 0
    convolution.bias[: 4 * carriers] = 0
    for carrier in range(carriers):
        for sub in range(4):
            convolution.weight[4 * carrier + sub, carrier] = torch.outer(QUARTERS[sub // 2], QUARTERS[sub % 2])
