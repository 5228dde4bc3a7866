"""Soft tissue, air spaces, hyoid and ears."""

from __future__ import annotations

import numpy as np

from .anatomy import Patient
from .geometry import arch_positions, half_opening, occlusal_line
from .plates import BOTH, Tangle, add_tangles
from .raster import Patch
from .restorations import METAL
from .scene import Scene, beyond, mirrored, moved, ring
from .vertebrae import draw_spine

# Folds of cheek, tongue, soft palate and throat over the rami and behind them; the far jaw's long straight borders.
FOLDS = Tangle((94, 84), (17, 22), 6, (36, 90), (10, 34), 0.03, rise=0.15, turn=0.45, blurred=(0.6, 2.4))
FAR_JAW = Tangle((76, 84), (8, 8), 1, (70, 110), (24, 48), 0.04, rise=-0.04, turn=0.1, blurred=(0.2, 0.7))
THROAT = Tangle((112, 100), (12, 22), 7, (18, 50), (5, 16), 0.042, rise=2.0, blurred=(0.4, 2.5))


def draw_soft_tissue(scene: Scene, patient: Patient) -> None:
    """Draw what is neither jaw, skull nor tooth: the face, the tongue and the air around it, the spine in the neck."""
    _draw_face(scene, patient)
    _draw_mouth(scene, patient)
    _draw_throat(scene, patient, draw_spine(scene))
    for side in (-1, 1):
        _draw_ear(scene, side, ("right" if side < 0 else "left") in patient.earrings)
    _draw_hyoid(scene)
    add_tangles(scene, (FOLDS, THROAT, FAR_JAW), BOTH)


def _draw_face(scene: Scene, patient: Patient) -> None:
    """The head's own absorption, falling off below the chin where the beam meets only the neck."""
    head = [(0, -40), (150, -40), (190, 40), (156, 112), (128, 136), (82, 148), (34, 152), (0, 153)]
    head = head + [(-x, y) for x, y in head[:0:-1]]
    bulk = patient.soft_tissue["bulk"]
    scene.trough += 0.16 * bulk
    neck = [(0, -40), (150, -40), (172, 34), (138, 92), (108, 115), (70, 132), (30, 143), (0, 147)]
    neck = neck + [(-x, y) for x, y in neck[:0:-1]]
    scene.add_area("behind", scene.wobble(head, 2.5), 7.0, 0.10 * bulk)
    scene.add_area("behind", scene.wobble(neck, 2.0), 6.0, 0.16 * bulk)
    for side in (-1, 1):  # the muscles of mastication and the parotid gland
        cheek = scene.wobble([(74, 34), (96, 26), (122, 30), (132, 60), (118, 80), (92, 62), (66, 44)], 3.0)
        scene.add_area("behind", mirrored(cheek, side), 8.0, 0.08 * bulk)
        notch = scene.wobble([(72, 40), (84, 32), (98, 38), (102, 52), (96, 64), (80, 62), (72, 52)], 2.5)
        scene.add_area("behind", mirrored(notch, side), 5.0, 0.10 * bulk)
    down, across = scene.down, scene.across
    scene.behind += 0.17 * np.clip((16 - down) / 16, 0, 1)  # the skull above the field lies aslant in the beam
    scene.behind -= 0.04 * np.clip((down - 123) / 20, 0, 1) * np.clip(1.6 - across / 70, 0, 1.1)
    ear = np.clip((across - 120) / 16, 0, 1) * np.clip(1 - np.abs(down - 56) / 26, 0, 1)
    scene.behind += 0.06 * ear
    scene.behind += 0.005 * np.clip((across - 86) / 12, 0, 1) * np.clip((down - 88) / 22, 0, 1)
    nape = scene.rng.uniform(0, 0.06)
    scene.behind += nape * np.clip((across - 124) / 16, 0, 1) * np.clip((112 - down) / 30, 0, 1)


def _draw_mouth(scene: Scene, patient: Patient) -> None:
    """Tongue and soft palate over the rami, air above the tongue where it does not touch the palate, and the slit
    between the biting surfaces.

    The tongue's side stands out as the convex edge across each ramus, with the dark airway behind it.
    """
    rng, jaws = scene.rng, patient.jaws
    share = patient.soft_tissue["palatoglossal_air"]
    roof = jaws.palate_height + 5.5
    dorsum = roof + 1 + 11 * share
    reach, drop = rng.normal(0, 4), rng.normal(0, 4)
    side = np.array([(46, dorsum + 2), (62, dorsum + 1), (75 + reach / 2, max(dorsum, 47 + drop)),
                     (92 + reach, 58 + drop), (103 + reach, 74 + drop), (104 + reach, 92), (94, 103)])  # fmt: skip
    floor = [(60, 104), (30, 116), (0, 122)]
    left, right = (mirrored(scene.wobble(side, 1.5), s) for s in (1, -1))
    tongue = np.vstack([[(0, dorsum)], left, floor, mirrored(floor[1::-1], -1), right[::-1]])
    edge = patient.soft_tissue["tongue"]
    for blurred, depth in ((rng.uniform(0.4, 1.8), 0.105 * edge), (6.0, 0.05)):
        body = scene.area(tongue, blurred)
        down, across = scene.places(body)
        aside = 0.12 + 0.88 * beyond(44, 40, across)  # in front the beam crosses its short way
        aside = aside * np.clip((106 - down) / 26, 0, 1)  # below it passes over into the floor of the mouth
        scene.add("behind", Patch(body.top, body.left, body.values * aside, body.step), depth)
    for s in (-1, 1):
        _draw_soft_palate(scene, s, (reach, drop))
    if share > 0.12:
        ends = rng.uniform(50, 78, 2)
        for blurred, depth in ((0.8, 0.5), (3.0, 0.5)):
            air = np.array([(-40, roof), (0, roof - 1), (40, roof), (ends[0] - 6, roof + 1), (ends[0], roof + 5),
                            (ends[0] - 7, dorsum + 4), (34, dorsum + 1), (0, dorsum - 1), (-34, dorsum + 1),
                            (7 - ends[1], dorsum + 4), (-ends[1], roof + 5), (6 - ends[1], roof + 1)])  # fmt: skip
            scene.add_area("behind", scene.wobble(air, 1.6), blurred, -depth * (0.03 + 0.13 * share))
    if any(tooth.upper for tooth in patient.teeth) and not all(tooth.upper for tooth in patient.teeth):
        _draw_bite(scene, patient)
    if patient.positioning.bite_block:
        _draw_bite_block(scene, patient)
    front = [(-17, 50), (17, 50), (21, 72), (17, 93), (-17, 93), (-21, 72)]
    scene.add_area("behind", scene.wobble(front, 3.0), 7.0, -0.06 * rng.uniform(0.0, 1.2))


def _draw_soft_palate(scene: Scene, side: int, offset: tuple[float, float]) -> None:
    """The soft palate hangs as a pale crescent over the ramus, with a slit of air between it and the tongue."""
    rng = scene.rng
    tip = rng.normal((0, 0), (5, 6)) + offset
    # Across, down, and how far a point goes with the tip.
    crescent = [(56, 46, 0), (66, 43.5, 0), (77, 44, 0), (89, 50, 0.25), (99, 61, 0.5), (107, 79, 1),
                (103, 81, 1), (95, 70, 0.5), (84, 59, 0.25), (72, 54, 0), (58, 53, 0)]  # fmt: skip
    slit = [(66, 58, 0), (76, 57.5, 0), (86, 63, 0.25), (96, 74, 0.5), (103, 90, 1), (98, 90, 1), (90, 77, 0.5),
            (80, 67, 0.25), (68, 62, 0)]  # fmt: skip
    for shape, blurred, depth in (
        (crescent, rng.uniform(0.3, 1.0), rng.uniform(0.01, 0.08)),
        (slit, rng.uniform(0.4, 1.2), -rng.uniform(0.0, 0.05)),
    ):
        points = np.array(shape)
        outline = points[:, :2] + points[:, 2:] * tip
        scene.add_area("behind", mirrored(scene.wobble(outline, 1.2), side), blurred, depth)


def _draw_bite(scene: Scene, patient: Patient) -> None:
    """The slit between the biting surfaces of two arches, and the gums, thinner than bone, beside the necks; bare
    ridges leave no slit, for lips and tongue close it."""
    jaws, x = patient.jaws, np.linspace(*_bite_ends(patient), 9)
    middle, half = occlusal_line(jaws, x), half_opening(jaws, x) + 0.5
    slit = np.vstack([np.stack([x, middle - half], 1), np.stack([x, middle + half], 1)[::-1]])
    # Mostly air, but lips and cheeks may lie over it.
    scene.add_area("behind", slit, scene.rng.uniform(0.8, 1.8), -scene.rng.uniform(-0.07, 0.04))
    for end in (x[0] + 5, x[-1] - 5):
        _draw_pocket(scene, end, float(occlusal_line(jaws, end)))
    gums = np.vstack([np.stack([x, middle - half - 4], 1), np.stack([x, middle + half + 5], 1)[::-1]])
    scene.add_area("behind", gums, 2.0, -0.015)
    low = np.vstack([np.stack([x, middle - 1], 1), np.stack([x, middle + 14], 1)[::-1]])
    scene.add_area("behind", low, 4.0, -0.015)


def _draw_pocket(scene: Scene, x: float, y: float) -> None:
    """The space between cheek and ramus behind the last teeth, which end at x, y."""
    out = np.sign(x)
    pocket = [(x - 2 * out, y - 3), (x + 7 * out, y - 8), (x + 13 * out, y - 3), (x + 11 * out, y + 5),
              (x + 4 * out, y + 7), (x - 2 * out, y + 3)]  # fmt: skip
    scene.add_area("behind", scene.wobble(pocket, 1.2), scene.rng.uniform(0.7, 1.8), -scene.rng.uniform(0.03, 0.10))


def _bite_ends(patient: Patient) -> tuple[float, float]:
    """How far to the right and to the left teeth of both arches stand, x in mm."""
    reach = []
    for upper in (True, False):
        places = arch_positions(patient, upper)
        stand = [places[t.successor] for t in patient.teeth if t.upper is upper and t.state not in ("germ", "impacted")]
        reach.append((min(stand, default=0.0), max(stand, default=0.0)))
    (right, left), (other_right, other_left) = reach
    return max(right, other_right) - 5, min(left, other_left) + 5


def _draw_bite_block(scene: Scene, patient: Patient) -> None:
    """The plastic block that the front teeth bite into: a plate between their edges on a stem that tapers downwards,
    grey in a patch that is darker than its neighbourhood, since it holds the lips apart."""
    rng, half = scene.rng, patient.jaws.bite_opening / 2
    y = float(occlusal_line(patient.jaws, 0))
    parted = [(-16, y - half - 5), (0, y - half - 6), (16, y - half - 5), (18, y), (13, y + half + 4),
              (-13, y + half + 4)]  # fmt: skip
    scene.add_area("trough", scene.wobble([*parted, (-18, y)], 1.5), 1.5, -rng.uniform(0.0, 0.07))
    wide, clear = rng.uniform(6.5, 9.5), rng.uniform(0.5, 1.3)
    top, low = y - half - rng.uniform(0, 1.5), y + rng.uniform(0.2, 0.6) * half
    plate = [(-wide, top), (-wide / 3, top - 0.4), (wide / 3, top - 0.4), (wide, top), (0.7 * wide, low),
             (-0.7 * wide, low)]  # fmt: skip
    scene.add_area("trough", scene.wobble(plate, 0.3), 0.4, 0.11 * clear)
    foot = y + half + rng.uniform(2, 6)
    stem = [(-0.6 * wide, low - 0.4), (0.6 * wide, low - 0.4), (0.12 * wide, foot), (-0.12 * wide, foot)]
    scene.add_area("trough", scene.wobble(stem, 0.3), 0.5, 0.09 * clear * rng.uniform(0.4, 1.3))
    above = [(-0.9 * wide, top - 4), (0.9 * wide, top - 4), (wide, top - 0.5), (-wide, top - 0.5)]
    scene.add_area("trough", scene.wobble(above, 0.4), 0.6, rng.uniform(0.0, 0.05) * clear)
    scene.add_line("trough", [(-0.7 * wide, low), (0.7 * wide, low)], 0.5, 0.3, 0.05 * clear)


def _draw_throat(scene: Scene, patient: Patient, spine: dict[int, np.ndarray]) -> None:
    """The soft tissue under the jaw ends behind in one clean edge; the airway lies between it and the tissue before the
    spine, whose edge is given as points in mm for each side."""
    rng, airy = scene.rng, patient.soft_tissue["airway"]
    back, foot = rng.normal(103, 5), rng.normal(136, 7)
    dense, open_to = rng.uniform(0.0, 0.09), rng.uniform(0.0, 0.07)
    for side in (-1, 1):
        edge, low = back + rng.normal(0, 2), foot + rng.normal(0, 3)
        behind = np.array([(edge - 12, 62), (edge - 2, 74), (edge + 1, 90), (edge, 106), (edge - 2, low - 16)])
        behind = scene.wobble(behind, 1.2)
        under = [(edge - 9, low - 4), (edge - 26, low + 1), (edge - 52, low + 5), (28, low + 9)]
        body = scene.area(mirrored(np.vstack([[(28, 92), (66, 80)], behind[1:], under]), side), rng.uniform(0.25, 0.9))
        down, across = scene.places(body)
        fades = beyond(56, 26, across) * np.clip((down - 82) / 16, 0, 1)
        fading = Patch(body.top, body.left, body.values * fades, body.step)
        scene.add("behind", fading, dense * rng.uniform(0.7, 1.3))
        before = moved(np.abs(spine[side]), rng.normal(0, 0.5), 0)
        width = np.maximum(before[:, 0] - np.interp(before[:, 1], behind[:, 1], behind[:, 0]), rng.uniform(2, 5))
        front = np.stack([before[:, 0] - np.minimum(width, rng.uniform(8, 18)), before[:, 1]], 1)
        airway = mirrored(np.vstack([front, before[::-1]]), side)
        scene.add_area("behind", airway, rng.uniform(0.3, 1.4), -open_to * rng.uniform(0.7, 1.3))
        over = [(86, 47), (98, 50), (108, 60), (112, 80), (112, 100), (104, 112), (98, 100), (100, 84), (96, 67)]
        over = mirrored(scene.wobble(over, 2.5), side)
        scene.add_area("behind", over, rng.uniform(0.6, 2.4), -0.01 - 0.07 * airy)


def _draw_hyoid(scene: Scene) -> None:
    """The hyoid shows on both sides, thrown outwards, since it lies behind the focal trough."""
    at, clear = scene.rng.normal((86, 124), (8, 6)), scene.rng.uniform(0.3, 1.7)
    for side in (-1, 1):
        _draw_horn(scene, side, at + scene.rng.normal(0, (3.0, 2.0)), clear * scene.rng.uniform(0.6, 1.2))


def _draw_horn(scene: Scene, side: int, at: np.ndarray, clear: float) -> None:
    """Half of the hyoid's body, and the greater horn behind it: two fine borders that run out towards the spine."""
    rng, (x, y) = scene.rng, at
    horn = scene.wobble([(x + 40, y - 15), (x + 26, y - 10), (x + 11, y - 5), (x - 3, y)], 1.5)
    far = [(x + 52, y - 10), (x + 32, y - 8), (x + 13, y - 3), (x, y + 2)]  # the other half, drawn out
    for line, gap in ((horn, 1.6), (far, 1.3)):
        for edge in (-gap, gap):
            thread = mirrored(scene.wobble(moved(line, 0, edge), 0.5), side)
            seen = rng.uniform(0.0, 0.06) * clear
            scene.add_line("behind", thread, (0.2, 0.9, 1.2, 0.8), rng.uniform(0.3, 0.6), seen)
    scene.add_line("behind", mirrored(horn, side), (1.0, 2.6, 3.6, 6.0), rng.uniform(0.4, 0.9), 0.02 * clear)
    for _ in range(3):  # plates of the body, one over the other
        centre = np.array([x - 4, y + 1]) + rng.normal(0, (3.0, 1.6))
        lean = rng.normal(0.25, 0.35)
        turned = [[np.cos(lean), np.sin(lean)], [-np.sin(lean), np.cos(lean)]]
        plate = centre + ring((0, 0), rng.uniform(4, 10), rng.uniform(2, 4)) @ turned
        plate = mirrored(scene.wobble(plate, 1.0), side)
        scene.add_area("behind", plate, rng.uniform(0.4, 1.4), rng.uniform(0.0, 0.05) * clear)
        scene.add_line("behind", plate[: rng.integers(3, 8)], 0.9, 0.4, rng.uniform(0.0, 0.05) * clear)


def _draw_ear(scene: Scene, side: int, earring: bool) -> None:
    """The lobe; a ring in it shows again on the other side: higher up, wider and smeared."""
    rng = scene.rng
    x, y = rng.normal(136, 3), rng.normal(52, 4)
    lobe = [(x, y - 8), (x + 6, y), (x + 4, y + 10), (x - 3, y + 9), (x - 5, y)]
    scene.add_area("behind", mirrored(lobe, side), 1.3, rng.uniform(0.0, 0.08))
    wide, high, thick = rng.uniform(1.2, 6.0), rng.uniform(3.0, 8.5), rng.uniform(0.9, 2.0)
    if earring:
        turn = np.linspace(0.3, 2 * np.pi, 12)
        around = np.stack([x + 2 + wide * np.cos(turn), y + 6 + high * np.sin(turn)], 1)
        scene.add_line("trough", mirrored(around, side), thick, 0.15, METAL)
        far = np.stack([x - 62 + 1.5 * wide * np.cos(turn), y - 28 + 1.2 * high * np.sin(turn)], 1)
        scene.add_line("ghost", mirrored(far, -side), 2 * thick, 1.2, 0.12 * METAL)
