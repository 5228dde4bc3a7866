"""The base of the skull: temporal bone with its joint, ear and air cells, and the plates of bone that cross there."""

from __future__ import annotations

import numpy as np

from .plates import Tangle, add_tangles
from .raster import Patch, band_noise, ridges
from .scene import Scene, mirrored, moved, ring

# Temporal bone and its lines, what lies over the joint, mastoid, sphenoid; then upright walls, floors and roofs, upper
# jaw, pterygoid and zygoma.
TANGLES = (
    Tangle((114, 2), (22, 7), 10, (14, 50), (5, 20), 0.06, turn=0.7, blurred=(0.2, 1.4)),
    Tangle((108, 3), (20, 6), 7, (16, 50), (2.5, 7), 0.07, turn=0.35, blurred=(0.1, 1.0)),
    Tangle((106, 38), (10, 11), 4, (14, 44), (6, 20), 0.035, turn=1.0, blurred=(0.4, 2.0)),
    Tangle((136, 26), (10, 18), 30, (8, 26), (3, 12), 0.05, turn=1.5, blurred=(0.2, 1.6)),
    Tangle((132, 46), (9, 12), 8, (16, 44), (3, 12), 0.06, rise=-2.5, turn=0.4, blurred=(0.3, 1.6)),
    Tangle((80, 10), (10, 8), 8, (24, 54), (4, 14), 0.05, turn=0.4, blurred=(0.3, 1.4)),
    Tangle((24, 12), (12, 10), 6, (20, 48), (5, 14), 0.05, rise=4.0, turn=0.25, blurred=(0.15, 1.0)),
    Tangle((34, 18), (16, 12), 5, (26, 60), (3, 10), 0.05, rise=0.12, turn=0.25, blurred=(0.4, 1.4)),
    Tangle((50, 34), (14, 9), 3, (20, 44), (5, 16), 0.04, blurred=(0.5, 1.8)),
    Tangle((62, 28), (4, 10), 4, (30, 56), (4, 12), 0.04, rise=6.0, turn=0.1, blurred=(0.3, 1.0)),
)
FOSSA, JOINT_SPACE = np.array([111.0, 19.0]), -1.2  # the fossa's roof as drawn below; mm above the condyle
RISE = 0.5  # how steeply the bones of the skull's base run up towards the midline: mm a mm


def draw_skull_base(scene: Scene, condyles: dict[int, np.ndarray]) -> None:
    """Everything behind and above the jaw's joints; each side's joint lies over the condyle's highest point, in mm."""
    offsets = {}
    # What lies above the field is met aslant, and brighter towards the sides.
    scene.behind += 0.09 * np.clip((scene.across - 116) / 20, 0, 1) * np.clip((34 - scene.down) / 20, 0, 1)
    for side, condyle in condyles.items():
        out, rise = np.abs(condyle) - FOSSA + (0, -JOINT_SPACE) + scene.rng.normal((0, 0.6), (1.0, 1.5))
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
        for period, stretch, sharp in ((26, 2.2, 7.0), (15, 2.4, 5.0), (8, 2.6, 3.0), (4.5, 2.2, 2.5))
    )
    patchy = np.clip(0.7 + 0.7 * band_noise(scene.grain, bone.shape, 18 * scene.scale, 0.6), 0.0, 2)
    scene.trough[rows] += bone * patchy * 0.030 * lines
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
    lower = [(58, 1), (72, 8), (86, 16.5), (95, 23.5), (100.5, 26), (105.5, 23.5), (111, 19), (116, 22), (119, 31),
             (123, 44)]  # fmt: skip
    lower = scene.wobble(moved(lower, out, rise), 0.9)
    tip = moved(scene.wobble([(127, 56), (136, 72), (150, 84)], 1.5), out, rise)
    bone = mirrored(np.vstack([lower, tip, [(200, 84), (200, -8), (54, -8)]]), side)
    dense = rng.uniform(0.8, 1.2)
    for blurred, depth in ((rng.uniform(0.3, 0.9), 0.19), (5.0, 0.11)):  # thin where it ends, thicker above
        body = _thinning_out(scene, scene.area(bone, blurred), 33 + rise + rng.normal(0, 5))
        scene.add("trough", body, depth * dense)
    _draw_mastoid(scene, side, out, rise)
    _draw_air_cells(scene, body, 126 + out, 31 + rise)
    scene.add_line(
        "trough", bone[1:9], (0.3, 0.9, 1.8, 1.6, 1.2, 1.0, 0.8, 0.3), rng.uniform(0.3, 0.9), rng.uniform(0.0, 0.02)
    )
    _draw_strata(scene, side, lower)
    root = [(84, 15), (92, 14), (101, 14), (107, 20), (103, 26), (99, 28), (94, 25), (86, 20)]
    root = mirrored(scene.wobble(moved(root, out, rise), 0.8), side)
    scene.add_area("trough", root, rng.uniform(0.6, 1.6), rng.uniform(0.0, 0.06))
    deep = moved([(84, -8), (104, 6), (122, 13), (132, 24), (146, 34), (164, 44), (200, 60), (200, -8)], out, rise)
    scene.add_area("behind", mirrored(scene.wobble(deep, 2.0), side), 9.0, rng.uniform(0.0, 0.07))


def _draw_strata(scene: Scene, side: int, lower: np.ndarray) -> None:
    """Long bright lines above the bone's lower edge, each following it in its own way: the skull's floors and ridges,
    met aslant one behind the other."""
    rng = scene.rng
    edge = np.vstack([lower[:6], [(128, 24), (146, 34)]])
    for above in rng.uniform(0.5, 24, 8):
        first, count = rng.integers(0, 4), int(rng.integers(4, 7))
        line = moved(edge[first : first + count], 0, -above)
        line = mirrored(scene.wobble(line, 1.8), side)
        widths = rng.uniform(0.4, 2.4, len(line))
        depth = rng.uniform(0.02, 0.09)
        scene.add_line("trough", line, widths, rng.uniform(0.3, 0.9), depth)
        scene.add_line("trough", moved(line, 0, -1.5), 2.5 * widths, 1.4, 0.4 * depth)


def _draw_mastoid(scene: Scene, side: int, out: float, rise: float) -> None:
    """The process behind the ear: rounded folds of bone over each other, which end at heights of their own."""
    rng = scene.rng
    for _ in range(4):
        x, low, half = rng.normal(131, 7), rng.normal(56, 7), rng.uniform(4, 9)
        fold = [(x - half + 4, 18), (x - half, low - 18), (x - 0.8 * half, low - 6), (x - 0.2 * half, low),
                (x + 0.5 * half, low - 2), (x + half, low - 12), (x + half + 6, 10)]  # fmt: skip
        fold = mirrored(scene.wobble(moved(fold, out, rise), 1.4), side)
        scene.add_area("trough", fold, rng.uniform(0.4, 2.2), rng.uniform(0.0, 0.06))


def _thinning_out(scene: Scene, bone: Patch, tip: float) -> Patch:
    """A temporal bone, crisp where it ends at the joint, runs out towards the face and, unevenly, below its mastoid."""
    down, across = scene.places(bone)
    uneven = 5 * band_noise(scene.grain, bone.values.shape, 60 * scene.scale / bone.step, 0.4)
    outer = 12 * np.clip((across - 124) / 20, 0, 1)
    mastoid = np.clip(0.5 + (tip + outer + uneven - down) / 26, 0, 1)
    thick = np.clip((across - 64 - down / 3) / 34, 0.1, 1)
    return Patch(bone.top, bone.left, bone.values * mastoid * thick, bone.step)


def _draw_air_cells(scene: Scene, bone: Patch, out: float, low: float) -> None:
    """The mastoid's cells, about a point in mm: a lace of fine bright walls, of three sizes."""
    down, across = scene.places(bone)
    rng, pixels = scene.rng, scene.scale / bone.step
    wide, high = rng.uniform(12, 20), rng.uniform(12, 22)
    place = np.exp(-(((across - out + 0.35 * (down - low)) / wide) ** 2) - ((down - low) / high) ** 2)
    place *= np.clip(0.8 + 0.6 * band_noise(scene.grain, place.shape, 22 * pixels, 0.6), 0, 1.6)
    lace = sum(
        depth * (ridges(band_noise(scene.grain, place.shape, period * pixels, 0.8, 0.7), 1.6) - 0.5)
        for period, depth in ((9.0, 0.04), (5.0, 0.04))
    )
    clear = rng.uniform(0.6, 1.5)
    scene.add("trough", Patch(bone.top, bone.left, bone.values * place * lace, bone.step), clear)


def _draw_ear_canal(scene: Scene, side: int, out: float, rise: float) -> None:
    """The outer ear canal: a small dark hole in a bright ring, where the scan meets it end on."""
    rng = scene.rng
    centre = np.array([121 + out, 19 + rise]) + rng.normal(0, 1.3, 2)
    wide, high, lean = rng.uniform(2.4, 4.4), rng.uniform(2.0, 3.6), rng.normal(-0.5, 0.4)
    oval = ring((0, 0), wide, high)
    oval = oval @ [[np.cos(lean), np.sin(lean)], [-np.sin(lean), np.cos(lean)]]
    hole, rim = (mirrored(scene.wobble(centre + grown * oval, 0.35), side) for grown in (1.0, 1.7))
    clear = rng.uniform(0.1, 1.0)
    scene.add_area("trough", rim, 0.9, 0.10 * clear)
    scene.add_area("trough", hole, rng.uniform(0.8, 1.8), -0.26 * clear)
    scene.add_line("trough", np.vstack([hole, hole[:1]]), 0.8, 0.3, 0.08 * clear)


def _draw_styloid(scene: Scene, side: int, out: float, rise: float) -> None:
    styloid = [(128, 40), (124, 52), (119, 62), (116, 68 + scene.rng.normal(0, 4))]
    styloid = mirrored(scene.wobble(moved(styloid, out, rise), 0.8), side)
    scene.add_line("trough", styloid, (2.8, 2.2, 1.5, 0.4), 0.6, scene.rng.uniform(0.0, 0.07))


def _draw_fibres(scene: Scene, side: int) -> None:
    """Fine lines of bone, bowed, most of them along the rise."""
    rng, threads = scene.rng, []
    for _ in range(3):
        out = rng.uniform(74, 150)
        start = np.array([out, rng.uniform(-4, 4 + 0.5 * (out - 74))])
        heading, length, bow = rng.normal(np.arctan(RISE), 0.4), rng.uniform(10, 36), rng.normal(0, 0.2)
        steps = np.linspace(-0.5, 0.5, 4)
        along, over = np.array([np.cos(heading), np.sin(heading)]), np.array([-np.sin(heading), np.cos(heading)])
        thread = start + length * (np.outer(steps, along) + np.outer(bow * (1 - 4 * steps**2), over))
        threads.append((mirrored(thread, side), rng.uniform(0.3, 1.4), rng.uniform(0.01, 0.07)))
    scene.add_threads("trough", threads, 0.25)
