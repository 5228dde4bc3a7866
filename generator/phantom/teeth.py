"""One tooth as attenuation: crown with enamel, dentine and pulp, roots, periodontal ligament and lamina dura.

A tooth is worked out on the small grid of pixels around it, in its own millimetres: u towards the midline, v from the
enamel's edge (v = 0) to the crown's tip. Thicknesses follow from the outlines as if crowns and roots were round.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import PchipInterpolator

from .geometry import Stand, measures
from .raster import Patch

# Optical depths of full thickness at a panoramic machine's 60 to 80 kV. Only their order and rough ratio matter:
# enamel absorbs about twice as much a millimetre as dentine, dentine about half as much again as cortical bone.
DENTINE, ENAMEL_FACE, ENAMEL_EDGE, PULP, LIGAMENT, LAMINA = 0.188, 0.064, 0.105, 0.110, 0.036, 0.040
ROOT = 0.98 * DENTINE

# Half the crown's width from the neck to the tip, as shares of half the largest width; the neck's own comes first.
_CROWN_SIDES = {
    "incisor": ((0.3, 0.60, 0.85, 1.0), (0.80, 0.95, 1.00, 0.95)),
    "canine": ((0.3, 0.58, 0.78, 1.0), (0.86, 1.00, 0.90, 0.46)),
    "premolar": ((0.25, 0.50, 0.70, 0.88, 1.0), (0.84, 0.94, 1.00, 0.90, 0.60)),
    "molar": ((0.25, 0.50, 0.74, 0.90, 1.0), (0.89, 0.945, 1.00, 0.96, 0.84)),
}
# The neck in the picture, by the tables' neck: front teeth taper more than these say, seen from the front.
_NECKS = {"incisor": 0.88, "canine": 0.95, "premolar": 0.98, "molar": 0.96}


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
    """The roots of a tooth: lower molars have two, upper molars three, all others are drawn with one."""
    tooth = stand.tooth
    _, length, _, neck = measures(tooth)
    bend = 0.5 * tooth.root_bend
    if tooth.fdi in (14, 24) and tooth.root_spread > 0.9:  # most first upper premolars have two roots, seen askew
        aside = neck * 0.16 * tooth.root_spread
        return [
            Root(neck * 0.1, aside, neck * 0.36, length, bend, 0.9),
            Root(-neck * 0.1, -aside, neck * 0.34, length * 0.94, 0.6 * bend, 0.8),
        ]
    if tooth.kind != "molar":
        return [Root(0.0, -0.2 - 0.3 * bend, neck / 2, length, 0.7 * bend, 1.0)]
    spread = {4: 1.3, 5: 1.3, 6: 1.0, 7: 0.75, 8: 0.45}[
        tooth.position
    ] * tooth.root_spread  # 4 and 5: milk molars, spread widest
    if tooth.upper:
        return [
            Root(neck * 0.23, neck * 0.30 * spread, neck * 0.25, length * 0.93, 1.4 + bend, 0.85),
            Root(-neck * 0.23, -neck * (0.12 + 0.22 * spread), neck * 0.25, length * 0.86, bend - 1.0, 0.8),
            Root(neck * 0.02, neck * 0.15 * (tooth.root_bend - 1.4), neck * 0.40, length * 1.12, 0.4 * bend, 0.8),
        ]
    return [
        Root(neck * 0.22, neck * (0.16 + 0.12 * spread), neck * 0.30, length, 0.9 + bend, 1.0),
        Root(-neck * 0.22, -neck * (0.16 + 0.16 * spread), neck * 0.30, length * 0.95, 0.5 + bend, 1.0),
    ]


class ToothGrid:
    """A tooth's pixels in its own millimetres, and the shapes on them that drawing and restoring both need."""

    def __init__(self, stand: Stand, shape: tuple[int, int]):
        self.stand, self.tooth = stand, stand.tooth
        self.crown, self.root, self.width, self.neck = measures(stand.tooth)
        self.top, self.left, self.u, self.v = _grid(stand, self.crown, self.root, self.width, shape)
        self.roots = roots_of(stand)

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
        half = np.interp(self.v / self.crown, s, side(s)) * self.width / 2
        return half - np.abs(self.u + (0.02 + 0.0016 * self.tooth.rotation) * self.v)

    @cached_property
    def occlusal(self) -> np.ndarray:
        """Distance in mm below the biting surface: of a back tooth's cusps, whichever stand higher in the picture."""
        return np.maximum(self.buccal, self.lingual) if self.tooth.kind in ("premolar", "molar") else self.buccal

    @cached_property
    def buccal(self) -> np.ndarray:
        """Distance in mm below the cusps beside the cheek, or a front tooth's edge."""
        t, kind, wear = 2 * self.u / self.width, self.tooth.kind, 1 - 0.6 * self.tooth.wear
        if kind == "incisor":
            top = 1 - 0.12 * np.maximum(0, np.abs(t) - 0.55) ** 2
        elif kind == "canine":
            top = 1.0 - 0.26 * wear * np.abs(t) ** 1.2
        elif kind == "premolar":
            top = 1.0 - 0.25 * wear * np.abs(t) ** 1.15
        else:
            top = self._cusps(3.0 if self.tooth.fdi in (36, 46) else 2.0, 0.0)
        return (top * self.crown - self.v) * 0.85

    @cached_property
    def lingual(self) -> np.ndarray:
        """Distance in mm below a back tooth's cusps beside the tongue, which stand lower and between the cheek's."""
        if self.tooth.kind == "molar":
            top = self._cusps(2.0, 0.42) - 0.10
        else:
            top = 0.85 - 0.17 * (1 - 0.6 * self.tooth.wear) * np.abs(2 * self.u / self.width - 0.1) ** 1.3
        return (top * self.crown - self.v) * 0.85

    def _cusps(self, count: float, aside: float) -> np.ndarray:
        """How high a row of `count` cusps stands on a molar, as a share of the crown, `aside` by half widths."""
        t, wear = 2 * self.u / self.width, 1 - 0.6 * self.tooth.wear
        waves = 0.05 * wear * np.cos(np.pi * count * (t + aside))
        return 0.93 - waves - 0.2 * np.maximum(0, np.abs(t) - 0.6) ** 1.5

    @cached_property
    def crown_depth(self) -> np.ndarray:
        """Distance in mm inside the crown's outline (negative outside), open towards the root."""
        return self.rounded(self.sides, self.occlusal)

    def rounded(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Distance inside two edges whose corner is rounded off, as the angles and cusps of crowns are."""
        radius = {"incisor": 0.7, "canine": 0.9, "premolar": 1.1, "molar": 1.5}[self.tooth.kind]
        corner = radius - np.hypot(np.maximum(radius - one, 0), np.maximum(radius - other, 0))
        nearer = np.minimum(one, other)
        return np.where(nearer < radius, np.minimum(corner, nearer), nearer)

    @cached_property
    def root_distances(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Across-position over half width (|r| < 1 inside) and distance outside (mm) of every root."""
        return [self._root_distance(root) for root in self.roots]

    def _root_distance(self, root: Root) -> tuple[np.ndarray, np.ndarray]:
        s = np.clip(-self.v / root.length, -0.25, 1.0)
        down, taper = np.maximum(s, 0), 0.22 if len(self.roots) == 1 else 0.28
        half = root.half * (1 - taper * down) * np.sqrt(np.maximum(1e-4, 1 - down**6))
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
    return int(top), int(left), u, v


def hard_tissue(grid: ToothGrid) -> np.ndarray:
    """Optical depth of crown and roots on the tooth's grid."""
    dentine = np.maximum(_crown_dentine(grid), _root_dentine(grid))
    return dentine + _enamel(grid) - _pulp(grid)


def _crown_dentine(grid: ToothGrid) -> np.ndarray:
    above = grid.soft(grid.v + 0.3)
    return DENTINE * _roundness(grid.crown_depth, 1.6) * above


def _roundness(depth: np.ndarray, radius: float) -> np.ndarray:
    """Relative thickness of a body with rounded edges, `depth` mm inside its outline."""
    return np.sqrt(np.clip(1 - (1 - np.clip(depth / radius, 0, 1)) ** 2, 0, 1))


def _enamel(grid: ToothGrid) -> np.ndarray:
    """Enamel: a thin layer over the whole crown, thick where the beam grazes it at the sides and the biting surface."""
    shape = grid.tooth.kind
    s = np.clip(grid.v / grid.crown, 0, 1)
    side = 0.15 + (1.15 if shape in ("molar", "premolar") else 0.8) * np.minimum(1, s * 1.6)
    worn = 1 - 0.5 * grid.tooth.wear
    top = {"incisor": 1.1, "canine": 1.3, "premolar": 1.7, "molar": 1.9}[shape] * worn
    cap = grid.soft(grid.crown_depth) * grid.soft(grid.v)
    core = np.clip(grid.rounded(grid.sides - side, grid.occlusal - top) * 0.5 + 0.55, 0, 1)
    edge, face = np.array((ENAMEL_EDGE, ENAMEL_FACE)) * (0.6 if shape in ("incisor", "canine") else 1.0)
    enamel = cap * (edge * (1 - core) * np.minimum(1, 0.12 + 1.3 * s) + face * np.minimum(1, s * 2.6))
    if shape in ("molar", "premolar"):
        both = grid.soft(np.minimum(grid.buccal, grid.lingual) * 0.6)  # elsewhere the beam meets one row alone
        enamel *= 0.5 + 0.5 * both
    return enamel


def _root_dentine(grid: ToothGrid) -> np.ndarray:
    depth = np.zeros_like(grid.u)
    for root, (across, _) in zip(grid.roots, grid.root_distances, strict=True):
        depth = np.maximum(depth, root.depth * np.sqrt(np.clip(1 - across**2, 0, 1)))
    if len(grid.roots) > 1:
        depth = np.maximum(depth, _trunk(grid))
    # Roots are slimmer from cheek to tongue than crowns, and the more so towards the tip.
    # Upper ones fade sooner: the bone of the palate lies over their tips.
    slim = np.clip(1.0 + (0.40 if grid.tooth.upper else 0.30) * grid.v / grid.root, 0.3, 1.0)
    slim *= 0.70 + 0.30 * np.exp(np.minimum(grid.v, 0) / 4.0)  # bone takes the place of what lies before and behind
    return ROOT * slim * depth * np.clip(1.6 - grid.v, 0, 1)


def _trunk(grid: ToothGrid) -> np.ndarray:
    """The undivided part of a molar below the neck, down to the furcation."""
    down = np.maximum(-grid.v, 0)
    half = grid.neck / 2 * (1 - 0.035 * down)
    across = np.clip(np.abs(grid.u) / half, 0, 1)
    furcation = (0.42 if grid.tooth.upper else 0.34) * grid.root + 1.4 * across**2
    whole = np.clip((furcation - down) * 0.6, 0, 1)
    between = 0.3 * np.clip(1.3 - down / (0.75 * grid.root), 0, 1)  # roots hide one another, and bone lies between
    return np.sqrt(1 - across**4) * np.maximum(whole, between)


def _pulp(grid: ToothGrid) -> np.ndarray:
    canals = np.zeros_like(grid.u)
    for root in grid.roots:
        canals = np.maximum(canals, canal(grid, root, sharp=0.5) * (0.2 if len(grid.roots) > 1 else 0.4))
    age = 0.6 + 0.4 * (1 - grid.tooth.wear)
    if grid.tooth.kind == "molar":
        half = grid.width * 0.15 * age
        floor, roof = -0.10 * grid.root, grid.crown * (0.20 + 0.10 * np.abs(grid.u) / half)
        chamber = grid.soft((half - np.abs(grid.u)) * 0.2) * grid.soft((grid.v - floor) * 0.2)
        canals = np.maximum(canals, 0.5 * chamber * grid.soft((roof - grid.v) * 0.3))
    return (0.85 if grid.tooth.upper else 1.0) * PULP * age * canals


def canal(
    grid: ToothGrid, root: Root, half: float = 0.0, top: float | None = None, short: float = 0.3, sharp: float = 1.0
) -> np.ndarray:
    """Coverage of a root's canal, tapering to `short` mm before the apex; `half` widens it (a filling, a post), and
    `sharp` below 1 draws its edge out to that many pixels' reciprocal (pulp fades into dentine, a filling does not)."""
    s = np.clip(-grid.v / root.length, -0.25, 1)
    single = len(grid.roots) == 1
    width = (
        half * (1.15 - 0.6 * np.maximum(s, 0))
        if half
        else (0.09 if single else 0.11) * root.half * 2 * (1 - 0.8 * np.maximum(s, 0)) + 0.06
    )
    top = (grid.crown * 0.34 if single else 0.0) if top is None else top
    across = np.abs(grid.u - grid.axis(root, s)) - width
    ends = np.minimum(top - grid.v, grid.v + root.length - short)
    return grid.soft(-across * sharp) * grid.soft(ends * sharp)


def socket(grid: ToothGrid) -> np.ndarray:
    """The dark line of the periodontal ligament and the bright lamina dura around the roots, below the crest."""
    distance = np.minimum.reduce([outside for _, outside in grid.root_distances])
    ligament = np.exp(-(((distance - 0.12) / 0.2) ** 2))
    lamina = np.exp(-(((distance - 0.6) / 0.28) ** 2))
    below = 1 / (1 + np.exp(np.clip((grid.v + grid.stand.crest) * 2.5, -30, 30)))
    return (LAMINA * lamina - LIGAMENT * ligament) * below


def root_mask(grid: ToothGrid) -> np.ndarray:
    """Coverage of the roots, where the trabecular pattern is hidden by dentine."""
    inside = [
        grid.soft((1 - np.abs(across)) * root.half)
        for root, (across, _) in zip(grid.roots, grid.root_distances, strict=True)
    ]
    return np.maximum.reduce(inside)


def follicle(grid: ToothGrid) -> np.ndarray:
    """The dark sac around the crown of a tooth that has not erupted, and the bright line of bone that bounds it."""
    outside = -grid.crown_depth
    sac = np.exp(-(((outside - 0.8) / 0.6) ** 2))
    wall = np.exp(-(((outside - 2.0) / 0.35) ** 2))
    return (0.05 * wall - 0.05 * sac) * grid.soft(grid.v + 0.3)
