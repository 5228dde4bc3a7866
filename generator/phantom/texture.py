"""Trabecular bone: a fine net in the upper jaw, a coarser one of mostly level plates in the lower."""

from __future__ import annotations

import numpy as np

from .anatomy import Patient
from .raster import band_noise, blur, ridges
from .scene import Scene


def draw_trabeculae(scene: Scene, patient: Patient) -> None:
    """Add the marrow's pattern where the jaws are bone and no root hides it (White & Pharoah, Oral Radiology)."""
    coarse = patient.jaws.trabecular_coarseness * scene.scale
    rng = scene.rng
    visible = 1 - 0.7 * np.clip(scene.teeth, 0, 1)
    patchy = np.clip(1 + 0.35 * band_noise(rng, scene.shape, 26 * scene.scale, 0.5), 0.1, 2)
    lower = ridges(band_noise(rng, scene.shape, 3.2 * coarse, 0.4, 1.25), 1.8)
    lower += 0.5 * ridges(band_noise(rng, scene.shape, 1.8 * coarse, 0.4), 1.6)
    upper = ridges(band_noise(rng, scene.shape, 1.8 * coarse, 0.4, 0.85), 1.6)
    marrow = {jaw: blur(mask, 1.5 * scene.scale) ** 2 for jaw, mask in scene.marrow.items()}
    scene.trough += visible * patchy * (0.075 * marrow["mandible"] * lower + 0.06 * marrow["maxilla"] * upper)


def vary_thickness(scene: Scene) -> None:
    """No bone is evenly thick: a slow, blotchy change of depth over both jaws."""
    blotches = band_noise(scene.rng, scene.shape, 24 * scene.scale, 0.7)
    inside = np.clip(scene.marrow["mandible"] + scene.marrow["maxilla"], 0, 1)
    scene.trough += 0.010 * inside * blotches
    scene.behind += 0.018 * band_noise(scene.rng, scene.shape, 16 * scene.scale, 0.8)
