"""From optical depth to grey values: blur, Beer-Lambert, scatter, noise, the device's processing, border and marker."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .geometry import Frame
from .looks import Look
from .raster import blur, stroke
from .scene import Scene, beyond

TISSUE = np.float32(0.0105)  # standard deviation of the depth of what is opaque: bone and tissue too fine to be drawn


def expose(scene: Scene, look: Look) -> np.ndarray:
    """The detector's picture as optical depth again, -ln(I/I0): what the processing of a machine starts from.

    Depth adds along the ray; intensity follows Beer and Lambert, I = I0 exp(-depth). Scatter is a wide blur of the
    intensity added to it, quantum noise is Gaussian with the variance of the photon count (Poisson's limit). Bone
    and tissue too fine to be drawn are noise that grows with how much lies in the way.
    """
    scale, rng = scene.scale, scene.grain
    depth = blur(scene.behind, 0.35 * scale)
    depth += scene.trough
    depth += blur(scene.ghost, (0.5 * scale, 2.2 * scale))
    intensity = np.exp(-np.maximum(depth, 0, out=depth), out=depth)
    veil = blur(intensity, 14 * scale)
    intensity *= 1 - look.scatter
    intensity += np.float32(look.scatter) * veil
    intensity *= 1 + np.float32(look.banding) * _bands(rng, scene.shape)
    noise = rng.standard_normal(scene.shape, dtype=np.float32)
    noise *= np.sqrt(intensity * np.float32(scale**2 / look.dose)) + TISSUE * (1 - intensity) * intensity
    intensity += noise
    intensity = blur(intensity, np.hypot(look.blur_mm, scene.frame.positioning.movement) * scale)
    return -np.log(np.maximum(intensity, np.float32(1e-3), out=intensity), out=intensity)


def _bands(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """The rotation's unevenness: every column a little off, unit variance, array (1, columns)."""
    columns = rng.standard_normal((1, shape[1]), dtype=np.float32)
    return columns + np.cumsum(columns, axis=1) * 0.1


TOE = 0.12  # grey below which the look-up table bends away from black


def develop(depth: np.ndarray, look: Look, frame: Frame) -> np.ndarray:
    """The machine's processing: equalisation, edge enhancement and look-up table; grey 0…1.

    The operator's choice of current and voltage for this patient moves and stretches the tones.
    """
    scale, taken = frame.scale, frame.positioning
    broad = blur(depth, 22 * scale)
    flat = depth - np.float32(look.flatten) * (broad - broad.mean())
    grey = flat + np.float32(look.edge) * (flat - blur(flat, look.edge_mm * scale))
    # Automatic exposure brings heavy and slight heads to the same level, but not quite.
    off = 0.75 * (float(np.median(grey[::2, ::2])) - look.level) + taken.exposure
    middle, window = (look.black + look.white) / 2, look.white - look.black
    grey *= np.float32(taken.contrast / window)
    grey += np.float32((middle - look.black - taken.contrast * (middle + off)) / window)
    dark = grey < TOE
    grey[dark] = TOE * np.exp(grey[dark] / TOE - 1)
    # Above the shoulder's start the curve bends over, so that metal saturates without a step.
    start, room = 1 - 0.45 * look.shoulder, 0.45 * look.shoulder
    if room:
        bright = grey > start
        grey[bright] = start + room * (1 - np.exp((start - grey[bright]) / room))
    np.minimum(grey, 1.0, out=grey)
    return grey if look.gamma == 1 else grey**look.gamma


def draw_seam(grey: np.ndarray, look: Look, rng: np.random.Generator, scale: float) -> np.ndarray:
    """A pale line down the middle of the picture, the clearer the lower, and a step beside it: the left half a little
    lighter than the right; and the lower middle a little darker, where the tube works harder because of the spine. All
    belongs to the machine, so that it does not move with the patient."""
    if not look.seam:
        return grey
    rows, columns = grey.shape
    down = ((np.arange(rows, dtype=np.float32) + 0.5) / rows)[:, None]
    across = ((np.arange(columns, dtype=np.float32) + 0.5 - columns / 2) / scale)[None, :]
    line = np.exp(-((across / 2.4) ** 2)) - 0.5 * np.exp(-((across / 8.0) ** 2))
    step = -np.tanh((across - 1.5) / 3.0) * np.exp(-((across / 14.0) ** 2))
    stripe = 0.05 * np.clip((down - 0.35) / 0.4, 0.05, 1) * line + 0.02 * step
    harder = 0.03 * np.clip((down - 0.74) / 0.1, 0, 1) * (1 - beyond(73, 4, np.abs(across)))
    return np.clip(grey + look.seam * (rng.uniform(0.0, 1.6) * stripe - harder), 0, 1)


def frame_border(grey: np.ndarray, look: Look, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Lay the collimator's border over the picture."""
    if look.border == "none":
        return grey
    white = look.border == "white"
    insets = np.array([look.border_mm, look.border_mm, *look.border_side_mm])
    if white:  # the scan sets out and ends a little earlier or later, and the shutter is not always alike
        insets = insets + rng.normal(0, (0.25, 0.35, 0.3, 0.4))
    corner = {"rounded": 9.0, "white": 3.2}.get(look.border, 1.5)
    inside = _rounded_window(grey.shape, insets * scale, corner * scale)
    if white:
        inside = inside + _fray(rng, grey.shape, 0.11 * look.border_mm * scale)
    softness = (0.7 if white else 0.12) * scale
    edge = inside < 16 * softness
    shut = 1 / (1 + np.exp(np.clip(inside[edge] / softness, -30, 30)))
    grey[edge] += shut * ((1.0 if white else 0.0) - grey[edge])
    return grey


def _rounded_window(shape: tuple[int, int], insets: np.ndarray, radius: float) -> np.ndarray:
    """Distance in pixels inside a rectangle with round corners, `insets` pixels (top, bottom, left, right) within the
    picture."""
    top, bottom, left, right = (insets + radius).astype(np.float32)
    y, x = (np.arange(length, dtype=np.float32) + 0.5 for length in shape)
    over_y = np.maximum(top - y, y - (shape[0] - bottom))
    over_x = np.maximum(left - x, x - (shape[1] - right))
    distance = np.maximum(over_y[:, None], over_x[None, :])
    corners = np.ix_(over_y > 0, over_x > 0)
    distance[corners] = np.hypot(over_y[over_y > 0, None], over_x[None, over_x > 0])
    return np.float32(radius) - distance


def _fray(rng: np.random.Generator, shape: tuple[int, int], amount: float) -> np.ndarray:
    """A slow wander of the edge, of its own along the rows and along the columns."""
    wander = []
    for length in shape:
        walk = np.convolve(rng.standard_normal(length + 120), np.hanning(121), "valid")[:length]
        wander.append(amount * walk / (np.abs(walk).max() + 1e-9))
    return (wander[0][:, None] + wander[1][None, :]).astype(np.float32)


_GLYPHS = {
    "L": [[(0.0, 0.0), (0.0, 1.0), (0.5, 1.0)]],
    "R": [[(0.0, 1.0), (0.0, 0.0), (0.38, 0.0), (0.58, 0.12), (0.58, 0.38), (0.38, 0.5), (0.0, 0.5)],
          [(0.30, 0.5), (0.62, 1.0)]],
}  # fmt: skip

# Stroke widths (shares of the letter's height) and greys, painted one over the other.
_MARKER_STROKES = {"outline": ((0.28, 0.0), (0.24, 1.0), (0.09, 0.0)), "solid": ((0.16, 1.0),)}


def stamp_marker(grey: np.ndarray, look: Look) -> dict | None:
    """Burn the side letter in; returns its letter and box (left, top, right, bottom) in pixels, or None.

    "R" stands on the picture's left, "L" on its right, as the observer faces the patient.
    """
    if not look.marker:
        return None
    rows, columns = grey.shape
    tall = 0.06 * rows
    left, top = look.marker_at[0] * columns, look.marker_at[1] * rows
    for width, value in _MARKER_STROKES[look.marker_style]:
        for line in _GLYPHS[look.marker]:
            _burn(grey, np.array(line) * tall + [left, top], width * tall, value)
    return {"letter": look.marker, "box": [round(v) for v in (left, top, left + 0.65 * tall, top + tall)]}


def _burn(grey: np.ndarray, line: np.ndarray, width: float, value: float) -> None:
    """Draw the straight pieces of a letter with square ends."""
    for start, stop in pairwise(line):
        reach = (stop - start) / np.hypot(*(stop - start)) * width / 2
        piece = np.linspace(start - reach, stop + reach, 8)
        patch = stroke(piece, width, grey.shape)
        grey[patch.window] += patch.values * (value - grey[patch.window])
