"""HAT ×4, with the parameter names of the published weights.

Chen, Wang, Zhou, Qiao, Dong: "Activating More Pixels in Image Super-Resolution Transformer", CVPR 2023.
The modules hold the parameters; layout.py lays them out for the processor, compute.py computes.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from . import compute
from .config import SCALE, HatConfig
from .layout import (
    Form,
    Hybrid,
    Overlapping,
    lay_attention,
    lay_channel_attention,
    lay_convolution,
    lay_mlp,
    lay_norm,
)

DOUBLINGS = (0, 2)  # where the convolutions stand in `upsample`, each followed by a pixel shuffle ×2
COLOUR_MEAN = (
    0.4488,
    0.4371,
    0.4040,
)  # of the published training images: subtracted from, and added to, three channels


class WindowAttention(nn.Module):
    """Parameters of attention within windows; `table` is the number of relative positions."""

    def __init__(self, width: int, heads: int, table: int):
        super().__init__()
        self.relative_position_bias_table = nn.Parameter(torch.empty(table, heads))
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)


class FeedForward(nn.Module):
    """Parameters of the MLP."""

    def __init__(self, width: int, ratio: float):
        super().__init__()
        self.fc1 = nn.Linear(width, int(width * ratio))
        self.fc2 = nn.Linear(int(width * ratio), width)


class ChannelBranch(nn.Module):
    """Parameters of the convolutional branch; the numbering of the layers is that of the published names."""

    def __init__(self, config: HatConfig):
        super().__init__()
        width, squeezed = config.embed_dim, config.embed_dim // config.squeeze_factor
        weigh = nn.Module()
        weigh.attention = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, squeezed, 1), nn.ReLU(), nn.Conv2d(squeezed, width, 1)
        )
        compressed = width // config.compress_ratio
        self.cab = nn.Sequential(
            nn.Conv2d(width, compressed, 3, padding=1), nn.GELU(), nn.Conv2d(compressed, width, 3, padding=1), weigh
        )


class HybridBlock(nn.Module):
    """Windowed attention beside convolutions; every other block has its windows shifted by half their side."""

    def __init__(self, config: HatConfig, heads: int, shifted: bool):
        super().__init__()
        width = config.embed_dim
        self.window, self.shift, self.scale = config.window, config.window // 2 if shifted else 0, config.conv_scale
        self.norm1 = nn.LayerNorm(width)
        self.attn = WindowAttention(width, heads, (2 * config.window - 1) ** 2)
        self.conv_block = ChannelBranch(config)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = FeedForward(width, config.mlp_ratio)

    def lay(self, index: Tensor, form: Form) -> Hybrid:
        return Hybrid(
            lay_norm(self.norm1, form),
            lay_attention(self.attn, index, form),
            lay_channel_attention(self.conv_block.cab, self.scale, form),
            lay_norm(self.norm2, form),
            lay_mlp(self.mlp, form),
            self.window,
            self.shift,
        )

    def forward(self, x: Tensor, index: Tensor, form: Form) -> Tensor:
        return compute.hybrid(x, self.lay(index, form))


class OverlappingBlock(WindowAttention):
    """Attention to windows that overlap; here the published names put the attention's parameters beside the norms."""

    def __init__(self, config: HatConfig, heads: int):
        super().__init__(config.embed_dim, heads, (config.window + config.overlap_window - 1) ** 2)
        self.window, self.overlap = config.window, config.overlap_window
        self.norm1 = nn.LayerNorm(config.embed_dim)
        self.norm2 = nn.LayerNorm(config.embed_dim)
        self.mlp = FeedForward(config.embed_dim, config.mlp_ratio)

    def lay(self, index: Tensor, form: Form) -> Overlapping:
        attention = lay_attention(self, index, form)
        norms = lay_norm(self.norm1, form), lay_norm(self.norm2, form)
        return Overlapping(norms[0], attention, norms[1], lay_mlp(self.mlp, form), self.window, self.overlap)

    def forward(self, x: Tensor, index: Tensor, form: Form) -> Tensor:
        return compute.overlapping(x, self.lay(index, form))


class Group(nn.Module):
    """Hybrid blocks, an overlapping one, a convolution, and the input added back."""

    def __init__(self, config: HatConfig, depth: int, heads: int):
        super().__init__()
        self.residual_group = nn.Module()
        self.residual_group.blocks = nn.ModuleList(HybridBlock(config, heads, i % 2 == 1) for i in range(depth))
        self.residual_group.overlap_attn = OverlappingBlock(config, heads)
        self.conv = nn.Conv2d(config.embed_dim, config.embed_dim, 3, padding=1)


class HAT(nn.Module):
    """HAT ×4. `net(x)`: x (batch, channels, height, width) in [0, 1] of any height and width → four times as large.

    `compute_dtype` is what the network computes in; the parameters keep theirs, and the result is float32.
    """

    def __init__(self, config: HatConfig):
        super().__init__()
        self.config = config
        self.compute_dtype = torch.float32
        width, features = config.embed_dim, config.features
        mean = COLOUR_MEAN if config.channels == len(COLOUR_MEAN) else (0.0,) * config.channels
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("relative_position_index_SA", own_index(config.window))
        self.register_buffer("relative_position_index_OCA", overlap_index(config.window, config.overlap_window))
        self.conv_first = nn.Conv2d(config.channels, width, 3, padding=1)
        self.patch_embed = nn.Module()
        self.patch_embed.norm = nn.LayerNorm(width)
        self.layers = nn.ModuleList(Group(config, *sizes) for sizes in zip(config.depths, config.heads, strict=True))
        self.norm = nn.LayerNorm(width)
        self.conv_after_body = nn.Conv2d(width, width, 3, padding=1)
        self.conv_before_upsample = nn.Sequential(nn.Conv2d(width, features, 3, padding=1), nn.LeakyReLU())
        doubling = [(nn.Conv2d(features, 4 * features, 3, padding=1), nn.PixelShuffle(2)) for _ in DOUBLINGS]
        self.upsample = nn.Sequential(*(layer for pair in doubling for layer in pair))
        self.conv_last = nn.Conv2d(features, config.channels, 3, padding=1)
        self.apply(_initialise)

    def forward(self, x: Tensor) -> Tensor:
        return self.run(x, Form.on(x.device, self.compute_dtype))

    def run(self, x: Tensor, form: Form) -> Tensor:
        """forward() in a given form."""
        own, over = self.relative_position_index_SA, self.relative_position_index_OCA

        def through(group: Group, y: Tensor) -> Tensor:
            for block in group.residual_group.blocks:
                y = block(y, own, form)
            return group.residual_group.overlap_attn(y, over, form)

        return frame(x, self.mean, lay_frame(self, form), self.layers, through)


def lay_frame(net: HAT, form: Form) -> dict:
    """All but the attention blocks, laid out. Pixel shuffle takes channels apart: those around it have no padding."""
    channels, features = net.config.channels, net.config.features
    plain = Form(form.dtype, 1)
    return {
        "first": lay_convolution(net.conv_first, form, inputs=channels),
        "embed": lay_norm(net.patch_embed.norm, form),
        "groups": [lay_convolution(group.conv, form) for group in net.layers],
        "norm": lay_norm(net.norm, form),
        "after": lay_convolution(net.conv_after_body, form),
        "before": lay_convolution(net.conv_before_upsample[0], form, outputs=features),
        "ups": [lay_convolution(net.upsample[i], plain) for i in DOUBLINGS],
        "last": lay_convolution(net.conv_last, plain),
        "window": net.config.window,
    }


def frame(x: Tensor, mean: Tensor, laid: dict, groups, through: Callable) -> Tensor:
    """The network around its attention blocks; `through(group, tokens)` passes tokens through the blocks of one."""
    height, width = x.shape[2:]
    x = pad_to_windows(x - mean, laid["window"]).to(laid["first"].weight.dtype)
    shallow = compute.convolve(x.permute(0, 2, 3, 1), laid["first"])
    deep = compute.normalise(shallow, laid["embed"])
    for group, kernel in zip(groups, laid["groups"], strict=True):
        deep = deep + compute.convolve(through(group, deep), kernel)
    deep = compute.convolve(compute.normalise(deep, laid["norm"]), laid["after"]) + shallow
    y = enlarge(deep, laid)
    return y[:, :, : height * SCALE, : width * SCALE].float() + mean


def enlarge(x: Tensor, laid: dict) -> Tensor:
    """Tokens → image (batch, channels, height, width), four times as large."""
    x = F.leaky_relu(compute.convolve(x, laid["before"])).permute(0, 3, 1, 2)
    for kernel in laid["ups"]:
        x = F.pixel_shuffle(F.conv2d(x, *kernel, padding=1), 2)
    return F.conv2d(x, *laid["last"], padding=1)


def pad_to_windows(x: Tensor, window: int) -> Tensor:
    """`x` with its mirror image below and to the right, up to whole windows; small images have their edge repeated."""
    below, right = (-length % window for length in x.shape[2:])
    if not (below or right):
        return x
    mirrored = below < x.shape[2] and right < x.shape[3]
    return F.pad(x, (0, right, 0, below), mode="reflect" if mirrored else "replicate")


def own_index(window: int) -> Tensor:
    """(window², window²): where in the table of relative positions each pair of pixels of a window looks."""
    return _relative(window, window) @ torch.tensor([2 * window - 1, 1]) + (window - 1) * 2 * window


def overlap_index(window: int, overlap: int) -> Tensor:
    """(window², overlap²): as own_index(), keys in the larger window. As published, some are negative: from the end."""
    span = window + overlap - 1
    return -_relative(window, overlap) @ torch.tensor([span, 1]) + (window - overlap + 1) * (span + 1)


def _relative(queries: int, keys: int) -> Tensor:
    """(queries², keys², 2): rows and columns from each key to each query, both counted from their window's corner."""
    places = [torch.cartesian_prod(torch.arange(side), torch.arange(side)) for side in (queries, keys)]
    return places[0][:, None] - places[1][None]


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
