"""Soft tissue of the face, the air in the mouth, and the ears."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .anatomy import Patient
from .geometry import arch_positions, half_opening, occlusal_line
from .restorations import METAL
from .scene import Scene, mirrored, moved, ring
from .throat import draw_throat
from .vertebrae import draw_spine

NECKLACES = 0.03  # share of patients who keep one on

# What absorbs beside the midline without an edge of its own: outline in mm, how much it varies, its blur in mm, depth.
BESIDE = (
    # The muscles of mastication and the parotid gland; what of them lies over the notch and over the ramus.
    ([(74, 34), (96, 26), (122, 30), (132, 60), (118, 80), (92, 62), (66, 44)], 3.0, 8.0, 0.08),
    ([(72, 40), (84, 32), (98, 38), (102, 52), (96, 64), (80, 62), (72, 52)], 2.5, 5.0, 0.06),
    ([(80, 38), (96, 34), (111, 48), (115, 72), (109, 88), (97, 90), (87, 78), (80, 62)], 2.5, 5.0, 0.05),
    # The neck below the angle; the base of the skull at the field's upper edge.
    ([(94, 112), (126, 98), (160, 104), (160, 152), (104, 148)], 2.5, 6.0, 0.09),
    ([(24, 118), (52, 112), (78, 118), (80, 136), (50, 142), (24, 140)], 2.5, 5.0, 0.025),
    ([(54, -12), (120, -12), (118, 18), (92, 27), (66, 18)], 2.0, 5.0, 0.075),
)


def draw_soft_tissue(scene: Scene, patient: Patient) -> dict[str, np.ndarray]:
    """Draw what is neither jaw, skull nor tooth: the face, the tongue and the air around it, the spine in the neck.

    Returns where a necklace lies, points in pixels for "right" and "left", if there is one.
    """
    _draw_face(scene, patient)
    _draw_mouth(scene, patient)
    draw_throat(scene, patient, draw_spine(scene))
    lobe = _random_lobe(scene.rng)
    for side in (-1, 1):
        _draw_ear(scene, side, lobe, ("right" if side < 0 else "left") in patient.earrings)
    _draw_parotids(scene, patient.soft_tissue["bulk"])
    scene.begin("necklace")
    return _draw_necklace(scene) if scene.rng.uniform() < NECKLACES else {}


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
    for side in (-1, 1):
        for outline, varied, blurred, depth in BESIDE:
            scene.add_area("behind", mirrored(scene.wobble(outline, varied), side), blurred, depth * bulk)
    nose = scene.wobble([(-15, -10), (15, -10), (17, 22), (0, 34), (-17, 22)], 1.5)
    scene.add_area("behind", nose, 5.0, -0.02)
    _draw_pterygoids(scene, bulk)
    down, across = scene.down, scene.across
    scene.behind += 0.17 * np.clip((16 - down) / 16, 0, 1)  # the skull above the field lies aslant in the beam
    scene.behind += 0.03 * np.clip((down - 116) / 20, 0, 1) * np.clip(across / 70, 0.3, 1.1)
    scene.behind += 0.005 * np.clip((across - 86) / 12, 0, 1) * np.clip((down - 88) / 22, 0, 1)


def _draw_parotids(scene: Scene, bulk: float) -> None:
    """What lies behind the ramus: the parotid gland and the muscles from the skull down the neck, a soft pale field."""
    gland = [(100, 74), (112, 66), (122, 84), (118, 108), (106, 116), (97, 96)]
    for side in (-1, 1):
        scene.add_area("behind", mirrored(scene.wobble(gland, 2.5), side), 4.5, 0.036 * bulk)


def _draw_pterygoids(scene: Scene, bulk: float) -> None:
    """The muscles between the plates behind the upper jaw and the ramus: a pale field over the notch's floor, which
    falls aslant from the tuberosity backwards and hides the coronoid."""
    rng = scene.rng
    reach, drop, bow = rng.normal((0, 0, 0), (5.0, 3.5, 2.0))
    edge = [(54, 40), (68, 41), (79, 45 - bow), (89 + reach / 2, 54 - bow), (98 + reach, 65), (104 + reach, 79)]
    field = np.vstack([moved(edge, 0, drop), [(98, 92), (80, 92), (62, 78), (54, 58)]])
    clear, blurred = rng.uniform(0.025, 0.09) * bulk, rng.uniform(0.3, 1.2)
    for side in (-1, 1):
        seen = mirrored(scene.wobble(field, 1.4), side)
        scene.add_area("behind", seen, blurred, clear * rng.uniform(0.6, 1.3))
        scene.add_area("behind", seen, 4.0, 0.01 * bulk)


def _draw_mouth(scene: Scene, patient: Patient) -> None:
    """Air above the tongue where it does not touch the palate, the slit between the biting surfaces, and the block."""
    rng, share = scene.rng, patient.soft_tissue["palatoglossal_air"]
    roof = patient.jaws.palate_height + 5.5
    dorsum = roof + 1 + 11 * share
    if share > 0.12:
        ends = rng.uniform(50, 78, 2)
        for blurred, depth in ((0.8, 0.5), (3.0, 0.5)):
            air = np.array([(-40, roof), (0, roof - 1), (40, roof), (ends[0] - 6, roof + 1), (ends[0], roof + 5),
                            (ends[0] - 7, dorsum + 4), (34, dorsum + 1), (0, dorsum - 1), (-34, dorsum + 1),
                            (7 - ends[1], dorsum + 4), (-ends[1], roof + 5), (6 - ends[1], roof + 1)])  # fmt: skip
            scene.add_area("behind", scene.wobble(air, 1.6), blurred, -depth * (0.01 + 0.09 * share))
    if any(tooth.upper for tooth in patient.teeth) and not all(tooth.upper for tooth in patient.teeth):
        _draw_bite(scene, patient)
    if patient.positioning.bite_block:
        _draw_bite_block(scene, patient)
    front = [(-14, 62), (14, 62), (19, 76), (15, 93), (-15, 93), (-19, 76)]
    scene.add_area("behind", scene.wobble(front, 3.0), 6.0, -0.03 * rng.uniform(0.0, 1.2))


def _draw_bite(scene: Scene, patient: Patient) -> None:
    """The slit between the biting surfaces of two arches, and the gums, thinner than bone, beside the necks; bare
    ridges leave no slit, for lips and tongue close it."""
    jaws, x = patient.jaws, np.linspace(*_bite_ends(patient), 9)
    middle, half = occlusal_line(jaws, x), half_opening(jaws, x) + 0.5
    slit = np.vstack([np.stack([x, middle - half], 1), np.stack([x, middle + half], 1)[::-1]])
    # Mostly air, but lips and cheeks may lie over it.
    scene.add_area("behind", slit, scene.rng.uniform(0.8, 1.8), -scene.rng.uniform(-0.10, 0.02))
    for _ in range(int(scene.rng.integers(0, 4))):  # here and there, that is, over a part of it
        over = scene.rng.uniform(*np.sort(x[[1, -2]]))
        lip = ring((over, float(occlusal_line(jaws, over))), scene.rng.uniform(6, 18), scene.rng.uniform(2, 5))
        scene.add_area("behind", scene.wobble(lip, 1.0), scene.rng.uniform(1.0, 3.0), scene.rng.uniform(0.0, 0.06))
    for end in (x[0] + 5, x[-1] - 5):
        _draw_pocket(scene, end, float(occlusal_line(jaws, end)))
    gums = np.vstack([np.stack([x, middle - half - 4], 1), np.stack([x, middle + half + 5], 1)[::-1]])
    scene.add_area("behind", gums, 2.0, -0.008)
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
    scene.add_area("trough", scene.wobble([*parted, (-18, y)], 1.5), 1.5, -rng.uniform(0.0, 0.04))
    wide, clear = rng.uniform(6.0, 9.5), rng.uniform(0.4, 1.2)
    x, top, low = rng.normal(0, 0.7), y - half - rng.uniform(0, 2.5), y + rng.uniform(0.3, 0.9) * half
    hollow = ring((x, top - 1), wide + rng.uniform(0, 2), rng.uniform(4, 7))  # its groove, before the upper teeth
    scene.add_area("trough", scene.wobble(hollow, 0.5), rng.uniform(0.4, 1.0), -rng.uniform(0.0, 0.04))
    cup = [(-wide, top + 0.5), (0, top - rng.uniform(0, 1)), (wide, top + 0.5), (0.75 * wide, (top + low) / 2),
           (0.3 * wide, low), (-0.3 * wide, low), (-0.75 * wide, (top + low) / 2)]  # fmt: skip
    scene.add_area("trough", moved(scene.wobble(cup, 0.4), x, 0), rng.uniform(0.4, 0.9), 0.11 * clear)
    foot, slim = y + half + rng.uniform(0, 6), rng.uniform(0.25, 0.6) * wide
    stem = [(-slim, low - 1.5), (slim, low - 1.5), (0.3 * slim, foot), (-0.3 * slim, foot)]
    scene.add_area("trough", moved(scene.wobble(stem, 0.3), x, 0), 0.6, 0.09 * clear * rng.uniform(0.2, 1.3))


@dataclass(frozen=True)
class _Lobe:
    """One person's ear lobes: where they end and half their width in mm, how soft and how pale they are."""

    tip: tuple[float, float]
    half: float
    blurred: float
    depth: float


def _random_lobe(rng: np.random.Generator) -> _Lobe:
    tip = tuple(rng.normal((122, 70), (6, 7)))
    return _Lobe(tip, rng.uniform(4, 7.5), rng.uniform(0.4, 1.4), max(0.0, rng.uniform(-0.04, 0.09)))


def _draw_ear(scene: Scene, side: int, lobe: _Lobe, earring: bool) -> None:
    """The lobe hangs down before the mastoid as a pale flap with a round tip; a ring in it shows again on the other
    side: higher up, wider and smeared."""
    rng = scene.rng
    x, y = np.array(lobe.tip) + rng.normal(0, 1.8, 2)
    half = lobe.half
    flap = [(x + 2, y - 46), (x - half + 1, y - 34), (x - half, y - 16), (x - 0.8 * half, y - 4), (x, y),
            (x + 0.8 * half, y - 5), (x + half + 2, y - 20), (x + half + 9, y - 40)]  # fmt: skip
    scene.add_area("behind", mirrored(scene.wobble(flap, 0.9), side), lobe.blurred, lobe.depth)
    fold = [
        (x + 1, y - 40),
        (x - 0.5 * half, y - 18),
        (x + 0.2 * half, y - 7),
        (x + half, y - 16),
        (x + half + 8, y - 38),
    ]
    scene.add_area("behind", mirrored(scene.wobble(fold, 1.5), side), 2 * lobe.blurred, 0.7 * lobe.depth)
    x, y = x, y - 14
    wide, high, thick = rng.uniform(1.2, 6.0), rng.uniform(3.0, 8.5), rng.uniform(0.9, 2.0)
    if earring:
        turn = np.linspace(0.3, 2 * np.pi, 12)
        around = np.stack([x + wide * np.cos(turn), y + 6 + high * np.sin(turn)], 1)
        scene.add_line("trough", mirrored(around, side), thick, 0.15, METAL)
        far = np.stack([x - 62 + 1.5 * wide * np.cos(turn), y - 28 + 1.2 * high * np.sin(turn)], 1)
        scene.add_line("ghost", mirrored(far, -side), 2 * thick, 1.2, 0.12 * METAL)


def _draw_necklace(scene: Scene) -> dict[str, np.ndarray]:
    """A thin chain about the neck: a bright line that comes into the field from below on either side."""
    rng, chains = scene.rng, {}
    inner, high = rng.uniform(46, 84), rng.uniform(126, 142)
    thick, bead = rng.uniform(0.5, 1.0), rng.uniform(0.0, 0.7)
    for side in (-1, 1):
        share = np.linspace(0, 1, 14)
        x = inner + rng.normal(0, 3) + rng.uniform(40, 60) * share
        y = 152 + (high - 152) * share**0.6 + rng.normal(0, 0.8)
        widths = thick * np.where(np.arange(40) % 2, 1, 1 - bead)
        chain = mirrored(np.stack([x, y], 1), side)
        scene.add_line("trough", chain, widths, 0.2, rng.uniform(0.15, 0.45))
        chains["right" if side < 0 else "left"] = scene.frame.to_pixels(chain)
    return chains
