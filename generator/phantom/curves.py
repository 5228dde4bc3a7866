"""Smooth curves through control points, and bands along them: many at once, for one by one they cost more than drawing.

Points are arrays (n, 2) of x and y, in whatever unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Lines(NamedTuple):
    """Lines or closed outlines one after the other: `points` (all of them, 2), of which each line has its `counts`."""

    points: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, lines: Sequence[np.ndarray]) -> Lines:
        """One array (n, 2) a line."""
        return cls(np.concatenate(lines), np.array([len(line) for line in lines]))

    @property
    def starts(self) -> np.ndarray:
        """Where each line begins among the points."""
        return np.cumsum(self.counts) - self.counts

    @property
    def owner(self) -> np.ndarray:
        """Which line each point is of."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    def take(self, chosen: np.ndarray) -> Lines:
        """The chosen lines alone (indices or a mask)."""
        kept = np.zeros(len(self.counts), bool)
        kept[chosen] = True
        return Lines(self.points[kept[self.owner]], self.counts[kept])


def curve(points, closed: bool = False, step: float = 1.0) -> np.ndarray:
    """A smooth curve through `points` (n, 2), sampled about every `step` units: array (m, 2)."""
    return curves([np.asarray(points, dtype=float)], np.array([closed]), step).points


def curves(controls: Sequence[np.ndarray], closed: np.ndarray, step: float) -> Lines:
    """Smooth curves through control points (n, 2), each open or closed, sampled about every `step` units.

    Catmull-Rom curves over the centripetal length, which neither overshoot nor loop where the points crowd (Yuksel
    et al. 2011).
    """
    padded = _padded(Lines.of(controls), closed)
    first, last = padded.starts, padded.starts + padded.counts - 1
    chord = np.hypot(*np.diff(padded.points, axis=0).T)
    chord[last[:-1]] = 1.0  # from one curve to the next: any step will do, so long as the knots rise
    knots = np.concatenate([[0.0], np.cumsum(np.sqrt(np.maximum(chord, 1e-9)))])
    slope = _centripetal_slopes(padded.points, knots)
    along = np.concatenate([[0.0], np.cumsum(chord)])
    counts = np.maximum(8, ((along[last - 1] - along[first + 1]) / step).astype(int))
    owner = np.repeat(np.arange(len(counts)), counts)
    share = places(counts) / (counts - ~closed)[owner]
    begin, end = knots[first + 1], knots[last - 1]
    t = begin[owner] + share * (end - begin)[owner]
    i = np.clip(np.searchsorted(knots, t, "right") - 1, (first + 1)[owner], (last - 2)[owner])
    width = (knots[i + 1] - knots[i])[:, None]
    s = (t[:, None] - knots[i][:, None]) / width
    from_here, rise = padded.points[i], (padded.points[1:] - padded.points[:-1])[i]
    before, after = width * slope[i], width * slope[i + 1]
    points = from_here + s * (before + s * (3 * rise - 2 * before - after + s * (before + after - 2 * rise)))
    return Lines(points, counts)


def bands(lines: Lines, widths: Sequence[np.ndarray]) -> Lines:
    """The outlines of bands along lines: `widths` has for each line its widths, spread evenly along it."""
    half = across(lines) * (spread(widths, lines.counts) / 2).astype(lines.points.dtype)[:, None]
    out, back = twice(lines)
    outlines = np.empty((2 * len(lines.points), 2), half.dtype)
    outlines[out], outlines[back] = lines.points + half, lines.points - half
    return Lines(outlines, 2 * lines.counts)


def across(lines: Lines) -> np.ndarray:
    """At every point the unit vector at right angles to its line: to the right of who walks along it, as y grows
    downwards."""
    points, first, last = lines.points, lines.starts, lines.starts + lines.counts - 1
    ahead, behind = np.arange(1, len(points) + 1), np.arange(-1, len(points) - 1)
    ahead[last], behind[first] = last, first
    tangent = points[ahead] - points[behind]
    return np.stack([-tangent[:, 1], tangent[:, 0]], 1) / np.maximum(np.hypot(*tangent.T), 1e-9)[:, None]


def twice(lines: Lines) -> tuple[np.ndarray, np.ndarray]:
    """Where in outlines that run along one side of each line and back along the other the two sides of a point lie."""
    out = np.arange(len(lines.points)) + np.repeat(lines.starts, lines.counts)
    return out, np.repeat(2 * (2 * lines.starts + lines.counts) - 1, lines.counts) - out


def _padded(controls: Lines, closed: np.ndarray) -> Lines:
    """Control points with those before and after them that the curve's ends need: round a closed curve, straight on
    from an open one."""
    counts = controls.counts + np.where(closed, 3, 2)
    padded = Lines(np.empty((counts.sum(), 2)), counts)
    owner = padded.owner
    around = (places(counts) - 1) % controls.counts[owner]
    padded.points[:] = controls.points[controls.starts[owner] + around]
    first, last = padded.starts[~closed], (padded.starts + counts - 1)[~closed]
    padded.points[first] = 2 * padded.points[first + 1] - padded.points[first + 2]
    padded.points[last] = 2 * padded.points[last - 1] - padded.points[last - 2]
    return padded


def places(counts: np.ndarray) -> np.ndarray:
    """0, 1, 2 … within each of the lines."""
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)


def _centripetal_slopes(points: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """The derivative at every inner point: the parabola's through it and its two neighbours."""
    gap = np.diff(knots)[:, None]
    secant = np.diff(points, axis=0) / gap
    slope = np.zeros_like(points)
    slope[1:-1] = (gap[1:] * secant[:-1] + gap[:-1] * secant[1:]) / (gap[1:] + gap[:-1])
    return slope


def spread(widths: Sequence[np.ndarray], counts: np.ndarray) -> np.ndarray:
    """Widths between those given at even distances along each line, one a point."""
    given = np.array([len(width) for width in widths])
    all_widths, owner = np.concatenate(widths), np.repeat(np.arange(len(counts)), counts)
    place = places(counts) * ((given - 1) / (counts - 1))[owner]
    low = np.minimum(place.astype(int), np.maximum(given - 2, 0)[owner])
    start = (np.cumsum(given) - given)[owner] + low
    following = np.minimum(start + 1, len(all_widths) - 1)
    return all_widths[start] + (place - low) * (all_widths[following] - all_widths[start]) * (given > 1)[owner]
