"""A network with its schedule: loaded, saved, and called as net(x, t) → predicted noise."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from ..cards import write_card
from ..checkpoint import (
    CheckpointError,
    file_sha256,
    halved,
    load_checkpoint,
    load_weights,
    read_published,
    save_checkpoint,
)
from ..devices import find_device, find_precision
from .schedule import Schedule
from .settings import Model, SettingsError, model_from, plain
from .unet import UNet

KIND = "diffusion"
GUIDE = "guide."  # before the names of the weaker version's weights
PURPOSE = (
    "A denoising diffusion network that makes synthetic panoramic dental radiographs. For research on how well people "
    "and machines tell them from real ones; its images show no patient and must not be used for diagnosis, nor passed "
    "off as real."
)


class Denoiser(nn.Module):
    """A U-Net, its settings and its schedule; with guidance also a weaker version of the U-Net.

    net(x, t): x (n, channels, height, width) in float32, noisy images whose clean values lie in [-1, 1]; t (n,) whole
    numbers 0 … 999. Returns the predicted noise, float32, whatever the network itself was trained to predict.
    """

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model
        self.schedule = Schedule(model.schedule)
        self.unet = _unet(model)
        self.guide = _unet(model) if model.guidance != 1 else None
        self.about: dict = {}

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return self.schedule.to_noise(self.model.prediction, self.predict(x, t), x, t)

    def predict(self, x: Tensor, t: Tensor) -> Tensor:
        """What the network was trained to predict: noise, v or x0, float32; guided at the times that are.

        Guidance goes on from what the weaker version predicts through what this one does: away from the errors that
        both make and the weaker one makes more (Karras et al. 2024, "Guiding a diffusion model with a bad version of
        itself").
        """
        output = self.predict_alone(x, t)
        if self.guide is None:
            return output
        weaker = self._through(self.guide, x, t)
        guided = weaker + self.model.guidance * (output - weaker)
        return torch.where((t < self.model.guided_below)[:, None, None, None], guided, output)

    def predict_alone(self, x: Tensor, t: Tensor) -> Tensor:
        """predict() without guidance."""
        return self._through(self.unet, x, t)

    def _through(self, unet: UNet, x: Tensor, t: Tensor) -> Tensor:
        prediction, schedule = self.model.prediction, self.schedule
        output = unet(schedule.to_input(prediction, x, t).to(self.precision), t)
        return schedule.from_output(prediction, output, x, t)

    @property
    def unets(self) -> list[UNet]:
        """The network, and its weaker version where there is one."""
        return [self.unet] if self.guide is None else [self.unet, self.guide]

    @property
    def precision(self) -> torch.dtype:
        return self.unet.conv_out.weight.dtype

    @property
    def device(self) -> torch.device:
        return self.unet.conv_out.weight.device


def load(path: str | os.PathLike, device: str = "auto", precision: str = "auto", compiled: bool = False) -> Denoiser:
    """The network of a checkpoint, in eval mode and ready for sampling; `net.model` and `net.about` say what it is.

    `precision` is auto (bfloat16 on a GPU, else float32), float32 or bfloat16. `compiled` pays on a GPU from a few
    hundred images on: the first batch then takes a minute or two. Raises CheckpointError, SettingsError, DeviceError.
    """
    tensors, about = load_checkpoint(path, KIND)
    net = Denoiser(model_from(about["config"]))
    own, guide = _parted({name: tensor.float() for name, tensor in tensors.items()})
    load_weights(net.unet, own, path)
    if net.guide is not None or guide:
        load_weights(net.guide or nn.Module(), guide, path)
    net.about = about
    return made_ready(net, device, precision, compiled)


def made_ready(net: Denoiser, device: str = "auto", precision: str = "auto", compiled: bool = False) -> Denoiser:
    """`net` itself, moved and set for sampling as load() says."""
    where = find_device(device)
    for unet in net.unets:
        unet.to(device=where, dtype=find_precision(precision, where), memory_format=torch.channels_last)
    net.schedule.to(where)
    net.eval().requires_grad_(False)
    torch.backends.cudnn.benchmark = where.type == "cuda"
    if compiled:
        for unet in net.unets:
            unet.compile(dynamic=False)
    return net


def save(path: str | os.PathLike, tensors: Mapping[str, Tensor], model: Model, about: Mapping, notes: str = "") -> None:
    """Write the weights of a U-Net with all that load() needs, and a model card beside, at its end `notes`."""
    whole = {**about, "config": plain(model)}
    save_checkpoint(path, KIND, tensors, whole)
    write_card(Path(path), "Diffusion network for panoramic radiographs", PURPOSE, whole, notes)


def pack(
    path: str | os.PathLike,
    out: str | os.PathLike,
    notes: str = "",
    guide: str | os.PathLike | None = None,
    guidance: float = 2.0,
    guided_below: int = 700,
) -> None:
    """Write one of our checkpoints in float16 as `out`, with its card, at whose end `notes` stands.

    `guide` is a checkpoint of the same network, trained less, that is to guide it with the strength `guidance`, more
    than 1, at times below `guided_below`. Raises CheckpointError and SettingsError.
    """
    tensors, about = load_checkpoint(path, KIND)
    model = model_from(about["config"])
    if guide is not None:
        if guidance == 1:
            raise SettingsError("A guidance of 1 is none: give more, or no guide")
        weaker, its = load_checkpoint(guide, KIND)
        load_weights(_unet(model), _parted(weaker)[0], guide)
        tensors = _parted(tensors)[0] | {GUIDE + name: tensor for name, tensor in _parted(weaker)[0].items()}
        model = replace(model, guidance=guidance, guided_below=guided_below)
        about = {**about, "guide": {"sha256": file_sha256(guide), **its.get("training", {})}}
    save(out, halved(tensors), model, about, notes)


def recognised(content: Mapping) -> bool:
    """Whether a published file's content is a diffusion checkpoint."""
    return "init_conv.weight" in _weights(content)


def convert(path: str | os.PathLike, out: str | os.PathLike, height: int = 128, width: int = 256) -> Model:
    """Write the EMA weights of a published `.pth` as the checkpoint `out`; returns its settings.

    Widths and channels are read off the weights; the size of the images does not stand in them. CheckpointError says
    why a file cannot be converted.
    """
    tensors = _weights(read_published(path))
    name = Path(path).name
    try:
        levels = 1 + max(int(key.split(".")[1]) for key in tensors if key.startswith("down_blocks."))
        widths = [tensors[f"down_blocks.{level}.0.conv1.weight"].shape[0] for level in range(levels)]
        widths.append(tensors["mid_block1.conv1.weight"].shape[0])
        heads = tensors["mid_attn.to_out.weight"].shape[1] // Model.head_width
        model = Model(height, width, tensors["init_conv.weight"].shape[1], tuple(widths), heads=heads)
    except (KeyError, ValueError, IndexError) as error:
        raise CheckpointError(f"{name} holds no diffusion network of the published kind") from error
    load_weights(Denoiser(model).unet, tensors, path)
    save(out, tensors, model, {"training": {"published_file": name, "published_sha256": file_sha256(path)}})
    return model


def _unet(model: Model) -> UNet:
    return UNet(model.channels, model.widths, model.patch, model.heads, model.head_width, model.groups)


def _parted(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The weights of the network, and those of its weaker version by the names they have there."""
    own = {name: tensor for name, tensor in tensors.items() if not name.startswith(GUIDE)}
    return own, {name.removeprefix(GUIDE): tensor for name, tensor in tensors.items() if name not in own}


def _weights(content: Mapping) -> Mapping[str, Tensor]:
    for name in ("ema_model_state", "model_state"):
        if isinstance(content.get(name), dict):
            return content[name]
    return content
