"""Weights as the processor wants them: padded, scaled, cast, with their position biases looked up.

The published network has 180 channels in 6 heads of 30, 60 where it compresses. Tensor cores want rows that are a
multiple of 16 bytes, fused attention wants heads that are a multiple of 8. So every width is rounded up with zeros,
which leave the result as it is: 180 → 192, 30 → 32, 60 → 64. All of it is differentiable, so that training runs on the
same layout; for inference it is done once.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SPARE = 2  # channels of a head that must be free: they tell apart the regions of a shifted window, see compute.py


class Form(NamedTuple):
    """How weights are laid out: their type, what every number of channels is rounded up to a multiple of, and whether
    attention is by our own kernel.
    """

    dtype: torch.dtype
    align: int
    fused: bool = False

    def width(self, channels: int) -> int:
        return -(-channels // self.align) * self.align

    @classmethod
    def on(cls, device: torch.device, dtype: torch.dtype) -> Form:
        """The form that suits a device: rounded up on a GPU, as they are on a CPU."""
        return cls(dtype, 32 if device.type == "cuda" else 1)


class Affine(NamedTuple):
    """A matrix or convolution kernel with its bias."""

    weight: Tensor
    bias: Tensor


class Norm(NamedTuple):
    """A layer norm over the first `channels` channels; the others are zero and stay so."""

    weight: Tensor
    bias: Tensor
    channels: int


class Attention(NamedTuple):
    """Queries, keys, values of (3 × heads × padded head) rows, the way back, and the bias (1, heads, queries, keys).

    `fused` asks for the kernel of fused.py, which has no gradients.
    """

    qkv: Affine
    proj: Affine
    bias: Tensor
    heads: int
    fused: bool


class ChannelAttention(NamedTuple):
    """The convolutional branch: squeeze, widen, and the two matrices that weigh the channels."""

    squeeze: Affine
    widen: Affine
    down: Affine
    up: Affine
    scale: float


class Mlp(NamedTuple):
    """The two matrices between which the GELU stands."""

    wide: Affine
    back: Affine


class Hybrid(NamedTuple):
    """All of one hybrid attention block."""

    norm1: Norm
    attention: Attention
    convolution: ChannelAttention
    norm2: Norm
    mlp: Mlp
    window: int
    shift: int


class Overlapping(NamedTuple):
    """All of one overlapping cross-attention block."""

    norm1: Norm
    attention: Attention
    norm2: Norm
    mlp: Mlp
    window: int
    overlap: int


def padded(tensor: Tensor, *shape: int) -> Tensor:
    """`tensor` with zeros behind it along each dimension, up to `shape`."""
    missing = [wanted - length for wanted, length in zip(shape, tensor.shape, strict=True)]
    return F.pad(tensor, [side for extra in reversed(missing) for side in (0, extra)]) if any(missing) else tensor


def lay_linear(linear: nn.Module, form: Form) -> Affine:
    """A linear layer, or a 1×1 convolution as one."""
    weight = linear.weight.flatten(1)
    rows, columns = (form.width(length) for length in weight.shape)
    return Affine(padded(weight, rows, columns).to(form.dtype), padded(linear.bias, rows).to(form.dtype))


def lay_convolution(convolution: nn.Conv2d, form: Form, inputs: int = 0, outputs: int = 0) -> Affine:
    """A 3×3 convolution, channels last; `inputs` and `outputs` replace the rounded widths where images come and go."""
    rows = outputs or form.width(convolution.weight.shape[0])
    columns = inputs or form.width(convolution.weight.shape[1])
    weight = padded(convolution.weight, rows, columns, 3, 3).to(form.dtype)
    return Affine(weight.contiguous(memory_format=torch.channels_last), padded(convolution.bias, rows).to(form.dtype))


def lay_norm(norm: nn.LayerNorm, form: Form) -> Norm:
    width = form.width(norm.weight.shape[0])
    weight, bias = (padded(part, width).to(form.dtype) for part in (norm.weight, norm.bias))
    return Norm(weight, bias, norm.weight.shape[0])


def lay_mlp(mlp: nn.Module, form: Form) -> Mlp:
    return Mlp(lay_linear(mlp.fc1, form), lay_linear(mlp.fc2, form))


def head_width(channels: int) -> int:
    """The padded width of a head: the next multiple of 8 that leaves SPARE channels free."""
    return -(-(channels + SPARE) // 8) * 8


def lay_attention(attention: nn.Module, index: Tensor, form: Form) -> Attention:
    """`attention` has qkv, proj and relative_position_bias_table; `index` (queries, keys) says where to look in it.

    The scale of the queries, 1/√head, goes into their weights. `index` may be negative: the published tables of the
    overlapping attention are read so, from their end.
    """
    width = attention.proj.weight.shape[0]
    heads = attention.relative_position_bias_table.shape[1]
    head, across = head_width(width // heads), form.width(width)
    scale = (width // heads) ** -0.5
    weight = attention.qkv.weight.unflatten(0, (3, heads, -1))
    bias = attention.qkv.bias.unflatten(0, (3, heads, -1))
    scales = torch.tensor([scale, 1.0, 1.0], device=weight.device)
    weight = padded(weight * scales.view(3, 1, 1, 1), 3, heads, head, across).flatten(0, 2)
    bias = padded(bias * scales.view(3, 1, 1), 3, heads, head).flatten()
    back = padded(attention.proj.weight.unflatten(1, (heads, -1)), across, heads, head).flatten(1)
    positions = attention.relative_position_bias_table[index].permute(2, 0, 1)[None]
    return Attention(
        Affine(weight.to(form.dtype), bias.to(form.dtype)),
        Affine(back.to(form.dtype), padded(attention.proj.bias, across).to(form.dtype)),
        positions.to(form.dtype).contiguous(),
        heads,
        form.fused,
    )


def lay_channel_attention(cab: nn.Sequential, scale: float, form: Form) -> ChannelAttention:
    weigh = cab[3].attention
    return ChannelAttention(
        lay_convolution(cab[0], form),
        lay_convolution(cab[2], form),
        lay_linear(weigh[1], form),
        lay_linear(weigh[3], form),
        scale,
    )
