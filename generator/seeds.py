"""Random numbers that depend on what they are for, and on nothing else.

Every random draw comes from a generator of its own, seeded by the things that identify it: (seed, "noise", image),
(seed, "batch", step) … So image i does not depend on the batch or process it was made in, and a training run resumed at
step n draws what the uninterrupted run drew, without any state being stored.
"""

from __future__ import annotations

import hashlib

import numpy as np
import torch


def seed_of(*keys: int | str) -> int:
    """A 63-bit seed from any sequence of whole numbers and words, by SHA-256."""
    text = ":".join(str(key) for key in keys)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def torch_generator(*keys: int | str, device: torch.device | str = "cpu") -> torch.Generator:
    """A torch.Generator for `keys` on `device`. CPU and CUDA generators of the same keys draw different numbers."""
    return torch.Generator(device=device).manual_seed(seed_of(*keys))


def numpy_generator(*keys: int | str) -> np.random.Generator:
    """A numpy Generator (PCG64) for `keys`."""
    return np.random.Generator(np.random.PCG64(seed_of(*keys)))
