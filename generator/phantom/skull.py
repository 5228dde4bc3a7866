"""The base of the skull: temporal bone with its joint, ear and air cells, and the plates of bone that cross there."""

from __future__ import annotations

import numpy as np

from .plates import Tangle, add_tangles
from .raster import Patch, band_noise, ridges
from .scene import Scene, mirrored, moved

# Temporal bone and its lines, what lies over the joint, mastoid, sphenoid; then upright walls, floors and roofs, upper
# jaw, pterygoid and zygoma.
TANGLES = (
    Tangle((114, 8), (22, 10), 18, (14, 50), (5, 20), 0.032, turn=0.7, blurred=(0.2, 1.4)),
    Tangle((108, 10), (20, 9), 14, (16, 50), (2.5, 7), 0.04, turn=0.35, blurred=(0.2, 1.1)),
    Tangle((106, 38), (10, 11), 8, (14, 44), (6, 20), 0.035, turn=1.0, blurred=(0.4, 2.0)),
    Tangle((136, 34), (9, 15), 30, (6, 22), (2, 8), 0.04, turn=1.2, blurred=(0.2, 1.4)),
    Tangle((76, 12), (12, 9), 12, (18, 40), (3, 9), 0.06, turn=0.35, blurred=(0.1, 0.7)),
    Tangle((24, 12), (12, 10), 6, (16, 40), (1.5, 6), 0.055, rise=4.0, turn=0.25, blurred=(0.1, 0.8)),
    Tangle((34, 18), (16, 12), 6, (20, 50), (1.5, 7), 0.05, rise=0.12, turn=0.25, blurred=(0.1, 0.8)),
    Tangle((50, 34), (14, 9), 4, (12, 32), (3, 9), 0.05, blurred=(0.1, 0.7)),
    Tangle((64, 32), (6, 12), 7, (30, 60), (1.5, 5), 0.06, rise=3.5, turn=0.18, blurred=(0.1, 0.6)),
)
FOSSA, JOINT_SPACE = np.array([111.0, 19.0]), 1.8  # the fossa's roof as drawn below; mm of disc under it
RISE = 0.5  # how steeply the bones of the skull's base run up towards the midline: mm a mm


def draw_skull_base(scene: Scene, condyles: dict[int, np.ndarray]) -> None:
    """Everything behind and above the jaw's joints; each side's joint lies over the condyle's highest point, in mm."""
    offsets = {}
    # What lies above the field is met aslant, and brighter towards the sides.
    scene.behind += 0.22 * np.clip((scene.across - 40) / 40, 0, 1) * np.clip((28 - scene.down) / 30, 0, 1)
    for side, condyle in condyles.items():
        out, rise = np.abs(condyle) - FOSSA + (0, -JOINT_SPACE) + scene.rng.normal(0, (1.0, 0.7))
        _draw_temporal_bone(scene, side, out, rise)
        _draw_ear_canal(scene, side, out, rise)
        _draw_styloid(scene, side, out, rise)
        _draw_fibres(scene, side)
        offsets[side] = (out / 2, rise / 2)
    add_tangles(scene, TANGLES, offsets)


def draw_web(scene: Scene) -> None:
    """The web of fine bony lines over both temporal bones."""
    rows = scene.down[:, 0] < 84
    down, across = scene.down[rows], scene.across
    if len(down) < 16:
        return
    bone = np.clip((across - 72 - np.maximum(0, down - 8) * 1.1) / 24, 0, 1)
    lines = sum(
        ridges(_rising_noise(scene, len(down), period, stretch), sharp)
        for period, stretch, sharp in ((26, 2.4, 7.0), (14, 2.2, 6.0))
    )
    patchy = np.clip(0.7 + 0.7 * band_noise(scene.grain, bone.shape, 18 * scene.scale, 0.6), 0.0, 2)
    scene.trough[rows] += bone * patchy * 0.04 * lines
    scene.behind[rows] += 0.035 * bone * _rising_noise(scene, len(down), 18, 2.0)


def _rising_noise(scene: Scene, height: int, period: float, stretch: float) -> np.ndarray:
    """Noise of `period` mm drawn out along the rise of the bones on either side: the picture's uppermost rows."""
    offset = np.round(RISE * scene.across[0] * scene.scale).astype(int)
    tall = band_noise(scene.grain, (height + offset.max(), scene.shape[1]), period * scene.scale, 0.4, stretch)
    rows = np.arange(height)[:, None] + offset.max() - offset[None, :]
    return np.take_along_axis(tall, rows, axis=0)


def _draw_temporal_bone(scene: Scene, side: int, out: float, rise: float) -> None:
    """Articular eminence, fossa, mastoid and the thick petrous bone: the bright upper corner."""
    rng = scene.rng
    lower = [(70, 20), (79, 17), (88, 20), (95, 25.5), (100.5, 28), (105.5, 24.5), (111, 19), (116, 22), (119, 31),
             (123, 44)]  # fmt: skip
    lower = scene.wobble(moved(lower, out, rise), 0.9)
    tip = moved(scene.wobble([(127, 56), (136, 72), (150, 84)], 1.5), out, rise)
    bone = mirrored(np.vstack([lower, tip, [(200, 84), (200, -8), (76, -8)]]), side)
    body = _thinning_out(scene, scene.area(bone, rng.uniform(0.3, 0.8)), 40 + rise + rng.normal(0, 4))
    scene.add("trough", body, 0.28 * rng.uniform(0.5, 1.3))
    _draw_air_cells(scene, body, 126 + out, 31 + rise)
    scene.add_line(
        "trough", bone[1:9], (0.3, 0.9, 1.8, 1.6, 1.2, 1.0, 0.8, 0.3), rng.uniform(0.2, 0.5), rng.uniform(0.0, 0.12)
    )
    root = [(84, 15), (92, 14), (101, 14), (107, 20), (103, 26), (99, 28), (94, 25), (86, 20)]
    root = mirrored(scene.wobble(moved(root, out, rise), 0.8), side)
    scene.add_area("trough", root, rng.uniform(0.3, 1.0), rng.uniform(0.02, 0.12))
    deep = moved([(84, -8), (104, 6), (122, 13), (132, 24), (146, 34), (164, 44), (200, 60), (200, -8)], out, rise)
    scene.add_area("behind", mirrored(scene.wobble(deep, 2.0), side), 9.0, rng.uniform(0.0, 0.12))


def _thinning_out(scene: Scene, bone: Patch, tip: float) -> Patch:
    """A temporal bone, crisp where it ends at the joint, runs out towards the face and, unevenly, below its mastoid."""
    down, across = _within(scene, bone)
    uneven = 8 * band_noise(scene.grain, bone.values.shape, 24 * scene.scale / bone.step, 0.7)
    outer = 12 * np.clip((across - 124) / 20, 0, 1)
    mastoid = np.clip(0.5 + (tip + outer + uneven - down) / 26, 0, 1)
    thick = np.clip((across - 68 - down / 2) / 36, 0.1, 1) * (1 + 0.5 * np.clip((across - 116) / 24, 0, 1))
    return Patch(bone.top, bone.left, bone.values * mastoid * thick, bone.step)


def _draw_air_cells(scene: Scene, bone: Patch, out: float, low: float) -> None:
    """The mastoid's cells, about a point in mm: of all sizes and over each other, a cloud more than a net."""
    down, across = _within(scene, bone)
    place = np.exp(-(((across - out + 0.35 * (down - low)) / 15) ** 2) - ((down - low) / 17) ** 2)
    pixels = scene.scale / bone.step
    lumps = 0.07 * (1.2 - np.abs(band_noise(scene.grain, place.shape, 44 * pixels, 0.5)))  # they go on farther out
    cloud = lumps / np.maximum(place, 0.35)
    for size, depth in ((13, 0.035), (7.5, 0.055), (4.5, 0.065), (2.6, 0.05)):
        bubbles = np.abs(band_noise(scene.grain, place.shape, 2 * size * pixels, 0.45))
        cloud += depth * (1.2 - np.sqrt(bubbles))
    spread = np.clip(0.9 + 0.5 * band_noise(scene.grain, place.shape, 30 * pixels, 0.6), 0.2, 1.8)
    cloud = np.maximum(place * spread * cloud, -0.05)  # the bone around them is thick
    scene.add("trough", Patch(bone.top, bone.left, bone.values * cloud, bone.step), 1.0)


def _within(scene: Scene, patch: Patch) -> tuple[np.ndarray, np.ndarray]:
    """How far down (rows, 1) and across (1, columns) the cells of a patch lie, in mm."""
    start, (rows, columns) = patch.step // 2, patch.window
    return scene.down[start :: patch.step][rows], scene.across[:, start :: patch.step][:, columns]


def _draw_ear_canal(scene: Scene, side: int, out: float, rise: float) -> None:
    """The outer ear canal: a small dark hole in a bright ring, where the scan meets it end on."""
    rng = scene.rng
    centre = np.array([121 + out, 19 + rise]) + rng.normal(0, 1.3, 2)
    turn = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    wide, high, lean = rng.uniform(2.0, 3.6), rng.uniform(1.5, 2.8), rng.normal(-0.5, 0.4)
    oval = np.stack([wide * np.cos(turn), high * np.sin(turn)], 1)
    oval = oval @ [[np.cos(lean), np.sin(lean)], [-np.sin(lean), np.cos(lean)]]
    hole, rim = (mirrored(scene.wobble(centre + grown * oval, 0.35), side) for grown in (1.0, 1.7))
    clear = rng.uniform(0.0, 0.7)
    scene.add_area("trough", rim, 0.9, 0.10 * clear)
    scene.add_area("trough", hole, rng.uniform(0.4, 1.0), -0.34 * clear)
    scene.add_line("trough", np.vstack([hole, hole[:1]]), 0.8, 0.3, 0.08 * clear)


def _draw_styloid(scene: Scene, side: int, out: float, rise: float) -> None:
    styloid = [(128, 40), (124, 52), (119, 62), (116, 68 + scene.rng.normal(0, 4))]
    styloid = mirrored(scene.wobble(moved(styloid, out, rise), 0.8), side)
    scene.add_line("trough", styloid, (3.4, 2.6, 2.0, 0.6), 0.4, scene.rng.uniform(0.01, 0.10))


def _draw_fibres(scene: Scene, side: int) -> None:
    """Fine lines of bone, bowed, most of them along the rise."""
    rng, threads = scene.rng, []
    for _ in range(22):
        out = rng.uniform(74, 150)
        start = np.array([out, rng.uniform(-4, 10 + 0.5 * (out - 74))])
        heading, length, bow = rng.normal(np.arctan(RISE), 0.6), rng.uniform(6, 22), rng.normal(0, 0.3)
        steps = np.linspace(-0.5, 0.5, 4)
        along, over = np.array([np.cos(heading), np.sin(heading)]), np.array([-np.sin(heading), np.cos(heading)])
        thread = start + length * (np.outer(steps, along) + np.outer(bow * (1 - 4 * steps**2), over))
        threads.append((mirrored(thread, side), rng.uniform(0.4, 1.6), rng.uniform(0.01, 0.06)))
    scene.add_threads("trough", threads, 0.25)
