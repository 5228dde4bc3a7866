"""Networks from files: our own checkpoints, and the published `.pth` ones."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import Tensor

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
from .config import HatConfig
from .hat import HAT

KIND = "superres"
TITLE = "Super-resolution of panoramic radiographs, ×4 (HAT)"
PURPOSE = (
    "Enlarges small synthetic panoramic radiographs four times. It invents detail: it must not be used on a patient's "
    "radiograph for diagnosis."
)
PICKLED = (b"PK\x03\x04", b"\x80")  # how torch's files begin, the new ones and the old


def load(path: str | os.PathLike) -> HAT:
    """The network in `path`, one of our checkpoints or a published `.pth` file, on the CPU, ready for `net(x)`.

    Of a published file the averaged weights (`params_ema`) are taken where it has them. Nothing in a file is run.
    Raises CheckpointError or SuperResError with a sentence on what is wrong.
    """
    if _is_pickled(path):
        tensors = published_tensors(path)
        config = HatConfig.from_weights(tensors)
    else:
        tensors, about = load_checkpoint(path, KIND)
        config = HatConfig.from_dict(about["config"])
    net = HAT(config)
    load_weights(net, tensors, path)
    return net.eval().requires_grad_(False)


def published_tensors(path: str | os.PathLike) -> dict[str, Tensor]:
    """The state dictionary in a published file: `params_ema`, else `params`, else the file's dictionary itself."""
    content = read_published(path)
    tensors = content.get("params_ema", content.get("params", content))
    if not isinstance(tensors, dict) or not all(isinstance(tensor, Tensor) for tensor in tensors.values()):
        raise CheckpointError(f"{Path(path).name} holds no dictionary of weights")
    return tensors


def convert(path: str | os.PathLike, out: str | os.PathLike) -> Path:
    """Write the published `.pth` file `path` as our checkpoint `out`, with a model card beside it; returns `out`."""
    net, out = load(path), Path(out)
    about = {
        "config": net.config.as_dict(),
        "training": {"published_file": Path(path).name, "published_sha256": file_sha256(path)},
    }
    save(net.state_dict(), out, about)
    return out


def pack(path: str | os.PathLike, out: str | os.PathLike, notes: str = "") -> None:
    """Write one of our checkpoints in float16 as `out`, with its card, at whose end `notes` stands."""
    tensors, about = load_checkpoint(path, KIND)
    save(halved(tensors), Path(out), about, notes)


def save(tensors: dict[str, torch.Tensor], path: Path, about: dict, notes: str = "") -> None:
    """Write a checkpoint and its card; `about` has the `config` and the `training`."""
    save_checkpoint(path, KIND, tensors, about)
    write_card(path, TITLE, PURPOSE, about, notes)


def _is_pickled(path: str | os.PathLike) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(4).startswith(PICKLED)
    except OSError as error:
        raise CheckpointError(
            f"There is no checkpoint {path}" if not Path(path).is_file() else f"{path}: {error}"
        ) from error
