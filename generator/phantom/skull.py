"""The base of the skull: temporal bone with its joint, ear and air cells, and the plates of bone that cross there."""

from __future__ import annotations

import numpy as np

from .plates import Tangle, add_tangles
from .raster import band_noise, ridges
from .scene import Scene, mirrored, moved

# Temporal bone and its lines, what lies over the joint, mastoid, sphenoid; then upright walls, floors and roofs, upper
# jaw, pterygoid and zygoma.
TANGLES = (
    Tangle((114, 8), (22, 10), 18, (14, 50), (5, 20), 0.045, turn=0.7, blurred=(0.2, 1.4)),
    Tangle((108, 10), (20, 9), 14, (16, 50), (2.5, 7), 0.055, turn=0.35, blurred=(0.2, 1.1)),
    Tangle((106, 38), (10, 11), 8, (14, 44), (6, 20), 0.035, turn=1.0, blurred=(0.4, 2.0)),
    Tangle((136, 34), (9, 15), 30, (6, 22), (3, 11), 0.05, turn=1.2, blurred=(0.2, 1.4)),
    Tangle((76, 12), (12, 9), 12, (18, 40), (3, 9), 0.06, turn=0.35, blurred=(0.1, 0.7)),
    Tangle((24, 12), (12, 10), 10, (16, 40), (1.5, 6), 0.055, rise=4.0, turn=0.25, blurred=(0.1, 0.8)),
    Tangle((34, 18), (16, 12), 10, (20, 50), (1.5, 7), 0.05, rise=0.12, turn=0.25, blurred=(0.1, 0.8)),
    Tangle((50, 34), (14, 9), 8, (12, 32), (3, 9), 0.05, blurred=(0.1, 0.7)),
    Tangle((64, 32), (6, 12), 9, (30, 60), (2, 6), 0.045, rise=3.5, turn=0.18, blurred=(0.1, 0.6)),
)
FOSSA, JOINT_SPACE = np.array([111.0, 19.0]), 2.8  # the fossa's roof as drawn below; mm of disc under it
RISE = 0.5  # how steeply the bones of the skull's base run up towards the midline: mm a mm


def draw_skull_base(scene: Scene, condyles: dict[int, np.ndarray]) -> None:
    """Everything behind and above the jaw's joints; each side's joint lies over the condyle's highest point, in mm."""
    offsets = {}
    scene.behind += 0.04 * np.clip((scene.across - 84) / 40, 0, 1) * np.clip((62 - scene.down) / 44, 0, 1)
    for side, condyle in condyles.items():
        out, rise = np.abs(condyle) - FOSSA + (0, -JOINT_SPACE) + scene.rng.normal(0, (1.0, 0.7))
        _draw_temporal_bone(scene, side, out, rise)
        _draw_ear_canal(scene, side, out, rise)
        _draw_styloid(scene, side, out, rise)
        _draw_fibres(scene, side)
        offsets[side] = (out / 2, rise / 2)
    add_tangles(scene, TANGLES, offsets)


def draw_web(scene: Scene) -> None:
    """The web of fine bony lines over both temporal bones, and the honeycomb of the mastoid cells below them."""
    rows = scene.down[:, 0] < 84
    down, across = scene.down[rows], scene.across
    if len(down) < 16:
        return
    bone = np.clip((across - 72 - np.maximum(0, down - 8) * 1.1) / 24, 0, 1)
    cells = np.exp(-(((across - 132) / 15) ** 2) - ((down - 30) / 18) ** 2)
    mm = scene.scale
    lines = sum(
        ridges(_rising_noise(scene, len(down), period, stretch), sharp)
        for period, stretch, sharp in ((26, 2.4, 7.0), (14, 2.2, 6.0))
    )
    patchy = np.clip(0.7 + 0.7 * band_noise(scene.grain, bone.shape, 18 * mm, 0.6), 0.0, 2)
    honeycomb = sum(ridges(band_noise(scene.grain, bone.shape, size * mm, 0.4), 2.4) for size in (3.2, 6.5))
    scene.trough[rows] += bone * patchy * 0.04 * lines + cells * patchy * 0.07 * honeycomb
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
    lower = [(70, 20), (79, 17), (88, 20), (95, 25.5), (100.5, 28), (105.5, 24.5), (111, 19), (117, 21), (123, 29),
             (129, 42)]  # fmt: skip
    lower = scene.wobble(moved(lower, out, rise), 0.9)
    upper = [(138, 58), (150, 66), (200, 70), (200, -8), (76, -8)]
    bone = mirrored(np.vstack([lower, moved(scene.wobble(upper[:2], 2.5), out, rise), upper[2:]]), side)
    scene.add_area("trough", bone, 0.3, rng.uniform(0.04, 0.11))
    scene.add_area("behind", bone, 5.0, rng.uniform(0.05, 0.12))
    scene.add_line(
        "trough", bone[1:8], (0.4, 1.4, 2.8, 2.6, 2.0, 1.5, 0.4), rng.uniform(0.3, 1.0), rng.uniform(0.05, 0.14)
    )
    deep = moved([(84, -8), (104, 6), (122, 13), (132, 24), (146, 34), (164, 44), (200, 60), (200, -8)], out, rise)
    scene.add_area("behind", mirrored(scene.wobble(deep, 2.0), side), 9.0, rng.uniform(0.14, 0.32))
    mastoid = moved([(122, 30), (127, 44), (132, 57), (138, 58), (146, 46), (144, 26)], out, rise)
    mastoid = mirrored(scene.wobble(mastoid, 2.0), side)
    scene.add_area("trough", mastoid, 0.6, rng.uniform(0.0, 0.06))
    scene.add_area("behind", mastoid, 3.0, rng.uniform(0.0, 0.05))


def _draw_ear_canal(scene: Scene, side: int, out: float, rise: float) -> None:
    """The outer ear canal: a small dark hole in a bright ring, where the scan meets it end on."""
    centre = np.array([122.0 + out, 20.0 + rise]) + scene.rng.normal(0, 1.5, 2)
    turn = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    wide, high = scene.rng.uniform(1.6, 3.0), scene.rng.uniform(1.3, 2.4)
    ring = mirrored(scene.wobble(centre + np.stack([wide * np.cos(turn), high * np.sin(turn)], 1), 0.3), side)
    clear = scene.rng.uniform(0.0, 0.5)
    scene.add_area("trough", ring, 0.6, -0.26 * clear)
    scene.add_line("trough", np.vstack([ring, ring[:1]]), 0.8, 0.3, 0.12 * clear)


def _draw_styloid(scene: Scene, side: int, out: float, rise: float) -> None:
    styloid = [(128, 40), (124, 52), (119, 62), (116, 68 + scene.rng.normal(0, 4))]
    styloid = mirrored(scene.wobble(moved(styloid, out, rise), 0.8), side)
    scene.add_line("trough", styloid, (3.4, 2.6, 2.0, 0.6), 0.4, scene.rng.uniform(0.01, 0.10))


def _draw_fibres(scene: Scene, side: int) -> None:
    """Fine lines of bone, bowed, most of them along the rise."""
    rng, threads = scene.rng, []
    for _ in range(9):
        out = rng.uniform(74, 150)
        start = np.array([out, rng.uniform(-4, 10 + 0.5 * (out - 74))])
        heading, length, bow = rng.normal(np.arctan(RISE), 0.6), rng.uniform(8, 30), rng.normal(0, 0.16)
        steps = np.linspace(-0.5, 0.5, 4)
        along, over = np.array([np.cos(heading), np.sin(heading)]), np.array([-np.sin(heading), np.cos(heading)])
        thread = start + length * (np.outer(steps, along) + np.outer(bow * (1 - 4 * steps**2), over))
        threads.append((mirrored(thread, side), rng.uniform(0.4, 1.3), rng.uniform(0.01, 0.05)))
    scene.add_threads("trough", threads, 0.16)
