"""The nasal cavity: the conchae as grey bodies, the air about them, the septum between and the spine at its foot."""

from __future__ import annotations

import numpy as np

from .anatomy import Patient
from .rims import Rims
from .scene import Scene, mirrored, ring


def draw_nose(scene: Scene, rims: Rims, patient: Patient) -> None:
    """Draw the nose's inside from the field's upper edge down to the palate."""
    rng, jaws = scene.rng, patient.jaws
    floor, half, bend = jaws.palate_height - 2, 20 * jaws.nasal_width, jaws.septum_deviation
    cavity = [(0, -6), (half * 0.6, -5), (half * 0.7, 10), (half * 0.9, floor - 14), (half * 0.85, floor - 2)]
    cavity = np.vstack([cavity, [(half * 0.2, floor)], mirrored([(half * 0.2, floor), *cavity[:0:-1]], -1)])
    scene.add_area("behind", scene.wobble(cavity, 1.2), rng.uniform(1.2, 3.0), -0.07 * rng.uniform() ** 1.4)
    swollen = rng.uniform(0.0, 1.0)  # how far the conchae fill the nose
    for side in (-1, 1):
        _draw_side(scene, rims, patient, side, np.clip(swollen + rng.normal(0, 0.25), 0, 1))
        _draw_aperture(scene, rims, side, floor, half)
    _draw_bridge(scene, half)
    if rng.uniform() < 0.5:
        _draw_passage(scene, floor)
    top = rng.uniform(-8, 18)  # above it what lies before and behind hides the septum
    septum = [(bend * 0.6, top), (bend, top + 6), (bend * 1.1, (top + floor) / 2), (bend * 0.3, floor), (0, floor + 6)]
    widths = (2.5, *rng.uniform(1.6, 5.0, 3), 3.0)
    scene.add_line("behind", scene.wobble(septum, 0.7), widths, rng.uniform(0.5, 1.4), rng.uniform(0.03, 0.15))
    _draw_spine(scene, floor)


def _draw_side(scene: Scene, rims: Rims, patient: Patient, side: int, swollen: float) -> None:
    """One half: the lower concha, drawn out sideways over the sinus since it lies across the focal trough, ends towards
    the septum in a clean bow with air before it; the middle one hangs above."""
    rng, density = scene.rng, patient.soft_tissue["turbinates"]
    floor, half, bend = patient.jaws.palate_height - 2, 20 * patient.jaws.nasal_width, patient.jaws.septum_deviation
    gap = 2.0 + side * bend * 0.8 + 8 * (1 - swollen)  # from the midline to the concha
    high = floor - rng.uniform(15, 27)
    bow = np.array([(gap + rng.uniform(4, 12), high), (gap + 3, high + 4), (gap + 0.5, high + 9), (gap, floor - 7),
                    (gap + 2, floor - 1)])  # fmt: skip
    bow, far = scene.wobble(bow, 0.9), half * rng.uniform(1.2, 2.4)
    body = np.vstack([bow, [(half * 0.7, floor + 1), (far, floor - 2), (far, high + 5), ((gap + far) / 2, high)]])
    depth, blurred = 0.10 * density * rng.uniform(0.0, 1.0), rng.choice([0.5, 1.0, 2.0])
    rims.add_body("behind", body, (gap, floor - 8), (far, floor - 8), depth, blurred, side)
    # Its bone, rolled up like a scroll, is a bright line within it, and its outline against the air is clean.
    turn = np.linspace(-0.6, 4.2, 7)
    curl = np.array([gap + 6, floor - 8]) + np.stack([-4.5 * np.sin(turn), -6 * np.cos(turn)], 1) * rng.uniform(
        0.6, 1.3
    )
    scroll = rng.uniform(0.0, 0.07) * density * rng.uniform(0.2, 1.2, 7)
    rims.add("behind", scene.wobble(curl, 0.6), rng.uniform(1.5, 4), scroll, rng.choice([0.0, 0.5]), side, 0.4)
    edge = rng.uniform(0.0, 0.09) * density * np.array([0.3, 0.7, 1.0, 1.0, 0.6])
    rims.add("behind", bow, -rng.uniform(2, 7), edge, 0.0, side, 0.2)
    # The air before the concha, which opens upwards into the middle passage and the rest of the nose.
    wide, up = rng.uniform(2.0, 5.0) + 4 * (1 - swollen), high - rng.uniform(-4, 9)
    inner = np.stack([np.maximum(bow[:, 0] - wide, 0.4 + side * bend * 0.8), bow[:, 1]], 1)
    air = np.vstack([[(gap + 5, up), (1.5 + side * bend * 0.6, up + 3)], inner, bow[::-1] - (0, 0.5)])
    rims.add_body("behind", air, (gap, floor - 6), (gap, up - 14), -rng.uniform(0.0, 0.15), max(blurred, 1.0), side)
    # The lower passage's air, between the concha and the nose's floor.
    roof = (half * 0.6, floor - rng.uniform(3, 6))
    low = [(gap - 1, floor - 9), (gap + 3, floor - 5), roof, (half * 0.85, floor - 2), (half * 0.5, floor + 1),
           (1.5 + side * bend * 0.3, floor), (gap - 2.5, floor - 5)]  # fmt: skip
    scene.add_area("behind", mirrored(scene.wobble(low, 0.6), side), 0.8, -0.14 * rng.uniform())
    if rng.uniform() < 0.4:  # over the concha the air of the middle passage, drawn out sideways
        slit = [(gap + 2, high + 2), (gap + 12, high - 2), (half, high - 2), (far, high + 2)]
        thick = rng.uniform(2.0, 6) * np.array([0.4, 1, 0.8, 0.2])
        scene.add_line("behind", mirrored(scene.wobble(slit, 1.0), side), thick, 1.2, -rng.uniform(0.02, 0.12))
    if rng.uniform() < 0.4:
        core = ring((rng.uniform(2.5, 7), rng.uniform(4, max(high, 4))), rng.uniform(2, 4.5), rng.uniform(6, 13))
        scene.add_area(
            "behind", mirrored(scene.wobble(core, 0.8), side), rng.uniform(0.9, 2.0), -rng.uniform(0.0, 0.12)
        )
    middle = [(4, high - 12), (6, high - 18), (half * 0.7, high - 17), (half * 0.8, high - 6), (half * 0.4, high - 2)]
    middle = scene.wobble(middle, 1.2)
    ends = rng.permutation([(half * 0.4, high - 2), (half * 0.5, high - 20)])
    rims.add_body("behind", middle, *ends, 0.14 * density * rng.uniform(0.0, 1.0), blurred, side)


def _draw_aperture(scene: Scene, rims: Rims, side: int, floor: float, half: float) -> None:
    """The rim of the nose's bony opening in front: it swings out from the spine and up the side of the nose."""
    rng = scene.rng
    low = floor + 2 + rng.uniform(0, 6)
    rim = [(2, low - 0.5), (7, low), (half * 0.6, low - 3), (half * 0.82, floor - 5), (half * 0.85, floor - 14),
           (half * 0.75, floor - 24)]  # fmt: skip
    depth = rng.uniform(-0.06, 0.11) * np.array([0.6, 1.0, 1.0, 0.7, 0.4, 0.2])
    if depth[1] > 0:
        rims.add("behind", scene.wobble(rim, 0.7), rng.uniform(2, 5), 0.7 * depth, rng.choice([0.0, 0.5]), side)
        under = np.vstack([rim[:4], [(half * 0.5, floor - 6), (4, floor - 3)]])
        rims.add_body("behind", under, (8, low), (8, floor - 7), -rng.uniform(0.0, 0.6) * depth[1], 0.5, side)


def _draw_passage(scene: Scene, floor: float) -> None:
    """The air over the soft palate and in the middle passages, far behind the focal trough: a dark bow right across."""
    rng = scene.rng
    y, ends, sag = floor - rng.uniform(0, 30), rng.uniform(25, 62, 2), rng.normal(3, 3)
    bow = [(-ends[0], y + sag), (-ends[0] / 2, y + sag / 3), (0, y), (ends[1] / 2, y + sag / 3), (ends[1], y + sag)]
    thick = rng.uniform(2.0, 6.0) * np.array([0.1, *rng.uniform(0.5, 1.3, 3), 0.1])
    scene.add_line("ghost", scene.wobble(bow, 0.8), thick, rng.uniform(0.5, 1.2), -rng.uniform(0.02, 0.09))


def _draw_bridge(scene: Scene, half: float) -> None:
    """The bones of the nose's bridge and the frontal processes beside it."""
    rng = scene.rng
    clear = rng.uniform(0.0, 0.16)
    for side in (-1, 1):
        bridge = [(3, -8), (14, -8), (16, 4), (11, 15), (6, 7)]
        scene.add_area("behind", mirrored(scene.wobble(bridge, 2.0), side), rng.uniform(1.2, 3.0), clear)
        frontal = [(half * 0.7, -6), (half * 1.2, -2), (half * 1.2, 20), (half, 30), (half * 0.8, 16)]
        depth = rng.uniform(-0.04, 0.12)
        scene.add_area("behind", mirrored(scene.wobble(frontal, 2.0), side), rng.uniform(1.2, 3.0), depth)


def _draw_spine(scene: Scene, floor: float) -> None:
    """Where septum and palate meet, seen along its whole length from front to back: often the nose's brightest place;
    before it the anterior nasal spine."""
    rng = scene.rng
    high, low = floor - rng.uniform(2, 10), floor + rng.uniform(4, 9)
    foot = scene.wobble([(0, high), (0, floor - 1), (0.3, floor + 2), (0, low)], 0.5)
    wide = rng.uniform(3, 7.5)
    for share, blurred in ((1.0, 1.6), (0.6, 0.8)):
        widths = share * wide * np.array([0.7, 1.0, 1.1, 0.7])
        scene.add_line("behind", foot, widths, blurred, 0.15 * rng.uniform() ** 1.4)
    if rng.uniform() < 0.5:
        spine = [(-5, floor + 4), (0, floor + 6), (5, floor + 4), (1.5, floor + 9), (0, floor + 14), (-1.5, floor + 9)]
        scene.add_area("behind", scene.wobble(spine, 0.6), rng.uniform(0.5, 1.2), 0.13 * rng.uniform() ** 1.6)
