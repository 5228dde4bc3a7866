"""What a HAT computes, on tokens: tensors (batch, height, width, channels), channels last throughout.

A convolution sees the same memory as a channels-last image, a linear layer as a matrix, so that nothing is copied
between them; only attention gathers windows.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from . import fused
from .layout import Affine, Attention, ChannelAttention, Hybrid, Mlp, Norm, Overlapping

# Added to two spare channels of queries and keys, as + or -: tokens of one region gain REGION² in each product, tokens
# of different regions lose it. Softmax ignores what all keys gain, so this is a mask of -128, without a mask.
REGION = 8.0


def hybrid(x: Tensor, block: Hybrid) -> Tensor:
    """Hybrid attention block: windowed attention beside convolutions with channel attention, then an MLP."""
    normed = normalise(x, block.norm1)
    attended = attend(normed, block.attention, block.window, block.window, block.shift)
    x = x + attended + channel_attention(normed, block.convolution)
    return x + mlp(normalise(x, block.norm2), block.mlp)


def overlapping(x: Tensor, block: Overlapping) -> Tensor:
    """Overlapping cross-attention block: every window looks at a larger one around it, then an MLP."""
    x = x + attend(normalise(x, block.norm1), block.attention, block.window, block.overlap, 0)
    return x + mlp(normalise(x, block.norm2), block.mlp)


def normalise(x: Tensor, norm: Norm) -> Tensor:
    """Layer norm over the real channels; the padding stays zero."""
    channels, extra = norm.channels, x.shape[-1] - norm.channels
    if not extra:
        return F.layer_norm(x, (channels,), norm.weight, norm.bias)
    real = F.layer_norm(x[..., :channels], (channels,), norm.weight[:channels], norm.bias[:channels])
    return F.pad(real, (0, extra))


def mlp(x: Tensor, weights: Mlp) -> Tensor:
    return F.linear(F.gelu(F.linear(x, *weights.wide)), *weights.back)


def convolve(x: Tensor, kernel: Affine) -> Tensor:
    """A 3×3 convolution on tokens."""
    return F.conv2d(x.permute(0, 3, 1, 2), *kernel, padding=1).permute(0, 2, 3, 1)


def channel_attention(x: Tensor, weights: ChannelAttention) -> Tensor:
    """Two convolutions, each channel weighed by what its mean over the whole image says."""
    y = convolve(F.gelu(convolve(x, weights.squeeze)), weights.widen)
    means = y.mean((1, 2))
    share = torch.sigmoid(F.linear(F.relu(F.linear(means, *weights.down)), *weights.up))
    return y * (share * weights.scale)[:, None, None]


def attend(x: Tensor, weights: Attention, window: int, overlap: int, shift: int) -> Tensor:
    """Attention from windows of `window` pixels a side to those of `overlap` pixels around them, and the way back.

    The windows are moved by `shift` pixels around the image's border; beyond the border keys and values are zero.
    """
    qkv = F.linear(x, *weights.qkv)
    compute = fused.attend if weights.fused else attend_plainly
    return F.linear(compute(qkv, weights.bias, weights.heads, window, overlap, shift), *weights.proj)


def attend_plainly(qkv: Tensor, bias: Tensor, heads: int, window: int, overlap: int, shift: int) -> Tensor:
    """fused.attend() by torch's own attention: runs everywhere, and backwards."""
    height, width = qkv.shape[1:3]
    q, k, v = qkv.unflatten(-1, (3, heads, -1)).unbind(3)
    if shift:
        regions = region_code(height, width, shift, q.shape[-1], qkv.dtype, qkv.device)
        q, k, v = (torch.roll(part, (-shift, -shift), (1, 2)) for part in (q, k, v))
        q, k = q + regions, k + regions
    k, v = (cut(part, window) if overlap == window else cut_overlapping(part, window, overlap) for part in (k, v))
    y = F.scaled_dot_product_attention(cut(q, window), k, v, attn_mask=bias, scale=1.0)
    y = join(y, window, height, width)
    return torch.roll(y, (shift, shift), (1, 2)) if shift else y


def region_code(height: int, width: int, shift: int, head: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """What to add to queries and keys (height, width, 1, head) so that the far sides of the image do not meet.

    After the roll the last `shift` rows and columns are those that came around.
    """
    rows = torch.where(torch.arange(height, device=device) >= height - shift, -REGION, REGION)
    columns = torch.where(torch.arange(width, device=device) >= width - shift, -REGION, REGION)
    code = torch.stack(torch.broadcast_tensors(rows[:, None], columns), -1)
    return F.pad(code, (head - 2, 0))[:, :, None].to(dtype)


def cut(x: Tensor, window: int) -> Tensor:
    """(batch, height, width, heads, head) → (batch × windows, heads, pixels of a window, head)"""
    batch, height, width, heads, head = x.shape
    x = x.view(batch, height // window, window, width // window, window, heads, head)
    return x.permute(0, 1, 3, 5, 2, 4, 6).reshape(-1, heads, window * window, head)


def cut_overlapping(x: Tensor, window: int, overlap: int) -> Tensor:
    """As cut(), every window enlarged to `overlap` pixels a side."""
    margin, (heads, head) = (overlap - window) // 2, x.shape[3:]
    x = F.pad(x, (0, 0, 0, 0, margin, margin, margin, margin))
    x = x.unfold(1, overlap, window).unfold(2, overlap, window)
    return x.permute(0, 1, 2, 3, 5, 6, 4).reshape(-1, heads, overlap * overlap, head)


def join(x: Tensor, window: int, height: int, width: int) -> Tensor:
    """The reverse of cut(), with the heads side by side: (batch, height, width, heads × head)"""
    heads, head = x.shape[1], x.shape[3]
    x = x.view(-1, height // window, width // window, heads, window, window, head)
    return x.permute(0, 1, 4, 2, 5, 3, 6).reshape(-1, height, width, heads * head)
