"""From optical depth to grey values: blur, Beer-Lambert, scatter, noise, the device's processing, border and marker."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .geometry import Frame
from .looks import Look
from .raster import blur, stroke
from .scene import Scene, beyond


def expose(scene: Scene, look: Look) -> np.ndarray:
    """The detector's picture as optical depth again, -ln(I/I0): what the processing of a machine starts from.

    Depth adds along the ray; intensity follows Beer and Lambert, I = I0 exp(-depth). Scatter is a wide blur of the
    intensity added to it, quantum noise is Gaussian with the variance of the photon count (Poisson's limit).
    """
    scale, rng = scene.scale, scene.grain
    depth = scene.trough + blur(scene.behind, 0.35 * scale) + blur(scene.ghost, (0.5 * scale, 2.2 * scale))
    intensity = np.exp(-np.maximum(depth, 0))
    intensity = (1 - look.scatter) * intensity + look.scatter * blur(intensity, 14 * scale)
    intensity *= 1 + look.banding * _bands(rng, scene.shape)
    photons = look.dose / scale**2
    noise = rng.standard_normal(scene.shape, dtype=np.float32)
    intensity += np.sqrt(intensity / photons) * noise
    intensity = blur(intensity, np.hypot(look.blur_mm, scene.frame.positioning.movement) * scale)
    return -np.log(np.maximum(intensity, 1e-3))


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
    flat = depth - look.flatten * (broad - broad.mean())
    crisp = flat + look.edge * (flat - blur(flat, look.edge_mm * scale))
    middle = (look.black + look.white) / 2
    # Automatic exposure brings heavy and slight heads to the same level, but not quite.
    crisp -= 0.75 * (np.median(crisp) - look.level) + taken.exposure
    stretched = middle + (crisp - middle) * taken.contrast
    grey = (stretched - look.black) / (look.white - look.black)
    grey = np.where(grey < TOE, TOE * np.exp(np.minimum(grey / TOE - 1, 0)), grey)
    # Above the shoulder's start the curve bends over, so that metal saturates without a step.
    start = 1 - 0.45 * look.shoulder
    room = 1 - start
    bent = np.where(grey > start, start + room * (1 - np.exp(-(grey - start) / max(room, 1e-6))), grey)
    return np.minimum(bent, 1.0) ** look.gamma


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
    open_to = 1 / (1 + np.exp(np.clip(-inside / softness, -30, 30)))
    return grey * open_to + (1.0 if white else 0.0) * (1 - open_to)


def _rounded_window(shape: tuple[int, int], insets: np.ndarray, radius: float) -> np.ndarray:
    """Distance in pixels inside a rectangle with round corners, `insets` pixels (top, bottom, left, right) within the
    picture."""
    top, bottom, left, right = insets + radius
    y, x = (np.arange(length, dtype=np.float32) + 0.5 for length in shape)
    over_y = np.maximum(top - y, y - (shape[0] - bottom))[:, None]
    over_x = np.maximum(left - x, x - (shape[1] - right))[None, :]
    corner = np.hypot(np.maximum(over_x, 0), np.maximum(over_y, 0))
    return radius - corner - np.minimum(np.maximum(over_x, over_y), 0)


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
