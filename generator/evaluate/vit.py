"""The machine observer's network: a vision transformer behind a few convolutions, and where it looked.

Convolutions before the first block let a transformer learn from few images (Xiao et al. 2021, "Early convolutions help
transformers see better"); the blocks are timm's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class ObserverPreset:
    """`size` is the input's width and height; each stem convolution halves both sides; what is left are tokens.

    Trained for `epochs`, or for as many as make `steps` where the images are few.
    """

    size: tuple[int, int]
    stem: tuple[int, ...]
    width: int
    depth: int
    heads: int
    epochs: int
    steps: int
    batch: int = 16
    rate: float = 1e-3
    decay: float = 0.05


PRESETS = {
    "small": ObserverPreset((384, 192), (8, 16, 32, 48, 64), 64, 3, 4, epochs=10, steps=100),
    "base": ObserverPreset((1024, 512), (32, 64, 128, 256), 384, 8, 6, epochs=60, steps=600, rate=3e-4),
}


def build_observer(preset: ObserverPreset) -> nn.Module:
    """A transformer for grey images (n, 1, height, width) with one logit, positive for synthetic."""
    from timm.layers import HybridEmbed
    from timm.models.vision_transformer import VisionTransformer

    width, height = preset.size

    def embed(img_size: tuple[int, int], in_chans: int, embed_dim: int, **_) -> HybridEmbed:
        return HybridEmbed(_stem(preset.stem), img_size, in_chans=in_chans, embed_dim=embed_dim)

    network = VisionTransformer(
        img_size=(height, width),
        in_chans=1,
        num_classes=1,
        embed_dim=preset.width,
        depth=preset.depth,
        num_heads=preset.heads,
        mlp_ratio=2,
        embed_layer=embed,
    )
    for block in network.blocks:
        block.attn.fused_attn = False  # the fused kernel keeps no map
    return network


def _stem(widths: Sequence[int]) -> nn.Sequential:
    layers, before = [], 1
    for after in widths:
        layers += [nn.Conv2d(before, after, 3, 2, 1, bias=False), nn.BatchNorm2d(after), nn.GELU()]
        before = after
    return nn.Sequential(*layers)


def logits_and_attention(network: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """(logits (n,), attention rollout (n, rows, columns)) of a network in eval mode.

    The rollout multiplies the layers' attention, averaged over heads and with half of the identity for the skip
    connection, and reads the class token's row (Abnar & Zuidema 2020, "Quantifying attention flow in transformers").
    Each map sums to 1.
    """
    maps: list[Tensor] = []
    hooks = [
        block.attn.attn_drop.register_forward_pre_hook(lambda _, given: maps.append(given[0].mean(1)))
        for block in network.blocks
    ]
    try:
        with torch.inference_mode():
            logits = network(images)[:, 0]
    finally:
        for hook in hooks:
            hook.remove()
    identity = torch.eye(maps[0].shape[-1], device=images.device)
    rollout = identity
    for attention in maps:
        rollout = (attention + identity) / 2 @ rollout
    looked = rollout[:, 0, 1:]
    rows, columns = network.patch_embed.grid_size
    return logits, (looked / looked.sum(1, keepdim=True)).unflatten(1, (rows, columns))
