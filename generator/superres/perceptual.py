"""The weights of VGG19, which the perceptual loss looks through."""

from __future__ import annotations

from pathlib import Path
from urllib.error import URLError

import torch

from .config import SuperResError


def find_vgg(given: str | Path | None = None) -> Path:
    """The file of VGG19's weights: `given`, or that in torchvision's cache, downloaded there if need be (548 MB).

    Raises SuperResError, which says how to get it, where it cannot be had.
    """
    from torchvision.models import VGG19_Weights

    if given is not None:
        if not Path(given).is_file():
            raise SuperResError(f"There is no file {given}: --vgg-weights takes torchvision's vgg19-dcbb9e9d.pth")
        return Path(given)
    address = VGG19_Weights.IMAGENET1K_V1.url
    cached = Path(torch.hub.get_dir()) / "checkpoints" / address.rsplit("/", 1)[1]
    if not cached.is_file():
        _download(address, cached)
    return cached


def _download(address: str, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        torch.hub.download_url_to_file(address, str(file), hash_prefix="dcbb9e9d")
    except (URLError, OSError, RuntimeError) as error:
        raise SuperResError(
            f"The perceptual loss needs the weights of VGG19, and {address} cannot be reached: download it "
            f"elsewhere and give it with --vgg-weights FILE or put it at {file}, or train without it with "
            "--perceptual-weight 0"
        ) from error
