"""A HAT made ready to be used: its weights laid out once, in the type it computes in, its blocks compiled on a GPU."""

from __future__ import annotations

import copy
from functools import lru_cache

import torch
from torch import Tensor

from . import compute
from .config import HatConfig
from .fused import works
from .hat import HAT, frame, lay_frame
from .layout import Form, head_width


class FastHAT:
    """`net` as it is now, for inference on `device`: called as `net` is, with the same results within rounding.

    All that does not depend on the image is worked out here: padded weights, scaled queries, position biases. On a GPU
    each kind of block is compiled once for each size of batch and image, which takes some seconds at the first call.
    `compiled` and `fused` (the attention kernel of our own) are chosen by what the device can, unless given.
    """

    def __init__(
        self,
        net: HAT,
        device: torch.device,
        dtype: torch.dtype,
        compiled: bool | None = None,
        fused: bool | None = None,
    ):
        self.device, self.dtype, self.window = device, dtype, net.config.window
        self.fused = _fusible(net.config, device, dtype) if fused is None else fused
        form = Form.on(device, dtype)._replace(fused=self.fused)
        use_compiler = device.type == "cuda" if compiled is None else compiled
        self._hybrid, self._overlapping = _blocks(use_compiler)
        with torch.no_grad():
            net = copy.deepcopy(net).to(device)
            own, over = net.relative_position_index_SA, net.relative_position_index_OCA
            self._mean = net.mean.clone()
            self._frame = lay_frame(net, form)
            self._groups = [
                (
                    [block.lay(own, form) for block in group.residual_group.blocks],
                    group.residual_group.overlap_attn.lay(over, form),
                )
                for group in net.layers
            ]

    def __call__(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width) in [0, 1] → the same four times as large, float32."""
        with torch.no_grad():
            return frame(x.to(self.device), self._mean, self._frame, self._groups, self._through)

    def _through(self, group, x: Tensor) -> Tensor:
        blocks, last = group
        for block in blocks:
            x = self._hybrid(x, block)
        return self._overlapping(x, last)


def _fusible(config: HatConfig, device: torch.device, dtype: torch.dtype) -> bool:
    shapes = {(heads, head_width(config.embed_dim // heads)) for heads in config.heads}
    return all(works(device, dtype, *shape, config.window, config.overlap_window) for shape in shapes)


@lru_cache
def _blocks(compiled: bool):
    if not compiled:
        return compute.hybrid, compute.overlapping
    allow_many_sizes()
    return tuple(torch.compile(block, dynamic=False, fullgraph=True) for block in (compute.hybrid, compute.overlapping))


def allow_many_sizes() -> None:
    """Each kind of block is compiled for each size of batch and image; torch would give up after eight."""
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, 128)
