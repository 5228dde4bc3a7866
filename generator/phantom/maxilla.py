"""The mid-face: upper jaw, sinuses, nose, palate, zygoma, orbits."""

from __future__ import annotations

import numpy as np

from .anatomy import Patient
from .mandible import alveolar_crest, crest_edge
from .raster import Patch
from .scene import Scene, mirrored, moved, ring
from .skull import draw_skull_base, draw_web


def draw_maxilla(scene: Scene, patient: Patient, condyles: dict[int, np.ndarray]) -> None:
    """Draw everything above the mouth; each side's joint lies over the condyle's highest point, in mm."""
    _draw_alveolar_process(scene, patient)
    _draw_fossae(scene)
    _draw_nose(scene, patient)
    _draw_floors(scene)
    walls = scene.rng.normal((0, 47, 2, 10), (2.0, 3.0, 5.0, 2.5))  # a head has its walls alike on both sides
    air = scene.rng.uniform(0.0, 0.10)
    orbit = scene.rng.normal((45, 21, 17, 17), (3.5, 5.5, 2.0, 2.0))
    for side in (-1, 1):
        _draw_sinus(scene, patient, side, air * scene.rng.uniform(0.6, 1.3))
        _draw_zygoma(scene, patient, side, walls + scene.rng.normal(0, (1.5, 1.2, 1.5, 1.0)))
        _draw_orbit(scene, side, orbit + scene.rng.normal(0, (1.0, 1.0, 0.7, 0.7)))
    draw_skull_base(scene, condyles)
    _draw_palate(scene, patient)
    draw_web(scene)


def _draw_alveolar_process(scene: Scene, patient: Patient) -> None:
    crest = alveolar_crest(patient, upper=True)
    top = patient.jaws.palate_height - 2
    back = crest[-1, 0]  # behind the last tooth, or where it would stand, the process ends in the tuberosity
    tuber = [(back + 5, crest[-1, 1] - 2), (back + 6, 59), (back + 2, 50), (62, top)]
    roof = [(40, top - 2), (15, top - 3), (-15, top - 3), (-40, top - 2)]
    whole = np.vstack([crest, tuber, roof, mirrored(tuber[::-1], -1)])
    body = scene.area(whole, 0.5).fine(scene.shape)
    # Above the roots the process gives way to the sinus and the nose, and the tuberosity runs out thin.
    rows, columns = scene.down[body.window[0]], scene.across[:, body.window[1]]
    solid = np.clip((rows - top - 8) / 16, 0.05, 1) * np.clip((back + 8 - columns) / 16, 0.2, 1)
    marrow = body.values * np.clip((rows - top + 4) / 9, 0, 1)
    Patch(body.top, body.left, marrow).add_to(scene.marrow["maxilla"])
    body = Patch(body.top, body.left, body.values * solid * crest_edge(scene, crest, upper=True)[body.window])
    scene.add("trough", body, 0.16 * patient.jaws.bone_density)
    for side in (-1, 1):  # the foot of the zygoma lies over the upper molars
        foot = [(34, 56), (48, 46), (64, 46), (72, 58), (64, 72), (44, 74)]
        scene.add_area("behind", mirrored(scene.wobble(foot, 2.5), side), 5.0, 0.09 * patient.soft_tissue["zygoma"])
    face = [(0, 8), (45, 5), (72, 12), (76, 45), (50, 55), (0, 50), (-50, 55), (-76, 45), (-72, 12), (-45, 5)]
    scene.add_area("behind", face, 6.0, 0.13)


def _draw_fossae(scene: Scene) -> None:
    """The infratemporal fossae, which the beam crosses between condyle and coronoid with little in its way."""
    depth = scene.rng.uniform(0.02, 0.09)
    for side in (-1, 1):
        hollow = [(76, 34), (86, 28), (98, 28), (106, 34), (107, 44), (101, 53), (89, 51), (79, 45)]
        hollow = mirrored(scene.wobble(hollow, 1.5), side)
        scene.add_area("behind", hollow, scene.rng.uniform(0.4, 1.6), -depth * scene.rng.uniform(0.7, 1.3))


def _draw_sinus(scene: Scene, patient: Patient, side: int, air: float) -> None:
    """A sinus: `air` is how much depth it lacks at most, along its floor; above, the face in front fills it again."""
    jaws = patient.jaws
    deep, wide = jaws.sinus_depth, jaws.sinus_width
    low = jaws.palate_height + 5.5 + deep + scene.rng.normal(0, 1.6)
    walls = [(23, 18), (21, 34), (22 - wide / 2, low - 6), (29, low - 0.5), (41, low), (51 + wide / 2, low - 2),
             (58 + wide, low - 10), (59 + wide, 32), (56, 17), (40, 10)]  # fmt: skip
    walls = mirrored(scene.wobble(walls, 1.0), side)
    body = scene.area(walls, scene.rng.uniform(0.6, 2.0))
    down, across = scene.places(body)
    held = np.clip((down - 8) / 26, 0.25, 1) * np.clip((across - 16) / 24, 0.2, 1)
    scene.add("trough", Patch(body.top, body.left, body.values * held, body.step), -air)
    floor = walls[1:9]
    widths = np.array((0.1, 0.5, 0.8, 0.9, 0.9, 0.9, 1.1, 0.4))
    scene.add_line("trough", floor, widths * scene.rng.uniform(0.0, 1.9, 8), 0.5, scene.rng.uniform(0.0, 0.10))
    if scene.rng.uniform() < 0.7:
        base = walls[4] + scene.rng.normal(0, 3, 2) * [1, 0]
        septum = base + np.array([(0, 0), (1.5, -5), (1.0, -11)]) * (side, 1)
        scene.add_line("trough", septum, (0.9, 0.6, 0.3), 0.3, 0.06)


def _draw_floors(scene: Scene) -> None:
    """Floors and roofs of orbit and sinus, which hang between the upright walls, nearly alike on both sides."""
    rng = scene.rng
    for low in rng.uniform(4, 32, 6):
        inner, outer = rng.normal((24, 60), 5)
        ends = low - rng.uniform(3, 14, 2)
        arc = [(inner, ends[0]), (0.8 * inner + 0.2 * outer, low - 1.5), ((inner + outer) / 2, low),
               (0.2 * inner + 0.8 * outer, low - 1.5), (outer, ends[1])]  # fmt: skip
        widths, depth = rng.uniform(0.6, 2.4, 5), rng.uniform(0.01, 0.065)
        for side in (-1, 1):
            line = mirrored(scene.wobble(arc, 1.2), side)
            scene.add_line("trough", line, widths, rng.uniform(0.3, 0.9), depth * rng.uniform(0.5, 1.3))


def _draw_zygoma(scene: Scene, patient: Patient, side: int, walls: np.ndarray) -> None:
    """The zygomatic process as the bright J behind the sinus, the bone's body and its arch running back.

    `walls`: mm that its front wall lies aside, how low it ends, how far it leans, and mm to the wall behind it.
    """
    rng = scene.rng
    aside, foot, lean, wide = walls
    x = 58 + patient.jaws.sinus_width + aside
    clear = patient.soft_tissue["zygoma"] * rng.uniform(0.6, 1.3)
    front = [(x - 2 - lean, -8), (x - 1 - lean / 2, 8), (x + 0.5, 24), (x + 1.5, foot - 8), (x + 0.5, foot - 2),
             (x - 2, foot + 3)]  # fmt: skip
    back = [(x + wide + lean, -8), (x + wide - 1 + lean / 2, 12), (x + wide + 1.0, 28), (x + wide, foot - 4),
            (x + wide - 2.5, foot + 6)]  # fmt: skip
    for wall, glow in ((front, -1), (back, 1)):
        wall = mirrored(scene.wobble(wall, 0.8), side)
        seen = clear * rng.uniform(0.3, 1.2)
        widths = rng.uniform(0.4, 1.2, len(wall)) * np.linspace(1.0, 0.2, len(wall)) ** 0.5
        scene.add_line("trough", wall, widths, rng.uniform(0.15, 0.4), 0.13 * seen)
        scene.add_line("trough", moved(wall, glow * side * 1.2, 0), (3, 3.5, 3.5, 2.5, 0.5), 1.4, 0.03 * seen)
    body = [(x - 1, 24), (x + 11, 22), (x + 12, foot - 8), (x + 7, foot - 1), (x + 1, foot - 6)]
    scene.add_area("behind", mirrored(body, side), 1.6, 0.06 * clear)
    buttress = [(x + 1, foot + 3), (x + 4, foot - 12), (x + 14, 26), (x + 25, 24), (x + 22, 32), (x + 13, foot - 6),
                (x + 8, foot + 6)]  # fmt: skip
    buttress = mirrored(scene.wobble(buttress, 1.6), side)
    scene.add_area("behind", buttress, rng.uniform(0.4, 1.6), 0.05 * clear * rng.uniform(0.2, 1.6))
    arch = [(x + 6, 38), (x + 14, 29), (x + 23, 25), (x + 33, 27), (x + 42, 30)]
    arch = mirrored(scene.wobble(arch, 1.0), side)
    scene.add_line("behind", arch, (9, 7, 6, 6.5, 8), 1.0, rng.uniform(0.03, 0.10))
    for edge in (-2.8, 2.8):
        scene.add_line("behind", moved(arch, 0, edge), (0.4, 1.0, 1.2, 1.0, 0.4), 0.4, rng.uniform(0.02, 0.11))


def _draw_orbit(scene: Scene, side: int, at: np.ndarray) -> None:
    """The orbit's round hollow, cut off by the field's upper edge, with the bright bow of its floor, and a second bow
    where the floor meets the sinus. `at`: the lowest point in mm, and half the orbit's width and height."""
    rng, (x, low, wide, high) = scene.rng, at
    hollow = scene.wobble(ring((low - high, x), high, wide, 12)[:, ::-1], 1.0)
    scene.add_area("behind", mirrored(hollow, side), rng.uniform(0.4, 1.4), -rng.uniform(0.0, 0.10))
    for down, grown in ((0.0, 1.0), (rng.uniform(2, 9), rng.uniform(0.9, 1.4))):
        bow = np.linspace(*rng.normal((-1.4, 1.4), 0.35), 8)
        rim = np.stack([x + grown * wide * np.sin(bow), low + down - high + grown * high * np.cos(bow)], 1)
        rim = mirrored(scene.wobble(rim, 1.3), side)
        widths = rng.uniform(0.3, 1.0) * rng.uniform(0.2, 1.8, 8)
        scene.add_line("trough", rim, widths, rng.uniform(0.15, 0.4), rng.uniform(0.02, 0.10))


def _draw_nose(scene: Scene, patient: Patient) -> None:
    """The nasal cavity: air beside the septum and under the conchae, the conchae themselves as soft grey bodies."""
    jaws, rng = patient.jaws, scene.rng
    floor, half = jaws.palate_height - 3, 20 * jaws.nasal_width
    bend = jaws.septum_deviation
    cavity = [(0, -4), (half * 0.7, -3), (half * 0.8, 12), (half, floor - 12), (half * 0.85, floor - 3)]
    cavity = np.vstack([cavity, [(half * 0.2, floor)], mirrored([(half * 0.2, floor), *cavity[:0:-1]], -1)])
    scene.add_area("behind", scene.wobble(cavity, 1.2), 2.0, -rng.uniform(0.03, 0.12))
    for side in (-1, 1):
        open_to = rng.uniform(0.0, 1.0) ** 1.5
        high = rng.uniform(-10, 10)
        meatus = [(1.5, high), (4 + 7 * open_to, high + 2), (3 + 6 * open_to, (high + floor) / 2 - 4), (4, floor - 8),
                  (half * 0.7, floor - 3), (half * 0.6, floor - 1), (1.5, floor - 2), (1.0, 20)]  # fmt: skip
        meatus = mirrored(scene.wobble(meatus, 1.6), side)
        scene.add_area("behind", moved(meatus, bend * 0.7, 0), rng.uniform(0.6, 1.8), -0.10 - 0.10 * open_to)
        x, y = side * rng.uniform(2.5, 7) + bend, rng.uniform(4, 28)
        core = ring((x, y), rng.uniform(2, 4.5), rng.uniform(7, 16))
        clear = 0.24 * max(0.0, rng.uniform(-0.5, 1.0))
        scene.add_area("behind", scene.wobble(core, 0.6), rng.uniform(0.9, 2.6), -clear)
        _draw_conchae(scene, patient, side, half, floor)
        frontal = [(half * 0.8, -5), (half * 1.3, 2), (half * 1.25, 20), (half * 1.1, floor - 8), (half * 0.85, 16)]
        scene.add_area("behind", mirrored(scene.wobble(frontal, 2.5), side), 3.0, rng.uniform(-0.05, 0.06))
        wall = [(half * 0.8, -2), (half * 0.95, 12), (half * 1.05, floor - 9), (half * 1.05, floor - 1)]
        wall = mirrored(scene.wobble(wall, 1.8), side)
        wide = rng.uniform(0.7, 2.2)
        widths = wide * np.array((0.7, 1.3, 1.6, 1.0))
        scene.add_line("behind", wall, widths, 0.35 * wide, rng.uniform(0.04, 0.15) / wide)
    for side in (-1, 1):  # the bones of the nose's bridge
        bridge = [(5, -8), (13, -8), (15, 6), (10, 18), (6, 8)]
        bridge = mirrored(scene.wobble(bridge, 2.0), side)
        scene.add_area("behind", bridge, rng.uniform(2.0, 4.0), rng.uniform(0.0, 0.10))
    top = rng.uniform(-2, 26)  # above it what lies before and behind hides the septum
    septum = [(bend * 0.6, top), (bend, top + 6), (bend * 1.1, (top + floor) / 2), (bend * 0.3, floor), (0, floor + 8)]
    widths = (0.3, *rng.uniform(1.2, 3.4, 3), 1.6)
    scene.add_line("behind", scene.wobble(septum, 0.5), widths, rng.uniform(0.4, 1.2), rng.uniform(0.04, 0.18))
    spine = scene.wobble([(0, floor - 9), (0, floor - 3), (0.5, floor + 3), (0, floor + 11)], 0.6)
    scene.add_line("behind", spine, (1.5, *rng.uniform(3, 7, 2), 1.5), rng.uniform(0.7, 1.8), rng.uniform(0.03, 0.14))


def _draw_conchae(scene: Scene, patient: Patient, side: int, half: float, floor: float) -> None:
    """The lower concha is drawn out sideways over the sinus, since it lies across the focal trough."""
    rng, density = scene.rng, patient.soft_tissue["turbinates"]
    high, far = rng.normal(0, 2), rng.uniform(1.4, 2.7)
    lower = [(half * 0.3, floor - 8), (half * 0.45, floor - 16 + high), (half * 0.9, floor - 18 + high),
             (half * far, floor - 11 + high), (half * (far - 0.4), floor - 4), (half * 0.6, floor - 3)]  # fmt: skip
    middle = [(half * 0.2, 8), (half * 0.35, 3), (half * 0.62, 8), (half * 0.66, 17), (half * 0.4, 21)]
    for concha, strength in ((lower, 0.09), (middle, 0.09)):
        body = mirrored(scene.wobble(concha, 1.0), side)
        scene.add_area("behind", body, rng.uniform(0.7, 2.0), strength * density * rng.uniform(0.2, 0.8))


def _draw_palate(scene: Scene, patient: Patient) -> None:
    """The hard palate: the bright line of its near half and the bow of its far half above it, which meet at the sides
    and enclose a pale lens; the nasal spine stands in its middle."""
    rng, y = scene.rng, patient.jaws.palate_height
    arch, tilt, high = rng.normal(0.4, 1.8), rng.normal(0, 0.8), rng.uniform(2.0, 10.0)
    share = np.array([-1, -0.63, -0.3, 0, 0.3, 0.63, 1])
    x = share * rng.uniform(52, 68)
    near = np.stack([x, y + arch * share**2 + tilt * share], 1)
    far = np.stack([x, near[:, 1] - high * (1 - share**2) ** rng.uniform(0.7, 1.4)], 1)
    near, far = scene.wobble(near, 0.6), scene.wobble(far, 0.8)
    lens = np.vstack([far, near[::-1]])
    scene.add_area("behind", lens, rng.uniform(0.6, 1.6), rng.uniform(0.0, 0.14))
    for line, most in ((near, 0.30), (far, 0.24)):
        widths = rng.uniform(0.8, 2.2) * rng.uniform(0.5, 1.6, 7) * np.array([0.5, 1.4, 2.0, 2.2, 2.0, 1.4, 0.5])
        scene.add_line("behind", line, 1.4 * widths, rng.uniform(0.5, 1.6), rng.uniform(0.25, 0.8) * most)
    for side in (-1, 1):
        for inner, outer, rise in zip(*rng.uniform((-4, 44, -0.4), (24, 66, 1.2), (2, 3)).T, strict=True):
            sag, end = rng.normal(0, 1.2), high * rise
            ray = [(inner, y - 0.7 * end), ((inner + outer) / 2, y - end + sag), (outer, y - 0.4 * end + arch + tilt)]
            ray, widths = mirrored(ray, side), (0.1, *rng.uniform(0.3, 2.2, 3), 0.1)
            scene.add_line("behind", ray, widths, rng.uniform(0.3, 0.9), rng.uniform(0.02, 0.08))
    scene.add_line("behind", moved(near, 0, -1.0), np.array([4, 8, 10, 9, 10, 8, 4]), 2.5, 0.03)
    scene.add_line("ghost", moved(0.9 * far, 0, 0.1 * y - rng.uniform(1, 6)), (0.3, 1.6, 3, 3.6, 3, 1.6, 0.3), 0.6,
                   rng.uniform(0.03, 0.10))  # fmt: skip
