"""The cervical spine as the scan enters and leaves the neck: vertebral bodies in profile at both edges."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .plates import BOTH, Tangle, add_tangles
from .raster import Patch, band_noise, ridges
from .scene import Scene, bowed, mirrored, moved, ring

# Arches and processes behind the bodies, and what lies over them; the faces of the joints, which slant.
ARCHES = Tangle((146, 96), (7, 30), 9, (12, 36), (4, 14), 0.035, rise=0.2, turn=0.8, blurred=(0.3, 1.6))
JOINTS = Tangle((0, 98), (5, 26), 6, (18, 40), (8, 18), 0.05, rise=0.5, turn=0.6, blurred=(0.3, 1.3))
HIGH = Tangle((0, 0), (8, 9), 9, (14, 34), (4, 13), 0.05, rise=0.2, turn=1.2, blurred=(0.2, 1.0))  # of the upper two
LEVELS = 6  # from the second vertebra on; what the field does not hold is cut off


@dataclass(frozen=True)
class _Spine:
    """One person's spine, alike on both sides.

    front, top  mm across and down of the second vertebra's upper front corner
    slant       how far the spine runs outwards, mm a mm, and `sway` how that changes further down
    period      mm from one body to the next
    nod         how much the bodies' end plates rise away from the front, besides the slant
    clear       how much of it shows: in some pictures hardly anything, in others every line
    rough       how much the joints' margins stand out, with the years
    """

    front: float
    top: float
    slant: float
    sway: float
    period: float
    nod: float
    clear: float
    rough: float


def _random_spine(rng: np.random.Generator) -> _Spine:
    slant = rng.normal(0.03, 0.05) if rng.uniform() < 0.5 else rng.uniform(0.1, 0.5)
    clear = rng.uniform(0.9, 2.2) if rng.uniform() < 0.6 else rng.uniform(0.05, 0.8)
    front, top, sway = max(114.0, rng.normal(123, 8)), rng.normal(50, 5), rng.normal(0, 0.0012)
    return _Spine(front, top, slant, sway, rng.uniform(20, 27), rng.normal(0.1, 0.09), clear, rng.uniform(0, 1))


def draw_spine(scene: Scene) -> dict[int, np.ndarray]:
    """Both profiles of one spine: what the scan meets of it when it sets out and when it ends. Returns for each side
    the edge of the soft tissue before it, from above downwards: points in mm."""
    rng = scene.rng
    spine = _random_spine(rng)
    room, pale = rng.uniform(3, 9), rng.uniform(0.02, 0.085)
    nape = rng.uniform(0.0, 0.06) + 0.04 * spine.clear
    knob = rng.uniform(size=6)
    edges = {}
    for side in (-1, 1):
        corners = _corners(scene, spine)
        edges[side] = _draw_neck(scene, side, corners, room, pale * rng.uniform(0.8, 1.2), nape)
        _draw_atlas(scene, side, corners[0], spine.clear * rng.uniform(0.7, 1.2))
        _draw_knob(scene, side, corners[0], knob)
        _draw_axis(scene, side, corners[0], spine)
        for at, tall in zip(corners[1:], np.diff(corners[1:, 1], append=corners[-1, 1] + spine.period), strict=True):
            if at[0] > 149 or at[1] > 157:  # mm: outside every field
                break
            _draw_body(scene, side, at, tall, spine)
        _draw_fibres(scene, side, spine)
    joints = replace(
        JOINTS, middle=(spine.front + 22 + 40 * spine.slant, 98), depth=JOINTS.depth * min(spine.clear, 1.4)
    )
    high = replace(HIGH, middle=(spine.front + 9, spine.top + 6), depth=HIGH.depth * rng.uniform(0.3, 1.3))
    add_tangles(scene, (ARCHES, joints, high), BOTH)
    return edges


def _corners(scene: Scene, spine: _Spine) -> np.ndarray:
    """The upper front corner of every vertebra from the second on, in mm: each stands a little by itself."""
    steps = np.array([0, *[1.3 + level for level in range(LEVELS - 1)]]) * spine.period
    x = spine.front + spine.slant * steps + spine.sway * steps**2 + scene.rng.normal(0, 1.3)
    at = np.stack([x, spine.top + steps + scene.rng.normal(0, 2.0)], 1)
    return scene.wobble(at, 0.7)


def _draw_neck(scene: Scene, side: int, corners: np.ndarray, room: float, pale: float, nape: float) -> np.ndarray:
    """The soft tissue before the spine ends at the airway in one edge; behind it bone and muscle lie."""
    rng = scene.rng
    x, y = corners.T
    edge = np.stack([np.interp((38, 62, 90, 118, 146, 172), y, x), (38, 62, 90, 118, 146, 172)], 1)
    edge[-1, 0] += 3 * (edge[-2, 0] - edge[-3, 0]) / 2
    edge = scene.wobble(edge - np.outer((1.3, 0.7, 0.8, 1.2, 1.5, 1.5), (room, 0)), 0.7)
    out = [(190, 175), (190, 38)]
    scene.add_area("behind", mirrored(np.vstack([edge, out]), side), rng.uniform(0.3, 1.6), pale)
    for deep, blurred in ((room + 2, 2.5), (room + 16, 6.0)):
        inner = np.vstack([moved(edge[1:2], deep, -2), moved(edge[2:], deep, 0)])
        scene.add_area("behind", mirrored(np.vstack([inner, (190, 175), (190, 60)]), side), blurred, 0.6 * nape)
    _draw_muscles(scene, side, edge, 0.01 + 0.35 * pale)
    return edge


def _draw_muscles(scene: Scene, side: int, edge: np.ndarray, depth: float) -> None:
    """The neck's long muscles run from the skull down and forwards over the spine and past it: broad pale bands, some
    with a definite border."""
    rng = scene.rng
    for _ in range(2):
        top, low, wide = rng.uniform(2, 26), rng.uniform(-24, 20), rng.uniform(7, 20)
        front = np.stack([edge[:, 0] + np.linspace(top, low, len(edge)), edge[:, 1] + rng.uniform(-4, 8)], 1)
        front = scene.wobble(front, 1.2)
        band = np.vstack([front, moved(front[::-1], wide, 0) + np.outer(np.linspace(0.5, 0, len(edge)), (wide, 0))])
        scene.add_area("behind", mirrored(band, side), rng.uniform(0.3, 3.0), depth * rng.uniform(0.1, 1.2))
    low = [(104, 106), (118, 102), (160, 112), (160, 165), (102, 165)]
    scene.add_area("behind", mirrored(scene.wobble(low, 3.0), side), 6.0, 0.05)


def _draw_fibres(scene: Scene, side: int, spine: _Spine) -> None:
    """Joints and arches behind the bodies: a dense column full of fine lines, where the beam grazes one surface after
    the other, the longer ones along the processes."""
    rng, threads = scene.rng, []
    low = spine.front + spine.slant * (160 - spine.top)
    column = [(spine.front + 5, 44), (spine.front + 10, 62), ((spine.front + low) / 2 + 13, 105), (low + 14, 165)]
    column = mirrored(scene.wobble([*column, (190, 165), (190, 44)], 1.5), side)
    body = scene.area(column, 4.5).fine(scene.shape)
    lace = sum(
        ridges(band_noise(scene.grain, body.values.shape, period * scene.scale, 0.7, 2.4), 1.6) for period in (12, 5)
    )
    scene.add("trough", Patch(body.top, body.left, body.values * (lace + 2.6)), 0.020 * spine.clear)
    for _ in range(20):
        down = rng.uniform(48, 155)
        middle = np.array([spine.front + spine.slant * (down - spine.top) + rng.normal(20, 7), down])
        heading = rng.normal(-0.35 - spine.slant, 0.6) + np.pi / 2 * (rng.uniform() < 0.3)
        thread = bowed(middle, heading, rng.uniform(4, 14), rng.normal(0, 0.13))
        threads.append((mirrored(thread, side), rng.uniform(0.5, 2.2), rng.uniform(0.0, 0.08) * spine.clear))
    scene.add_threads("trough", threads, 0.4)


def _draw_atlas(scene: Scene, side: int, axis, clear: float) -> None:
    """The first vertebra: its front arch a small bright bow, the side mass and its process knobs one over the other,
    and the arch behind."""
    rng = scene.rng
    at = np.add(axis, (1, -4))
    oval = mirrored(scene.wobble(ring(at, rng.uniform(3, 5), rng.uniform(4, 7)), 0.5), side)
    scene.add_area("trough", oval, 0.5, 0.03 * clear)
    scene.add_line("trough", oval[2:7], (0.4, 1.4, 1.8, 1.2, 0.4), 0.4, 0.04 * clear)
    dense = rng.uniform(0.0, 0.07)
    for _ in range(2):
        knob = np.add(at, (rng.uniform(-2, 16), rng.uniform(-11, 5)))
        size = rng.uniform((4, 4), (9, 8))
        body = mirrored(scene.wobble(ring(knob, *size), 0.9), side)
        scene.add_area("trough", body, rng.uniform(0.4, 1.4), 0.5 * dense)
        line = np.roll(body, rng.integers(8), axis=0)[:5]
        scene.add_line("trough", line, (0.3, 1.2, 2.0, 1.2, 0.3), 0.4, dense * rng.uniform(0.1, 0.6))
    hole = mirrored(scene.wobble(ring(np.add(at, rng.normal((7, -2), 3)), 2.4, 2.0), 0.4), side)
    scene.add_area("trough", hole, 0.9, -dense * rng.uniform(0.0, 0.7))
    behind = ring(np.add(at, (17, rng.uniform(-6, 8))), 12, rng.uniform(12, 20))
    scene.add_area("behind", mirrored(scene.wobble(behind, 2.0), side), 3.5, rng.uniform(0.0, 0.05))


def _draw_knob(scene: Scene, side: int, axis, shared: np.ndarray) -> None:
    """The first vertebra's side process, met along its length: in most heads a white round body with a definite
    border, darker inside or with a hole, between the mastoid and the jaw. `shared` is what both sides have alike."""
    rng = scene.rng
    depth = np.clip(shared[0] - 0.3, 0, 1) * rng.uniform(0.11, 0.19)
    middle = np.add(axis, (2 + 9 * shared[1], -14 + 11 * shared[2])) + rng.normal(0, 1.5, 2)
    wide, high = 4.0 + 3.0 * shared[3], 4.5 + 4.5 * shared[4]
    turn = rng.normal(0.2, 0.3)
    around = ring((0, 0), wide, high, 9) @ [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]
    around = scene.wobble(around, 0.4)
    body = mirrored(moved(around, *middle), side)
    scene.add_area("trough", body, rng.uniform(0.4, 1.6), depth)
    rim, widths = np.roll(body, 2, axis=0)[:7], rng.uniform(0.4, 1.8, 7)
    scene.add_line("trough", rim, widths, 0.35, depth * rng.uniform(0.2, 0.9))
    inside = moved(rng.uniform(0.35, 0.65) * around, *(middle + rng.normal(0, 1, 2)))
    scene.add_area("trough", mirrored(inside, side), rng.uniform(0.4, 1.2), -0.6 * shared[5] * depth)
    for length, blurred, share in ((14, 0.6, 0.3), (24, 2.5, 0.6)):  # the mass it grows from, behind it
        root = [(-0.5 * wide, -0.7 * high), (0.6 * length, -8), (length, -3), (length, 9), (0.6 * length, 9),
                (-0.2 * wide, high)]  # fmt: skip
        root = mirrored(moved(scene.wobble(root, 1.5), *middle), side)
        scene.add_area("trough", root, blurred * rng.uniform(0.6, 1.4), share * depth)


def _draw_axis(scene: Scene, side: int, at, spine: _Spine) -> None:
    """The second vertebra: its body, which narrows upwards into the dens and ends below in a beak, and its joints as
    large round outlines over it."""
    rng, tall = scene.rng, 1.12 * spine.period
    clear = spine.clear * rng.uniform(0.7, 1.2)
    lean = -spine.slant - spine.nod
    outline = np.array([(5, -7), (9, -8), (13, -4), (16, 0.4), (19, 0.8), (20, 0.97), (10, 0.96), (-2, 1.05),
                        (1, 0.6), (3, 0.25)])  # fmt: skip
    high = outline[:, 1] > 0
    outline[high, 1] *= tall
    outline[high, 1] += lean * outline[high, 0]
    outline = mirrored(moved(scene.wobble(outline, 0.6), *at), side)
    scene.add_area("trough", outline, 0.8, 0.04 * clear)
    scene.add_line("trough", outline[5:], (0.5, 1.0, 1.3, 1.3, 0.6), 0.4, 0.035 * clear)
    for _ in range(3):
        middle = np.add(at, (rng.uniform(4, 22), rng.uniform(0.1, 0.8) * tall))
        joint = mirrored(scene.wobble(ring(middle, *rng.uniform(4, 10, 2)), 0.9), side)
        first, count = rng.integers(0, 4), rng.integers(4, 6)
        widths = rng.uniform(0.8, 2.2) * np.sin(np.linspace(0.2, np.pi - 0.2, count))
        scene.add_line("trough", joint[first : first + count], widths, 0.4, 0.06 * clear * rng.uniform())
    plate = np.array([(-2, 1.05 * tall), (8, 0.97 * tall + 8 * lean), (20, 0.98 * tall + 20 * lean)])
    _draw_end_plate(scene, side, moved(plate, *at), -1, clear * rng.uniform(0.2, 0.9))


def _draw_body(scene: Scene, side: int, at, period: float, spine: _Spine) -> None:
    """One body: concave in front with a beak below, end plates dense, sloping forwards and hollow; joints behind it."""
    rng = scene.rng
    clear, tall = spine.clear * rng.uniform(0.65, 1.2), period * rng.uniform(0.70, 0.8)
    slope = max(-0.35, -spine.slant - spine.nod) + rng.normal(0, 0.035)
    beak = spine.rough * rng.uniform(0, 1.5)
    deep = rng.uniform(21, 28)
    top = np.array([(x, x * slope + bow) for x, bow in ((1.6 - beak / 2, 0.2), (9, 0.9), (17, 0.7), (deep, -0.3))])
    low = np.array([(x, x * slope + tall - bow) for x, bow in ((0.6 - beak, -0.2), (8, 1.2), (16, 1.0), (deep, 0))])
    hollow = rng.uniform(0.1, 1.1)
    front = [(0.6, 2.0), (0.8 + hollow, 0.35 * tall), (0.6 + hollow, 0.68 * tall), (-0.6 - beak, tall - 2.2)]
    waist = [(deep - 1.5, deep * slope + 0.5 * tall)]
    outline = mirrored(moved(scene.wobble(np.vstack([waist, top[::-1], front, low]), 0.4), *at), side)
    scene.add_area("trough", outline, rng.uniform(0.5, 1.8), 0.06 * clear * rng.uniform(0.6, 1.2))
    scene.add_line("trough", outline[4:10], rng.uniform(0.3, 1.8, 6), 0.5, 0.03 * clear * rng.uniform(0.2, 1.1))
    for plate, towards in ((top, 1), (low, -1)):
        _draw_end_plate(scene, side, moved(plate, *at), towards, clear * rng.uniform(0.2, 1.3))
    _draw_arch(scene, side, moved(at, deep, deep * slope), tall, clear)


def _draw_arch(scene: Scene, side: int, at: np.ndarray, tall: float, clear: float) -> None:
    """What a body carries behind: the pillar of the joints, which make one dense wavy column, and the process that
    slopes down and back to the picture's edge."""
    rng = scene.rng
    pillar = np.array([(-5, -0.4), (1, -0.55), (5, -0.3), (4, 0.3), (6, 0.8), (-1, 0.9), (-4, 0.4)]) * (1, tall)
    pillar = mirrored(moved(scene.wobble(pillar, 1.2), *at), side)
    scene.add_area("trough", pillar, rng.uniform(0.5, 1.4), rng.uniform(0.02, 0.07) * clear)
    drop = rng.uniform(0.25, 0.6)
    process = np.array([(2, 0.2), (12, 0.25), (26, 0.2), (34, 0.35), (25, 0.55), (11, 0.7), (2, 0.75)]) * (1, tall)
    process[:, 1] += drop * process[:, 0]
    process = mirrored(moved(scene.wobble(process, 1.2), *at), side)
    scene.add_area("trough", process, rng.uniform(0.5, 1.2), rng.uniform(0.01, 0.06) * clear)
    scene.add_line("trough", process[:4], (0.4, 1.2, 1.2, 0.4), 0.5, rng.uniform(0.0, 0.06) * clear)


def _draw_end_plate(scene: Scene, side: int, points, towards: int, clear: float) -> None:
    """A plate met not quite along its surface: a slim bright lens, its two rims finer and brighter still; `towards` 1
    has it open downwards."""
    rng, points = scene.rng, scene.wobble(points, 0.25)
    open_by = np.zeros(len(points))
    open_by[1:-1] = towards * rng.uniform(0.3, 1.8)
    for weight, line in ((1.0, points), (rng.uniform(0.2, 1.0), points + np.stack([0 * open_by, open_by], 1))):
        line = mirrored(line, side)
        scene.add_line("trough", line, (0.5, 1.0, 1.1, 0.8), rng.uniform(0.3, 0.6), 0.045 * clear * weight)
        if weight == 1.0:
            scene.add_line("trough", moved(line, 0, 0.6 * towards), (0.6, 2.6, 3.0, 2.0), 0.8, 0.015 * clear)
