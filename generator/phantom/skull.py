"""The base of the skull: both temporal bones, the arches of the zygoma, and the plates of bone that cross there."""

from __future__ import annotations

import numpy as np

from .borders import draw_borders
from .plates import Tangle, add_tangles
from .scene import Scene, mirrored
from .temporal import draw_temporal_bones, temporal_bones
from .zygoma import draw_arch

# Temporal bone, what lies over the joint, mastoid; then upright walls, floors and roofs, upper jaw, pterygoid and
# zygoma.
TANGLES = (
    Tangle((114, 2), (22, 7), 24, (14, 50), (4, 18), 0.044, turn=0.6, blurred=(0.1, 0.9)),
    Tangle((137, 8), (9, 10), 16, (12, 40), (2.5, 8), 0.06, turn=1.2, blurred=(0.1, 0.6)),
    Tangle((100, 3), (20, 7), 18, (18, 54), (4, 15), 0.048, turn=0.45, blurred=(0.1, 1.0)),
    Tangle((106, 38), (10, 11), 8, (24, 54), (10, 26), 0.022, turn=1.0, blurred=(1.0, 3.0)),
    Tangle((134, 24), (10, 16), 36, (10, 28), (3, 12), 0.044, turn=1.5, blurred=(0.1, 1.4)),
    Tangle((128, 52), (8, 12), 12, (24, 60), (4, 12), 0.040, rise=-2.8, turn=0.25, blurred=(0.6, 2.2)),
    Tangle((80, 10), (10, 8), 8, (24, 54), (4, 14), 0.04, turn=0.4, blurred=(0.3, 1.4)),
    Tangle((24, 12), (12, 10), 6, (20, 48), (5, 14), 0.05, rise=4.0, turn=0.25, blurred=(0.15, 1.0)),
    Tangle((34, 18), (16, 12), 5, (26, 60), (3, 10), 0.05, rise=0.12, turn=0.25, blurred=(0.4, 1.4)),
    Tangle((50, 34), (14, 9), 3, (20, 44), (5, 16), 0.04, blurred=(0.5, 1.8)),
    Tangle((62, 28), (4, 10), 4, (30, 56), (4, 12), 0.04, rise=6.0, turn=0.1, blurred=(0.3, 1.0)),
)
USUAL = np.array([111.0, 21.0])  # where a fossa's roof usually lies: the tangles follow it


def draw_skull_base(scene: Scene, condyles: dict[int, np.ndarray]) -> None:
    """Everything behind and above the jaw's joints; each side's joint lies over the condyle's highest point, in mm."""
    # What lies above the field is met aslant, and brighter towards the sides.
    scene.behind += 0.09 * np.clip((scene.across - 114) / 24, 0, 1) * np.clip((34 - scene.down) / 20, 0, 1)
    wing = [(44, -20), (46, 4), (62, 10), (80, 4), (96, -6), (96, -20)]  # of the sphenoid
    depth = scene.rng.uniform(0.0, 0.12)
    for side in (-1, 1):
        scene.add_area("behind", mirrored(scene.wobble(wing, 3.0), side), 4.0, depth)
    scene.behind += 0.08 * np.clip((scene.across - 126) / 16, 0, 1) * np.clip((58 - scene.down) / 34, 0, 1)
    bones = temporal_bones(scene, condyles)
    draw_temporal_bones(scene, bones)
    for bone in bones:
        draw_arch(scene, bone)
    draw_borders(scene, bones)
    add_tangles(scene, TANGLES, {bone.side: tuple((bone.roof - USUAL) / 2) for bone in bones})
