"""What decides the images of a generated pool. No torch here: a finished pool is recognised within a second."""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import GeneratorError

if TYPE_CHECKING:
    from ..diffusion import Model

WEIGHTS = Path(__file__).parents[1] / "weights"
STARTERS = {
    "diffusion": WEIGHTS / "diffusion-starter.safetensors",
    "superres": WEIGHTS / "superres-starter.safetensors",
}
CHECKS = ("blank", "saturated", "colour", "training-pixels", "training-features", "duplicate")
TRAINING_CHECKS = ("training-pixels", "training-features")


class GatedPoolError(GeneratorError):
    """A pool that cannot be generated, or not with these options."""


@dataclass(frozen=True)
class Settings:
    """Kept in pool.json as `made_by` and compared when a pool is gone on with.

    `diffusion`, `superres` and `training` are the SHA-256 of the two checkpoints and of the training fingerprint that
    the images are held against (None: none). `sampler`, `steps` and `eta` None is what the checkpoint recommends;
    every image's own line says what it was. `checks` are those of CHECKS that were made. `quality` None is PNG, else
    it is that of lossy WebP.
    """

    seed: int
    count: int
    diffusion: str
    superres: str
    sampler: str | None
    steps: int | None
    eta: float | None
    checks: tuple[str, ...]
    training: str | None
    quality: int | None = None
    command: str = "generate-pool"
    version: int = 3

    def as_dict(self) -> dict:
        """Plain JSON values."""
        return {**asdict(self), "checks": list(self.checks)}

    def sampling(self, model: Model) -> dict:
        """`sampler`, `steps` and `eta` as they are, with what the checkpoint's `model` recommends for those left out.

        Its eta belongs to its sampler.
        """
        own_sampler = self.sampler in (None, model.sampler)
        recommended = {"sampler": model.sampler, "steps": model.steps, "eta": model.eta if own_sampler else 0.0}
        given = {name: getattr(self, name) for name in recommended}
        return {name: recommended[name] if value is None else value for name, value in given.items()}


def check_numbers(seed: int, count: int) -> None:
    """Raise GatedPoolError for numbers that no pool can have."""
    if seed < 0:
        raise GatedPoolError(f"The seed must be a whole number of at least 0, not {seed}")
    if count < 1:
        raise GatedPoolError(f"The count must be at least 1, not {count}")


def find_checkpoint(kind: str, given: str | os.PathLike | None) -> Path:
    """The checkpoint that was given, or the one of `kind` ("diffusion" or "superres") that is shipped."""
    path = Path(given) if given else STARTERS[kind]
    if path.is_file():
        return path
    option = {"diffusion": "--diffusion", "superres": "--sr"}[kind]
    if given:
        raise GatedPoolError(f"There is no checkpoint {path}: name a file with {option}")
    raise GatedPoolError(f"No {kind} weights are shipped ({path.name}): name a checkpoint with {option}")


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise GatedPoolError(f"{path} cannot be read ({error.strerror})") from error


def image_seed(seed: int, index: int) -> int:
    """The seed of image `index` of a pool of seed `seed`: 48 bits, which every JSON reader holds exactly.

    Pools of neighbouring seeds share no image, as they would if image seeds were counted up.
    """
    digest = hashlib.sha256(f"pool:{seed}:{index}".encode()).digest()
    return int.from_bytes(digest[:6], "big")
