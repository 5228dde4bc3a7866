"""What a tooth is made of, as optical depth on its own grid: enamel, dentine, pulp, and the socket around its roots.

Crowns of back teeth are two rows of cusps, one behind the other: where the beam meets both it is weakened twice, and
where one stands out alone it looks grey. Roots are bodies of oval cross-section, slimmer towards the tip.
"""

from __future__ import annotations

import numpy as np

from .teeth import Root, ToothGrid

# Optical depths of full thickness at a panoramic machine's 60 to 80 kV. Only their order and rough ratio matter:
# enamel absorbs about twice as much a millimetre as dentine, dentine about half as much again as cortical bone.
DENTINE, ENAMEL, ENAMEL_FACE, PULP, LIGAMENT, LAMINA = 0.190, 0.35, 0.100, 0.100, 0.025, 0.034
ROOT = DENTINE


def hard_tissue(grid: ToothGrid) -> np.ndarray:
    """Optical depth of crown and roots on the tooth's grid."""
    depth = _root_dentine(grid)
    part, crown = grid.rows(grid.v > -0.5)
    np.maximum(depth[part], _crown(crown), out=depth[part])
    return depth - _pulp(grid)


def _crown(grid: ToothGrid) -> np.ndarray:
    """The crown: dentine in a cap of enamel, which the beam crosses whole at the biting surface and along the sides."""
    above = grid.soft(grid.v + 0.3)
    if grid.tooth.kind in ("premolar", "molar"):
        return 0.5 * (_row(grid, grid.buccal) + _row(grid, grid.lingual)) * above
    # Front teeth are wedges, thin at the edge, and hollowed behind.
    s = np.clip(grid.v / grid.crown, 0, 1)
    return (_row(grid, grid.buccal) * (1 - grid.wedge * s**1.5) - _hollow(grid, s)) * above


def _row(grid: ToothGrid, occlusal: np.ndarray) -> np.ndarray:
    """A crown that ends in one row of cusps or one edge, given the distance in mm below them."""
    kind, worn = grid.tooth.kind, 1 - 0.5 * grid.tooth.wear
    s = np.clip(grid.v / grid.crown, 0, 1)
    side = {"incisor": 0.6, "canine": 0.7, "premolar": 0.9, "molar": 1.0}[kind] * np.minimum(1, s * 1.7)
    top = {"incisor": 0.9, "canine": 1.1, "premolar": 2.1, "molar": 2.6}[kind] * worn
    inside = grid.rounded(grid.sides, occlusal)
    body = _roundness(inside, 1.5) * grid.soft(inside)
    core = np.clip(0.6 * grid.rounded(grid.sides - side, occlusal - top) + 0.5, 0, 1)
    enamel = ENAMEL if kind in ("premolar", "molar") else 0.75 * ENAMEL
    return body * (enamel + (DENTINE - enamel) * core + ENAMEL_FACE * np.minimum(1, s * 2.2) * core)


def _hollow(grid: ToothGrid, s: np.ndarray) -> np.ndarray:
    """The hollow behind a front tooth, dark towards the edge, bounded by two ridges that meet below the neck."""
    aside = grid.u / grid.width - 0.12 * grid.form[3]
    apart = np.sqrt(aside**2 + 0.01 * (1 + grid.form[8]) ** 2)  # a peak or a bow
    inner = (s - grid.hollow_at - (0.6 + 0.35 * grid.form[4]) * apart) * grid.crown
    ridge = np.exp(-((inner / 0.35) ** 2))
    return grid.hollow * (grid.soft(0.5 * inner) * np.clip(1.3 - 0.3 * s, 0, 1) - 0.35 * ridge) * grid.soft(grid.sides)


def _roundness(depth: np.ndarray, radius: float) -> np.ndarray:
    """Relative thickness of a body with rounded edges, `depth` mm inside its outline."""
    return np.sqrt(np.clip(1 - (1 - np.clip(depth / radius, 0, 1)) ** 2, 0, 1))


def _root_dentine(grid: ToothGrid) -> np.ndarray:
    depth = np.zeros_like(grid.u)
    for root, (across, _) in zip(grid.roots, grid.root_distances, strict=True):
        oval = np.sqrt(np.clip(1 - across**2, 0, 1))
        depth = np.maximum(depth, root.depth * oval)
    if len(grid.roots) > 1:
        depth = np.maximum(depth, _trunk(grid))
    # Roots are slimmer from cheek to tongue than crowns, and the more so towards the tip.
    front = grid.tooth.position < 4
    slim = np.clip(1.0 + (0.34 if front else 0.40) * grid.v / grid.root, 0.3, 1.0)
    # Bone takes the place of what lies before and behind; the least of it around front teeth, the
    # most in the back of the upper jaw, where the zygoma lies over it besides.
    kept = (0.93 if grid.tooth.upper else 0.98) if front else 0.70 if grid.tooth.upper else 0.86
    slim *= kept + 0.31 * np.exp(np.minimum(grid.v, 0) / 5.0)
    return ROOT * slim * depth * np.clip(1.6 - grid.v, 0, 1)


def _trunk(grid: ToothGrid) -> np.ndarray:
    """The undivided part of a molar below the neck, down to the furcation, an arch between the roots."""
    down = np.maximum(-grid.v, 0)
    half = grid.neck / 2 * (1 - 0.035 * down)
    across = np.clip(np.abs(grid.u) / half, 0, 1)
    furcation = (0.28 if grid.tooth.upper else 0.19) * grid.root * (1 + 0.2 * grid.form[5]) + 5.0 * across**1.4
    whole = np.clip((furcation - down) * 0.7, 0, 1)
    between = 0.14 * np.clip(1.3 - down / (0.75 * grid.root), 0, 1)  # roots hide one another
    return np.sqrt(1 - across**4) * np.maximum(whole, between)


def _pulp(grid: ToothGrid) -> np.ndarray:
    """The pulp: a chamber with horns in a molar's neck, a canal in every root, both narrower with age."""
    canals, clear = np.zeros_like(grid.u), float(np.clip(0.36 + 0.14 * grid.form[5], 0.1, 0.6))
    for root in grid.roots:
        canals = np.maximum(canals, clear * canal(grid, root, sharp=0.7))
    age = 0.55 + 0.45 * (1 - grid.tooth.wear)
    if grid.tooth.kind == "molar":
        canals = np.maximum(canals, (0.6 if grid.tooth.upper else 0.45) * chamber(grid, age))
    return PULP * age * canals


def chamber(grid: ToothGrid, age: float) -> np.ndarray:
    """Coverage of a molar's pulp chamber, `age` 1 when young and less with the years: its roof sags between the horns,
    its floor bulges above the furcation."""
    half = grid.width * (0.10 if grid.tooth.upper else 0.14) * (0.5 + 0.5 * age) * (1 + 0.2 * grid.form[3])
    aside = (grid.u - 0.03 * grid.width * grid.form[4]) / half
    horns = np.minimum(np.abs(aside), 1.2) ** 2
    roof = grid.crown * (0.10 + (0.10 + 0.04 * grid.form[6]) * horns + 0.04 * grid.form[7])
    floor = -grid.root * (0.13 + 0.05 * horns)
    ends = np.minimum(roof - grid.v, grid.v - floor)
    return grid.soft(0.6 * half * (1.1 - np.abs(aside))) * grid.soft(0.6 * ends)


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
        else (0.08 if single else 0.12) * root.half * 2 * (1 - 0.75 * np.abs(s)) + 0.06
    )
    top = (grid.crown * 0.34 if single else 0.0) if top is None else top
    across = np.abs(grid.u - grid.axis(root, s)) - width
    ends = np.minimum(top - grid.v, grid.v + root.length - short)
    return grid.soft(-across * sharp) * grid.soft(ends * (1.0 if half else 0.25))


def socket(grid: ToothGrid) -> np.ndarray:
    """The dark line of the periodontal ligament and the bright lamina dura around the roots, below the crest."""
    distance = np.minimum.reduce([outside for _, outside in grid.root_distances])
    ligament = np.exp(-(((distance - 0.12) / 0.22) ** 2)) * float(np.clip(1 + 0.5 * grid.form[8], 0, 2))
    lamina = np.exp(-(((distance - 0.6) / 0.30) ** 2)) * float(np.clip(1 + 0.5 * grid.form[9], 0, 2))
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
    return (0.075 * wall - 0.080 * sac) * grid.soft(grid.v + 0.3)
