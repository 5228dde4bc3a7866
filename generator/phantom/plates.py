"""Edges: what the beam meets along its own direction shows as a border, crisp on one side and running out on the other.

A panoramic radiograph holds a great many of them, one over the other: plates of bone, folds of soft tissue, and the far
side of the head.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .raster import Patch, fill, soft_fill
from .scene import Scene, mirrored

TURN = np.linspace(0, 2 * np.pi, 32, endpoint=False)
WAVES = np.outer((2, 3, 4), TURN)  # that make an outline uneven


@dataclass(frozen=True)
class Tangle:
    """Edges that cross in one region of the patient's left half.

    middle, spread   where they lie, mm across and down: mean and standard deviation
    count            how many on either side
    length, breadth  of the plates, mm from … to
    depth            optical depth that one adds at most, about; some take it away
    rise             how steeply they run up towards the midline, mm a mm
    turn             standard deviation of their direction, radians
    blurred          of their crisp side, mm from … to
    """

    middle: tuple[float, float]
    spread: tuple[float, float]
    count: int
    length: tuple[float, float]
    breadth: tuple[float, float]
    depth: float
    rise: float = 0.5
    turn: float = 0.5
    blurred: tuple[float, float] = (0.1, 0.7)


def draw_tangle(scene: Scene, side: int, tangle: Tangle, offset: tuple[float, float] = (0, 0)) -> None:
    """Draw all edges of a tangle on one side of the head, the whole of it moved by `offset` mm."""
    for _ in range(tangle.count):
        _draw_edge(scene, side, tangle, np.add(tangle.middle, offset))


def _draw_edge(scene: Scene, side: int, tangle: Tangle, middle: np.ndarray) -> None:
    rng = scene.rng
    centre, heading = rng.normal(middle, tangle.spread), rng.normal(np.arctan(tangle.rise), tangle.turn)
    half = rng.uniform(*tangle.length) / 2, rng.uniform(*tangle.breadth) / 2
    along, over = np.array([np.cos(heading), np.sin(heading)]), np.array([-np.sin(heading), np.cos(heading)])
    waves = rng.normal(0, 0.17, (3, 2))
    uneven = 1 + waves[:, 0] @ np.cos(WAVES) + waves[:, 1] @ np.sin(WAVES)
    round_it = np.outer(half[0] * np.cos(TURN) * uneven, along) + np.outer(half[1] * np.sin(TURN) * uneven, over)
    outline = scene.frame.to_pixels(mirrored(np.vstack([centre + round_it, [centre, centre + over]]), side))
    blurred = rng.uniform(*tangle.blurred)
    # Fields and layers blur by themselves what is nearly crisp: only wide blurs are worth one of their own.
    plate = (
        fill(outline[:-2], scene.shape)
        if blurred < 0.7
        else soft_fill(outline[:-2], blurred * scene.scale, scene.shape)
    )
    crisp_below = rng.uniform() < 0.65
    strength = tangle.depth * rng.uniform(0.4, 1.5) * (1 if rng.uniform() < 0.8 else -0.45)
    thinning = _fading(plate, outline[-2:], half[1] * scene.scale, crisp_below)
    scene.add("trough" if blurred < 0.35 else "behind", thinning, strength)


def _fading(plate: Patch, axis: np.ndarray, half: float, forwards: bool) -> Patch:
    """The plate thinning out along an axis (two points, the plate's middle first): `half` to either side, in pixels."""
    rows, columns = ((np.arange(s.start, s.stop, dtype=np.float32) + 0.5) * plate.step for s in plate.window)
    towards = (axis[1] - axis[0]) / np.hypot(*(axis[1] - axis[0])) * (1 if forwards else -1) * (0.5 / half)
    down, across = (rows - axis[0, 1]) * towards[1] + 0.5, (columns - axis[0, 0]) * towards[0]
    share = np.clip(down.astype(np.float32)[:, None] + across.astype(np.float32)[None, :], 0, 1.2)
    return Patch(plate.top, plate.left, plate.values * (share * share * share), plate.step)
