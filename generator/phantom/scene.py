"""The layers of optical depth that the parts of the head are drawn into, and the few strokes to draw them with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from .curves import Lines, bands, curve, curves
from .geometry import Frame
from .raster import Patch, coarse_shape, coarsest, fill, refine, soft_fill, soft_sum

# The weights of a cubic Bézier curve's four points along it, array (20, 4).
BERNSTEIN = np.stack(
    [w * t**k * (1 - t) ** (3 - k) for t in [np.linspace(0, 1, 20)] for k, w in enumerate((1, 3, 3, 1))], 1
)


class _Shape(NamedTuple):
    """What waits to be drawn, in mm: an area within control points or, if it has widths, a line along them."""

    points: np.ndarray
    width: np.ndarray | None
    depth: float


class Scene:
    """Optical depth by distance from the focal trough: float32 arrays of the picture's shape.

    `trough` holds what is in focus, `behind` what lies a little outside and is a little blurred, `ghost` what lies on
    the far side of the head and is smeared along the tube's path. `marrow` (0…1) says how much trabecular pattern
    shows, by jaw. Points are in mm of the patient's frame.

    `rng` decides shapes, `grain` textures and noise: shapes ask for equally many numbers whatever the picture's size,
    so that one patient has one anatomy before every machine. Every part of the head has numbers of its own (`begin`).
    """

    LAYERS = ("trough", "behind", "ghost")

    def __init__(self, frame: Frame, seed: np.random.SeedSequence):
        self.frame, self.shape, self.seed = frame, frame.shape, seed
        self.begin("")
        self.trough, self.behind, self.ghost = (np.zeros(frame.shape, np.float32) for _ in self.LAYERS)
        self.marrow = {"mandible": np.zeros(frame.shape, np.float32), "maxilla": np.zeros(frame.shape, np.float32)}
        self.teeth, self.dentition = np.zeros(frame.shape, np.float32), np.zeros(frame.shape, np.float32)
        self.edges: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []  # see plates.py, which draws them at once
        self._shapes: dict[tuple[str, float], list[_Shape]] = {}
        self._coarse: dict[tuple[str, int], np.ndarray] = {}

    def begin(self, part: str) -> None:
        """Turn to the random numbers of a part of the head: how many another part asks for does not change it."""
        own = np.random.SeedSequence(self.seed.entropy, spawn_key=(*self.seed.spawn_key, *part.encode()))
        self.rng, self.grain = (np.random.Generator(np.random.PCG64(stream)) for stream in own.spawn(2))

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

    def places(self, patch: Patch) -> tuple[np.ndarray, np.ndarray]:
        """`down` (rows, 1) and `across` (1, columns) at the cells of a patch, on whatever grid it stands."""
        start, (rows, columns) = patch.step // 2, patch.window
        return self.down[start :: patch.step][rows], self.across[:, start :: patch.step][:, columns]

    def blur_of(self, position: int) -> float:
        """Blur in pixels of a tooth at an FDI position 1 to 8, by how far the patient stands from the trough."""
        narrow = max(0.0, 1 - position / 4.5)
        return self.scale * (0.20 + narrow * (0.22 + 2.6 * abs(self.frame.positioning.forward)))

    def wobble(self, points, amount: float) -> np.ndarray:
        """Control points moved by normal deviates of `amount` mm: no two people, and no two sides, are alike."""
        points = np.asarray(points, dtype=float)
        return points + self.rng.normal(0, amount, points.shape)

    def outline(self, points, closed: bool = True) -> np.ndarray:
        """A smooth curve through points in mm, in pixels."""
        return self.frame.to_pixels(curve(points, closed=closed, step=3.0 / self.scale))

    def area(self, points, blurred: float = 0.0) -> Patch:
        """The coverage of a smooth closed outline in mm, its edge blurred by `blurred` mm."""
        return soft_fill(self.outline(points), blurred * self.scale, self.shape)

    def add_area(self, layer: str, points, blurred: float, depth: float) -> None:
        """Add optical depth inside a smooth closed outline in mm, its edge blurred by about `blurred` mm."""
        self._add_shape(layer, _Shape(np.asarray(points, dtype=float), None, depth), blurred)

    def add_line(self, layer: str, points, width, blurred: float, depth: float) -> None:
        """Add optical depth along a smooth line in mm, `width` mm wide (one number, or one a control point)."""
        width = np.atleast_1d(np.asarray(width, dtype=float))
        self._add_shape(layer, _Shape(np.asarray(points, dtype=float), width, depth), blurred)

    def _add_shape(self, layer: str, shape: _Shape, blurred: float) -> None:
        """Shapes wait for settle(), which draws all of a layer that are about equally soft at once."""
        finest = 0.5 if layer == "trough" else 1.0  # pixels; the other layers are blurred as a whole besides
        sigma = float(2.0 ** np.round(np.log2(max(blurred * self.scale, finest / 2) / 0.85))) * 0.85
        self._shapes.setdefault((layer, sigma if sigma > finest else 0.0), []).append(shape)

    def shell(self, points, wall: float) -> Patch:
        """The rim of a closed outline, brightest at the edge and fading inwards over `wall` mm: a bone's cortex."""
        outline = self.outline(points)
        body, soft = fill(outline, self.shape), soft_fill(outline, wall * self.scale, self.shape)
        faded = soft.fine(self.shape).within(body)
        return Patch(body.top, body.left, body.values * (1 - faded) * 2)

    def add_threads(self, layer: str, threads: list[tuple[np.ndarray, float, float]], blurred: float) -> None:
        """Add many fine lines of one blur at once: four Bézier points in mm, largest width in mm, optical depth."""
        for points, width, depth in threads:
            line = BERNSTEIN @ points
            taper = np.minimum(1, 0.15 + 1.7 * np.sin(np.linspace(0, np.pi, len(line))))
            self.add_line(layer, line, width * taper, blurred, depth)

    def add(self, layer: str, patches: Patch | Iterable[Patch], depth: float) -> None:
        """Add optical depth where patches cover; a negative depth takes away (air, canals)."""
        for patch in [patches] if isinstance(patches, Patch) else patches:
            patch.add_to(self._grid(layer, patch.step), depth)

    def _grid(self, layer: str, step: int) -> np.ndarray:
        """Where a layer's shapes gather that are drawn on cells of `step` pixels: the layer itself, or a coarse one."""
        if step == 1:
            return getattr(self, layer)
        if (layer, step) not in self._coarse:
            self._coarse[layer, step] = np.zeros(coarse_shape(self.shape, step), np.float32)
        return self._coarse[layer, step]

    def settle(self) -> None:
        """Bring the shapes into their layers, once everything is drawn."""
        for (layer, sigma), shapes in self._shapes.items():
            shapes.sort(key=lambda shape: shape.width is not None)
            depths = np.array([shape.depth for shape in shapes])
            self.add(layer, soft_sum(self._outlines(shapes, sigma), depths, sigma, self.shape), 1.0)
        self._shapes.clear()
        # Each grid into the next finer one, so that the picture's own size is reached once.
        step = max((step for _, step in self._coarse), default=1)
        while step > 1:
            for layer in [layer for layer, width in self._coarse if width == step]:
                finer = self._grid(layer, step // 2)
                finer += refine(self._coarse.pop((layer, step)), 2, finer.shape)
            step //= 2

    def _outlines(self, shapes: list[_Shape], sigma: float) -> Lines:
        """In pixels, the outlines of areas and, after them, of lines: the softer, the fewer points will do."""
        closed = np.array([shape.width is None for shape in shapes])
        drawn = curves([shape.points for shape in shapes], closed, max(3.0, 1.2 * coarsest(sigma)) / self.scale)
        drawn = Lines(self.frame.to_pixels(drawn.points.astype(np.float32)), drawn.counts)
        if closed.all():
            return drawn
        areas, lines = drawn.take(closed), drawn.take(~closed)
        along = bands(lines, [shape.width * self.scale for shape in shapes if shape.width is not None])
        return Lines(np.concatenate([areas.points, along.points]), np.concatenate([areas.counts, along.counts]))


def ring(centre, wide: float, high: float, count: int = 8) -> np.ndarray:
    """The points of an ellipse about a centre, `wide` and `high` its half axes in mm: array (count, 2)."""
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.asarray(centre) + np.stack([wide * np.cos(turn), high * np.sin(turn)], 1)


def bowed(middle, heading: float, length: float, bow: float) -> np.ndarray:
    """Four points of a thread: `length` mm long, its heading in radians (0 across, half pi down), bent by `bow` of its
    length at the middle: array (4, 2)."""
    steps = np.linspace(-0.5, 0.5, 4)
    along, over = np.array([np.cos(heading), np.sin(heading)]), np.array([-np.sin(heading), np.cos(heading)])
    return middle + length * (np.outer(steps, along) + np.outer(bow * (1 - 4 * steps**2), over))


def moved(points, across: float, down: float) -> np.ndarray:
    """Points shifted by millimetres."""
    return np.asarray(points, dtype=float) + np.array([across, down])


def mirrored(points, side: int) -> np.ndarray:
    """Points drawn for the patient's left (x > 0), for `side` -1 flipped to the right."""
    return np.asarray(points, dtype=float) * [side, 1.0]


def beyond(half: float, edge: float, across: np.ndarray) -> np.ndarray:
    """0 near the midline, 1 where `across` (mm from it) is more than `half`, over a soft step of `edge` mm."""
    return 1 / (1 + np.exp(np.clip((half - across) * 4 / edge, -30, 30)))
