"""Trabecular bone: a fine net in the upper jaw, a coarser one of mostly level plates in the lower."""

from __future__ import annotations

import numpy as np

from .anatomy import Patient
from .raster import band_noise, blur, ridges
from .scene import Scene


def draw_trabeculae(scene: Scene, patient: Patient) -> None:
    """Add the marrow's pattern where the jaws are bone and no root hides it (White & Pharoah, Oral Radiology).

    It is most distinct between and below the roots and fades up the ramus.
    """
    coarse = patient.jaws.trabecular_coarseness * scene.scale
    visible = 1 - 0.75 * np.clip(scene.teeth, 0, 1)
    patchy = np.clip(0.9 + 0.4 * band_noise(scene.grain, scene.shape, 26 * scene.scale, 0.7), 0.15, 2.2)
    lower = _net(scene.grain, scene.shape, 3.8 * coarse, 1.5) + 0.6 * _net(scene.grain, scene.shape, 1.9 * coarse, 1.15)
    upper = _net(scene.grain, scene.shape, 1.9 * coarse, 0.85)
    marrow = {jaw: blur(mask, 1.5 * scene.scale) ** 2 for jaw, mask in scene.marrow.items()}
    body = np.clip((104 - scene.across) / 40, 0.25, 1)
    scene.trough += visible * patchy * (0.034 * body * marrow["mandible"] * lower + 0.034 * marrow["maxilla"] * upper)


def _net(grain: np.random.Generator, shape: tuple[int, int], period: float, stretch: float) -> np.ndarray:
    """Threads and grains of one size: threads alone would close into cells, which bone does not."""
    field = band_noise(grain, shape, period, 0.5, stretch)
    grains = np.roll(field, (shape[0] // 3, shape[1] // 3), (0, 1))
    return ridges(field, 2.0) * (1 + 0.9 * grains) + 0.10 * grains


def vary_thickness(scene: Scene) -> None:
    """No bone is evenly thick: slow changes of depth, strongest in the thin and folded bones of the mid-face."""
    blotches = band_noise(scene.grain, scene.shape, 24 * scene.scale, 0.7)
    inside = np.clip(scene.marrow["mandible"] + scene.marrow["maxilla"], 0, 1)
    scene.trough += 0.006 * inside * blotches
    scene.behind += 0.018 * band_noise(scene.grain, scene.shape, 16 * scene.scale, 0.8)
    face = np.clip((46 - scene.down) / 14, 0, 1) * np.clip((84 - scene.across) / 16, 0, 1)
    scene.behind += 0.045 * face * band_noise(scene.grain, scene.shape, 24 * scene.scale, 0.7, 2.2)
