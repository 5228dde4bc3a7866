"""What models the lower jaw's body between its teeth and its border: ridges, hollows, marrow spaces and the chin."""

from __future__ import annotations

import numpy as np

from .curves import curve
from .rims import Rims
from .scene import Scene, mirrored, moved, ring


def draw_jawbone(scene: Scene, borders: dict[int, np.ndarray]) -> None:
    """Draw all of it, given the posterior border of either side; how much of each shows is the patient's own."""
    rng = scene.rng
    rims, dense = Rims(scene), rng.uniform(0.1, 1.0)
    ridge, hollow, open_bone = rng.uniform(0.0, 0.045), rng.uniform(0.0, 0.05), rng.uniform(0.15, 1.0)
    for side in (-1, 1):
        _draw_fossa(scene, rims, side, ridge * rng.uniform(0.5, 1.3), hollow * rng.uniform(0.7, 1.2))
        _draw_marrow_spaces(scene, side, open_bone * rng.uniform(0.7, 1.2))
        _draw_plates(scene, side, dense * rng.uniform(0.7, 1.2))
        _draw_angle(scene, borders[side], side)
        _draw_temporal_crest(scene, rims, side)
    _draw_chin(scene)
    _draw_mental_ridges(scene, rims)
    rims.draw()


def _draw_fossa(scene: Scene, rims: Rims, side: int, ridge: float, hollow: float) -> None:
    """The submandibular fossa, where a gland hollows out the bone, under the mylohyoid ridge, its crisp upper edge."""
    rng = scene.rng
    lift = rng.normal(0, 2.0)
    line = moved(scene.wobble([(36, 119), (48, 114.5), (60, 108), (71, 101), (80, 92)], 1.2), 0, lift)
    rims.add("trough", line, -rng.uniform(4, 8), ridge * np.array((0.2, 0.7, 1.0, 1.0, 0.4)), 0.4, side, 0.6)
    fossa = [(34, 121), (46, 117), (60, 110.5), (74, 102), (84, 98), (80, 107), (65, 117), (50, 125.5), (37, 128)]
    fossa = mirrored(moved(scene.wobble(fossa, 1.6), 0, lift / 2), side)
    scene.add_area("trough", fossa, 1.7, -0.55 * hollow)
    scene.add_area("trough", fossa, 4.5, -0.45 * hollow)


def _draw_marrow_spaces(scene: Scene, side: int, amount: float) -> None:
    """Below the premolars and first molars the bone is open: large marrow spaces and the plates that part them."""
    rng = scene.rng
    count = int(45 * amount)
    across = rng.triangular(8, 34, 76, count)
    down = 117 - 0.0036 * across**2 + rng.normal(0, 6.0, count)
    size = rng.uniform(0.8, 2.1, count) * rng.uniform(0.8, 1.3)
    for centre, half in zip(np.stack([across, down], 1), size, strict=True):
        space = scene.wobble(ring(centre, 1.25 * half, 0.8 * half, 7), 0.25 * half)
        scene.add_area("trough", mirrored(space, side), 0.35, -rng.uniform(0.004, 0.019))
        if rng.uniform() < 0.6:  # a plate along its lower or upper wall
            wall = space[1:4] if rng.uniform() < 0.5 else space[4:7]
            scene.add_line("trough", mirrored(wall, side), (0.3, 0.9, 0.3), 0.3, rng.uniform(0.008, 0.04))


def _draw_plates(scene: Scene, side: int, amount: float) -> None:
    """Bright jagged plates of bone that run down between and below the roots, branch, and turn along the border."""
    rng = scene.rng
    for _ in range(int(46 * amount)):
        x = rng.triangular(4, 30, 88)
        start = np.array([x, 108 - 0.0036 * x**2 + rng.normal(0, 7.5)])
        aslant = rng.normal(0.35 if rng.uniform() < 0.65 else 1.5, 0.35)  # from upright: downwards and to the midline
        length, wide, depth = rng.uniform(5, 17), rng.uniform(0.25, 0.65), rng.uniform(0.01, 0.048)
        for share in (1.0, 0.5, 0.4)[: int(rng.integers(1, 4))]:
            heading = np.array([-np.sin(aslant), np.cos(aslant)])
            along = np.outer(np.linspace(0, length * share, 6), heading)
            plate = scene.wobble(start + along, 0.3 + 0.03 * length)
            scene.add_line("trough", mirrored(plate, side), wide * np.array((0.3, 1, 1, 0.8, 1, 0.2)), 0.2, depth)
            start, aslant = plate[int(rng.integers(1, 4))], aslant + rng.normal(0, 0.7)


def _draw_angle(scene: Scene, border: np.ndarray, side: int) -> None:
    """The angle's cortex, thick where the muscles pull, and now and then the inner border apart from the outer one."""
    rng = scene.rng
    angle = curve(border[3:9], step=4.0)
    swell = np.sin(np.linspace(0, np.pi, len(angle))) + 0.15
    inside = moved(angle, -0.4 * side, -0.6)
    scene.add_line("trough", inside, 1.2 * swell, 0.5, rng.uniform(0.0, 0.19) ** 2)
    scene.add_line("trough", moved(inside, -0.8 * side, -0.8), 3.2 * swell, 1.2, rng.uniform(0.0, 0.13) ** 2)
    if rng.uniform() < 0.5:
        apart = scene.wobble(moved(border[2:8], -rng.uniform(1, 3) * side, rng.normal(0, 3.2)), 0.6)
        scene.add_line("behind", apart, np.array((0.3, 1.2, 1.8, 1.8, 1.4, 0.3)), 0.5, rng.uniform(0.015, 0.05))
    for _ in range(int(rng.integers(0, 5))):  # rough lines where masseter and medial pterygoid take hold
        start = mirrored(rng.normal((97, 96), (5, 5)), side)
        rough = scene.wobble(start + np.outer((-1, 0, 1), [side * rng.uniform(2, 5), -rng.uniform(2, 6)]), 0.6)
        scene.add_line("trough", rough, (0.3, rng.uniform(0.8, 2.2), 0.3), 0.5, rng.normal(0.012, 0.016))


def _draw_temporal_crest(scene: Scene, rims: Rims, side: int) -> None:
    """The temporal crest inside the ramus, from the coronoid's tip to behind the last molar, and lines below it."""
    rng = scene.rng
    crest = scene.wobble([(77, 48), (79.5, 58), (81, 69), (79, 80), (74, 88)], 1.3)
    rims.add("trough", crest, -rng.uniform(3, 8), rng.uniform(0, 0.055) * np.array((0.5, 1, 1, 0.8, 0.3)), 0.4, side)
    for _ in range(int(rng.integers(1, 5))):  # and fainter ones, that run down to the angle
        start = rng.normal((96, 72), (7, 7))
        line = scene.wobble(start + np.outer((-1, 0, 1, 2), [rng.normal(0, 1.5), rng.uniform(4, 9)]), 0.8)
        rims.add("trough", line, rng.choice((-1, 1)) * rng.uniform(3, 8), rng.uniform(0, 0.03), 0.6, side)


def _draw_chin(scene: Scene) -> None:
    """The thick bone of the chin above the lower border, where the tongue's muscles begin on the inner side."""
    rng = scene.rng
    for high, half, blurred, most in ((108, 38, 4.5, 0.04), (122, 31, 2.5, 0.055)):
        chin = [(0, high), (0.6 * half, high + 2), (half, high + 10), (0.85 * half, 135), (0, 139)]
        chin += [(-x, y) for x, y in chin[-2:0:-1]]
        scene.add_area("trough", scene.wobble(chin, 2.0), blurred, rng.uniform(0.1, 1.0) * most)
    for _ in range(int(rng.integers(2, 9))):  # dense threads about the muscles' spines
        start = rng.normal((0, 127), (8, 5))
        thread = scene.wobble(start + np.outer((-1, 0, 1), rng.normal(0, (4, 2.0))), 1.0)
        wide = (0.3, rng.uniform(0.8, 2.6), 0.3)
        scene.add_line("trough", thread, wide, rng.uniform(0.3, 0.8), rng.uniform(0.0, 0.07))


def _draw_mental_ridges(scene: Scene, rims: Rims) -> None:
    """The ridges that rise from the lower border to the protuberance, and the dim hollow above them."""
    rng = scene.rng
    strength, peak = rng.uniform(0, 1) ** 1.5, rng.normal(121, 3)
    for side in (-1, 1):
        ridge = scene.wobble([(2, peak), (9, peak + 2.5), (18, peak + 7.5), (28, peak + 12)], 0.9)
        depth = 0.06 * strength * rng.uniform(0.5, 1.2) * np.array((0.8, 1.0, 0.8, 0.3))
        rims.add("trough", ridge, rng.uniform(4, 8), depth, 0.5, side, 0.5)
        hollow = scene.wobble([(3, peak - 9), (13, peak - 8), (20, peak - 1), (15, peak + 3), (5, peak - 1)], 1.0)
        scene.add_area("trough", mirrored(hollow, side), 1.7, -0.02 * strength)
