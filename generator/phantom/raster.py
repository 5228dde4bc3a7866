"""Shapes to pixels: anti-aliased fills, strokes, soft blurs and noise fields in plain numpy and scipy.

Every function that draws returns a `Patch`: the part of the picture that the shape touches, so that a tooth costs a
tooth and not a picture. Points are arrays (n, 2) of x and y in pixels; a pixel's centre lies at half integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy import fft, ndimage

from .curves import Lines, bands


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


def fill(outline: np.ndarray, shape: tuple[int, int], margin: int = 2) -> Patch:
    """The exact-area coverage (0…1) of a closed polygon (n, 2) in a picture of `shape`, `margin` pixels around it.

    Each edge adds its signed width to the pixels that it crosses; the running sum down a column is then the covered
    area (the accumulation buffer of font rasterisers). Parts outside the picture are cut off.
    """
    window = _bounds(outline, shape, margin)
    left, top, right, bottom = window
    points = np.clip(outline - [left, top], [0.0, -1.0], [right - left, bottom - top])
    (area,) = _signed_areas(Lines.of([points]), np.ones((1, 1)), window)
    return Patch(top, left, np.clip(np.abs(area), 0, 1))


def _bounds(points: np.ndarray, shape: tuple[int, int], margin: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the part of a picture that points and a margin around them touch."""
    low, high = np.floor(points.min(0)).astype(int) - margin, np.ceil(points.max(0)).astype(int) + margin + 1
    left, top = np.clip(low, 0, [shape[1] - 1, shape[0] - 1])
    right, bottom = np.clip(high, [left + 1, top + 1], [shape[1], shape[0]])
    return int(left), int(top), int(right), int(bottom)


def _turns(polygons: Lines) -> np.ndarray:
    """1 or -1 by the way round that each polygon runs: 1 where `_signed_areas` counts its area as positive."""
    points = polygons.points.astype(float)  # a sliver far from the corner has a small area among large products
    (x, y), (to_x, to_y) = points.T, points[_following(polygons)].T
    return np.sign(np.add.reduceat(y * to_x - x * to_y, polygons.starts))


def _following(polygons: Lines) -> np.ndarray:
    """The index of the point after each, round every polygon."""
    following = np.arange(1, len(polygons.points) + 1)
    following[polygons.starts + polygons.counts - 1] = polygons.starts
    return following


def _signed_areas(polygons: Lines, weights: np.ndarray, window: tuple[int, int, int, int]) -> np.ndarray:
    """Areas (k, rows, columns) of a window covered by n polygons, added up with each of the weights (k, n)."""
    rows, columns = window[3] - window[1], window[2] - window[0]
    starts = polygons.points.astype(np.float32)
    (x0, y0), (x1, y1), origin = _densify(starts, starts[_following(polygons)] - starts)
    first = np.floor(np.minimum(x0, x1))
    pieces = (np.floor(np.maximum(x0, x1)) - first).astype(int) + 1
    edge = np.repeat(np.arange(len(x0)), pieces)
    column = first[edge] + (np.arange(len(edge)) - np.repeat(np.cumsum(pieces) - pieces, pieces)).astype(np.float32)
    start, stop = np.clip(x0[edge], column, column + 1), np.clip(x1[edge], column, column + 1)
    slope = (y1 - y0) / np.where(x1 == x0, 1.0, x1 - x0)
    y = np.clip(y0[edge] + ((start + stop) / 2 - x0[edge]) * slope[edge], 0, rows)
    row = np.floor(y)
    place = row.astype(int) * columns + np.clip(column, 0, columns - 1).astype(int)
    polygon = polygons.owner[origin[edge]]
    # An edge covers the part of its own cell that lies below it, and all cells further down.
    below, width = y - row, start - stop
    cells, shares = np.concatenate([place, place + columns]), np.concatenate([width * (1 - below), width * below])
    areas = np.zeros((len(weights), rows + 2, columns), np.float32)
    for area, weight in zip(areas, weights.astype(np.float32), strict=True):
        np.add.at(area.reshape(-1), cells, shares * np.tile(weight[polygon], 2))
        for above, here in pairwise(area):  # three times as fast as numpy's own sum along a column
            here += above
    return areas[:, :rows]


def _densify(starts: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same edges in pieces no taller than a pixel, so that a piece may count as lying in one row; and which edge
    each piece is of."""
    count = np.maximum(1, np.ceil(np.abs(steps[:, 1]))).astype(int)
    edge = np.repeat(np.arange(len(count)), count)
    part = (np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)).astype(np.float32)
    piece = (steps / count[:, None].astype(np.float32))[edge]
    begin = starts[edge] + part[:, None] * piece
    return begin.T, (begin + piece).T, edge


def stroke(line: np.ndarray, width: float, shape: tuple[int, int]) -> Patch:
    """The coverage of a line (n, 2) drawn `width` pixels wide."""
    return fill(bands(Lines.of([line]), [np.array([width])]).points, shape)


def soft_fill(outline: np.ndarray, sigma: float, shape: tuple[int, int]) -> Patch:
    """The coverage of a closed polygon blurred by `sigma` pixels, on the coarsest grid that the blur allows."""
    step = int(coarsest(sigma))
    coarse = coarse_shape(shape, step)
    patch = soften(fill(outline / step, coarse, margin=0), float(on_grid(sigma, step)), coarse)
    return Patch(patch.top, patch.left, patch.values, step)


def soft_sum(outlines: Lines, depths: Sequence[float], sigma: float, shape: tuple[int, int]) -> Patch:
    """Closed polygons at once, each with its depth, added up where they overlap and blurred by `sigma` pixels on the
    coarsest grid that the blur allows."""
    step = int(coarsest(sigma))
    coarse = coarse_shape(shape, step)
    window, inside, turns = _framed(outlines, step, coarse)
    (depth,) = _signed_areas(inside, (turns * depths)[None], window)
    return _softened(depth, window, sigma, step, coarse)


def soft_ramps(outlines: Lines, ramps: np.ndarray, sigma: float, shape: tuple[int, int]) -> Patch:
    """As soft_sum, with depths that are no number but a slope: `ramps` (n, 3) are a, b and c of each polygon, whose
    depth at x, y is a + b x + c y."""
    step = int(coarsest(sigma))
    coarse = coarse_shape(shape, step)
    window, inside, turns = _framed(outlines, step, coarse)
    left, top, right, bottom = window
    a, b, c = ramps.T * turns * [[1], [step], [step]]
    a = a + b * (left + 0.5) + c * (top + 0.5)
    # Sums of evenly deep polygons, with all the a, all the b and all the c, give the sum of the ramps.
    level, across, down = _signed_areas(inside, np.stack([a, b, c]), window)
    across *= np.arange(right - left, dtype=np.float32)
    down *= np.arange(bottom - top, dtype=np.float32)[:, None]
    return _softened(level + across + down, window, sigma, step, coarse)


def _framed(outlines: Lines, step: int, shape: tuple[int, int]):
    """On a grid of `step` pixels: the window (left, top, right, bottom) that polygons touch, the polygons in it, and
    which way each turns: ±1."""
    points = outlines.points / step
    window = _bounds(points, shape, 2)
    left, top, right, bottom = window
    inside = Lines(np.clip(points - [left, top], [0.0, -1.0], [right - left, bottom - top]), outlines.counts)
    return window, inside, _turns(inside)


def _softened(depth: np.ndarray, window: tuple[int, int, int, int], sigma: float, step: int, shape) -> Patch:
    patch = Patch(window[1], window[0], depth)
    patch = soften(patch, float(on_grid(sigma, step)), shape) if sigma else patch
    return Patch(patch.top, patch.left, patch.values, step)


FINEST = 0.849  # cells: the least blur that hides a grid of cells


def coarsest(sigma) -> np.ndarray:
    """The widest cells, a power of 2 pixels, that do not show under a blur of `sigma` pixels."""
    return 2 ** np.log2(np.maximum(np.asarray(sigma) / FINEST, 1)).astype(int)


def on_grid(sigma, step):
    """The blur in cells that is left to do for a blur of `sigma` pixels: means over cells `step` pixels wide blur by
    themselves (a variance of 1/12 a cell), and so do the parabolas that `refine` draws between them (1/4)."""
    own = (1 - 1.0 / np.square(step)) / 3
    return np.sqrt(np.maximum(np.square(np.asarray(sigma) / step) - own, 0.0))


def coarse_shape(shape: tuple[int, int], step: int) -> tuple[int, int]:
    """Rows and columns of the grid whose cells are `step` pixels wide."""
    return -(-shape[0] // step), -(-shape[1] // step)


def refine(coarse: np.ndarray, step: int, shape: tuple[int, int]) -> np.ndarray:
    """Values on a grid of `step` pixels, a power of 2, as a picture of `shape`."""
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
    step = np.minimum(coarsest(sigma), coarsest(np.array(picture.shape) / 4))
    small = _block_means(_block_means(picture, step[0], 0), step[1], 1)
    down, along = (float(left) for left in on_grid(sigma, step))
    small = _blur_down(small, down) if down else small
    small = ndimage.gaussian_filter1d(small, along, axis=1, mode="nearest", truncate=3.0) if along else small
    return _stretch(_stretch(small, step[1], picture.shape[1], 1), step[0], picture.shape[0], 0)


def _blur_down(picture: np.ndarray, sigma: float) -> np.ndarray:
    """A Gaussian blur of `sigma` rows, cut off at 3, down the columns. Whole rows are added up, which is three times as
    fast as scipy's filter: that one gathers each column."""
    reach = int(3 * sigma + 0.5)
    weights = np.exp(-0.5 * (np.arange(reach + 1) / sigma) ** 2)
    weights = (weights / (2 * weights.sum() - 1)).astype(np.float32)
    padded, rows = np.pad(picture, ((reach, reach), (0, 0)), mode="edge"), len(picture)
    blurred = weights[0] * picture
    for away, weight in enumerate(weights[1:], 1):
        pair = padded[reach - away : reach - away + rows] + padded[reach + away : reach + away + rows]
        pair *= weight
        blurred += pair
    return blurred


def _block_means(picture: np.ndarray, step: int, axis: int) -> np.ndarray:
    """Means of `step` rows (axis 0) or columns at a time; the last ones go on as they are."""
    if step == 1:
        return picture
    over = -picture.shape[axis] % step
    if over:
        picture = np.pad(picture, [(0, over if axis == k else 0) for k in (0, 1)], mode="edge")
    rows, columns = picture.shape
    blocks = picture.reshape(rows // step, step, columns) if axis == 0 else picture.reshape(rows, columns // step, step)
    return np.add.reduce(blocks, axis + 1) / np.float32(step)


def _stretch(small: np.ndarray, step: int, length: int, axis: int) -> np.ndarray:
    """Block means as `length` samples along `axis`: twice as many at a time, each a quarter of the way to the next
    mean (Chaikin 1974), which ends in the parabolas of a quadratic spline."""
    while step > 1:
        small, step = _doubled(small) if axis else _doubled(small.T).T, step // 2
    return small[:length] if axis == 0 else small[:, :length]


def _doubled(small: np.ndarray) -> np.ndarray:
    rows, columns = small.shape
    double = np.empty((rows, 2 * columns), np.float32, order="C" if small.flags.c_contiguous else "F")
    double[:, 0], double[:, -1] = small[:, 0], small[:, -1]
    quarter = small[:, 1:] - small[:, :-1]
    quarter *= np.float32(0.25)
    np.subtract(small[:, 1:], quarter, out=double[:, 2::2])
    np.add(small[:, :-1], quarter, out=double[:, 1:-1:2])
    return double


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
    shortest = period * min(1.0, stretch)
    step = int(min(coarsest(FINEST * shortest / 5), coarsest(FINEST * min(shape) / 8)))
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
    fy, fx = (np.square(line, dtype=np.float32) for line in (fft.fftfreq(rows), stretch * fft.rfftfreq(columns)))
    squared = fy[:, None] + fx[None, :]
    squared[0, 0] = 1e-12
    return np.log(squared) / np.float32(2)


def ridges(noise: np.ndarray, sharpness: float) -> np.ndarray:
    """Thin bright lines along the zero crossings of a noise field, zero mean: a net of branching threads."""
    lines = np.exp(-((noise * sharpness) ** 2))
    return lines - lines.mean()
