"""The maxillary sinuses between nose, orbit and teeth: dark fields whose walls and floors join each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .anatomy import Patient
from .rims import Rims
from .scene import Scene, mirrored, moved, ring


@dataclass(frozen=True)
class _Sinus:
    """Where one lies, in mm of the patient's left half: its walls to nose and zygoma, the palate and its own floor, the
    orbit's middle and floor, half the orbit's width. `clear`: how distinct its walls are."""

    side: int
    inner: float
    outer: float
    palate: float
    low: float
    eye: float
    orbit: float
    wide: float
    clear: float


def draw_sinuses(scene: Scene, rims: Rims, patient: Patient, walls: dict[int, np.ndarray]) -> None:
    """Draw both sinuses and orbits; a head has them nearly alike on both sides. `walls` of the zygoma: see there."""
    rng, jaws = scene.rng, patient.jaws
    palate = jaws.palate_height
    usual = rng.normal((21.5, palate + 7 + jaws.sinus_depth, 41, palate - 26, 15.5), (2.0, 1.0, 3.0, 3.5, 1.8))
    air, clear = rng.uniform(0.0, 0.12), rng.uniform(0.45, 1.25)
    alike = int(rng.integers(2**32))
    for side in (-1, 1):
        scene.rng = rng
        inner, low, eye, orbit, wide = usual + rng.normal(0, (1.0, 1.6, 1.0, 1.0, 0.7))
        outer, low = 58 + jaws.sinus_width + walls[side][0], max(low, palate + 1.5)
        sinus = _Sinus(side, inner, outer, palate, low, eye, orbit, wide, clear * rng.uniform(0.8, 1.2))
        field = air * rng.uniform(0.3, 1.3)
        scene.rng = np.random.Generator(np.random.PCG64(alike))  # one head's walls have the same bends on both sides
        _draw_field(scene, rims, sinus, field)
        _draw_process(scene, rims, sinus, walls[side])
        _draw_bay(scene, rims, sinus)
        _draw_node(scene, rims, sinus)
        _draw_orbit(scene, rims, sinus)
        _draw_folds(scene, rims, sinus, 7)
        scene.rng = rng
        _draw_folds(scene, rims, sinus, 5)


def _draw_field(scene: Scene, rims: Rims, sinus: _Sinus, air: float) -> None:
    """The air, `air` the depth that it lacks, and its border: the wall to the nose comes down beside the cavity,
    crosses the palate and turns into the floor, which dips between the roots and rises again to the zygoma."""
    rng, side, palate, low = scene.rng, sinus.side, sinus.palate, sinus.low
    inner, outer, clear = sinus.inner, sinus.outer, sinus.clear
    wall = [
        (inner - 3, -8),
        (inner - 1.5, 6),
        (inner + 0.5, palate - 20),
        (inner, palate - 12),
        (inner + 1, palate - 4),
    ]
    half = (palate + low) / 2
    floor = [(inner + 3.5, palate + 1), (inner + 6, half + 2), (inner + 11, low - 0.8), (inner + 16, low),
             (sinus.eye, low + 0.6), (outer - 8, low - 0.5), (outer - 2, half + 1),
             (outer + 1, palate - 1)]  # fmt: skip
    waves = np.outer(np.sin(np.arange(8) + rng.uniform(0, 6)), (0, 0.8))
    wall, floor = scene.wobble(wall, 0.8), scene.wobble(floor, 0.5) + waves
    roof = [(outer - 2, sinus.orbit + 8), (sinus.eye + 6, sinus.orbit + 3), (sinus.eye - 4, sinus.orbit + 2),
            (inner + 7, sinus.orbit - 4)]  # fmt: skip
    body, middle = np.vstack([wall[2:], floor, roof]), (inner + outer) / 2
    ends = rng.permutation([(inner + rng.uniform(-25, 0), low), (outer + rng.uniform(0, 25), sinus.orbit)])
    rims.add_body("behind", body, *ends, -1.0 * air, rng.choice([1.0, 2.0]), side)
    recess = np.vstack([floor, [(outer - 4, palate - 8), (inner + 6, palate - 8)]])
    rims.add_body("behind", recess, (middle, low), (middle, palate - 8), -0.09 * rng.uniform() ** 1.5, 0.5, side)
    wide = rng.uniform(2.0, 8.0) * np.array([1.4, 1.2, 0.9, 0.8, 0.7, 0.5])
    depth = 0.22 * clear * rng.uniform(0.1, 1.0) * rng.uniform(0.4, 1.2, 6)
    rims.add("behind", np.vstack([wall, floor[:1]]), wide, depth, rng.choice([0.0, 0.5]), side, rng.uniform(0.2, 0.7))
    below = np.vstack([wall[-1:], floor])
    widths = np.array([2.5, 2.5, 2.2, 2, 1.8, 1.8, 1.8, 2, 2]) * rng.uniform(0.5, 1.3)
    rims.add("behind", below, widths, 0.22 * clear * rng.uniform(0.2, 1.0) * rng.uniform(0.3, 1.3, 9), 0.0, side, 0.7)
    for _ in range(int(rng.integers(0, 3))):  # walls that stand up from the floor
        foot = np.array([rng.uniform(inner + 10, outer - 6), low + 0.5])
        septum = foot + np.array([(0, 0), (rng.normal(0, 0.6), -3), (rng.normal(0, 1.5), -rng.uniform(4, 9))])
        scene.add_line("behind", mirrored(septum, side), (1.6, 0.9, 0.3), 0.3, rng.uniform(0.02, 0.09) * clear)


def _draw_process(scene: Scene, rims: Rims, sinus: _Sinus, place: np.ndarray) -> None:
    """The sinus's wall to the zygoma: the strongest upright edge of the face, bright behind, with a hooked foot."""
    rng, (_, foot, lean, _) = scene.rng, place
    x = sinus.outer
    wall = [(x - 2 - lean, -8), (x - 1 - lean / 2, 8), (x + 0.5, 24), (x + 1, foot - 10), (x + 0.5, foot - 3),
            (x - 1.2, foot + 1), (x - 3.5, foot + 2.5)]  # fmt: skip
    strength = 0.15 * sinus.clear * rng.uniform(0.3, 1.0) * np.array([0.5, 0.7, 0.9, 1.0, 1.1, 1.1, 0.8])
    wide = rng.uniform(2.0, 6.0) * np.array([1.4, 1.2, 1.0, 0.8, 0.7, 0.6, 0.4])
    strength *= rng.uniform(0.5, 1.3, 7)
    bow = np.outer((0.0, 0.8, 1.0, 0.6, 0.2, 0.0, 0.0), (rng.normal(0, 2.0), 0))  # bent outwards or inwards as a whole
    wall = scene.wobble(wall, 0.5) + bow
    rims.add("behind", wall, -wide, strength, rng.choice([0.0, 0.5]), sinus.side, rng.uniform(0.3, 0.8))
    for _ in range(int(rng.integers(0, 4))):  # the walls behind it, of fossa and pterygoid process, run beside it
        away, count = np.linspace(rng.uniform(2, 13), rng.uniform(0, 5), 6), int(rng.integers(4, 7))
        beside = scene.wobble(wall[:6] + np.outer(away, (1, 0)), 0.8)[:count]
        fine = 0.11 * sinus.clear * rng.uniform(0.2, 1.0) * rng.uniform(0.3, 1.2, count)
        out = rng.uniform(1.2, 5.0) * rng.choice([-1, 1])
        rims.add("behind", beside, out, fine, 0.0, sinus.side, rng.uniform(0.3, 0.9))
    for wide, blurred, most in ((rng.uniform(2, 5), 0.8, 0.08), (rng.uniform(7, 13), 2.5, 0.14)):
        knob = scene.wobble(ring((x + 0.4 * wide - 1, foot - 0.1 * wide), wide, 0.6 * wide), 0.1 * wide)
        scene.add_area("behind", mirrored(knob, sinus.side), blurred, rng.uniform(0.0, most) * sinus.clear)


def _draw_bay(scene: Scene, rims: Rims, sinus: _Sinus) -> None:
    """The bay of the sinus before the zygoma's process: its dark field ends in a bow above and towards the nose."""
    rng, side, outer = scene.rng, sinus.side, sinus.outer
    depth = 0.12 * sinus.clear * rng.uniform(-0.5, 1.0)
    if depth < 0:
        return
    parting, top = min(rng.normal(sinus.eye - 3, 3), outer - 16), sinus.orbit + rng.uniform(2, 8)
    low = rng.uniform(0.5, 1.0) * (sinus.palate - top) + top
    bay = [(outer - 1, sinus.palate - 2), (outer - 1, top + 9), (outer - 3.5, top + 2), (outer - 9, top + 1),
           (parting + 3, top + 5), (parting + 0.5, top + 11), (parting, low)]  # fmt: skip
    bay = scene.wobble(bay, 0.9)
    rims.add_body("behind", bay, bay[2], (parting, sinus.palate), -0.6 * depth, 1.0, side)
    strength = depth * np.array([0.1, 0.5, 1.0, 1.0, 1.0, 0.7, 0.2]) * rng.uniform(0.3, 1.2, 7)
    rims.add("behind", bay, -rng.uniform(3, 8), strength, rng.choice([0.0, 0.5]), side, 0.3)


def _draw_node(scene: Scene, rims: Rims, sinus: _Sinus) -> None:
    """Below the orbit towards the nose several walls meet, and part from there like the branches of a Y."""
    rng = scene.rng
    node = np.array([rng.normal(sinus.inner + 10, 2), sinus.orbit - rng.uniform(0, 5)])
    for end in ((sinus.eye + rng.normal(-3, 3), sinus.orbit + rng.uniform(12, 22)),
                (sinus.inner + 1, sinus.orbit + rng.uniform(8, 20)),
                (sinus.inner + 1, sinus.orbit - rng.uniform(6, 14))):  # fmt: skip
        middle = (node + end) / 2 + rng.normal(0, 2.0, 2)
        wide = rng.uniform(3, 8) * rng.choice([-1, 1])
        depth = 0.18 * sinus.clear * rng.uniform(0.0, 1.0) * np.array([1.0, 0.8, 0.4])
        rims.add("behind", [node, middle, end], wide, depth, rng.choice([0.0, 0.5]), sinus.side, 0.3)
    knot = scene.wobble(moved([(-4, -7), (-1, 3), (6, 1), (3, -6)], *node), 1.2)
    scene.add_area("behind", mirrored(knot, sinus.side), rng.uniform(0.8, 2.5), rng.uniform(0.0, 0.07) * sinus.clear)


def _draw_orbit(scene: Scene, rims: Rims, sinus: _Sinus) -> None:
    """The orbit's round hollow, cut off by the field's upper edge: its floor and its lower rim are two bows, crisp
    above, that part from each other towards the nose."""
    rng, x, wide, low = scene.rng, sinus.eye, sinus.wide, sinus.orbit
    high = rng.uniform(13, 20)
    hollow = scene.wobble(ring((low - high, x), high, wide, 12)[:, ::-1], 0.8)
    top = (x + rng.normal(0, 8), low - 2 * high)
    rims.add_body(
        "behind", hollow, (x, low), top, -0.16 * rng.uniform() ** 1.3, rng.choice([0.5, 1.0, 2.0]), sinus.side
    )
    for down, grown, share in ((0.0, 1.0, 1.0), (rng.uniform(-9, 6), rng.uniform(0.7, 1.25), 0.7)):
        bow = np.linspace(*rng.normal((1.35, -1.1), 0.3), 8)  # from the temple to the nose
        rim = np.stack([x + grown * wide * np.sin(bow), low + down - high + grown * high * np.cos(bow)], 1)
        strength = share * 0.24 * sinus.clear * rng.uniform(0.1, 1.0) * rng.uniform(0.3, 1.3, 8)
        rim, blurred = scene.wobble(rim, 0.8), rng.choice([0.0, 0.5])
        rims.add("behind", rim, -rng.uniform(1.2, 4.5), strength, blurred, sinus.side, rng.uniform(0.2, 0.8))


def _draw_folds(scene: Scene, rims: Rims, sinus: _Sinus, count: int) -> None:
    """The many faint edges over all that: walls of the cells beside the nose, folds of the sinus's lining, the far
    side's; some run down like the walls, the others hang between them like the orbit's floor."""
    rng, share = scene.rng, np.linspace(-1, 1, 5)
    for upright in rng.uniform(size=count) < 0.4:
        x, y, half = rng.uniform(12, sinus.outer), rng.uniform(-2, sinus.palate - 4), rng.uniform(5, 16)
        bow = rng.normal(0, 0.25) * half * (1 - share**2)
        lean = rng.normal(0, 0.3) * half * share
        fold = np.stack([x + bow + lean, y + half * share], 1)
        if not upright:
            fold = np.stack([x + half * share, y + lean + abs(bow)], 1)
        wide = rng.uniform(1.2, 7)
        depth = rng.uniform(0.015, 0.075) * rng.uniform(0.3, 1.2, 5)
        blurred, peak = rng.choice([0.0, 0.5]), rng.uniform(0, 0.6) * min(1.0, (1.6 / wide) ** 2)  # the wide are folds
        fold = scene.wobble(fold, 0.7)
        rims.add("behind", fold, wide * rng.choice([-1, 1]), depth, blurred, sinus.side, peak)
