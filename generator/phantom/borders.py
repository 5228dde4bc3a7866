"""The long borders that cross over the joints: floors and walls of the skull's pits, met along their surface."""

from __future__ import annotations

import numpy as np

from .curves import curve
from .rims import Rims
from .scene import Scene, mirrored, moved, ring
from .temporal import Temporal

# Each: how often a head shows it, its points (mm outwards and down from the roof of the joint's fossa), mm over which
# it runs out (negative: the other side) and optical depth at most.
BORDERS = (
    # The greater wing of the sphenoid: from over the eminence steeply up to the orbit.
    (0.8, ((-10, 1), (-22, -7), (-36, -16), (-50, -27), (-58, -42)), 6.0, 0.16),
    (0.6, ((-4, -5), (-18, -12), (-34, -21), (-48, -33), (-54, -46)), -5.0, 0.13),
    # The ridge of the petrous bone: a bow from behind the ear over the joint and down again.
    (0.7, ((24, -10), (10, -14), (-8, -19), (-26, -20), (-44, -14), (-56, -4)), -5.0, 0.14),
    (0.5, ((18, -4), (4, -8), (-14, -12), (-34, -14), (-54, -12), (-68, -14)), -4.0, 0.12),
    # The floors of the middle and the front pit, nearly level.
    (0.7, ((8, -13), (-14, -10), (-32, -11), (-52, -9), (-74, -12)), -5.0, 0.14),
    (0.6, ((-6, -16), (-26, -14), (-44, -17), (-62, -14), (-80, -16)), 4.0, 0.12),
    # The wall of the orbit and the zygoma's upright process, down to the wall behind the sinus.
    (0.85, ((-42, -46), (-44, -24), (-42, -8), (-41, 6), (-44, 20), (-52, 34)), 4.0, 0.17),
    (0.7, ((-52, -46), (-49, -26), (-49, -8), (-50, 8), (-49, 24), (-45, 38)), -3.5, 0.15),
    # From the eminence aslant to the tuberosity: pterygoid plate and the arch's inner side.
    (0.7, ((-8, 4), (-20, 3), (-30, 6), (-40, 13), (-48, 22)), -4.0, 0.09),
    (0.4, ((-14, -2), (-26, 5), (-36, 14), (-44, 26)), 3.0, 0.10),
    # Outer table of the skull behind the ear, and the groove of the great vein in front of it.
    (0.6, ((30, -34), (25, -18), (20, -8), (17, 6), (19, 20)), -6.0, 0.13),
    (0.5, ((20, -34), (14, -20), (8, -10), (2, -6)), 5.0, 0.12),
)  # fmt: skip


def draw_borders(scene: Scene, bones: list[Temporal]) -> None:
    """Draw what a head has of them: nearly alike on both sides, from hardly seen to very distinct."""
    rng, rims = scene.rng, Rims(scene)
    clear = rng.uniform(0.2, 1.0)
    for seen, points, wide, depth in BORDERS:
        shown, place = rng.uniform() < 0.7 * seen, rng.normal(0, (3.0, 2.5))
        turned, strong = np.tan(rng.normal(0, 0.10)), depth * clear * rng.uniform(0.4, 1.2)
        line = np.array(points, dtype=float)
        line[:, 1] += turned * (line[:, 0] - line[:, 0].mean())
        line = scene.wobble(line + place, 1.3)
        wide, blurred = wide * rng.uniform(0.6, 2.4), float(rng.choice((0.0, 0.0, 0.3)))
        for bone in bones:
            own = _uneven(scene, line + rng.normal(0, 1.0, 2) + bone.roof)
            along = strong * np.clip(rng.uniform(-0.4, 1.4, len(own)), 0.05, 1)
            if shown:
                rims.add("trough", own, wide, along, blurred, bone.side)
    _draw_ascent(scene, rims, bones)
    rims.draw()
    _draw_pit(scene, bones)


def _draw_ascent(scene: Scene, rims: Rims, bones: list[Temporal]) -> None:
    """From the eminence the skull's floor climbs towards the midline: a bright band, crisp below, over the dark hollow
    between it and the arch."""
    rng = scene.rng
    depth, wide, hollow = rng.uniform(0.0, 0.11), rng.uniform(3.5, 12), rng.uniform(-0.01, 0.025)
    for bone in bones:
        border = _uneven(scene, bone.floor[2:9])
        along = depth * np.clip(rng.uniform(0.2, 1.5, len(border)), 0.3, 1.2)
        rims.add("trough", border + bone.roof, -wide, along, 0.0, bone.side, 0.35)
        under = np.vstack([moved(bone.floor[3:6], 0, 1), [(-bone.reach - 12, 4), (-38, 5), (-54, 8), (-62, -4)]])
        under = scene.wobble(under, 1.5)
        scene.add_area("behind", bone.place(under), rng.uniform(0.8, 2.6), -hollow * rng.uniform(0.7, 1.2))


def _uneven(scene: Scene, line: np.ndarray) -> np.ndarray:
    """No border of bone is a smooth bow: it has knees and small dents."""
    line = curve(scene.wobble(line, 0.6), step=4.5)
    return scene.wobble(line, 0.38)


def _draw_pit(scene: Scene, bones: list[Temporal]) -> None:
    """Between two floors of the skull little bone lies in the way: a dark lens above the joint in half of all heads."""
    rng = scene.rng
    centre, half = rng.normal((-34, -15), (9, 3.0)), rng.uniform((14, 2.5), (28, 6.5))
    depth, blurred = max(0.0, rng.uniform(-0.12, 0.09)), rng.uniform(0.8, 2.4)
    lens = scene.wobble(ring((0, 0), *half, 9), 1.2) + centre
    for bone in bones:
        own = scene.wobble(lens, 0.6) + bone.roof
        scene.add_area("behind", mirrored(own, bone.side), blurred, -depth)
