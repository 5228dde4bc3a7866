"""What a network asks of a machine besides multiplications: bytes to move and exponentials to work out."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

MATRICES = ("aten.convolution", "aten.addmm", "aten.mm", "aten.bmm", "aten.linear")


@dataclass
class Traffic:
    """Counts of one call. `apart` are the bytes if every operation reads its inputs and writes its output once,
    `joined` those of convolutions, matrix products and attention alone, with all else computed on the way between
    them. Attention never writes its weights, as fused kernels do not."""

    apart: int = 0
    joined: int = 0
    exponentials: int = 0  # of attention's softmax: special units do few of them


def traffic(network: torch.nn.Module, *inputs: torch.Tensor) -> Traffic:
    """What a call of `network` asks for; network and inputs on the meta device, in the precision they will have."""
    found = Traffic()
    with torch.no_grad(), _Attention(found) as outer, _Operations(found, outer):
        network(*inputs)
    return found


class _Attention(TorchFunctionMode):
    """Counts attention as one operation; what it is made of on the meta device does not count."""

    def __init__(self, found: Traffic) -> None:
        super().__init__()
        self.found, self.inside = found, False

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is not F.scaled_dot_product_attention:
            return func(*args, **(kwargs or {}))
        self.inside = True
        out = func(*args, **(kwargs or {}))
        self.inside = False
        q, k = args[:2]
        self.found.exponentials += q[..., 0].numel() * k.shape[-2]
        moved = _bytes((args, kwargs, out))
        self.found.apart += moved
        self.found.joined += moved
        return out


class _Operations(TorchDispatchMode):
    def __init__(self, found: Traffic, attention: _Attention) -> None:
        super().__init__()
        self.found, self.attention = found, attention

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        views = any(returned.alias_info for returned in func._schema.returns)
        if not views and not self.attention.inside:
            moved = _bytes((args, kwargs, out))
            self.found.apart += moved
            self.found.joined += moved if str(func).startswith(MATRICES) else 0
        return out


def _bytes(tree: object) -> int:
    """Of all tensors in `tree`; what is repeated by expand() is there once."""
    tensors = [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]
    return sum(min(each.numel() * each.element_size(), each.untyped_storage().nbytes()) for each in tensors)
