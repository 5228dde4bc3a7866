"""Networks from files: our own checkpoints, and the published `.pth` ones."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
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
from ..corpus import Corpus
from .config import HatConfig, SuperResError
from .enlarge import upscale
from .grain import PREFIX, Grain, measure
from .hat import HAT

KIND = "superres"
TITLE = "Super-resolution of panoramic radiographs, ×4 (HAT)"
PURPOSE = (
    "Enlarges small synthetic panoramic radiographs four times. It invents detail: it must not be used on a patient's "
    "radiograph for diagnosis."
)
GRAIN_IMAGES = 64
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
        tensors, config = without_grain(tensors), HatConfig.from_dict(about["config"])
    net = HAT(config)
    load_weights(net, tensors, path)
    return net.eval().requires_grad_(False)


def load_grain(path: str | os.PathLike) -> Grain | None:
    """The grain that the checkpoint `path` holds for its network's pictures, or None. Raises CheckpointError."""
    if _is_pickled(path):
        return None
    try:
        return Grain.from_tensors(load_checkpoint(path, KIND)[0])
    except ValueError as error:
        raise CheckpointError(f"{Path(path).name}: {error}; pack it again") from error


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


def pack(
    path: str | os.PathLike,
    out: str | os.PathLike,
    notes: str = "",
    corpus: Corpus | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> None:
    """Write one of our checkpoints in float16 as `out`, with its card, at whose end `notes` stands.

    With a `corpus` the grain that its pictures have more than the network's is measured and goes into the file; without
    one the file keeps the grain that it has. `progress` hears how many of GRAIN_IMAGES were enlarged.
    """
    tensors, about = load_checkpoint(path, KIND)
    if corpus is not None:
        pictures = grain_pictures(corpus)
        grain = _measured(load(path), corpus, pictures, progress)
        tensors = without_grain(tensors) | grain.as_tensors()
        about = about | {"grain": {"corpus": corpus.name, "fingerprint": corpus.fingerprint, "images": len(pictures)}}
    save(halved(tensors), Path(out), about, notes)


def grain_pictures(corpus: Corpus) -> list[str]:
    """The names of the pictures that grain is measured on: those held out first, and if they are few some others."""
    return (corpus.names("test") + corpus.names("train"))[:GRAIN_IMAGES]


def _measured(net: HAT, corpus: Corpus, names: list[str], progress: Callable[[int], None]) -> Grain:
    def pairs():
        for name in names:
            (made,) = upscale(net, np.stack([corpus.low_image(name)]))
            progress(1)
            yield corpus.high_image(name), made

    try:
        return measure(pairs())
    except ValueError as error:
        raise SuperResError(f"The corpus {corpus.name} is too small to measure grain on: {error}") from error


def without_grain(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """A checkpoint's tensors that are the network's."""
    return {name: tensor for name, tensor in tensors.items() if not name.startswith(PREFIX)}


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
