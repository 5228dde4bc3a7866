"""The mid-face and skull base: upper jaw, sinuses, nose, palate, zygoma, orbits, temporal bone."""

from __future__ import annotations

import numpy as np

from .anatomy import Patient
from .mandible import alveolar_crest, crest_edge
from .raster import Patch, band_noise, ridges
from .scene import Scene, mirrored, moved


def draw_maxilla(scene: Scene, patient: Patient) -> None:
    """Draw everything above the mouth."""
    _draw_alveolar_process(scene, patient)
    _draw_nose(scene, patient)
    for side in (-1, 1):
        _draw_sinus(scene, patient, side)
        _draw_zygoma(scene, patient, side)
        _draw_orbit(scene, side)
        _draw_skull_base(scene, side)
    _draw_palate(scene, patient)
    _draw_air_cells(scene)


def _draw_alveolar_process(scene: Scene, patient: Patient) -> None:
    crest = alveolar_crest(patient, upper=True)
    top = patient.jaws.palate_height - 2
    tuber = [(68, crest[-1, 1] - 2), (70.5, 58), (69, 50), (62, top)]
    roof = [(40, top - 2), (15, top - 3), (-15, top - 3), (-40, top - 2)]
    whole = np.vstack([crest, tuber, roof, mirrored(tuber[::-1], -1)])
    body = scene.area(whole, 0.5)
    body.add_to(scene.marrow["maxilla"])
    # Above the roots the process gives way to the sinus and the nose, and the tuberosity runs out thin.
    rows, columns = scene.down[body.window[0]], scene.across[:, body.window[1]]
    solid = np.clip((rows - top) / 12, 0.25, 1) * np.clip((76 - columns) / 14, 0.2, 1)
    body = Patch(body.top, body.left, body.values * solid * crest_edge(scene, crest, upper=True)[body.window])
    scene.add("trough", body, 0.19 * patient.jaws.bone_density)
    face = [(0, 8), (45, 5), (72, 12), (76, 45), (50, 55), (0, 50), (-50, 55), (-76, 45), (-72, 12), (-45, 5)]
    scene.add("behind", scene.area(face, 6.0), 0.15)


def _draw_sinus(scene: Scene, patient: Patient, side: int) -> None:
    jaws = patient.jaws
    deep, wide = jaws.sinus_depth, jaws.sinus_width
    low = jaws.palate_height + 7 + deep + scene.rng.normal(0, 1.2)
    walls = [(21, 18), (19, 34), (21 - wide / 2, low - 6), (29, low - 0.5), (41, low), (51 + wide / 2, low - 2),
             (58 + wide, low - 10), (59 + wide, 32), (56, 17), (40, 10)]  # fmt: skip
    walls = mirrored(scene.wobble(walls, 1.0), side)
    scene.add("trough", scene.area(walls, 1.6), scene.rng.uniform(-0.11, -0.03))
    floor = walls[2:8]
    scene.add("trough", scene.line(floor, (0.1, 0.6, 0.8, 0.8, 0.6, 0.1), 0.25), 0.11)
    if scene.rng.uniform() < 0.5:
        base = walls[4] + scene.rng.normal(0, 3, 2) * [1, 0]
        septum = base + np.array([(0, 0), (1.5, -5), (1.0, -11)]) * (side, 1)
        scene.add("trough", scene.line(septum, (0.9, 0.6, 0.3), 0.3), 0.06)


def _draw_zygoma(scene: Scene, patient: Patient, side: int) -> None:
    """The zygomatic process as the bright J behind the sinus, the bone's body and its arch running back."""
    rng = scene.rng
    x = 58 + patient.jaws.sinus_width + rng.normal(0, 2.5)
    foot, lean, wide = 47 + rng.normal(0, 3), rng.normal(2, 5), rng.uniform(6, 14)
    clear = patient.soft_tissue["zygoma"] * rng.uniform(0.6, 1.3)
    front = [(x - 2 - lean, 4), (x - lean / 2, 16), (x + 1.2, 30), (x + 2.5, foot - 6), (x + 0.6 * wide, foot)]
    back = [(x + wide + lean, 3), (x + wide + lean / 2, 18), (x + wide, 32), (x + wide, foot - 4),
            (x + 0.7 * wide, foot + 1)]  # fmt: skip
    for wall, glow in ((front, -1), (back, 1)):
        wall = mirrored(scene.wobble(wall, 1.2), side)
        scene.add("trough", scene.line(wall, (0.3, 0.7, 1.1, 1.2, 0.3), 0.5), 0.13 * clear)
        scene.add("trough", scene.line(moved(wall, glow * side * 1.2, 0), (3, 3.5, 3.5, 2.5, 0.5), 1.4), 0.06 * clear)
    body = [(x - 1, 24), (x + 11, 22), (x + 12, foot - 8), (x + 7, foot - 1), (x + 1, foot - 6)]
    scene.add("behind", scene.area(mirrored(body, side), 3.0), 0.06 * clear)
    arch = [(x + 6, 38), (x + 14, 29), (x + 23, 25), (x + 33, 27), (x + 42, 30)]
    arch = mirrored(scene.wobble(arch, 1.0), side)
    scene.add("behind", scene.line(arch, (9, 7, 6, 6.5, 8), 1.4), 0.09)
    for edge in (-2.8, 2.8):
        scene.add("behind", scene.line(moved(arch, 0, edge), (0.4, 1.0, 1.2, 1.0, 0.4), 0.5), 0.08)


def _draw_orbit(scene: Scene, side: int) -> None:
    """Orbital floor and rim and the ethmoid walls between them and the nose, thin and crossing."""
    rng = scene.rng
    low = 14 + rng.normal(0, 4)
    rim = [(14, low - 16), (20, low - 4), (32, low), (46, low - 3), (54, low - 13)]
    scene.add("behind", scene.line(mirrored(scene.wobble(rim, 2.0), side), (0.8, 1.4, 1.8, 1.6, 1.0), 0.5), 0.11)
    scene.add("behind", scene.area(mirrored([(20, -4), (24, 8), (34, 12), (45, 9), (50, -4)], side), 2.5), -0.12)
    threads = []
    for _ in range(int(rng.integers(7, 18))):
        start = np.array([rng.uniform(10, 76), rng.uniform(-2, 36)])
        heading, length = rng.uniform(-0.6, 2.2), rng.uniform(10, 26)
        steps = np.linspace(0, 1, 4)[:, None] * length * np.array([[np.cos(heading), np.sin(heading)]])
        thread = mirrored(scene.wobble(start + steps, 1.8), side)
        threads.append((thread, rng.uniform(0.5, 1.4), rng.uniform(0.04, 0.12)))
    scene.add_threads("behind", threads, rng.uniform(0.2, 0.6))


def _draw_nose(scene: Scene, patient: Patient) -> None:
    """The nasal cavity: air beside the septum and under the conchae, the conchae themselves as soft grey bodies."""
    jaws, rng = patient.jaws, scene.rng
    floor, half = jaws.palate_height - 3, 21 * jaws.nasal_width
    bend = jaws.septum_deviation
    cavity = [(0, -4), (half * 0.45, -3), (half * 0.8, 12), (half, floor - 12), (half * 0.85, floor - 3)]
    cavity = np.vstack([cavity, [(half * 0.2, floor)], mirrored([(half * 0.2, floor), *cavity[:0:-1]], -1)])
    scene.add("behind", scene.area(scene.wobble(cavity, 1.2), 2.5), -0.16)
    for side in (-1, 1):
        open_to = rng.uniform(0.15, 1.0)
        meatus = [(1.5, -4), (4 + 4 * open_to, 0), (3 + 3 * open_to, 14), (4, floor - 8), (half * 0.7, floor - 3),
                  (half * 0.6, floor - 1), (1.5, floor - 2), (1.0, 14)]  # fmt: skip
        meatus = mirrored(scene.wobble(meatus, 1.0), side)
        scene.add("behind", scene.area(moved(meatus, bend * 0.7, 0), 1.2), -0.14 - 0.10 * open_to)
        _draw_conchae(scene, patient, side, half, floor)
        frontal = [(half * 0.9, -5), (half * 1.5, 2), (half * 1.45, 24), (half * 1.2, floor), (half * 0.9, floor - 8)]
        scene.add("behind", scene.area(mirrored(scene.wobble(frontal, 2.5), side), 2.5), rng.uniform(0.05, 0.17))
        wall = [(half * 0.75, 0), (half * 0.98, 14), (half * 1.08, floor - 9), (half * 0.85, floor - 1)]
        scene.add("behind", scene.line(mirrored(scene.wobble(wall, 1.0), side), (0.5, 1.3, 1.5, 0.8), 0.4), 0.13)
    septum = [(bend * 0.2, -2), (bend, 12), (bend * 1.1, 24), (bend * 0.3, floor), (0, floor + 8)]
    scene.add("behind", scene.line(scene.wobble(septum, 0.3), (1.6, 2.0, 1.8, 1.8, 1.4), 0.5), 0.17)
    scene.add("behind", scene.line([(0, floor + 2), (0.6, floor + 8), (0, floor + 14)], (5, 3, 1.5), 0.9), 0.10)


def _draw_conchae(scene: Scene, patient: Patient, side: int, half: float, floor: float) -> None:
    density = patient.soft_tissue["turbinates"]
    lower = [(half * 0.35, floor - 8), (half * 0.5, floor - 15), (half * 1.3, floor - 15), (half * 1.9, floor - 8),
             (half * 1.2, floor - 3), (half * 0.6, floor - 4)]  # fmt: skip
    middle = [(half * 0.25, 6), (half * 0.5, 2), (half * 0.8, 10), (half * 0.7, 20), (half * 0.35, 19)]
    for concha, strength in ((lower, 0.12), (middle, 0.08)):
        body = mirrored(scene.wobble(concha, 1.8), side)
        scene.add("behind", scene.area(body, 2.0), strength * density)
        scene.add("behind", scene.shell(body, 1.0), 0.04 * density)


def _draw_palate(scene: Scene, patient: Patient) -> None:
    """The hard palate: a bright line of its near half, and above it the wider, fainter ghost of its far half."""
    rng, y = scene.rng, patient.jaws.palate_height
    arch, tilt = rng.normal(1.0, 1.8), rng.normal(0, 0.8)
    x = np.array([-60, -40, -20, 0, 20, 40, 60])
    line = scene.wobble(np.stack([x, y + arch * (x / 45) ** 2 + tilt * x / 45], 1), 0.35)
    scene.add("behind", scene.line(line, (0.2, 1.2, 2.2, 2.8, 2.2, 1.2, 0.2), 0.9), rng.uniform(0.10, 0.2))
    scene.add(
        "behind", scene.line(moved(line, 0, 0.9), (0.1, 0.7, 1.0, 1.1, 1.0, 0.7, 0.1), 0.22), rng.uniform(0.08, 0.2)
    )
    above = rng.uniform(2.5, 8)
    far = np.stack([x * 0.9, line[:, 1] - above + rng.normal(0, 1.5) * (x / 45) ** 2], 1)
    scene.add("ghost", scene.line(far, (0.3, 1.6, 3, 3.6, 3, 1.6, 0.3), 1.3), 0.07)


def _draw_skull_base(scene: Scene, side: int) -> None:
    """Articular eminence, mandibular fossa, ear canal, mastoid and styloid: the bright, tangled upper corner."""
    rng = scene.rng
    lower = [(70, 14), (84, 22), (96, 30), (101, 33.5), (105, 29), (111, 23), (118, 25), (124, 33), (130, 46)]
    upper = [(139, 62), (158, 66), (160, -6), (66, -6)]
    bone = mirrored(np.vstack([scene.wobble(lower, 1.2), upper]), side)
    scene.add("behind", scene.area(bone, 0.6), 0.11)
    scene.add("behind", scene.area(bone, 4.0), rng.uniform(0.04, 0.16))
    scene.add("behind", scene.line(bone[1:9], (0.6, 1.4, 2.0, 1.8, 1.2, 1.2, 1.0, 0.4), 0.5), 0.11)
    deep = [(92, -6), (104, 12), (118, 14), (132, 30), (150, 58), (160, 50), (160, -6)]
    scene.add("behind", scene.area(mirrored(scene.wobble(deep, 2.0), side), 5.0), rng.uniform(0.28, 0.52))
    canal = scene.wobble([(123, 23), (129, 19), (133, 24), (126, 27)], 1.8)
    scene.add("behind", scene.area(mirrored(canal, side), 1.2), rng.uniform(-0.22, -0.05))
    styloid = [(131, 40), (128, 52), (124, 62), (121.5, 68 + rng.normal(0, 4))]
    styloid = mirrored(scene.wobble(styloid, 0.8), side)
    scene.add("behind", scene.line(styloid, (3.4, 2.8, 2.2, 0.8), 0.8), rng.uniform(0.03, 0.11))


def _draw_air_cells(scene: Scene) -> None:
    """The honeycomb of the mastoid and the tangle of temporal and sphenoid bone, in the corners where bone is thick."""
    rng = scene.rng
    net = ridges(band_noise(scene.grain, scene.shape, 8.0 * scene.scale, 0.6), 2.2) * 0.7
    net += 0.25 * ridges(band_noise(scene.grain, scene.shape, 3.6 * scene.scale, 0.6), 1.8)
    net += 0.35 * band_noise(scene.grain, scene.shape, 16 * scene.scale, 0.6)
    corner = np.clip((scene.across - 78 - np.maximum(0, scene.down - 10) * 1.1) / 22, 0, 1)
    scene.behind += corner * 0.10 * net
    threads = []
    for side in (-1, 1):
        for _ in range(int(rng.integers(26, 44))):
            start = np.array([rng.uniform(72, 148), rng.uniform(-4, 40)])
            heading, length = rng.normal(0.55, 0.5), rng.uniform(12, 40)
            steps = np.linspace(0, 1, 4)[:, None] * length * np.array([[np.cos(heading), np.sin(heading)]])
            thread = mirrored(scene.wobble(start - steps / 2, 2.0), side)
            width, depth = rng.uniform(0.5, 2.0), rng.uniform(0.05, 0.16)
            hollow = rng.uniform() < 0.12  # air cells in a row, rather than a plate of bone seen on edge
            threads.append((thread, width, -0.5 * depth if hollow else depth))
    scene.add_threads("behind", threads, 0.4)
