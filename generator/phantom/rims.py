"""Walls met edge on and bodies that end on one side: crisp there, running out to the other."""

from __future__ import annotations

import numpy as np

from .curves import Lines, curve
from .raster import soft_ramps
from .scene import Scene, mirrored

SHARE = 0.28  # of a rim's width: where its peak lies, at its crisp side


class Rims:
    """Collects rims and bodies of one scene, and draws those of one layer and softness at once.

    Points are in mm of the patient's left half; `side` -1 flips them to the right.
    """

    def __init__(self, scene: Scene):
        self.scene = scene
        self._parts: dict[tuple[str, float], list[tuple[np.ndarray, np.ndarray]]] = {}

    def add(self, layer: str, points, wide, depth, blurred: float = 0.0, side: int = 1, peak: float = 0.5) -> None:
        """Add a wall along points, crisp there and running out over `wide` mm; `peak` of its depth lies at the edge.

        Seen along the line it runs out to the right in the picture: a line from left to right runs out downwards, a
        negative width upwards. Width and depth are one number, or one a point; towards its ends a wall thins out.
        """
        line = self.scene.wobble(curve(points, step=3.0), 0.08)
        share = np.linspace(0, 1, len(line))
        wide, depth = (np.interp(share, np.linspace(0, 1, np.size(value)), np.ravel(value)) for value in (wide, depth))
        depth = depth * np.clip(6 * np.minimum(share, 1 - share), 0, 1) * self.scene.rng.uniform(0.85, 1.15, len(line))
        along = np.gradient(line, axis=0)
        over = np.stack([-along[:, 1], along[:, 0]], 1) / np.hypot(*along.T)[:, None] * wide[:, None]
        parts = self._parts.setdefault((layer, blurred), [])
        most = float(depth[np.abs(depth).argmax()]) or 1e-6  # less than 0: air that ends at a wall
        ridge = np.vstack([line, (line + SHARE * (depth / most)[:, None] * over)[::-1]])
        parts.append((self._pixels(ridge, side), np.array([peak * most, 0.0, 0.0])))
        parts += zip(
            *self._pieces(self._pixels(line, side), self._pixels(line + over, side), (1 - peak) * depth), strict=True
        )

    def add_body(self, layer: str, points, start, stop, depth: float, blurred: float = 0.0, side: int = 1) -> None:
        """Add a smooth closed outline whose depth falls off evenly from `depth` at `start` to 0 at the point `stop`."""
        outline = self._pixels(curve(points, closed=True, step=2.0), side)
        start, stop = self._pixels([start, stop], side)
        slope = (start - stop) * depth / ((stop - start) ** 2).sum()
        self._parts.setdefault((layer, blurred), []).append((outline, np.array([depth - start @ slope, *slope])))

    def _pixels(self, points, side: int) -> np.ndarray:
        return self.scene.frame.to_pixels(mirrored(points, side))

    def _pieces(self, crisp: np.ndarray, out: np.ndarray, depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Quadrangles (n, 4, 2) between two lines in pixels, and their ramps (n, 3): `depth` at the first, 0 at the
        second."""
        quads = np.stack([crisp[:-1], crisp[1:], out[1:], out[:-1]], 1)
        start, stop = (crisp[:-1] + crisp[1:]) / 2, (out[:-1] + out[1:]) / 2
        along, away = np.diff(crisp, axis=0), stop - start
        crossed = (np.diff(out, axis=0) * along).sum(1) < 0  # inside a bend narrower than the wall
        quads[crossed, 2:] = stop[crossed, None]
        middle, rise = (depth[:-1] + depth[1:]) / 2, np.diff(depth)
        slope = along * (rise / np.maximum((along**2).sum(1), 1e-6))[:, None]
        slope -= away * (middle / np.maximum((away**2).sum(1), 1e-6))[:, None]
        return quads, np.column_stack([middle - (start * slope).sum(1), slope])

    def draw(self) -> None:
        """Bring everything into the scene's layers."""
        scene = self.scene
        for (layer, blurred), parts in self._parts.items():
            outlines, ramps = zip(*parts, strict=True)
            scene.add(layer, soft_ramps(Lines.of(outlines), np.array(ramps), blurred * scene.scale, scene.shape), 1.0)
        self._parts.clear()
