"""The attention-aware U-Net of PanoDiff-SR, its parameters named as in the published checkpoints.

Levels are counted from the highest resolution. Going down, each has two residual blocks, attention (but at level 0) and
a halving of both sides; the last level keeps its size, as does the first going up. What the published network has and
others of the name have not: the norm stands after the convolution, down-sampling is a space-to-depth with a 1×1
convolution, attention normalises by the channels' root mean square.

With `patch` p the network works on p×p pixels at once (space-to-depth before the first convolution, depth-to-space
after the last): 1/p² of the work. A wavelet in its place would not change which functions the network can
express: it is an orthonormal map of the same p×p pixels, which the first convolution can learn.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class UNet(nn.Module):
    """(n, channels, height, width) and times (n,) → a prediction of the input's shape.

    Both sides must be divisible by patch · 2^(len(widths) − 2), every width by `groups`.
    """

    def __init__(
        self, channels: int, widths: tuple[int, ...], patch: int, heads: int, head_width: int, groups: int
    ) -> None:
        super().__init__()
        inside, first = channels * patch * patch, widths[0]
        emb = 4 * first
        self.patch = patch
        self.time_width = first
        # A SiLU here and another in every block: the published network applies it twice.
        self.time_embedding = nn.Sequential(nn.Linear(first, emb), nn.SiLU(), nn.Linear(emb, emb), nn.SiLU())
        self.init_conv = nn.Conv2d(inside, first, 3, padding=1)
        levels = list(pairwise(widths))

        def block(before: int, after: int) -> ResidualBlock:
            return ResidualBlock(before, after, emb, groups)

        def attention(width: int, level: int) -> nn.Module:
            return Attention(width, heads, head_width) if level else nn.Identity()

        self.down_blocks = nn.ModuleList()
        for level, (here, below) in enumerate(levels):
            last = level == len(levels) - 1
            leave = nn.Conv2d(here, below, 3, padding=1) if last else _halve(here, below)
            parts = (block(here, here), block(here, here), attention(here, level), leave)
            self.down_blocks.append(nn.ModuleList(parts))
        deepest = widths[-1]
        self.mid_block1 = block(deepest, deepest)
        self.mid_attn = Attention(deepest, heads, head_width)
        self.mid_block2 = block(deepest, deepest)
        self.up_blocks = nn.ModuleList()
        for level, (here, below) in reversed(list(enumerate(levels))):
            leave = _double(below, here) if level else nn.Conv2d(below, here, 3, padding=1)
            parts = (block(below + here, below), block(below + here, below), attention(below, level), leave)
            self.up_blocks.append(nn.ModuleList(parts))
        self.out_block = block(2 * first, first)
        self.conv_out = nn.Conv2d(first, inside, 1)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        emb = self.time_embedding(sinusoids(t, self.time_width).to(self.init_conv.weight.dtype))
        x = start = self.init_conv(F.pixel_unshuffle(x, self.patch))
        skips = []
        for first, second, attend, leave in self.down_blocks:
            x = first(x, emb)
            skips.append(x)
            x = attend(second(x, emb))
            skips.append(x)
            x = leave(x)
        x = self.mid_block2(self.mid_attn(self.mid_block1(x, emb)), emb)
        for first, second, attend, leave in self.up_blocks:
            x = first(torch.cat((x, skips.pop()), dim=1), emb)
            x = attend(second(torch.cat((x, skips.pop()), dim=1), emb))
            x = leave(x)
        x = self.out_block(torch.cat((x, start), dim=1), emb)
        return F.pixel_shuffle(self.conv_out(x), self.patch)


class ResidualBlock(nn.Module):
    """Convolution, group norm, SiLU, plus time; convolution, group norm, SiLU; plus the (projected) input."""

    def __init__(self, before: int, after: int, emb: int, groups: int) -> None:
        super().__init__()
        self.time_emb_proj = nn.Sequential(nn.SiLU(), nn.Linear(emb, after))
        self.residual_conv = nn.Conv2d(before, after, 1) if before != after else nn.Identity()
        self.conv1 = nn.Conv2d(before, after, 3, padding=1)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1)
        self.norm1 = nn.GroupNorm(groups, after)
        self.norm2 = nn.GroupNorm(groups, after)

    def forward(self, x: Tensor, emb: Tensor) -> Tensor:
        h = F.silu(self.norm1(self.conv1(x))) + self.time_emb_proj(emb)[:, :, None, None]
        return F.silu(self.norm2(self.conv2(h))) + self.residual_conv(x)


class Attention(nn.Module):
    """Self-attention over all positions, added to its input."""

    def __init__(self, width: int, heads: int, head_width: int) -> None:
        super().__init__()
        self.heads, self.head_width = heads, head_width
        self.norm = RMSNorm(width)
        self.to_qkv = nn.Conv2d(width, 3 * heads * head_width, 1, bias=False)
        self.to_out = nn.Conv2d(heads * head_width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        n, _, height, width = x.shape
        # Channels last, (n, positions, 3, heads, head_width) is a view of the convolution's result: nothing is copied.
        qkv = self.to_qkv(self.norm(x)).permute(0, 2, 3, 1).reshape(n, -1, 3, self.heads, self.head_width)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        out = F.scaled_dot_product_attention(q, k, v)
        out = out.transpose(1, 2).reshape(n, height, width, -1).permute(0, 3, 1, 2)
        return self.to_out(out) + x


class RMSNorm(nn.Module):
    """Each position's channels divided by their root mean square, times a gain."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.g = nn.Parameter(torch.ones(1, width, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        # the sum of squares in float32: bfloat16 would keep 8 bits of it
        length = x.float().square().sum(dim=1, keepdim=True).sqrt().clamp_min(1e-12)
        return x * (self.g * (math.sqrt(x.shape[1]) / length)).to(x.dtype)


def sinusoids(t: Tensor, width: int) -> Tensor:
    """(n,) times → (n, width), float32: sines, then cosines, of geometrically falling frequencies 1 … 1/10000."""
    half = width // 2
    frequencies = torch.exp(torch.arange(half, device=t.device) * (-math.log(10000) / (half - 1)))
    angles = t[:, None].float() * frequencies
    return torch.cat((angles.sin(), angles.cos()), dim=1)


def _halve(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4 * before, after, 1))


def _double(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, padding=1))
