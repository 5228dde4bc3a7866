"""The cervical spine as the scan enters and leaves the neck: vertebral bodies in profile at both edges."""

from __future__ import annotations

import numpy as np

from .plates import BOTH, Tangle, add_tangles
from .raster import Patch, band_noise
from .scene import Scene, mirrored, moved, ring

# Joints, arches and processes behind the bodies, and what lies over them.
ARCHES = Tangle((144, 96), (7, 30), 14, (12, 40), (5, 16), 0.035, rise=0.2, turn=0.8, blurred=(0.4, 2.0))


def draw_spine(scene: Scene) -> dict[int, np.ndarray]:
    """Both profiles of one spine: what the scan meets of it when it sets out and when it ends. Returns for each side
    the edge of the soft tissue before it, from above downwards: points in mm."""
    front, clear = 126.5 + scene.rng.normal(0, 5.0), scene.rng.uniform(0.4, 1.9)
    knob = scene.rng.normal((124, 45), (5, 6))
    edges = {}
    for side in (-1, 1):
        edges[side] = _draw_profile(scene, side, front + scene.rng.normal(0, 2.5), clear * scene.rng.uniform(0.6, 1.2))
        _draw_knob(scene, side, knob + scene.rng.normal(0, 1.5, 2))
    add_tangles(scene, (ARCHES,), BOTH)
    return edges


def _draw_knob(scene: Scene, side: int, at) -> None:
    """The side of the first vertebra, met end on: a dense round knob with a rind beside the mastoid."""
    rng, dense = scene.rng, scene.rng.uniform(0.0, 0.08)
    knob = mirrored(scene.wobble(ring(at, rng.uniform(4.5, 7), rng.uniform(5, 8)), 0.6), side)
    scene.add_area("trough", knob, rng.uniform(0.7, 1.6), 0.7 * dense)
    for inner in rng.uniform(0.3, 0.95, 3):  # rinds of its joints, one in the other
        size = inner * rng.uniform(4.5, 7, 2)
        rind = mirrored(scene.wobble(ring(np.add(at, rng.normal(0, 1.2, 2)), *size), 0.7), side)
        scene.add_line("trough", rind[: rng.integers(5, 9)], rng.uniform(0.8, 2.0), rng.uniform(0.4, 0.9), 0.4 * dense)


def _draw_profile(scene: Scene, side: int, front: float, clear: float) -> np.ndarray:
    """Atlas, axis and the bodies below, as far as the field holds them; `clear` is how much of them shows."""
    rng = scene.rng
    slant = rng.normal(0.03, 0.06)
    neck = [(front - 3, 44), (165, 40), (165, 165), (front + 100 * slant - 3, 165), (front + 40 * slant - 2, 90)]
    scene.add_area("behind", mirrored(scene.wobble(neck, 1.5), side), 2.5, rng.uniform(0.0, 0.05))
    # The soft tissue before the spine ends at the airway in one edge.
    room = rng.uniform(4, 12)
    throat = [(front - room, 40), (150, 40), (150, 165), (front + 100 * slant - room, 165), (front - room, 96)]
    throat = scene.wobble(throat, 0.8)
    scene.add_area("behind", mirrored(throat, side), rng.uniform(0.3, 0.9), rng.uniform(0.02, 0.08))
    y = 46 + rng.normal(0, 4)
    _draw_atlas(scene, side, (front + 1, y - 3), 0.35 * clear)
    tall = rng.uniform(20, 24)
    _draw_axis(scene, side, (front + 1, y), tall, 0.4 * clear)
    y += tall + rng.uniform(2.5, 4)
    while y < 152:
        tall = rng.uniform(11.5, 16.5)
        _draw_body(scene, side, (front + slant * (y - 50) + rng.normal(0, 0.9), y), tall, clear * rng.uniform(0.6, 1.2))
        y += tall + rng.uniform(2.0, 4.2)
    return throat[[0, 4, 3]]


def _draw_atlas(scene: Scene, side: int, at, clear: float) -> None:
    """The first vertebra: its front arch a small bright oval, the transverse process a knob with a hole beside it."""
    rng = scene.rng
    oval = np.array([(-3.2, 0), (-1, -4), (2.2, -3), (3, 1), (1, 4), (-2, 3.4)]) * rng.uniform(1.2, 1.8, 2)
    oval = mirrored(moved(scene.wobble(oval, 0.4), *at), side)
    scene.add_area("trough", oval, 0.5, 0.05 * clear)
    _draw_rim(scene, oval, 1.2, 0.05 * clear)
    knob = np.add(at, (rng.uniform(3, 10), rng.uniform(-6, 4)))
    body = mirrored(scene.wobble(ring(knob, rng.uniform(5, 9), rng.uniform(4, 7)), 0.9), side)
    dense = rng.uniform(0.01, 0.07)
    scene.add_area("trough", body, rng.uniform(0.4, 1.4), dense)
    _draw_rim(scene, body, 1.6, 0.2 * dense)
    hole = mirrored(scene.wobble(ring(knob + rng.normal(0, 1, 2), 1.8, 1.6), 0.3), side)
    scene.add_area("trough", hole, 0.6, -dense * rng.uniform(0.0, 0.9))
    behind = ring(np.add(at, (14, rng.uniform(-4, 6))), 12, rng.uniform(12, 20))
    scene.add_area("behind", mirrored(scene.wobble(behind, 2.0), side), 3.5, rng.uniform(0.0, 0.08))


def _draw_axis(scene: Scene, side: int, at, tall: float, clear: float) -> None:
    """The second vertebra with its dens, a body that narrows upwards."""
    outline = [(6, -6), (10, -7), (14, -3), (18, 0.4 * tall), (20, tall - 2), (8, tall), (-1, tall + 1.5),
               (1.5, 0.55 * tall), (4, 0.2 * tall)]  # fmt: skip
    outline = mirrored(moved(scene.wobble(outline, 0.6), *at), side)
    scene.add_area("trough", outline, 0.4, 0.045 * clear)
    _draw_rim(scene, outline, 1.0, 0.05 * clear)
    arch = ring(np.add(at, (9, 0.6 * tall)), 5.5, 5.0)
    _draw_rim(scene, mirrored(scene.wobble(arch, 0.5), side), 1.1, 0.02 * clear)
    _draw_end_plate(scene, side, [(-1, tall + 1), (8, tall - 0.6), (20, tall - 3)], at, clear)


def _draw_body(scene: Scene, side: int, at, tall: float, clear: float) -> None:
    """One body: concave in front, its end plates dense and sloping forwards, the joints behind it."""
    rng = scene.rng
    slope = rng.normal(-0.05, 0.06)
    top, low = (np.array([(x, x * slope + y) for x in (9, 20, 30)]) for y in (0.4, tall + 0.4))
    outline = np.vstack([[(1.0, 1.4), (2.2, 0.5 * tall), (0.4, tall - 1.2)], low, top[::-1]])
    outline = mirrored(moved(scene.wobble(outline, 0.7), *at), side)
    body = scene.area(outline, 1.0).fine(scene.shape)
    net = 1 + 0.16 * band_noise(scene.grain, body.values.shape, 2.2 * scene.scale, 0.6)
    scene.add("trough", Patch(body.top, body.left, body.values * net), 0.05 * clear)
    _draw_rim(scene, outline, 0.9, 0.018 * clear)
    _draw_end_plate(scene, side, [(0.8, 0.8), *top], at, clear * rng.uniform(0.3, 1.3))
    _draw_end_plate(scene, side, [(-0.6, tall - 0.6), *(low - (0, 1))], at, clear * rng.uniform(0.3, 1.3))
    joint = [(14, 0.2 * tall), (19, -0.1 * tall), (27, 0.1 * tall), (26, 0.9 * tall), (18, 0.8 * tall)]
    joint = mirrored(moved(scene.wobble(joint, 1.2), *at), side)
    scene.add_area("trough", joint, rng.uniform(0.4, 1.6), rng.uniform(0.0, 0.07) * clear)


def _draw_end_plate(scene: Scene, side: int, points, at, clear: float) -> None:
    plate = mirrored(moved(scene.wobble(points, 0.3), *at), side)
    scene.add_line("trough", plate, (0.5, 1.3, 1.1), scene.rng.uniform(0.3, 0.9), 0.03 * clear)


def _draw_rim(scene: Scene, outline: np.ndarray, width: float, depth: float) -> None:
    """The dense rind of a vertebra, along a closed outline."""
    scene.add_line("trough", np.vstack([outline, outline[:2]]), width, 0.3, depth)
