"""Pools of generated images: seeds → diffusion → super-resolution → quality gate → images and manifest.

    generate_pool("quiz_data/pools", "fakes", about="…", count=100, seed=0)

`settings` says what was asked for, `candidates` what was made of each seed, `gate` and `likeness` what is refused,
`decide` which candidates become the pool, `make` runs the networks, `generate` puts it together. Torch is imported by
`make` alone, and that by nobody before there is work.
"""

from .generate import Report, generate_pool
from .settings import GatedPoolError

__all__ = ["GatedPoolError", "Report", "generate_pool"]
