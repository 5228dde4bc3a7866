"""What lies under the hard palate, between it and the roots: the mouth's air, the tongue's back, pillars of the jaw."""

from __future__ import annotations

import numpy as np

from .rims import Rims
from .scene import Scene, mirrored, moved, ring


def draw_vault(scene: Scene, rims: Rims, near: np.ndarray, reach: float) -> None:
    """Under the palate the vault's air and the dips of the sinuses lie in the beam's way: a dark field, crisp along
    the palate, running out among the roots; less so in the middle, where the jaw's halves meet in solid bone."""
    rng = scene.rng
    air, middle = 0.10 * rng.uniform() ** 2, rng.uniform(0.0, 0.8)
    for side in (-1, 1):
        edge = (near * (side, 1))[::side][6:]
        share = np.clip(edge[:, 0] / reach, 0, 1)
        depth = np.interp(share, [0, 0.15, 0.4, 0.8, 1], [0.3 * middle, middle, 1, 0.8, 0]) * rng.uniform(0.7, 1.2, 7)
        dark = air * rng.uniform(0.7, 1.2) * np.maximum(depth, 0.0)
        edge = scene.wobble(moved(edge, 0, rng.uniform(0.5, 3.0)), 0.5)
        rims.add("behind", edge, rng.uniform(8, 16) * rng.uniform(0.8, 1.2, 7), -dark, 1.0, side, 0.0)
    if rng.uniform() < 0.4:
        _draw_tongue(scene, rims, near, reach)
    for side in (-1, 1):  # beside the midline the front of the nose's floor and the incisive canals leave little bone
        spot = near[6] + (side * rng.uniform(4, 10), rng.uniform(3, 8))
        hollow = scene.wobble(ring(spot, rng.uniform(2.5, 6), rng.uniform(2, 4.5)), 0.7)
        scene.add_area("behind", hollow, rng.uniform(0.7, 1.6), -0.09 * rng.uniform() ** 1.5)


def _draw_tongue(scene: Scene, rims: Rims, near: np.ndarray, reach: float) -> None:
    """The air between palate and tongue ends below in the tongue's back, a clean line right across the roots."""
    rng, share = scene.rng, np.linspace(-1, 1, 9)
    gap, sag = rng.uniform(5, 13), rng.normal(0, 2.0)
    x = share * (reach - rng.uniform(0, 14))
    back = np.interp(x, near[:, 0], near[:, 1]) + gap * (1 - 0.6 * share**4) + sag * share**2
    dark = rng.uniform(0.02, 0.12) * rng.uniform(0.5, 1.3, 9)
    line = scene.wobble(np.stack([x, back], 1), 0.3)
    rims.add("behind", line, -gap * rng.uniform(0.7, 1.1), -dark, rng.choice([0.0, 0.5, 1.0]), 1, 0.0)


def draw_pillars(scene: Scene, near: np.ndarray) -> None:
    """The jaw's thickened bone between nose and sinus: threads that fan out from there down between the roots."""
    rng = scene.rng
    clear = rng.uniform(0.0, 1.0)
    for side in (-1, 1):
        top = np.array([rng.uniform(17, 25), near[6, 1] + rng.uniform(-1, 3)])
        starts = top + rng.normal(0, (6.0, 3.5), (26, 2))
        lean = np.clip(rng.normal(0.0, 0.35, 26), -0.9, 0.9)
        fall = rng.uniform(5, 15, 26)
        shares = np.array([0, 1 / 3, 2 / 3, 1])[None, :, None]
        lines = starts[:, None] + shares * np.stack([lean * fall, fall], 1)[:, None] + rng.normal(0, 0.7, (26, 4, 2))
        widths, depths = rng.uniform(0.25, 0.7, 26), clear * rng.uniform(0.01, 0.07, 26)
        threads = [(mirrored(line, side), *of) for line, *of in zip(lines, widths, depths, strict=True)]
        scene.add_threads("behind", threads, 0.15)
