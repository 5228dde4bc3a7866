"""Which processor does the work, and in which precision."""

from __future__ import annotations

import torch

from .errors import GeneratorError


class DeviceError(GeneratorError):
    """A processor or a precision that this machine does not have."""


def find_device(name: str = "auto") -> torch.device:
    """The device called `name` ("cpu", "cuda", "cuda:1", "mps"); "auto" takes a GPU if there is one."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise DeviceError(f"There is no device {name!r} here: leave --device out, or give cpu") from error
    return device


def find_precision(name: str, device: torch.device) -> torch.dtype:
    """torch's type for "float32", "bfloat16" or "auto": bfloat16 on a GPU, float32 elsewhere."""
    if name == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    types = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    if name not in types:
        raise DeviceError(f"precision must be auto, float32 or bfloat16, not {name!r}")
    return types[name]


def find_accelerator(name: str = "auto"):
    """accelerate's Accelerator on the device called `name`: one process, or this one of several under its launcher."""
    from accelerate import Accelerator

    device = find_device(name)
    if device.type == "cuda" and device.index is not None:
        torch.cuda.set_device(device)
    return Accelerator(cpu=device.type == "cpu")
