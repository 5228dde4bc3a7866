"""What dentists add to teeth and what ails them, as optical depth on a tooth's own grid."""

from __future__ import annotations

import math

import numpy as np

from .geometry import Stand
from .raster import Patch, stroke
from .teeth import ToothGrid
from .tissues import canal, chamber

METAL, CERAMIC, AMALGAM, TITANIUM, GUTTA_PERCHA, COMPOSITE = 1.5, 0.34, 1.3, 1.25, 0.24, 0.25


def restorations(grid: ToothGrid) -> np.ndarray:
    """Optical depth of fillings, crown, post and root filling of a natural tooth."""
    tooth, depth = grid.tooth, np.zeros_like(grid.u)
    for surface in tooth.fillings:
        material = AMALGAM if tooth.kind == "molar" and tooth.wear > 0.25 else COMPOSITE
        packed = material * float(np.clip(1 + 0.25 * grid.form[9], 0.55, 1.4))
        depth = np.maximum(depth, packed * _filling(grid, surface))
    if tooth.root_filled:
        packed = 0.9 + 0.1 * np.sin(0.9 * grid.v + 9 * tooth.root_bend)
        for root in grid.roots:
            short = 0.6 + 1.4 * math.sin(7 * (root.bend + root.apex)) ** 2
            filling = canal(grid, root, half=0.40 if len(grid.roots) == 1 else 0.28, short=short)
            depth = np.maximum(depth, GUTTA_PERCHA * (0.4 + 0.6 * root.depth) * packed * filling)
        if tooth.kind == "molar":
            depth = np.maximum(depth, 0.8 * GUTTA_PERCHA * chamber(grid, 1.0))
    if tooth.post:
        root = grid.roots[0]
        depth = np.maximum(depth, TITANIUM * canal(grid, root, half=0.6, short=root.length * 0.45))
    if tooth.crown:
        depth = np.maximum(depth, crown_cap(grid))
    return depth


def _filling(grid: ToothGrid, surface: str) -> np.ndarray:
    """Relative thickness of a filling in the biting surface or in the side of a crown.

    A drilled cavity has no straight walls, and the beam crosses it thinner at its rim; the walls' waves are the
    tooth's own.
    """
    below, phase = grid.occlusal, 9 * grid.tooth.root_bend
    waves = 0.35 * np.sin(1.1 * grid.u + phase) + 0.25 * np.sin(1.9 * grid.v + 0.9 * grid.u + 2 * phase)
    if surface == "occlusal":
        floor = 2.0 + 0.7 * np.cos(grid.u * 7.0 / grid.width) + waves
        wide = grid.width * (0.24 + 0.07 * math.sin(phase))
        cavity = grid.rounded(
            wide - np.abs(grid.u + 0.5 * math.sin(2 * phase)) + waves, np.minimum(below, floor - below)
        )
    else:
        toward = grid.u if surface == "mesial" else -grid.u
        floor = grid.v - grid.crown * (0.30 + 0.08 * math.sin(phase)) - waves
        inner = toward - grid.width * (0.27 + 0.05 * math.cos(phase)) + waves
        top = below - (0.1 if grid.tooth.kind != "incisor" else 2.0)
        cavity = np.minimum(grid.rounded(inner, np.minimum(floor, top)), grid.sides)
    return grid.soft(cavity) * np.sqrt(np.clip(0.25 + 0.6 * cavity, 0.2, 1))


def crown_cap(grid: ToothGrid) -> np.ndarray:
    """Optical depth of a full crown, a little larger than the tooth, its margin just above the neck."""
    margin = grid.v - 0.5 - 0.25 * np.cos(grid.u * 2 * np.pi / grid.width)
    return _cast(grid, np.minimum(grid.rounded(grid.sides + 0.2, grid.occlusal + 0.2), margin))


def _cast(grid: ToothGrid, inside: np.ndarray) -> np.ndarray:
    """Optical depth of a crown, from the distance (mm) inside its outline: metal or ceramic over a coping of metal.

    A crown is a shell, which the beam crosses whole along its sides and only twice thinly in the middle (a pontic is
    solid); how thick it was cast is each crown's own. Ceramic stands round the coping as a paler rim.
    """
    edge = np.clip(inside / 1.9, 0, 1)
    hollow = 0.0 if grid.tooth.state == "pontic" else float(np.clip(0.2 + 0.2 * grid.form[7], 0, 0.5))
    shell = 1 - hollow * np.clip((inside - 0.8) / 1.2, 0, 1)
    thickness = (0.25 + 0.75 * np.sqrt(edge)) * shell
    if not grid.tooth.ceramic:
        return METAL * thickness * grid.soft(inside)
    aside = 0.9 + 0.25 * grid.form[8] + 0.35 * np.sin(1.3 * grid.u + 9 * grid.tooth.root_bend)
    coping = inside - aside - 0.12 * np.maximum(0, grid.v - 0.5 * grid.crown)  # ceramic is thickest at the tip
    cast = float(np.clip(0.36 + 0.16 * grid.form[9], 0.08, 0.75)) * METAL
    return CERAMIC * (0.4 + 0.6 * np.sqrt(edge)) * grid.soft(inside) + cast * shell * grid.soft(0.7 * coping)


def findings(grid: ToothGrid) -> np.ndarray:
    """Optical depth (mostly negative) of caries, an apical lesion and calculus."""
    tooth, form, depth = grid.tooth, grid.form, np.zeros_like(grid.u)
    for surface in tooth.caries:  # it spreads under the enamel, and the older it is the more of the crown breaks in
        side = 1 if surface == "mesial" else -1
        wide, high = 1.9 * math.exp(0.3 * form[0]), 2.1 * math.exp(0.3 * form[1])
        far = np.hypot(
            (grid.u - side * grid.width * 0.42) / wide, (grid.v - grid.crown * (0.45 + 0.1 * form[2])) / high
        )
        hole = 1 / (1 + np.exp(np.clip((far - 0.9 - 0.12 * np.sin(2.1 * grid.v + 5 * form[3])) * 6, -30, 30)))
        depth = depth - (0.15 + 0.04 * form[4]) * hole * grid.soft(grid.crown_depth)
    if tooth.apical_lesion:
        for root in grid.roots[:2]:
            apex = grid.axis(root, np.ones(1))[0]
            far = np.hypot(grid.u - apex, grid.v + root.length + 0.3 * tooth.apical_lesion) / tooth.apical_lesion
            depth = depth - 0.13 / (1 + np.exp(np.clip((far - 1) * 4, -30, 30)))
    if tooth.calculus:
        far = ((grid.u + grid.neck * 0.52) / 0.6) ** 2 + ((grid.v + 0.6) / 0.7) ** 2
        depth = depth + 0.25 * np.exp(-far)
    return depth


def implant(grid: ToothGrid) -> np.ndarray:
    """A threaded titanium screw 4 mm wide, its abutment, and a crown that widens from it."""
    length, half = 11.5, 2.0
    down = -grid.v - 1.5
    thread = 0.45 * np.abs(((down / 1.0) % 1.0) * 2 - 1) * (down > 1.2)
    taper = half * (1 - 0.18 * np.clip(down / length, 0, 1)) - thread
    screw = np.minimum(taper - np.abs(grid.u), np.minimum(down, length - down))
    thickness = np.sqrt(np.clip(1 - (grid.u / (half + 0.3)) ** 2, 0, 1))
    bore = 0.25 * grid.soft(0.7 - np.abs(grid.u)) * grid.soft(5.0 - down)
    abutment = np.minimum(1.7 - np.abs(grid.u), np.minimum(grid.v + 2.2, 2.0 - grid.v))
    waist = 1.8 + (grid.width / 2 - 1.8) * np.clip((grid.v + 1.0) / (0.55 * grid.crown), 0, 1) ** 0.7
    cap = np.minimum(np.minimum(waist - np.abs(grid.u), grid.occlusal), np.minimum(grid.sides + 0.1, grid.v + 0.8))
    return np.maximum.reduce([
        TITANIUM * grid.soft(screw) * (0.55 + 0.45 * thickness - bore), 1.5 * grid.soft(abutment),
        _cast(grid, cap),
    ])  # fmt: skip


def pontic(grid: ToothGrid) -> np.ndarray:
    """The false tooth of a bridge: a crown without a root, rounded towards the ridge."""
    rounded = grid.v - 0.4 * (2 * grid.u / grid.width) ** 2 * 3
    return _cast(grid, np.minimum(grid.rounded(grid.sides + 0.2, grid.occlusal + 0.2), rounded))


def connector(before: Stand, after: Stand, shape: tuple[int, int]) -> Patch:
    """The solder joint between two units of a bridge."""
    ends = np.array([before.point(0, 4.5), after.point(0, 4.5)])
    line = ends[0] + np.linspace(0, 1, 12)[:, None] * (ends[1] - ends[0])
    return stroke(line, 3.6 * before.scale, shape)
