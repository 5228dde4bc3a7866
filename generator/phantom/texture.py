"""Trabecular bone: a fine net in the upper jaw, a coarser one of mostly level plates in the lower."""

from __future__ import annotations

import numpy as np

from .anatomy import Patient
from .raster import Patch, band_noise, between_cells, blur, ridges
from .scene import Scene

# Threads by jaw: period in mm, how far drawn out along the picture's rows, strength.
NETS = {
    "mandible": ((2.5, 2.0, 0.45), (1.4, 1.65, 0.65)),
    "maxilla": ((2.3, 0.9, 0.5), (1.5, 0.85, 0.6)),
}
DEPTH = {"mandible": 0.085, "maxilla": 0.078}


def draw_trabeculae(scene: Scene, patient: Patient) -> None:
    """Add the marrow's pattern where the jaws are bone and no root hides it (White & Pharoah, Oral Radiology).

    It is most distinct between and below the roots and fades up the ramus.
    """
    visible = 1 - 0.55 * np.clip(scene.teeth, 0, 1.8)
    visible *= np.clip(0.85 + 0.6 * band_noise(scene.grain, scene.shape, 18 * scene.scale, 0.7), 0.1, 2.4)
    for jaw, sizes in NETS.items():
        marrow = blur(scene.marrow[jaw], 1.5 * scene.scale) ** 2
        window = _window(marrow)
        pattern = sum(
            weight
            * _net(
                scene.grain, marrow[window].shape, period * patient.jaws.trabecular_coarseness * scene.scale, stretch
            )
            for period, stretch, weight in sizes
        )
        if jaw == "mandible":
            ramus = marrow * np.clip((scene.across - 62) / 16, 0, 1)
            marrow *= np.clip((92 - scene.across) / 36, 0.03, 1) * np.clip((122 - scene.down) / 20, 0.35, 1)
        scene.trough[window] += DEPTH[jaw] * (visible * marrow)[window] * pattern
        if jaw == "mandible":
            _draw_fibres(scene, ramus * visible)


def _draw_fibres(scene: Scene, ramus: np.ndarray) -> None:
    """The bone of either ramus: fine fibres that run down it."""
    middle = scene.shape[1] // 2
    for half in (slice(0, middle), slice(middle, None)):
        rows, columns = _window(ramus[:, half])
        seen = 0.012 * ramus[:, half][rows, columns]
        scene.trough[:, half][rows, columns] += seen * band_noise(scene.grain, seen.shape, 5.2 * scene.scale, 0.8, 0.22)


def _window(mask: np.ndarray) -> tuple[slice, slice]:
    """The rows and columns between which a mask is more than a trace."""
    rows, columns = (np.flatnonzero(mask.max(axis) > 0.01) for axis in (1, 0))
    if not len(rows):
        return slice(0, 16), slice(0, 16)
    return slice(rows[0], max(rows[-1] + 1, rows[0] + 16)), slice(columns[0], columns[-1] + 1)


def _net(grain: np.random.Generator, shape: tuple[int, int], period: float, stretch: float) -> np.ndarray:
    """Threads of one size around marrow, here strong and there weak by a slower wave."""
    field = band_noise(grain, shape, period, 0.5, stretch)
    strength = np.maximum(0, 0.9 + 0.3 * band_noise(grain, shape, 4 * period, 0.5, stretch))
    return ridges(field, 1.6) * strength


COARSE = 4  # pixels: what changes slowly is worked out on cells this wide


def vary_thickness(scene: Scene) -> None:
    """No bone is evenly thick: slow changes of depth, strongest in the thin and folded bones of the mid-face."""
    down, across = _cells(scene.down), _cells(scene.across)
    jaw, arch = (_cells(scene.marrow[part]) for part in ("mandible", "maxilla"))
    bone = 0.014 * np.clip(jaw + arch, 0, 1) * _slow_noise(scene, 24, 0.7)
    tissue = 0.006 * _slow_noise(scene, 20, 0.7) + _unlike(scene)
    tissue += 0.015 * arch * np.clip((62 - down) / 10, 0, 1) * _noise(scene, tissue.shape, 11, 0.7, 1.5)
    scene.add("trough", Patch(0, 0, bone, COARSE), 1.0)
    scene.add("behind", Patch(0, 0, tissue, COARSE), 1.0)
    rows = int((down[:, 0] < 58).sum())
    if COARSE * rows < 16:
        return
    face = np.clip((58 - down[:rows]) / 14, 0, 1) * np.clip((84 - across) / 16, 0, 1)
    scene.add("behind", Patch(0, 0, 0.03 * face * _noise(scene, face.shape, 22, 0.8, 2.0), COARSE), 1.0)
    # Met aslant, and drawn out sideways into streaks, most of all along the palate.
    palate = np.exp(-(((down[:rows] - scene.frame.jaws.palate_height - 2) / 7) ** 2))
    streaks = 0.012 * _noise(scene, face.shape, 12, 1.0, 3.5)
    streaks += (0.012 + 0.012 * palate) * _noise(scene, face.shape, 4, 0.8, 6.0)
    scene.add("ghost", Patch(0, 0, face * streaks, COARSE), 1.0)


def _cells(fine: np.ndarray) -> np.ndarray:
    """Every fourth value along each axis that is longer than one."""
    start = COARSE // 2
    rows, columns = (slice(start, None, COARSE) if length > 1 else slice(None) for length in fine.shape)
    return fine[rows, columns]


def _noise(scene: Scene, cells: tuple[int, int], period: float, bandwidth: float, stretch: float) -> np.ndarray:
    """Noise on the coarse cells whose waves are about `period` mm long."""
    return band_noise(scene.grain, cells, period * scene.scale / COARSE, bandwidth, stretch)


CELL = 1.25  # mm: the grid of what belongs to the patient, whatever the picture's size


def _slow_noise(scene: Scene, period: float, bandwidth: float) -> np.ndarray:
    """Noise of unit variance on the coarse cells, whose waves are about `period` mm long: a patient's own, in whatever
    picture of them."""
    field = band_noise(scene.rng, (120, 240), period / CELL, bandwidth)
    columns = COARSE * (np.arange(_cells(scene.across).shape[1]) + 0.5) - scene.shape[1] / 2
    rows = between_cells(field, _cells(scene.down)[:, 0] / CELL - 0.5, 0)
    return between_cells(rows, columns / (scene.scale * CELL) + 119.5, 1)


def _unlike(scene: Scene) -> np.ndarray:
    """How much more or less of everything one head holds than another, the same on both sides."""
    slow = _slow_noise(scene, 90, 0.5)
    alike = (slow + slow[:, ::-1]) / 2
    return (0.07 + 0.035 * np.clip((60 - _cells(scene.down)) / 30, 0, 1)) * alike
