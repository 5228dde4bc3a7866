"""Edges: what the beam meets along its own direction shows as a border, crisp on one side and running out on the other.

A panoramic radiograph holds a great many of them, one over the other: plates of bone, folds of soft tissue, and the far
side of the head.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from .curves import Lines
from .raster import soft_ramps
from .scene import Scene, mirrored

TURN = np.linspace(0, 2 * np.pi, 48, endpoint=False)
WAVES = np.outer((2, 3, 4), TURN)  # that make an outline uneven
BOTH = {-1: (0.0, 0.0), 1: (0.0, 0.0)}  # sides of the head whose edges lie where their tangle says
UNLIKE_MM, UNLIKE_TURN = 1.6, 0.09  # standard deviations between the two sides of a head
# Layer, and for a crisp side blurred from … to … mm the blur in mm that all such edges get: layers blur by themselves.
SOFTNESS = (
    ("trough", 0.0, 0.35, 0.0),
    ("behind", 0.35, 0.7, 0.0),
    ("behind", 0.7, 1.4, 0.8),
    ("behind", 1.4, 9.0, 1.8),
)


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


def add_tangles(scene: Scene, tangles: Iterable[Tangle], offsets: Mapping[int, tuple[float, float]]) -> None:
    """Put all edges of some tangles on both sides of the head, each side moved by its offset in mm."""
    for edges in [_edges(scene.rng, tangle) for tangle in tangles]:
        scene.edges += [_seen(scene, side, edges, offset) for side, offset in offsets.items()]


def draw_edges(scene: Scene) -> None:
    """Draw the edges of all tangles.

    Edges of one softness are drawn together: each is a polygon whose depth falls off with the distance from its crisp
    side, which sums of plain polygons give exactly.
    """
    outlines, ramps, softness = (np.concatenate(part) for part in zip(*scene.edges, strict=True))
    for layer, least, most, blurred in SOFTNESS:
        chosen = (softness >= least) & (softness < most)
        if chosen.any():
            lines = Lines.of(outlines[chosen])
            scene.add(layer, soft_ramps(lines, ramps[chosen], blurred * scene.scale, scene.shape), 1.0)


@dataclass(frozen=True)
class _Edges:
    """Arrays (count, …): both sides of one head have them alike."""

    centre: np.ndarray
    heading: np.ndarray
    half: np.ndarray  # length and breadth
    uneven: np.ndarray  # of the outline's radius
    crisp: np.ndarray  # ±1: the side that is
    strength: np.ndarray
    softness: np.ndarray


def _edges(rng: np.random.Generator, tangle: Tangle) -> _Edges:
    count = tangle.count
    waves = rng.normal(0, 0.17, (2, count, 3))
    return _Edges(
        centre=rng.normal(tangle.middle, tangle.spread, (count, 2)),
        heading=rng.normal(np.arctan(tangle.rise), tangle.turn, count),
        half=np.stack([rng.uniform(*tangle.length, count), rng.uniform(*tangle.breadth, count)]) / 2,
        uneven=1 + waves[0] @ np.cos(WAVES) + waves[1] @ np.sin(WAVES),
        crisp=np.where(rng.uniform(size=count) < 0.65, 1, -1),
        strength=tangle.depth * rng.uniform(0.4, 1.5, count) * np.where(rng.uniform(size=count) < 0.8, 1, -0.45),
        softness=rng.uniform(*tangle.blurred, count),
    )


def _seen(scene: Scene, side: int, edges: _Edges, offset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outlines (count, 48, 2) in pixels, ramps (count, 3) and softness of the edges as one side has them."""
    rng, count = scene.rng, len(edges.heading)
    centre = edges.centre + offset + rng.normal(0, UNLIKE_MM, (count, 2))
    heading = edges.heading + rng.normal(0, UNLIKE_TURN, count)
    strength = edges.strength * rng.uniform(0.3, 1.6, count) * np.clip(edges.half[1] / 2.5, 0.3, 1)  # slim is thin
    along, over = np.stack([np.cos(heading), np.sin(heading)], 1), np.stack([-np.sin(heading), np.cos(heading)], 1)
    (long, broad), uneven = edges.half, edges.uneven
    out, up = long[:, None] * np.cos(TURN) * uneven, broad[:, None] * np.sin(TURN) * uneven
    outlines = centre[:, None] + out[..., None] * along[:, None] + up[..., None] * over[:, None]
    start, stop = (_to_pixels(scene, side, points) for points in (centre, centre + edges.crisp[:, None] * over))
    towards = (stop - start) / np.hypot(*(stop - start).T)[:, None] * (0.5 / (broad * scene.scale))[:, None]
    ramps = np.column_stack([0.5 - (start * towards).sum(1), towards]) * strength[:, None]
    return _to_pixels(scene, side, outlines), ramps, edges.softness


def _to_pixels(scene: Scene, side: int, points: np.ndarray) -> np.ndarray:
    return scene.frame.to_pixels(mirrored(points, side)).reshape(points.shape)
