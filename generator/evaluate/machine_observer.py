"""A machine that takes the quiz: trained on some of a study's images, it rates the others.

Cross-fitted: the images are dealt into folds, near-duplicates together, and every image is rated by a network that was
trained on the other folds alone. Each image is thus rated once, as by an observer, and no rating saw its truth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from ..devices import find_device
from ..errors import GeneratorError
from ..prepare.alike import near_pairs, perceptual_hash
from ..seeds import numpy_generator, seed_of
from .vit import PRESETS, ObserverPreset, build_observer, logits_and_attention

LEVELS = (0.2, 0.4, 0.6, 0.8)  # probabilities between the five ratings


class ObserverError(GeneratorError):
    """Images that no machine observer can be trained on."""


@dataclass(frozen=True)
class Observation:
    """`probabilities` (n,) that an image is synthetic, `maps` (n, rows, columns) of attention, each summing to 1."""

    probabilities: np.ndarray
    maps: np.ndarray
    folds: np.ndarray
    preset: str
    seed: int

    @property
    def ratings(self) -> np.ndarray:
        """(n,) ratings from 1, definitely real, to 5, definitely fake: fifths of the probability."""
        return 1 + np.searchsorted(LEVELS, self.probabilities, side="right")


def observe(
    images: Sequence[np.ndarray],
    synthetic: Sequence[bool],
    preset: str = "small",
    seed: int = 0,
    folds: int = 5,
    device: str = "auto",
    progress: Callable[[int], None] | None = None,
) -> Observation:
    """Rate grey uint8 images (height, width), of which `synthetic` gives the truth, on a GPU if there is one.

    `progress` is told 1 for every epoch of every fold: epochs_of(preset, images, folds) in all. Equal seeds give equal
    observations on a CPU. Raises ObserverError where a fold would lack one of the sides.
    """
    settings, where = find_preset(preset), find_device(device)
    truths = np.asarray(synthetic, dtype=bool)
    numbers = _dealt(images, truths, folds, seed)
    epochs = _epochs(settings, len(images), folds)
    inputs = torch.stack([_input(image, settings.size) for image in images])
    probabilities, maps = np.empty(len(images)), None
    for fold in range(folds):
        others = numbers != fold
        network = _trained(inputs[others], truths[others], settings, epochs, (seed, fold), where, progress)
        rated, looked = _rated(network, inputs[numbers == fold], settings.batch, where)
        maps = np.empty((len(images), *looked.shape[1:])) if maps is None else maps
        probabilities[numbers == fold], maps[numbers == fold] = rated, looked
    return Observation(probabilities, maps, numbers, preset, seed)


def epochs_of(preset: str, images: int, folds: int = 5) -> int:
    """How often `observe` reports progress for so many images. Raises ObserverError for an unknown preset."""
    return _epochs(find_preset(preset), images, folds) * folds


def find_preset(name: str) -> ObserverPreset:
    """The preset called `name`; ObserverError names those there are."""
    if name not in PRESETS:
        raise ObserverError(f"There is no preset {name!r}: give one of {', '.join(PRESETS)}")
    return PRESETS[name]


def _epochs(settings: ObserverPreset, images: int, folds: int) -> int:
    batches = -(-(images - images // folds) // settings.batch)
    return max(settings.epochs, -(-settings.steps // batches))


def _dealt(images: Sequence[np.ndarray], truths: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """(n,) the fold of each image: both sides in equal shares, near-duplicates in one fold."""
    from sklearn.model_selection import StratifiedGroupKFold

    groups = np.arange(len(images))
    for i, j in near_pairs([perceptual_hash(Image.fromarray(image)) for image in images]):
        groups[groups == groups[j]] = groups[i]
    fewest = min(len(set(groups[truths == side])) for side in (True, False))
    if fewest < 2 * folds:
        raise ObserverError(
            f"A machine observer needs at least {2 * folds} different images of each side, not {fewest}"
        )
    dealer = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    numbers = np.empty(len(images), dtype=int)
    for fold, (_, left_out) in enumerate(dealer.split(truths, truths, groups)):
        numbers[left_out] = fold
    return numbers


def _input(image: np.ndarray, size: tuple[int, int]) -> Tensor:
    """(1, height, width): resized with a low-pass filter, mean 0 and deviation 1, so that brightness tells little."""
    grey = np.asarray(Image.fromarray(image).convert("F").resize(size, Image.Resampling.BICUBIC))
    return torch.from_numpy((grey - grey.mean()) / (grey.std() + 1e-6))[None]


def _trained(
    inputs: Tensor,
    truths: np.ndarray,
    settings: ObserverPreset,
    epochs: int,
    keys: tuple[int, int],
    device: torch.device,
    progress: Callable[[int], None] | None,
) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of("observer", *keys))
        network = build_observer(settings).to(device).train()
    targets = torch.from_numpy(truths).float()
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.rate, weight_decay=settings.decay)
    steps = epochs * -(-len(inputs) // settings.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.rate, total_steps=steps)
    for epoch in range(epochs):
        random = numpy_generator("observer", *keys, epoch)
        order = random.permutation(len(inputs))
        for start in range(0, len(order), settings.batch):
            chosen = order[start : start + settings.batch]
            batch = torch.stack([_varied(inputs[place], random) for place in chosen]).to(device)
            loss = nn.functional.binary_cross_entropy_with_logits(network(batch)[:, 0], targets[chosen].to(device))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()
        if progress:
            progress(1)
    return network.eval()


def _varied(image: Tensor, random: np.random.Generator) -> Tensor:
    """Mirrored or not, moved by up to an eighth, with another contrast: what does not decide between the sides."""
    if random.random() < 0.5:
        image = image.flip(-1)
    shifts = [int(random.integers(-length // 8, length // 8 + 1)) for length in image.shape[1:]]
    return image.roll(shifts, (1, 2)) * float(random.uniform(0.8, 1.25))


def _rated(network: nn.Module, inputs: Tensor, batch: int, device: torch.device) -> tuple[np.ndarray, np.ndarray]:
    found = [logits_and_attention(network, part.to(device)) for part in inputs.split(batch)]
    logits, maps = (torch.cat(parts).double().cpu().numpy() for parts in zip(*found, strict=True))
    return 1 / (1 + np.exp(-logits)), maps
