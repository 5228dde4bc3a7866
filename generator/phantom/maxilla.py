"""The mid-face: upper jaw, palate, zygoma; nose, sinuses and orbits have files of their own."""

from __future__ import annotations

import numpy as np

from .anatomy import Patient
from .mandible import alveolar_crest, crest_edge
from .nose import draw_nose
from .plates import BOTH, Tangle, add_tangles
from .raster import Patch
from .rims import Rims
from .scene import Scene, mirrored
from .sinuses import draw_sinuses
from .skull import draw_skull_base
from .vault import draw_pillars, draw_vault
from .zygoma import draw_fossae, draw_zygoma

# What lies behind nose and sinuses and on the far side of the face: folds and plates, most of them lying.
DEEP = (
    Tangle((34, 24), (18, 14), 10, (30, 80), (8, 24), 0.06, rise=0.1, turn=0.3, blurred=(0.8, 3.0)),
    Tangle((36, 24), (18, 14), 6, (16, 50), (8, 20), 0.06, turn=1.2, blurred=(0.6, 2.0)),
)


def draw_maxilla(scene: Scene, patient: Patient, condyles: dict[int, np.ndarray]) -> None:
    """Draw everything above the mouth; each side's joint lies over the condyle's highest point, in mm."""
    rims = Rims(scene)
    _draw_alveolar_process(scene, patient)
    draw_fossae(scene)
    scene.begin("nose")
    draw_nose(scene, rims, patient)
    scene.begin("zygoma")
    foot = patient.jaws.palate_height + 4
    walls = scene.rng.normal((0, foot, 2, 10), (2.0, 2.0, 5.0, 2.5))  # a head has its walls alike on both sides
    walls = {side: walls + scene.rng.normal(0, (1.5, 1.2, 1.5, 1.0)) for side in (-1, 1)}
    for side, place in walls.items():
        draw_zygoma(scene, patient, side, place)
    scene.begin("sinuses")
    draw_sinuses(scene, rims, patient, walls)
    _draw_smears(scene, patient.jaws.palate_height)
    scene.begin("palate")
    _draw_palate(scene, rims, patient)
    add_tangles(scene, DEEP, BOTH)
    rims.draw()
    scene.begin("skull base")
    draw_skull_base(scene, condyles)


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
    solid = np.clip((rows - top - 3) / 20, 0.05, 1) * np.clip((back + 8 - columns) / 16, 0.2, 1)
    marrow = body.values * np.clip((rows - top + 4) / 9, 0, 1) * np.clip(0.6 + columns / 60, 0, 1)
    Patch(body.top, body.left, marrow).add_to(scene.marrow["maxilla"])
    body = Patch(body.top, body.left, body.values * solid * crest_edge(scene, crest, upper=True)[body.window])
    scene.add("trough", body, 0.115 * patient.jaws.bone_density)
    for side in (-1, 1):  # the foot of the zygoma lies over the upper molars
        foot = [(34, 56), (48, 46), (64, 46), (72, 58), (64, 72), (44, 74)]
        foot = mirrored(scene.wobble(foot, 2.5), side)
        scene.add_area("behind", foot, 5.0, 0.09 * patient.soft_tissue["zygoma"])
        mesh = scene.area(foot, 3.0).fine(scene.shape)
        held = scene.marrow["maxilla"][mesh.window]
        np.maximum(held, 0.8 * mesh.values, out=held)
    foot = [(0, 43), (24, 45), (30, 52), (18, 58), (0, 60), (-18, 58), (-30, 52), (-24, 45)]
    scene.add_area("behind", scene.wobble(foot, 2.0), 4.0, 0.045)
    face = [(0, 8), (45, 5), (72, 12), (76, 45), (50, 55), (0, 50), (-50, 55), (-76, 45), (-72, 12), (-45, 5)]
    scene.add_area("behind", face, 6.0, 0.09)


def _draw_palate(scene: Scene, rims: Rims, patient: Patient) -> None:
    """The hard palate: the bright edges of its near half and of its far half above it, which come close to each other
    at the foot of the zygoma, and between them the streaks of what lies in the beam's way along it."""
    rng, y, reach = scene.rng, patient.jaws.palate_height + 2.0, 57 + patient.jaws.sinus_width
    arch, tilt, high = rng.normal(1.2, 2.5), rng.normal(0, 1.2), np.clip(rng.normal(6.0, 2.3), 2.5, 11.0)
    dip, blunt, left = max(0.0, rng.normal(0.6, 2.0)), rng.uniform(2.0, 5.0), rng.uniform(0.2, 1.0)
    share = np.linspace(-1, 1, 13)
    x = share * (reach + rng.uniform(2, 14, 2)[(share > 0).astype(int)])
    front = dip * np.exp(-((x / 15) ** 2))
    near = y + arch * share**2 + tilt * share + front
    far = near - front - high * (1 - (1 - left) * np.abs(share) ** blunt)
    near, far = (scene.wobble(np.stack([x, line], 1), 0.45) for line in (near, far))
    clear = rng.uniform(0.4, 1.4)
    soft = rng.choice([0.0, 0.5, 1.0], p=[0.25, 0.4, 0.35])  # how far before or behind the focal trough it lies
    thick = np.maximum(near[:, 1] - far[:, 1], 1.5)
    wide = np.minimum(thick, 5.0)
    ends = np.clip(4 * (1 - np.abs(share)), 0, 1) * (6 / high) ** 0.4
    held = 1 - rng.uniform(0.1, 0.8) * np.exp(-((x / rng.uniform(9, 16)) ** 2))  # before the nose there is less of it
    ends *= held
    far_depth = 0.19 * rng.uniform(0.2, 1.2) * _uneven(scene, 13) * ends
    rims.add("behind", far, wide * rng.uniform(0.7, 1.3), far_depth * clear, max(soft, 0.5), 1, rng.uniform(0.1, 0.5))
    strong, sunk = 0.22 * rng.uniform(0.1, 1.2), max(0.0, rng.normal(0.0, 2.5))
    for side in (-1, 1):
        # The near edge belongs to either side alone: it sinks towards the nose, whose floor hides it.
        edge = (near * (side, 1))[::side][6 - int(rng.integers(-1, 1)) :]
        edge = edge + np.outer((1 - edge[:, 0] / reach) ** 2, (0, sunk + rng.normal(0, 0.5)))
        depth = strong * rng.uniform(0.6, 1.3) * _uneven(scene, len(edge)) * ends[-len(edge) :]
        rims.add("behind", edge, -rng.uniform(0.6, 1.2) * wide.mean(), depth * clear, soft, side, rng.uniform(0.1, 0.5))
        for _ in range(int(rng.integers(3, 8))):
            _draw_streak(scene, rims, near[::side] * (side, 1), far[::side] * (side, 1), side, clear)
    draw_vault(scene, rims, near, reach)
    draw_pillars(scene, near)
    _draw_brush(scene, near, far, clear * held)
    middle = (near + far) / 2
    for broad, blurred in ((0.9, 0.8), (1.6, 2.5)):
        widths = broad * thick * np.clip(3 * (1 - share**2), 0.1, 1) * held * _uneven(scene, 13)
        scene.add_line("behind", middle, widths, blurred, rng.uniform(0.02, 0.12) * clear)


def _draw_brush(scene: Scene, near: np.ndarray, far: np.ndarray, clear: np.ndarray) -> None:
    """What of the palate lies off the focal trough is smeared along it: level strands as of a brush."""
    rng, last = scene.rng, len(near) - 1
    for _ in range(int(rng.integers(6, 14))):
        first, stop = np.sort(rng.integers(0, last + 1, 2))
        first, stop = max(0, min(first, stop - 6)), min(last, max(stop, first + 6))
        line = near + rng.uniform(-0.5, 1.3) * (far - near) + (0, rng.normal(0, 0.8))
        line = line[first : stop + 1]
        widths = rng.uniform(0.5, 2.2) * np.sin(np.linspace(0.15, np.pi - 0.15, len(line)))
        scene.add_line(
            "ghost",
            line,
            widths,
            0.3,
            rng.choice([1.0, 1.0, 1.0, -0.5]) * rng.uniform(0.03, 0.16) * clear[first : stop + 1].min(),
        )


def _draw_smears(scene: Scene, floor: float) -> None:
    """Walls and folds of the far side of the face, drawn out by the tube's path into level streaks over the sinuses."""
    rng, strong = scene.rng, scene.rng.uniform(0.4, 1.6)
    for _ in range(int(rng.integers(6, 18))):
        x, y, half = rng.normal(0, 32), rng.uniform(0, floor), rng.uniform(8, 34)
        share = np.linspace(-1, 1, 5)
        line = np.stack([x + half * share, y + rng.normal(0, 1.5) * share**2 + rng.normal(0, 0.8) * share], 1)
        widths = rng.uniform(0.5, 3.0) * np.array([0.2, 0.8, 1.0, 0.7, 0.2])
        scene.add_line("ghost", line, widths, 0.3, rng.choice([1.0, -1.0]) * rng.uniform(0.005, 0.045) * strong)


def _uneven(scene: Scene, count: int) -> np.ndarray:
    """Strength along a line, which fades here and there."""
    slow = np.interp(np.linspace(0, 1, count), np.linspace(0, 1, 5), scene.rng.uniform(0.4, 1.4, 5))
    return slow * scene.rng.uniform(0.85, 1.15, count)


def _draw_streak(scene: Scene, rims: Rims, near: np.ndarray, far: np.ndarray, side: int, clear: float) -> None:
    """One more edge between near and far, as of a ridge of the nose's or the sinus's floor; points from left to right
    as if on the patient's left."""
    rng = scene.rng
    inner, outer = rng.uniform(-4, 24), rng.uniform(40, 62)
    x = np.linspace(inner, outer, 5)
    between = rng.uniform(-0.2, 1.1) + rng.normal(0, 0.2) * np.linspace(-1, 1, 5)
    low, top = (np.interp(x, line[:, 0], line[:, 1]) for line in (near, far))
    ray = scene.wobble(np.stack([x, low + between * (top - low)], 1), 0.25)
    wide = rng.uniform(0.6, 3.0) * rng.choice([-1, 1])
    rims.add("behind", ray, wide * rng.uniform(0.5, 1.5, 5), rng.uniform(0.02, 0.12) * clear, 0.5, side)
