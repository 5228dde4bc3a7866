"""Whole images through the network, in batches that fit.

No tiles: HAT weighs its channels by their mean over the whole image, so that a tile's result is not that of the image.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from ..devices import find_device, find_precision
from .config import SCALE, SuperResError
from .fast import FastHAT
from .hat import HAT

BATCH = 16
NO_MEMORY = "can't allocate memory"  # what a CPU says, in a plain RuntimeError
log = logging.getLogger(__name__)
_ready: WeakKeyDictionary[HAT, tuple] = WeakKeyDictionary()


def upscale(
    net: HAT | Callable[[Tensor], Tensor],
    images: np.ndarray,
    precision: str = "auto",
    device: str = "auto",
    batch_size: int = BATCH,
    progress: Callable[[int], None] = lambda done: None,
    say: Callable[[str], None] = log.warning,
) -> np.ndarray:
    """`images`, uint8 of shape (n, h, w) or (n, h, w, 3) → the same four times as high and wide, uint8.

    Grey stays grey: a network of three channels sees three equal ones, and their results are averaged. Where the
    memory of the device is too small for `batch_size` images, the batch is halved, `say` is told, and every image is
    computed whole in one of the batches that did fit. `progress` hears how many images each batch finished. `net` may
    also be any function from a batch to its enlargement. An image's result does not depend on its batch, rounding
    aside. Raises SuperResError for images of another kind and where not even one image fits.
    """
    _refuse_unless_images(images)
    run, channels, fixed = _runner(net, images, precision, device)
    made = np.empty((len(images), images.shape[1] * SCALE, images.shape[2] * SCALE, *images.shape[3:]), np.uint8)
    start = 0
    while start < len(images):
        batch = images[start : start + batch_size]
        result = _attempt(run, _to_tensor(_filled(batch, batch_size if fixed else len(batch)), channels))
        if result is None:
            batch_size = _halved(len(batch), images, say)
            continue
        made[start : start + len(batch)] = _to_array(result[: len(batch)], images.ndim)
        start += len(batch)
        progress(len(batch))
    return made


def _runner(net, images: np.ndarray, precision: str, device: str) -> tuple[Callable[[Tensor], Tensor], int, bool]:
    """(what maps a batch to its enlargement, its number of channels, whether batches must all have one size)"""
    if not isinstance(net, HAT):
        return net, 3 if images.ndim == 4 else 1, False
    if images.ndim == 4 and net.config.channels == 1:
        raise SuperResError("This network was trained on grey images: give it grey ones, not colour")
    where = find_device(device)
    fast = ready(net, where, find_precision(precision, where))
    return fast, net.config.channels, where.type == "cuda"


def ready(net: HAT, device: torch.device, dtype: torch.dtype) -> FastHAT:
    """`net` made ready for `device` and `dtype`, kept for the next call until its weights change."""
    key = (device, dtype, tuple(parameter._version for parameter in net.parameters()))
    kept = _ready.get(net)
    if kept is None or kept[0] != key:
        kept = _ready[net] = (key, FastHAT(net, device, dtype))
    return kept[1]


def _refuse_unless_images(images: np.ndarray) -> None:
    if images.dtype != np.uint8:
        raise SuperResError(f"Images must have 8 bits (uint8), these are {images.dtype}: convert them first")
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] != 3):
        raise SuperResError(f"Images must be (n, h, w) or (n, h, w, 3), these are {images.shape}")
    if min(images.shape[1:3]) < 1:
        raise SuperResError("These images have no pixels")


def _attempt(run: Callable[[Tensor], Tensor], batch: Tensor) -> Tensor | None:
    """The enlarged batch on the CPU, or None where memory ran out. Nothing of a failed attempt is left."""
    try:
        return run(batch).float().cpu()
    except RuntimeError as error:
        if not isinstance(error, torch.OutOfMemoryError) and NO_MEMORY not in str(error):
            raise
    if torch.cuda.is_available():  # outside the handler: its traceback holds the tensors
        torch.cuda.empty_cache()
    return None


def _halved(size: int, images: np.ndarray, say: Callable[[str], None]) -> int:
    if size == 1:
        height, width = images.shape[1:3]
        raise SuperResError(
            f"The device has too little memory for one image of {width}×{height}: free some, or choose the device cpu"
        )
    say(f"Out of memory with {size} images at once, going on with {size // 2}")
    return size // 2


def _filled(batch: np.ndarray, size: int) -> np.ndarray:
    """The last batch is filled up with its last image where another size would have to be compiled for."""
    missing = size - len(batch)
    return np.concatenate([batch, np.repeat(batch[-1:], missing, 0)]) if missing > 0 else batch


def _to_tensor(images: np.ndarray, channels: int) -> Tensor:
    x = torch.from_numpy(np.array(images, np.float32)) / 255  # a copy: torch warns of arrays that cannot be written
    return x[:, None].expand(-1, channels, -1, -1) if images.ndim == 3 else x.permute(0, 3, 1, 2)


def _to_array(x: Tensor, dimensions: int) -> np.ndarray:
    """(n, c, h, w) in [0, 1] → uint8 images with as many `dimensions` as were given."""
    x = x.mean(1) if dimensions == 3 else x.permute(0, 2, 3, 1)
    return (x.clamp(0, 1) * 255).round().byte().numpy()
