"""Checkpoints: one safetensors file that holds the weights and says what they are.

The header's text field `panodiff` is a JSON object: `kind` ("diffusion" or "superres"), `config` (what builds the
network), `training` (preset, settings, step, corpus name and fingerprint …) and whatever else the room puts there.
safetensors holds numbers and text alone, so that no checkpoint can run code. Published `.pth` files are pickles; they
are read with torch's restricted reader, which knows tensors and plain containers only.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from .durable import write_whole
from .errors import GeneratorError

FIELD = "panodiff"
KINDS = ("diffusion", "superres")


class CheckpointError(GeneratorError):
    """A file that is no checkpoint, or not the one that is needed."""


def save_checkpoint(path: str | os.PathLike, kind: str, tensors: Mapping[str, torch.Tensor], about: Mapping) -> None:
    """Write `tensors` and `about` (JSON values, with a `config`) as the checkpoint `path`, whole or not at all."""
    if kind not in KINDS or "config" not in about:
        raise ValueError("a checkpoint needs a known kind and a config")
    header = {FIELD: json.dumps({"format": 1, "kind": kind, **about}, sort_keys=True)}
    held = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_whole(path, save(held, metadata=header))


def read_about(path: str | os.PathLike, kind: str) -> dict:
    """What the checkpoint says of itself. Raises CheckpointError unless it is a whole checkpoint of that kind."""
    with _opened(path) as file:
        return _about(path, kind, file.metadata())


def kind_of(path: str | os.PathLike) -> str:
    """Which of KINDS a checkpoint is. Raises CheckpointError unless it is one."""
    with _opened(path) as file:
        header = file.metadata()
    try:
        return KINDS[KINDS.index(json.loads(header[FIELD])["kind"])]
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{Path(path).name} is a checkpoint of neither network") from error


def halved(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors with their floating-point numbers in float16. Raises CheckpointError where one does not fit in it."""
    half = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    if not all(tensor.isfinite().all() for tensor in half.values()):
        raise CheckpointError("These weights do not fit in half precision: hand on the checkpoint as it is")
    return half


def load_checkpoint(path: str | os.PathLike, kind: str) -> tuple[dict[str, torch.Tensor], dict]:
    """(tensors on the CPU, what the checkpoint says of itself); raises as read_about()."""
    with _opened(path) as file:
        about = _about(path, kind, file.metadata())
        names = file.keys()
        return {name: file.get_tensor(name) for name in names}, about


def load_weights(network: torch.nn.Module, tensors: Mapping[str, torch.Tensor], path: str | os.PathLike) -> None:
    """Put `tensors` into `network`, every name and shape as it has them; CheckpointError says what differs."""
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    differing = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if differing:
        raise CheckpointError(
            f"{Path(path).name} does not fit the network its configuration describes: {len(differing)} of "
            f"{len(expected)} parameters differ, the first is {differing[0]}"
        )
    network.load_state_dict(tensors)


def read_published(path: str | os.PathLike) -> dict:
    """The content of a published `.pth` file, read without running any code that it may hold.

    Raises CheckpointError for anything but a dictionary of tensors, numbers, texts and containers of them.
    """
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Detected pickle protocol")  # said before it is refused
            content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}") from error
    except (
        *(pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, TypeError, AttributeError),
        SafetensorError,  # what torch says of a pickle that is called .safetensors
    ) as error:
        raise CheckpointError(
            f"{Path(path).name} is damaged, or holds more than weights and was refused unopened: download it again "
            "from where it was published"
        ) from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{Path(path).name} holds no dictionary of weights")
    return content


def file_sha256(path: str | os.PathLike) -> str:
    """SHA-256 of the file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _opened(path: str | os.PathLike):
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"There is no checkpoint {path}")
    try:
        return safe_open(path, framework="pt", device="cpu")
    except (SafetensorError, OSError) as error:
        hint = ": convert it first with flask convert-checkpoint" if path.suffix in (".pth", ".pt", ".ckpt") else ""
        raise CheckpointError(f"{path.name} is no safetensors file, or is cut short{hint}") from error


def _about(path: str | os.PathLike, kind: str, header: dict | None) -> dict:
    name = Path(path).name
    try:
        about = json.loads((header or {})[FIELD])
        found = about["kind"]
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{name} says nothing of the network it belongs to: it was not written here") from error
    if found != kind:
        raise CheckpointError(f"{name} is a checkpoint of the kind {found!r}; one of the kind {kind!r} is needed")
    if about.get("format") != 1 or not isinstance(about.get("config"), dict):
        raise CheckpointError(f"{name} was written by a newer version of this program")
    return about
