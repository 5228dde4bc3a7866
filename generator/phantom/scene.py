"""The layers of optical depth that the parts of the head are drawn into, and the few strokes to draw them with."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .geometry import Frame
from .raster import Patch, curve, fill, soften, stroke


class Scene:
    """Optical depth by distance from the focal trough: float32 arrays of the picture's shape.

    `trough` holds what is in focus, `behind` what lies a little outside and is a little blurred, `ghost` what lies on
    the far side of the head and is smeared along the tube's path. `marrow` (0…1) says how much trabecular pattern
    shows, by jaw. Points are in mm of the patient's frame.

    `rng` decides shapes, `grain` textures and noise: shapes ask for equally many numbers whatever the picture's size,
    so that one patient has one anatomy before every machine.
    """

    LAYERS = ("trough", "behind", "ghost")

    def __init__(self, frame: Frame, rng: np.random.Generator, grain: np.random.Generator):
        self.frame, self.shape = frame, frame.shape
        self.rng, self.grain = rng, grain
        self.trough, self.behind, self.ghost = (np.zeros(frame.shape, np.float32) for _ in self.LAYERS)
        self.marrow = {"mandible": np.zeros(frame.shape, np.float32), "maxilla": np.zeros(frame.shape, np.float32)}
        self.teeth = np.zeros(frame.shape, np.float32)

    @property
    def scale(self) -> float:
        """Pixels a millimetre."""
        return self.frame.scale

    @property
    def down(self) -> np.ndarray:
        """y in mm of the patient's frame, unbent, of every row: float32 (rows, 1)."""
        rows = np.arange(self.shape[0], dtype=np.float32)[:, None] + 0.5
        return (rows - self.shape[0] / 2) / self.scale + self.frame.centre[1]

    @property
    def across(self) -> np.ndarray:
        """Distance in mm from the midline of every column: float32 (1, columns)."""
        columns = np.arange(self.shape[1], dtype=np.float32)[None, :] + 0.5
        return np.abs(columns - self.shape[1] / 2) / self.scale

    def blur_of(self, position: int) -> float:
        """Blur in pixels of a tooth at an FDI position 1 to 8, by how far the patient stands from the trough."""
        narrow = max(0.0, 1 - position / 4.5)
        return self.scale * (0.08 + narrow * (0.12 + 4.5 * abs(self.frame.positioning.forward)))

    def wobble(self, points, amount: float) -> np.ndarray:
        """Control points moved by normal deviates of `amount` mm: no two people, and no two sides, are alike."""
        points = np.asarray(points, dtype=float)
        return points + self.rng.normal(0, amount, points.shape)

    def outline(self, points, closed: bool = True) -> np.ndarray:
        """A smooth curve through points in mm, in pixels."""
        return self.frame.to_pixels(curve(points, closed=closed, step=2.0 / self.scale))

    def area(self, points, blurred: float = 0.0) -> Patch:
        """The coverage of a smooth closed outline in mm, its edge blurred by `blurred` mm."""
        patch = fill(self.outline(points), self.shape)
        return soften(patch, blurred * self.scale, self.shape) if blurred else patch

    def line(self, points, width, blurred: float = 0.0) -> Patch:
        """The coverage of a smooth line in mm, `width` mm wide (one number, or one a control point)."""
        line = self.outline(points, closed=False)
        if not np.isscalar(width):
            width = np.interp(np.linspace(0, 1, len(line)), np.linspace(0, 1, len(width)), width)
        patch = stroke(line, np.asarray(width) * self.scale, self.shape)
        return soften(patch, blurred * self.scale, self.shape) if blurred else patch

    def shell(self, points, wall: float) -> Patch:
        """The rim of a closed outline, brightest at the edge and fading inwards over `wall` mm: a bone's cortex."""
        body = fill(self.outline(points), self.shape, margin=2 + int(3 * wall * self.scale))
        inner = soften(body, wall * self.scale, self.shape)
        rows, columns = body.values.shape
        top, left = body.top - inner.top, body.left - inner.left
        faded = inner.values[top : top + rows, left : left + columns]
        return Patch(body.top, body.left, body.values * (1 - faded) * 2)

    def add(self, layer: str, patches: Patch | Iterable[Patch], depth: float) -> None:
        """Add optical depth where patches cover; a negative depth takes away (air, canals)."""
        for patch in [patches] if isinstance(patches, Patch) else patches:
            patch.add_to(getattr(self, layer), depth)


def moved(points, across: float, down: float) -> np.ndarray:
    """Points shifted by millimetres."""
    return np.asarray(points, dtype=float) + np.array([across, down])


def mirrored(points, side: int) -> np.ndarray:
    """Points drawn for the patient's left (x > 0), for `side` -1 flipped to the right."""
    return np.asarray(points, dtype=float) * [side, 1.0]
