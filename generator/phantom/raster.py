"""Shapes to pixels: anti-aliased fills, strokes, soft blurs and noise fields in plain numpy and scipy.

Every function that draws returns a `Patch`: the part of the picture that the shape touches, so that a tooth costs a
tooth and not a picture. Points are arrays (n, 2) of x and y in pixels; a pixel's centre lies at half integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import fft, ndimage


@dataclass(frozen=True)
class Patch:
    """A float32 piece of a picture: `values` belongs at rows top…, columns left….

    A soft shape is kept on a grid of `step` × `step` pixels, in whose units `top` and `left` then are.
    """

    top: int
    left: int
    values: np.ndarray
    step: int = 1

    @property
    def window(self) -> tuple[slice, slice]:
        """The slices of the whole picture, or of its coarse grid, that the patch covers."""
        rows, columns = self.values.shape
        return slice(self.top, self.top + rows), slice(self.left, self.left + columns)

    def add_to(self, picture: np.ndarray, weight: float = 1.0) -> None:
        """Add `weight` times the patch to a whole picture, in place."""
        picture[self.window] += np.float32(weight) * self.values

    def fine(self, shape: tuple[int, int]) -> Patch:
        """The patch on the pixels of a picture of `shape`, on whatever grid it stood."""
        if self.step == 1:
            return self
        top, left = self.step * self.top, self.step * self.left
        values = refine(self.values, self.step, tuple(self.step * length for length in self.values.shape))
        return Patch(top, left, values[: shape[0] - top, : shape[1] - left])

    def within(self, other: Patch) -> np.ndarray:
        """The values where another patch lies, 0 where this one does not reach: of the other's shape."""
        seen = np.zeros(other.values.shape, np.float32)
        down, across = self.top - other.top, self.left - other.left
        part = self.values[max(0, -down) :, max(0, -across) :]
        place = seen[max(0, down) :, max(0, across) :]
        rows, columns = np.minimum(part.shape, place.shape)
        place[:rows, :columns] = part[:rows, :columns]
        return seen


def curve(points, closed: bool = False, step: float = 1.0) -> np.ndarray:
    """A smooth curve through `points` (n, 2), sampled about every `step` units: array (m, 2).

    A Catmull-Rom curve over the centripetal length, which neither overshoots nor loops where the points crowd (Yuksel
    et al. 2011).
    """
    points = np.asarray(points, dtype=float)
    if closed:
        padded = np.vstack([points[-1:], points, points[:2]])
    else:
        padded = np.vstack([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    chord = np.hypot(*np.diff(padded, axis=0).T)
    knots = np.concatenate([[0.0], np.cumsum(np.sqrt(np.maximum(chord, 1e-9)))])
    slope = _centripetal_slopes(padded, knots)
    count = max(8, int(chord[1:-1].sum() / step))
    t = np.linspace(knots[1], knots[-2], count, endpoint=not closed)
    i = np.clip(np.searchsorted(knots, t, "right") - 1, 1, len(knots) - 3)
    width = (knots[i + 1] - knots[i])[:, None]
    s = (t[:, None] - knots[i][:, None]) / width
    rise = padded[i + 1] - padded[i]
    return padded[i] + s * (width * slope[i] + s * (
        3 * rise - width * (2 * slope[i] + slope[i + 1]) + s * (width * (slope[i] + slope[i + 1]) - 2 * rise)
    ))  # fmt: skip


def _centripetal_slopes(points: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """The derivative at every inner point: the parabola's through it and its two neighbours."""
    gap = np.diff(knots)[:, None]
    secant = np.diff(points, axis=0) / gap
    slope = np.zeros_like(points)
    slope[1:-1] = (gap[1:] * secant[:-1] + gap[:-1] * secant[1:]) / (gap[1:] + gap[:-1])
    return slope


def fill(outline: np.ndarray, shape: tuple[int, int], margin: int = 2) -> Patch:
    """The exact-area coverage (0…1) of a closed polygon (n, 2) in a picture of `shape`, `margin` pixels around it.

    Each edge adds its signed height to the pixels that it crosses; the running sum along a row is then the covered
    area (the accumulation buffer of font rasterisers). Parts outside the picture are cut off.
    """
    window = _bounds(outline, shape, margin)
    left, top, right, bottom = window
    points = np.clip(outline - [left, top], [-1.0, 0.0], [right - left, bottom - top])
    (area,) = _signed_areas([points], np.ones((1, 1)), window)
    return Patch(top, left, np.clip(np.abs(area), 0, 1).astype(np.float32))


def _bounds(points: np.ndarray, shape: tuple[int, int], margin: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the part of a picture that points and a margin around them touch."""
    low, high = np.floor(points.min(0)).astype(int) - margin, np.ceil(points.max(0)).astype(int) + margin + 1
    left, top = np.clip(low, 0, [shape[1] - 1, shape[0] - 1])
    right, bottom = np.clip(high, [left + 1, top + 1], [shape[1], shape[0]])
    return int(left), int(top), int(right), int(bottom)


def _turn(polygon: np.ndarray) -> float:
    """1 or -1 by the way round that the polygon runs: 1 where `_signed_areas` counts its area as positive."""
    x, y = polygon.T
    closing = y[-1] * x[0] - x[-1] * y[0]
    return float(np.sign(y[:-1] @ x[1:] - x[:-1] @ y[1:] + closing))


def _signed_areas(polygons: Sequence[np.ndarray], weights: np.ndarray, window: tuple[int, int, int, int]) -> np.ndarray:
    """Areas (k, rows, columns) of a window covered by n polygons (m, 2), added up with each of the weights (k, n)."""
    rows, columns = window[3] - window[1], window[2] - window[0]
    starts = np.concatenate(polygons)
    steps = np.concatenate([np.diff(points, axis=0, append=points[:1]) for points in polygons])
    owner = np.repeat(np.arange(len(polygons)), [len(points) for points in polygons])
    (x0, y0), (x1, y1), origin = _densify(starts, steps)
    first = np.floor(np.minimum(y0, y1)).astype(int)
    pieces = np.floor(np.maximum(y0, y1)).astype(int) - first + 1
    edge = np.repeat(np.arange(len(x0)), pieces)
    row = first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    start, stop = np.clip(y0[edge], row, row + 1), np.clip(y1[edge], row, row + 1)
    rise = np.where(y1 == y0, 1.0, y1 - y0)[edge]
    x = x0[edge] + ((start + stop) / 2 - y0[edge]) / rise * (x1 - x0)[edge]
    x, row = np.clip(x, 0, columns), np.clip(row, 0, rows - 1)
    column = np.floor(x).astype(int)
    share, height = x - column, stop - start
    place, polygon = row * (columns + 2) + column, owner[origin[edge]]
    cells = np.empty((len(weights), rows * (columns + 2)))
    for filled, weight in zip(cells, weights, strict=True):
        signed = height * weight[polygon]
        filled[:] = np.bincount(place, signed * (1 - share), minlength=filled.size)
        filled += np.bincount(place + 1, signed * share, minlength=filled.size)
    return np.cumsum(cells.reshape(len(weights), rows, columns + 2), axis=2)[..., :columns]


def _densify(starts: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same edges in pieces no wider than a pixel, so that a piece may count as lying in one column; and which
    edge each piece is of."""
    count = np.maximum(1, np.ceil(np.abs(steps[:, 0]))).astype(int)
    edge = np.repeat(np.arange(len(count)), count)
    part = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    piece = (steps / count[:, None])[edge]
    begin = starts[edge] + part[:, None] * piece
    return begin.T, (begin + piece).T, edge


def stroke(line: np.ndarray, width, shape: tuple[int, int]) -> Patch:
    """The coverage of a line (n, 2) drawn `width` pixels wide; `width` may be one number a point."""
    return fill(band(line, width), shape)


def band(line: np.ndarray, width) -> np.ndarray:
    """The outline of a line (n, 2) drawn `width` pixels wide; `width` may be one number a point."""
    tangent = np.gradient(line, axis=0)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], 1) / np.maximum(np.hypot(*tangent.T), 1e-9)[:, None]
    half = normal * np.broadcast_to(np.asarray(width, dtype=float), len(line))[:, None] / 2
    return np.vstack([line + half, (line - half)[::-1]])


def soft_fill(outline: np.ndarray, sigma: float, shape: tuple[int, int]) -> Patch:
    """The coverage of a closed polygon blurred by `sigma` pixels, on the coarsest grid that the blur allows."""
    step, coarse = _grid(sigma, shape)
    patch = soften(fill(outline / step, coarse, margin=0), sigma / step, coarse)
    return Patch(patch.top, patch.left, patch.values, step)


def soft_sum(outlines: Sequence[np.ndarray], depths: Sequence[float], sigma: float, shape: tuple[int, int]) -> Patch:
    """Closed polygons (m, 2) at once, each with its depth, added up where they overlap and blurred by `sigma` pixels
    on the coarsest grid that the blur allows."""
    step, coarse = _grid(sigma, shape)
    window, inside, turns = _framed([outline / step for outline in outlines], coarse)
    (depth,) = _signed_areas(inside, (turns * depths)[None], window)
    return _softened(depth, window, sigma, step, coarse)


def soft_ramps(outlines: Sequence[np.ndarray], ramps: np.ndarray, sigma: float, shape: tuple[int, int]) -> Patch:
    """As soft_sum, with depths that are no number but a slope: `ramps` (n, 3) are a, b and c of each polygon, whose
    depth at x, y is a + b x + c y."""
    step, coarse = _grid(sigma, shape)
    window, inside, turns = _framed([outline / step for outline in outlines], coarse)
    left, top, right, bottom = window
    a, b, c = ramps.T * turns * [[1], [step], [step]]
    a = a + b * (left + 0.5) + c * (top + 0.5)
    # Sums of evenly deep polygons, with all the a, all the b and all the c, give the sum of the ramps.
    level, across, down = _signed_areas(inside, np.stack([a, b, c]), window)
    depth = level + np.arange(right - left) * across + np.arange(bottom - top)[:, None] * down
    return _softened(depth, window, sigma, step, coarse)


def _grid(sigma: float, shape: tuple[int, int]) -> tuple[int, tuple[int, int]]:
    """The widest cells, a power of 2 pixels, that do not show under a blur of `sigma` pixels; rows and columns."""
    step = 2 ** max(0, int(np.log2(max(sigma, 1.0) / 1.5)))
    return step, coarse_shape(shape, step)


def _framed(outlines: Sequence[np.ndarray], shape: tuple[int, int]):
    """The window (left, top, right, bottom) that polygons touch, the polygons in it, and which way each turns: ±1."""
    window = _bounds(np.concatenate(outlines), shape, 2)
    left, top, right, bottom = window
    inside = [np.clip(outline - [left, top], [-1.0, 0.0], [right - left, bottom - top]) for outline in outlines]
    return window, inside, np.array([_turn(points) for points in inside])


def _softened(depth: np.ndarray, window: tuple[int, int, int, int], sigma: float, step: int, shape) -> Patch:
    patch = Patch(window[1], window[0], depth.astype(np.float32))
    patch = soften(patch, sigma / step, shape) if sigma else patch
    return Patch(patch.top, patch.left, patch.values, step)


def coarse_shape(shape: tuple[int, int], step: int) -> tuple[int, int]:
    """Rows and columns of the grid whose cells are `step` pixels wide."""
    return -(-shape[0] // step), -(-shape[1] // step)


def refine(coarse: np.ndarray, step: int, shape: tuple[int, int]) -> np.ndarray:
    """Values on a grid of `step` pixels as a picture of `shape`."""
    return _stretch(_stretch(coarse, step, shape[1], 1), step, shape[0], 0)


def soften(patch: Patch, sigma: float, shape: tuple[int, int]) -> Patch:
    """The patch blurred by a Gaussian of `sigma` pixels, grown by the room that the blur needs."""
    room = int(np.ceil(3 * sigma))
    rows, columns = patch.values.shape
    top, left = max(0, patch.top - room), max(0, patch.left - room)
    bottom, right = min(shape[0], patch.top + rows + room), min(shape[1], patch.left + columns + room)
    grown = np.pad(
        patch.values,
        ((patch.top - top, bottom - patch.top - rows), (patch.left - left, right - patch.left - columns)),
    )
    return Patch(top, left, blur(grown, sigma))


def blur(picture: np.ndarray, sigma) -> np.ndarray:
    """Gaussian blur of a float32 picture, `sigma` in pixels (one number or rows and columns).

    A wide blur is done on block means and interpolated back: it leaves nothing finer than the blocks anyway.
    """
    sigma = np.broadcast_to(np.asarray(sigma, dtype=float), 2)
    step = np.maximum(1, np.minimum((sigma / 2).astype(int), np.array(picture.shape) // 4))
    if step.max() == 1:
        return ndimage.gaussian_filter(picture, sigma, mode="nearest", truncate=3.0)
    small = ndimage.gaussian_filter(_block_means(picture, *step), sigma / step, mode="nearest", truncate=3.0)
    return _stretch(_stretch(small, step[1], picture.shape[1], 1), step[0], picture.shape[0], 0)


def _block_means(picture: np.ndarray, down: int, across: int) -> np.ndarray:
    rows, columns = picture.shape
    padded = np.pad(picture, ((0, -rows % down), (0, -columns % across)), mode="edge")
    return padded.reshape(padded.shape[0] // down, down, padded.shape[1] // across, across).mean((1, 3))


def _stretch(small: np.ndarray, step: int, length: int, axis: int) -> np.ndarray:
    """Linear interpolation of block means back to `length` samples along `axis`."""
    if step == 1:
        return small
    return between_cells(small, (np.arange(length) + 0.5) / step - 0.5, axis)


def between_cells(small: np.ndarray, place: np.ndarray, axis: int) -> np.ndarray:
    """Linear interpolation along `axis` at places counted in cells; beyond the ends the last cell goes on."""
    place = np.clip(place, 0, small.shape[axis] - 1)
    low = np.minimum(place.astype(int), small.shape[axis] - 2)
    share = (place - low).astype(np.float32)
    share = share[:, None] if axis == 0 else share[None, :]
    below, above = np.take(small, low, axis), np.take(small, low + 1, axis)
    above -= below
    above *= share
    above += below
    return above


def band_noise(
    rng: np.random.Generator, shape: tuple[int, int], period: float, bandwidth: float = 0.5, stretch: float = 1.0
) -> np.ndarray:
    """Gaussian noise of unit variance whose waves are about `period` pixels long: float32 of `shape`.

    `bandwidth` is the spread of log frequency; `stretch` draws the waves out along the rows (below 1: along the
    columns). Slow noise is made on a coarser grid and interpolated.
    """
    step = max(1, min(int(period / 8), min(shape) // 8))
    small = tuple(-(-length // step) for length in shape)
    noise = _filtered_noise(rng, small, period / step, bandwidth, stretch)
    noise /= max(float(noise.std()), 1e-9)
    return refine(noise, step, shape)


def _filtered_noise(
    rng: np.random.Generator, shape: tuple[int, int], period: float, bandwidth: float, stretch: float
) -> np.ndarray:
    rows, columns = fft.next_fast_len(shape[0], real=True), 2 * fft.next_fast_len(-(-shape[1] // 2), real=True)
    spectrum = rng.standard_normal((rows, columns + 2), dtype=np.float32).view(np.complex64)
    octaves = (_log_frequency(rows, columns, stretch) + np.float32(np.log(period))) / np.float32(bandwidth)
    spectrum *= np.exp(octaves * octaves * np.float32(-0.5))
    return fft.irfft2(spectrum, s=(rows, columns), overwrite_x=True)[: shape[0], : shape[1]]


@lru_cache(maxsize=8)
def _log_frequency(rows: int, columns: int, stretch: float) -> np.ndarray:
    """Natural logarithm of the frequency (cycles a pixel) of every bin of a real transform."""
    fy, fx = fft.fftfreq(rows)[:, None], fft.rfftfreq(columns)[None, :]
    squared = (fx * stretch) ** 2 + fy**2
    squared[0, 0] = 1e-12
    return (np.log(squared) / 2).astype(np.float32)


def ridges(noise: np.ndarray, sharpness: float) -> np.ndarray:
    """Thin bright lines along the zero crossings of a noise field, zero mean: a net of branching threads."""
    lines = np.exp(-((noise * sharpness) ** 2))
    return lines - lines.mean()
