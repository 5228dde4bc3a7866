"""Windowed attention in one kernel, for inference on a GPU.

torch's fused attention wants the windows copied out, for queries, keys and values each, and the result copied back:
more memory traffic than the rest of the attention has. This kernel reads each window where it lies
in the image, shifted or overlapping, and writes where the result belongs. The softmax is the running one of
FlashAttention (Dao et al. 2022).
"""

from __future__ import annotations

import logging
from functools import lru_cache

import torch
from torch import Tensor

try:
    import triton
    import triton.language as tl
except ImportError:  # comes with torch for GPUs only
    triton = None

APART = 128.0  # taken from the logit of a pair in different regions of a shifted window; compute.REGION does the same
ROWS, COLUMNS = 128, 64  # queries and keys that one program holds at a time
log = logging.getLogger(__name__)

if triton is not None:

    @triton.jit
    def _attend(
        qkv,
        bias,
        out,
        height,
        width,
        HEADS: tl.constexpr,
        HEAD: tl.constexpr,
        WINDOW: tl.constexpr,
        OVERLAP: tl.constexpr,
        SHIFT: tl.constexpr,
        APART: tl.constexpr,
        PRECISION: tl.constexpr,
        ROWS: tl.constexpr,
        COLUMNS: tl.constexpr,
    ):
        """One program: ROWS queries of one window and head against all keys. Places are counted after the shift."""
        QUERIES: tl.constexpr = WINDOW * WINDOW
        KEYS: tl.constexpr = OVERLAP * OVERLAP
        MARGIN: tl.constexpr = (OVERLAP - WINDOW) // 2
        STRIDE: tl.constexpr = 3 * HEADS * HEAD
        LOG2E: tl.constexpr = 1.4426950408889634
        window, head, part = tl.program_id(0), tl.program_id(1), tl.program_id(2)
        across, down = width // WINDOW, height // WINDOW
        left, top = window % across * WINDOW, window // across % down * WINDOW
        image = (window // (across * down)).to(tl.int64) * height * width

        i = part * ROWS + tl.arange(0, ROWS)
        there = i < QUERIES
        y, x = top + i // WINDOW, left + i % WINDOW
        place = (y + SHIFT) % height * width + (x + SHIFT) % width
        region = (y >= height - SHIFT) * 2 + (x >= width - SHIFT)
        channel = tl.arange(0, HEAD)
        source = qkv + image * STRIDE + head * HEAD
        q = tl.load(source + place[:, None] * STRIDE + channel[None, :], mask=there[:, None], other=0.0)

        most = tl.full([ROWS], float("-inf"), tl.float32)
        total = tl.zeros([ROWS], tl.float32)
        sums = tl.zeros([ROWS, HEAD], tl.float32)
        for start in range(0, KEYS, COLUMNS):
            j = start + tl.arange(0, COLUMNS)
            key_y, key_x = top - MARGIN + j // OVERLAP, left - MARGIN + j % OVERLAP
            inside = (j < KEYS) & (key_y >= 0) & (key_y < height) & (key_x >= 0) & (key_x < width)
            key_place = (key_y + SHIFT) % height * width + (key_x + SHIFT) % width
            at = source + key_place[:, None] * STRIDE + channel[None, :]
            k = tl.load(at + HEADS * HEAD, mask=inside[:, None], other=0.0)
            v = tl.load(at + 2 * HEADS * HEAD, mask=inside[:, None], other=0.0)
            pair = (there[:, None]) & (j < KEYS)[None, :]
            position = tl.load(bias + (head * QUERIES + i[:, None]) * KEYS + j[None, :], mask=pair, other=0.0)
            logit = tl.dot(q, tl.trans(k), input_precision=PRECISION) + position.to(tl.float32)
            if SHIFT > 0:
                key_region = (key_y >= height - SHIFT) * 2 + (key_x >= width - SHIFT)
                logit = tl.where(region[:, None] == key_region[None, :], logit, logit - APART)
            logit = tl.where((j < KEYS)[None, :], logit * LOG2E, float("-inf"))
            newest = tl.maximum(most, tl.max(logit, 1))
            weight = tl.exp2(logit - newest[:, None])
            fade = tl.exp2(most - newest)
            total = total * fade + tl.sum(weight, 1)
            sums = sums * fade[:, None] + tl.dot(weight.to(v.dtype), v, input_precision=PRECISION)
            most = newest
        target = out + (image + place[:, None]) * HEADS * HEAD + head * HEAD + channel[None, :]
        tl.store(target, (sums / total[:, None]).to(out.dtype.element_ty), mask=there[:, None])


def attend(qkv: Tensor, bias: Tensor, heads: int, window: int, overlap: int, shift: int) -> Tensor:
    """Attention within windows; shapes and meaning as in compute.py.

    qkv (batch, height, width, 3 × heads × head), contiguous, queries scaled; bias (1, heads, window², overlap²) →
    (batch, height, width, heads × head). `overlap` is `window` where keys come from the same window.
    """
    batch, height, width, channels = qkv.shape
    head = channels // (3 * heads)
    out = torch.empty(batch, height, width, heads * head, dtype=qkv.dtype, device=qkv.device)
    rows = min(ROWS, max(16, window * window))
    grid = (batch * (height // window) * (width // window), heads, -(-window * window // rows))
    _attend[grid](
        qkv,
        bias,
        out,
        height,
        width,
        HEADS=heads,
        HEAD=head,
        WINDOW=window,
        OVERLAP=overlap,
        SHIFT=shift,
        APART=APART,
        PRECISION="ieee" if qkv.dtype == torch.float32 else "tf32",
        ROWS=rows,
        COLUMNS=COLUMNS,
    )
    return out


@lru_cache
def works(device: torch.device, dtype: torch.dtype, heads: int, head: int, window: int, overlap: int) -> bool:
    """Whether the kernel runs on `device` and gives what torch's attention gives; tried once. False says why, in a log.

    Cards and versions of Triton differ; where it does not work, torch's attention does the same more slowly.
    """
    if triton is None or device.type != "cuda" or head & (head - 1) or head < 16 or window & (window - 1):
        return False
    try:
        off = max(
            _difference(device, dtype, heads, head, window, *kind) for kind in ((window, window // 2), (overlap, 0))
        )
    except Exception as error:  # a compiler may fail in every way there is
        log.warning("The fused attention kernel does not run here (%s): torch's own is used", error)
        return False
    if off > 0.02:
        log.warning("The fused attention kernel is off by %.3g here: torch's own is used", off)
    return off <= 0.02


def _difference(
    device: torch.device, dtype: torch.dtype, heads: int, head: int, window: int, overlap: int, shift: int
) -> float:
    """The largest difference between attend() and torch's attention on random numbers."""
    from .compute import attend_plainly

    draw = torch.Generator(device).manual_seed(0)
    shape = (2, 2 * window, 3 * window, 3, heads, head)
    qkv = torch.randn(shape, generator=draw, device=device)
    qkv[..., -2:] = 0  # the spare channels, as layout.py leaves them
    qkv = qkv.flatten(3).to(dtype)
    bias = torch.randn(1, heads, window**2, overlap**2, generator=draw, device=device).to(dtype)
    made = attend(qkv, bias, heads, window, overlap, shift)
    return (made - attend_plainly(qkv, bias, heads, window, overlap, shift)).abs().max().item()
