"""Walls met edge on and bodies that end on one side: crisp there, running out to the other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .curves import Lines, across, curve, curves, places, spread, twice
from .raster import soft_ramps
from .scene import Scene, mirrored

SHARE = 0.28  # of a rim's width: where its peak lies, at its crisp side


class _Rim(NamedTuple):
    """A wall that waits to be drawn: control points in mm, width in mm and depth along it, and where its peak lies."""

    points: np.ndarray
    wide: np.ndarray
    depth: np.ndarray
    peak: float
    side: int


class Rims:
    """Collects rims and bodies of one scene, and draws those of one layer and softness at once.

    Points are in mm of the patient's left half; `side` -1 flips them to the right.
    """

    def __init__(self, scene: Scene):
        self.scene = scene
        self._rims: dict[tuple[str, float], list[_Rim]] = {}
        self._bodies: dict[tuple[str, float], list[tuple[np.ndarray, np.ndarray]]] = {}

    def add(self, layer: str, points, wide, depth, blurred: float = 0.0, side: int = 1, peak: float = 0.5) -> None:
        """Add a wall along points, crisp there and running out over `wide` mm; `peak` of its depth lies at the edge.

        Seen along the line it runs out to the right in the picture: a line from left to right runs out downwards, a
        negative width upwards. Width and depth are one number, or one a point; towards its ends a wall thins out. A
        depth less than 0 is air that ends at a wall.
        """
        along = (np.atleast_1d(np.asarray(value, dtype=float)) for value in (points, wide, depth))
        self._rims.setdefault((layer, float(blurred)), []).append(_Rim(*along, peak, side))

    def add_body(self, layer: str, points, start, stop, depth: float, blurred: float = 0.0, side: int = 1) -> None:
        """Add a smooth closed outline whose depth falls off evenly from `depth` at `start` to 0 at the point `stop`."""
        to_pixels = self.scene.frame.to_pixels
        outline = to_pixels(mirrored(curve(points, closed=True, step=2.0), side))
        start, stop = to_pixels(mirrored([start, stop], side))
        slope = (start - stop) * depth / ((stop - start) ** 2).sum()
        body = outline, np.array([depth - start @ slope, *slope])
        self._bodies.setdefault((layer, float(blurred)), []).append(body)

    def draw(self) -> None:
        """Bring everything into the scene's layers."""
        scene = self.scene
        for layer, blurred in dict.fromkeys([*self._rims, *self._bodies]):
            parts = self._shapes(self._rims.get((layer, blurred), []))
            for outline, ramp in self._bodies.get((layer, blurred), []):
                parts.append((Lines(outline, np.array([len(outline)])), ramp[None]))
            outlines, ramps = zip(*parts, strict=True)
            lines = Lines(*(np.concatenate(each) for each in zip(*outlines, strict=True)))
            patch = soft_ramps(lines, np.concatenate(ramps), blurred * scene.scale, scene.shape)
            scene.add(layer, patch, 1.0)
        self._rims.clear()
        self._bodies.clear()

    def _shapes(self, rims: list[_Rim]) -> list[tuple[Lines, np.ndarray]]:
        """The polygons of walls in pixels and their ramps: a ridge along each, and quadrangles running out from it."""
        if not rims:
            return []
        rng, frame = self.scene.rng, self.scene.frame
        lines = curves([rim.points for rim in rims], np.zeros(len(rims), bool), 3.0)
        counts, owner, first = lines.counts, lines.owner, lines.starts
        last = first + counts - 1
        points = lines.points + rng.normal(0, 0.08, lines.points.shape)
        share = places(counts) / (counts - 1)[owner]
        depth = spread([rim.depth for rim in rims], counts) * np.clip(6 * np.minimum(share, 1 - share), 0, 1)
        depth *= rng.uniform(0.85, 1.15, len(depth))
        over = across(lines._replace(points=points)) * spread([rim.wide for rim in rims], counts)[:, None]
        size = np.maximum(np.maximum.reduceat(np.abs(depth), first), 1e-6)
        most = size * np.sign(np.add.reduceat(depth, first))
        flip = np.stack([np.array([rim.side for rim in rims])[owner], np.ones(len(owner))], 1)
        inner = points + SHARE * (np.abs(depth) / size[owner])[:, None] * over
        crisp, inner, out = np.split(
            frame.to_pixels(np.concatenate([points, inner, points + over]) * np.tile(flip, (3, 1))), 3
        )
        peak = np.array([rim.peak for rim in rims])
        there, back = twice(lines)
        ridges = np.empty((2 * len(points), 2))
        ridges[there], ridges[back] = crisp, inner
        flat = np.stack([peak * most, np.zeros(len(rims)), np.zeros(len(rims))], 1)
        inside = np.delete(np.arange(len(points)), last)  # points that are not the last of their wall
        quads, ramps = _pieces(crisp, out, (1 - peak)[owner] * depth, inside)
        return [(Lines(ridges, 2 * counts), flat), (Lines(quads.reshape(-1, 2), np.full(len(quads), 4)), ramps)]


def _pieces(crisp: np.ndarray, out: np.ndarray, depth: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Quadrangles (n, 4, 2) between two lines in pixels, from each point of `at` to the next, and their ramps (n, 3):
    `depth` at the first line, 0 at the second."""
    quads = np.stack([crisp[at], crisp[at + 1], out[at + 1], out[at]], 1)
    start, stop = (quads[:, 0] + quads[:, 1]) / 2, (quads[:, 2] + quads[:, 3]) / 2
    along, away = quads[:, 1] - quads[:, 0], stop - start
    crossed = ((quads[:, 2] - quads[:, 3]) * along).sum(1) < 0  # inside a bend narrower than the wall
    quads[crossed, 2:] = stop[crossed, None]
    middle, rise = (depth[at] + depth[at + 1]) / 2, depth[at + 1] - depth[at]
    slope = along * (rise / np.maximum((along**2).sum(1), 1e-6))[:, None]
    slope -= away * (middle / np.maximum((away**2).sum(1), 1e-6))[:, None]
    return quads, np.column_stack([middle - (start * slope).sum(1), slope])
