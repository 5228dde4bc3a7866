"""How like two small images are, by their greys and by the directions of their edges; whole numbers throughout, so that
every process comes to the same result to the last bit."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from ..nearness import moved, relative

THUMB = (24, 12)  # width, height
CELLS = (4, 8)  # rows, columns in which directions are counted
DIRECTIONS = 6
STEPS = 40  # of a standard deviation of greys, and of ...
EDGE_STEPS = 120  # ... the length of a cell's directions
STEP = 3  # pixels of 256x128: of a copy moved by up to 4, one of the nine moves comes within a pixel


@dataclass(frozen=True)
class Likeness:
    """What is kept of one image or many: int8 arrays (..., 288) of greys and (..., 192) of edges."""

    pixels: np.ndarray
    features: np.ndarray

    def as_text(self) -> str:
        """One image's likeness as text for a line of JSON."""
        return base64.b64encode(self.pixels.tobytes() + self.features.tobytes()).decode()

    @classmethod
    def from_text(cls, text: str) -> Likeness:
        held = np.frombuffer(base64.b64decode(text), np.int8)
        return cls(held[: THUMB[0] * THUMB[1]], held[THUMB[0] * THUMB[1] :])


def likeness(grey: np.ndarray) -> Likeness:
    """Of one 8-bit grey image (height, width), of any size.

    Greys: the picture without mean and contrast, averaged down to 24x12. Edges: how strong the gradient is in each of
    six directions, in 4x8 cells of the slightly blurred picture, each cell of length 1 (after N. Dalal & B. Triggs,
    CVPR 2005, 886-893, without overlapping blocks).
    """
    picture = np.asarray(Image.fromarray(grey).resize((256, 128), Image.Resampling.BOX), np.float32)
    standard = (picture - picture.mean()) / max(float(picture.std()), 1.0)
    thumb = np.asarray(Image.fromarray(standard).resize(THUMB, Image.Resampling.BOX))
    return Likeness(_whole(thumb * STEPS), _whole((_edges(picture) - 0.4) * EDGE_STEPS))


def moved_likeness(grey: np.ndarray) -> Likeness:
    """Of one 8-bit grey image and of it moved by STEP in each direction, nine in all, without the outermost cells: what
    moves in and out there is in no copy."""
    small = np.asarray(Image.fromarray(grey).resize((256, 128), Image.Resampling.BOX))
    return inner(stack([likeness(np.ascontiguousarray(each)) for each in moved(small, STEP)]))


def inner(many: Likeness) -> Likeness:
    """Many images' likenesses without the outermost cells: (n, 220) of greys and (n, 72) of edges."""
    pixels = many.pixels.reshape(-1, THUMB[1], THUMB[0])[:, 1:-1, 1:-1]
    features = many.features.reshape(-1, *CELLS, DIRECTIONS)[:, 1:-1, 1:-1]
    return Likeness(*(np.ascontiguousarray(each).reshape(len(each), -1) for each in (pixels, features)))


def stack(many: list[Likeness]) -> Likeness:
    """Many images' likenesses as one."""
    return Likeness(np.stack([each.pixels for each in many]), np.stack([each.features for each in many]))


def distances(one: np.ndarray, many: np.ndarray) -> np.ndarray:
    """Root mean square differences of the int8 vector `one` to each of `many` (n, numbers)."""
    return np.sqrt(np.square(many.astype(np.int32) - one.astype(np.int32)).sum(axis=1) / one.size)


def nearness(moves: np.ndarray, many: np.ndarray) -> tuple[float, int]:
    """(distance to the nearest of int8 vectors `many` (n, numbers) in parts of the mean distance to the nearest fifty,
    which one it is), for an image given with its `moves` (m, numbers): of each distance the smallest counts.

    A copy is much nearer to its original than to the others, 0 at the extreme; an image of its own comes near 1,
    however alike all of them are.
    """
    ours, theirs = moves.astype(np.float32), many.astype(np.float32)
    # Whole numbers below 2^24, which float32 adds without rounding: the result is the same in whatever order.
    lengths = np.einsum("ij,ij->i", ours, ours)[:, None].astype(np.float64) + np.einsum("ij,ij->i", theirs, theirs)
    found = np.sqrt((lengths - 2 * (ours @ theirs.T)).min(axis=0) / many.shape[1])
    return float(relative(found)), int(found.argmin())


def _edges(picture: np.ndarray) -> np.ndarray:
    down, across = np.gradient(gaussian_filter(picture, 1.5))
    strength = np.hypot(across, down)
    angle = np.arctan2(down, across) % np.pi / np.pi * DIRECTIONS
    lower, share = np.floor(angle).astype(int) % DIRECTIONS, angle % 1
    rows, columns = CELLS
    counted = np.empty((rows, columns, DIRECTIONS))
    for direction in range(DIRECTIONS):
        weight = (lower == direction) * (1 - share) + ((lower + 1) % DIRECTIONS == direction) * share
        blocks = (strength * weight).reshape(rows, 128 // rows, columns, 256 // columns)
        counted[..., direction] = blocks.sum(axis=(1, 3))
    return (counted / (np.linalg.norm(counted, axis=2, keepdims=True) + 1e-3)).ravel()


def _whole(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), -127, 127).astype(np.int8).ravel()
