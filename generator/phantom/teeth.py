"""The shapes of one tooth: the outlines of its crown and the courses of its roots.

A tooth is worked out on the small grid of pixels around it, in its own millimetres: u towards the midline, v from the
enamel's edge (v = 0) to the crown's tip. What the shapes are made of is in tissues.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import PchipInterpolator

from .geometry import Stand, measures
from .raster import Patch

# Half the crown's width from the neck to the tip, as shares of half the largest width; the neck's own comes first.
_CROWN_SIDES = {
    "incisor": ((0.3, 0.60, 0.85, 1.0), (0.82, 0.96, 1.00, 0.93)),
    "canine": ((0.3, 0.58, 0.78, 1.0), (0.86, 1.00, 0.90, 0.46)),
    "premolar": ((0.22, 0.45, 0.64, 0.84, 1.0), (0.87, 0.97, 1.00, 0.91, 0.62)),
    "molar": ((0.22, 0.48, 0.72, 0.88, 1.0), (0.89, 0.955, 1.00, 0.96, 0.84)),
}
# The neck in the picture, by the tables' neck.
_NECKS = {"incisor": 0.98, "canine": 1.06, "premolar": 1.10, "molar": 1.0}


FORMS = 10  # normal deviates that a tooth's own shape takes


@dataclass(frozen=True)
class Root:
    """A root as a bent cone: `neck` and `apex` are the u of its axis, `half` its half width at the neck, mm."""

    neck: float
    apex: float
    half: float
    length: float
    bend: float
    depth: float = 1.0


def roots_of(stand: Stand) -> list[Root]:
    """The roots of a tooth: upper molars have three, lower ones and most first upper premolars two, all others one."""
    tooth = stand.tooth
    _, length, _, neck = measures(tooth)
    bend = 0.5 * tooth.root_bend
    if tooth.fdi in (14, 24) and tooth.root_spread > 0.9:  # most first upper premolars have two roots, seen askew
        aside = neck * 0.16 * tooth.root_spread
        return [
            Root(neck * 0.13, aside * 1.2, neck * 0.33, length, bend, 0.95),
            Root(-neck * 0.13, -aside * 1.2, neck * 0.32, length * 0.94, 0.6 * bend, 0.85),
        ]
    if tooth.kind != "molar":
        return [Root(0.0, -0.2 - 0.3 * bend, neck / 2 * _NECKS[tooth.kind], length, 0.7 * bend, 1.0)]
    spread = {4: 1.3, 5: 1.3, 6: 1.0, 7: 0.75, 8: 0.45}[
        tooth.position
    ] * tooth.root_spread  # 4 and 5: milk molars, spread widest
    if tooth.upper:
        return [
            Root(neck * 0.25, neck * 0.32 * spread, neck * 0.24, length * 0.95, 1.4 + bend, 0.95),
            Root(-neck * 0.25, -neck * (0.14 + 0.24 * spread), neck * 0.23, length * 0.88, bend - 1.0, 0.9),
            Root(neck * 0.02, neck * 0.15 * (tooth.root_bend - 1.4), neck * 0.30, length * 1.12, 0.4 * bend, 0.8),
        ]
    return [
        Root(neck * 0.24, neck * (0.19 + 0.10 * spread), neck * 0.26, length, 2.1 + 1.6 * bend, 1.0),
        Root(-neck * 0.24, -neck * (0.17 + 0.12 * spread), neck * 0.26, length * 0.95, 0.5 + 1.9 * bend, 1.0),
    ]


class ToothGrid:
    """A tooth's pixels in its own millimetres, and the shapes on them that drawing and restoring both need.

    Pixels are float32 and all that shapes them plain numbers: numpy would go on in float64 otherwise, at half the pace.
    """

    def __init__(self, stand: Stand, form: list[float], place: tuple[int, int], u: np.ndarray, v: np.ndarray):
        """`form`: FORMS normal deviates, by which this tooth's shape differs from that of others of its kind; `place`:
        the row and column of the picture where the grid begins."""
        self.stand, self.tooth, self.form = stand, stand.tooth, form
        self.crown, self.root, self.width, self.neck = measures(stand.tooth)
        (self.top, self.left), self.u, self.v = place, u, v
        self.roots = roots_of(stand)

    @classmethod
    def around(cls, stand: Stand, shape: tuple[int, int], form: np.ndarray) -> ToothGrid:
        """The grid of all that a tooth touches in a picture of `shape`."""
        crown, root, width, _ = measures(stand.tooth)
        return cls(stand, np.clip(form, -2.2, 2.2).tolist(), *_grid(stand, crown, root, width, shape))

    def rows(self, inside: np.ndarray) -> tuple[slice, ToothGrid]:
        """The rows between the first and the last that holds something `inside`, and the grid of these alone."""
        held = np.flatnonzero(inside.any(1))
        part = slice(held[0], held[-1] + 1) if len(held) else slice(0, 0)
        return part, ToothGrid(self.stand, self.form, (self.top + part.start, self.left), self.u[part], self.v[part])

    def patch(self, values: np.ndarray) -> Patch:
        """Values on this grid as a patch of the picture."""
        return Patch(self.top, self.left, values.astype(np.float32))

    def soft(self, distance: np.ndarray) -> np.ndarray:
        """Coverage 0…1 of a region, from the signed distance (mm, positive inside) to its edge."""
        return np.clip(distance * self.stand.scale + 0.5, 0.0, 1.0)

    @cached_property
    def sides(self) -> np.ndarray:
        """Distance in mm from the crown's mesial and distal sides, positive inside."""
        heights, shares = _CROWN_SIDES[self.tooth.kind]
        neck = self.neck / self.width * _NECKS[self.tooth.kind]
        side = PchipInterpolator((-0.3, 0.0, *heights, 1.3), (neck, neck, *shares, 0.3))
        s = np.linspace(-0.3, 1.3, 65)
        half = np.interp(self.v / self.crown, s, side(s)).astype(np.float32) * self.width / 2
        lean = 0.02 + 0.0016 * self.tooth.rotation + 0.025 * self.form[0]
        return half - np.abs(self.u + lean * self.v)

    @cached_property
    def occlusal(self) -> np.ndarray:
        """Distance in mm below the biting surface: of a back tooth's cusps, whichever stand higher in the picture."""
        return np.maximum(self.buccal, self.lingual) if self.tooth.kind in ("premolar", "molar") else self.buccal

    @cached_property
    def buccal(self) -> np.ndarray:
        """Distance in mm below the cusps beside the cheek, or a front tooth's edge."""
        t, kind, wear = 2 * self.u / self.width, self.tooth.kind, 1 - 0.6 * self.tooth.wear
        if kind == "incisor":
            # The corner away from the midline is the rounder one; edges wear down aslant.
            slant = 0.012 + 0.022 * self.form[1]
            top = 1 + slant * t - (0.16 + np.float32(0.10) * (t < 0)) * np.maximum(0, np.abs(t) - 0.4) ** 2
        elif kind == "canine":
            top = 1.0 - 0.26 * wear * np.abs(t) ** 1.2
        elif kind == "premolar":
            top = 1.0 - 0.27 * wear * np.abs(t - 0.1 * self.form[1]) ** 1.2
        else:
            top = self._cusps(3 if self.tooth.fdi in (36, 46) else 2, 0.04 * self.form[1], self.form[2])
        return (top * self.crown - self.v) * 0.85

    @cached_property
    def lingual(self) -> np.ndarray:
        """Distance in mm below a back tooth's cusps beside the tongue, which stand lower and between the cheek's."""
        low = 0.09 + 0.06 * self.form[7]
        if self.tooth.kind == "molar":
            top = self._cusps(2, 0.16 + 0.06 * self.form[8], self.form[9]) - low
        else:
            aside = np.abs(2 * self.u / self.width - 0.1 - 0.1 * self.form[8])
            top = 0.98 - low - 0.2 * (1 - 0.6 * self.tooth.wear) * aside**1.3
        return (top * self.crown - self.v) * 0.85

    def _cusps(self, count: int, aside: float, high: float) -> np.ndarray:
        """How high a row of `count` cusps stands on a molar, as a share of the crown, `aside` by half widths: arches
        that meet in grooves, `high` by how much the front ones stand above the others."""
        t, wear = 2 * self.u / self.width, 1 - 0.7 * self.tooth.wear
        arch = np.abs((np.sin if count % 2 == 0 else np.cos)(np.pi / 2 * count * (t + aside)))
        return 0.88 + 0.11 * wear * arch + 0.02 * high * t - 0.2 * np.maximum(0, np.abs(t) - 0.6) ** 1.5

    @cached_property
    def wedge(self) -> float:
        """How much thinner than its neck a front tooth is at its edge, relative."""
        return float(np.clip(0.42 + 0.12 * self.form[5], 0.15, 0.7))

    @cached_property
    def hollow(self) -> float:
        """Optical depth of the hollow behind a front tooth; lower front teeth have hardly any."""
        most = {1: 0.05, 2: 0.07, 3: 0.05}[self.tooth.position] if self.tooth.upper else 0.02
        return float(most * np.clip(0.2 + 0.9 * self.form[6], 0, 1.6))

    @cached_property
    def hollow_at(self) -> float:
        """Where that hollow begins, as a share of the crown."""
        return float(np.clip(0.50 + 0.10 * self.form[7], 0.3, 0.75))

    @cached_property
    def crown_depth(self) -> np.ndarray:
        """Distance in mm inside the crown's outline (negative outside), open towards the root."""
        return self.rounded(self.sides, self.occlusal)

    def rounded(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Distance inside two edges whose corner is rounded off, as the angles and cusps of crowns are."""
        radius = {"incisor": 1.1, "canine": 1.2, "premolar": 1.4, "molar": 1.5}[self.tooth.kind]
        corner = radius - np.hypot(np.maximum(radius - one, 0), np.maximum(radius - other, 0))
        nearer = np.minimum(one, other)
        return np.where(nearer < radius, np.minimum(corner, nearer), nearer)

    @cached_property
    def root_distances(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Across-position over half width (|r| < 1 inside) and distance outside (mm) of every root."""
        return [self._root_distance(root) for root in self.roots]

    def _root_distance(self, root: Root) -> tuple[np.ndarray, np.ndarray]:
        s = np.clip(-self.v / root.length, -0.25, 1.0)
        down = np.maximum(s, 0)
        slim = 0.17 * down + 0.33 * down**2.4 if len(self.roots) == 1 else 0.34 * down**0.7 + 0.26 * down**2.5
        half = root.half * (1 - slim) * np.sqrt(np.maximum(1e-4, 1 - down**5))
        across = self.u - self.axis(root, s)
        below = np.maximum(0.0, -self.v - root.length)
        return across / half + below * 9, np.hypot(np.maximum(np.abs(across) - half, 0), below)

    @staticmethod
    def axis(root: Root, s: np.ndarray) -> np.ndarray:
        """u of a root's axis at the share s of its length; roots bend distally in their last third."""
        return root.neck + (root.apex - root.neck) * np.maximum(s, 0) - root.bend * np.maximum(0, s - 0.35) ** 2 * 1.6


def _grid(stand: Stand, crown: float, root: float, width: float, shape: tuple[int, int]):
    half = width / 2 + 2.5
    above = 3.5 if stand.tooth.state in ("germ", "impacted") else 1.5  # room for the follicle
    corners = np.array([stand.point(u, v) for u in (-half, half) for v in (-root * 1.1 - 4, crown + above)])
    left, top = np.clip(np.floor(corners.min(0)).astype(int), 0, [shape[1] - 1, shape[0] - 1])
    right, bottom = np.clip(np.ceil(corners.max(0)).astype(int), [left + 1, top + 1], [shape[1], shape[0]])
    x = np.arange(left, right, dtype=np.float32)[None, :] + 0.5 - stand.neck[0]
    y = np.arange(top, bottom, dtype=np.float32)[:, None] + 0.5 - stand.neck[1]
    u = (x * stand.mesial[0] + y * stand.mesial[1]) / (stand.scale * stand.broad)
    v = (x * stand.up[0] + y * stand.up[1]) / stand.scale
    return (int(top), int(left)), u, v
