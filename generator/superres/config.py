"""What a HAT is made of, as numbers; read from a published file's shapes where it does not say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import torch

from ..errors import GeneratorError

SCALE = 4  # the published networks enlarge four times, and so do ours
MAX_WEIGHTS = 200_000_000  # ten times the published size: a header that asks for more is no network of ours


class SuperResError(GeneratorError):
    """Something a user of the super-resolution gave that it cannot work with."""


@dataclass(frozen=True)
class HatConfig:
    """The shape of a HAT (Chen et al., "Activating More Pixels in Image Super-Resolution Transformer", CVPR 2023).

    The defaults are those of the published `Real_HAT_GAN_SRx4` networks. `heads` and `depths` have one entry for each
    group of blocks; `window` is the side of an attention window in pixels; `features` is the number of channels while
    enlarging.
    """

    channels: int = 3
    embed_dim: int = 180
    depths: tuple[int, ...] = (6,) * 6
    heads: tuple[int, ...] = (6,) * 6
    window: int = 16
    compress_ratio: int = 3
    squeeze_factor: int = 30
    conv_scale: float = 0.01
    overlap_ratio: float = 0.5
    mlp_ratio: float = 2.0
    features: int = 64

    @property
    def overlap_window(self) -> int:
        """The side in pixels of the windows that the overlapping attention takes its keys from."""
        return int(self.window * self.overlap_ratio) + self.window

    def as_dict(self) -> dict:
        """Plain JSON values, for a checkpoint's header."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping) -> HatConfig:
        """The reverse of as_dict(). Raises SuperResError for names or values that make no network."""
        try:
            held = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
            config = cls(**held)
            if not config._makes_sense():
                raise ValueError("the numbers contradict each other")
        except (TypeError, ValueError, ZeroDivisionError) as error:
            raise SuperResError(f"The checkpoint describes no network that is known here: {error}") from error
        return config

    def _makes_sense(self) -> bool:
        whole = (self.embed_dim, self.window, self.features, self.compress_ratio, self.squeeze_factor)
        numbers = all(isinstance(number, int) and number > 0 for number in (*whole, *self.depths, *self.heads))
        lengths = len(self.depths) == len(self.heads) > 0 and self.channels in (1, 3)
        shares = all(self.embed_dim % heads == 0 for heads in self.heads)
        overlap = self.window % 2 == 0 and self.overlap_ratio >= 0 and self.overlap_window % 2 == 0
        carried = min(self.embed_dim, self.features) >= 2 * self.channels
        squeezed = carried and self.embed_dim >= max(self.compress_ratio, self.squeeze_factor)
        bounded = self.window <= 64 and self.features <= 1024 and 0 < self.mlp_ratio <= 8 and self.overlap_ratio <= 1
        bounded = bounded and math.isfinite(self.conv_scale)
        size = sum(self.depths) * self.embed_dim**2 * (8 + 2 * self.mlp_ratio)
        return numbers and lengths and shares and overlap and squeezed and bounded and size < MAX_WEIGHTS

    @classmethod
    def from_weights(cls, tensors: Mapping[str, torch.Tensor]) -> HatConfig:
        """The configuration that a published state dictionary's shapes tell.

        `conv_scale` leaves no trace in the weights and has the published value. Raises SuperResError where the names
        are not those of a HAT that enlarges four times by pixel shuffle.
        """
        try:
            return cls._from_shapes({name: tuple(tensor.shape) for name, tensor in tensors.items()})
        except (KeyError, IndexError, ValueError, AttributeError) as error:
            raise SuperResError(
                f"These are not the weights of a HAT ×{SCALE}: {error} is missing or misshapen"
            ) from error

    @classmethod
    def _from_shapes(cls, shapes: Mapping[str, tuple[int, ...]]) -> HatConfig:
        embed_dim, channels = shapes["conv_first.weight"][:2]
        window, overlap = (math.isqrt(length) for length in shapes["relative_position_index_OCA"])
        block = "layers.0.residual_group.blocks.0."
        groups = 1 + max(int(name.split(".")[1]) for name in shapes if name.startswith("layers."))
        ups = [name for name in shapes if name.startswith("upsample.") and name.endswith(".weight")]
        if len(ups) != round(math.log2(SCALE)):
            raise KeyError("an upsampling by four")
        return cls(
            channels=channels,
            embed_dim=embed_dim,
            depths=tuple(_depth(shapes, group) for group in range(groups)),
            heads=tuple(
                shapes[f"layers.{group}.residual_group.overlap_attn.relative_position_bias_table"][1]
                for group in range(groups)
            ),
            window=window,
            compress_ratio=embed_dim // shapes[block + "conv_block.cab.0.weight"][0],
            squeeze_factor=embed_dim // shapes[block + "conv_block.cab.3.attention.1.weight"][0],
            overlap_ratio=overlap / window - 1,
            mlp_ratio=shapes[block + "mlp.fc1.weight"][0] / embed_dim,
            features=shapes["conv_last.weight"][1],
        )


def _depth(shapes: Mapping[str, tuple[int, ...]], group: int) -> int:
    start = f"layers.{group}.residual_group.blocks."
    return 1 + max(int(name.removeprefix(start).split(".")[0]) for name in shapes if name.startswith(start))
