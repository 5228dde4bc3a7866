"""The throat: tongue and soft palate where they end at the air, the airway behind them, epiglottis and hyoid.

All of it lies over and behind the rami, thrown outwards, and is met along its surfaces: crisp pale shapes before a dark
band. The two sides of one head show the same shapes, a little moved.
"""

from __future__ import annotations

import numpy as np

from .anatomy import Patient
from .raster import Patch
from .scene import Scene, beyond, mirrored, moved, ring


def draw_throat(scene: Scene, patient: Patient, spine: dict[int, np.ndarray]) -> None:
    """Draw both sides; `spine` holds the edges of the soft tissue before it, points in mm for each side."""
    rng = scene.rng
    behind = patient.jaws.ramus_width + 70  # the rami's rear edges
    slit = np.array([behind - rng.uniform(4, 24), rng.normal(73, 5)])  # where palate and tongue part
    tip = slit + rng.normal((8, 12), (3, 4))  # of the soft palate
    bulge, foot = rng.uniform(0.45, 1.35), rng.normal(-3, 6)  # how far it stands out; where it ends below the hyoid
    course = np.array([(0, 0), (6.5, 8), (12, 20), (14.5, 34), (13, 50), (10, 64), (8, 80), (8, 110)]) * (bulge, 1)
    course[-3:, 0] += np.array([0.4, 0.8, 1.3]) * foot
    tongue = scene.wobble(slit + course, 0.9)  # its edge behind, from the slit down to the hyoid and on
    sides = {side: scene.wobble(moved(tongue, *rng.normal(0, 1.6, 2)), 0.5) for side in (-1, 1)}
    _draw_tongue(scene, patient, sides)
    _draw_palates(scene, tip - slit, sides)
    _draw_airways(scene, patient, tip - slit, sides, spine)
    low = rng.normal(127, 7)
    at = np.array([np.interp(low, tongue[:, 1], tongue[:, 0]) - rng.normal(17, 6), low])
    _draw_epiglottis(scene, at, sides)
    _draw_hyoid(scene, at)
    _draw_glands(scene, sides)
    _draw_neck(scene)


def _draw_tongue(scene: Scene, patient: Patient, edges: dict[int, np.ndarray]) -> None:
    """The tongue lies over jaws and rami as a pale field, which ends behind in one convex edge; the floor of the mouth
    goes on below, to where the neck begins."""
    rng, jaws = scene.rng, patient.jaws
    share, clear = patient.soft_tissue["palatoglossal_air"], patient.soft_tissue["tongue"]
    dorsum = jaws.palate_height + 6.5 + 11 * share
    foot = rng.normal(137, 7)
    halves = {}
    for side, edge in edges.items():
        slit = edge[0]
        top = [(46, dorsum + 2), (62, dorsum + 1), (82, max(dorsum + 2, slit[1] - 15)), slit - (7, 6)]
        ends = edge[edge[:, 1] < foot - 8]
        under = [(ends[-1, 0] - 8, foot - 1), (ends[-1, 0] - 26, foot + 3), (40, foot + 8)]
        halves[side] = mirrored(np.vstack([scene.wobble(top, 1.2), ends, under]), side)
    outline = np.vstack([[(0, dorsum)], halves[1], [(0, foot + 9)], halves[-1][::-1]])
    below = rng.uniform(0.0, 0.5)
    for blurred, depth in ((1.2 + 2.6 * rng.uniform() ** 1.5, 0.03 + 0.05 * clear), (6.0, 0.025)):
        body = scene.area(outline, blurred)
        down, across = scene.places(body)
        aside = 0.12 + 0.88 * beyond(48, 40, across)  # in front the beam crosses its short way
        fading = np.clip((121 - down) / 28, below, 1) * np.clip((foot + 14 - down) / 24, 0, 1)
        front = np.clip((across - 26) / 30, 0, 1) * np.clip((down - 96) / 12, 0, 1) + np.clip((108 - down) / 12, 0, 1)
        scene.add("behind", Patch(body.top, body.left, body.values * aside * fading * front, body.step), depth)


def _draw_palates(scene: Scene, hangs: np.ndarray, edges: dict[int, np.ndarray]) -> None:
    """The soft palate sweeps from the hard one over the ramus as a pale band, down and back to a finger's tip."""
    rng = scene.rng
    thick, clear = rng.uniform(5, 10), max(0.0, rng.uniform(-0.03, 0.11))
    blurred, crisp = rng.uniform(0.8, 2.5), rng.uniform(0.5, 1.8)
    for side, edge in edges.items():
        slit, tip = edge[0], edge[0] + hangs
        lower = np.array([(58, 54), (72, 54), slit - (14, 11), slit - (1, 2), tip - (2, 0)])
        upper = np.array(
            [
                moved(tip, 1, -2),
                moved(tip, -0.5, -0.7 * thick),
                moved(slit, 2, -thick),
                moved(slit, -13, -10 - thick),
                (72, 45),
                (58, 46),
            ]
        )
        band = scene.wobble(np.vstack([lower, upper]), 0.9)
        finger = scene.wobble(np.vstack([slit - (9, 8), lower[3:], upper[:3], moved(slit, -8, -7 - thick)]), 0.5)
        scene.add_area("behind", mirrored(band, side), blurred, 0.7 * clear)
        scene.add_area("behind", mirrored(finger, side), crisp, clear * rng.uniform(0.1, 0.7))


def _draw_airways(scene: Scene, patient: Patient, hangs: np.ndarray, edges: dict, spine: dict) -> None:
    """Air from behind the nose down to the larynx: a dark band between palate and tongue in front and the tissue
    before the spine behind; and the slit that opens into it between palate and tongue."""
    rng, airy = scene.rng, patient.soft_tissue["airway"]
    deep = 0.015 + 0.09 * airy
    nasal, lower = rng.uniform(0.1, 1.0), rng.uniform(0.2, 1.1)  # shares of it above the palate's tip and below
    narrow, most = rng.uniform(2, 6), rng.uniform(12, 30)
    slim, open_to = rng.uniform(1.0, 4.0), max(0.0, rng.uniform(-0.03, 0.12))
    for side, edge in edges.items():
        slit, tip = edge[0], edge[0] + hangs
        front = np.vstack([(90, 34), (94, 48), moved(slit, 4, -12), moved(tip, 1.5, -4), moved(tip, 0, 1), edge[2:]])
        before = np.abs(spine[side])
        wall = np.clip(np.interp(front[:, 1], before[:, 1], before[:, 0]), front[:, 0] + narrow, front[:, 0] + most)
        back = np.stack([wall, front[:, 1]], 1)
        band = scene.area(mirrored(np.vstack([front, back[::-1]]), side), rng.uniform(0.3, 0.9))
        down = scene.places(band)[0]
        along = np.interp(down, (36, 58, tip[1] - 8, tip[1] + 8, 116, 136), (0, nasal, nasal, 1, 1, lower))
        scene.add("behind", Patch(band.top, band.left, band.values * along, band.step), -deep * rng.uniform(0.8, 1.2))
        wedge = np.array([slit - (13, 11), slit - (2, 1), tip - (2, -1), (tip[0] + 1, edge[2, 1]), edge[2], edge[1]])
        wedge = np.vstack([wedge, moved(slit, -1, 0.4 * slim), moved(slit, -12, -11 + 0.6 * slim)])
        scene.add_area("behind", mirrored(scene.wobble(wedge, 0.5), side), rng.uniform(0.4, 1.0), -open_to)


def _draw_glands(scene: Scene, edges: dict[int, np.ndarray]) -> None:
    """The glands under the jaw: a pale field below its border, which ends behind in one convex edge before the dark of
    the throat, and in front runs out."""
    rng = scene.rng
    clear, blurred, aside = max(0.0, rng.uniform(-0.02, 0.075)), rng.uniform(0.2, 1.1), rng.normal(-3, 3)
    top, foot, bow = rng.normal(92, 5), rng.normal(138, 6), rng.uniform(1, 6)
    share = np.linspace(0, 1, 5)
    y = top + (foot - top) * share
    for side, edge in edges.items():
        behind = np.interp(y, edge[:, 1], edge[:, 0]) + aside + 4 * bow * share * (1 - share) - 6 * share**3
        field = np.vstack(
            [np.stack([behind, y], 1), [(behind[-1] - 12, foot + 4), (58, foot + 7), (50, 118), (66, 98)]]
        )
        gland = scene.area(mirrored(scene.wobble(field, 0.8), side), blurred)
        down, across = scene.places(gland)
        seen = np.clip((across - 56) / 22, 0, 1) * np.clip((down - top) / 12, 0, 1) * np.clip((foot - down) / 9, 0.1, 1)
        depth = clear * rng.uniform(0.7, 1.2)
        scene.add("behind", Patch(gland.top, gland.left, gland.values * seen, gland.step), depth)


def _draw_neck(scene: Scene) -> None:
    """Muscles and skin folds of the neck below and behind the jaw: long soft bands that run from the field's side
    inwards and down, a few in each head, much alike on both sides."""
    rng = scene.rng
    for _ in range(int(rng.integers(2, 6))):
        outer = np.array([rng.uniform(124, 152), rng.uniform(84, 134)])
        inner = np.array([rng.uniform(44, 96), rng.uniform(134, 150)])
        sag = rng.normal(5, 6)
        depth, thick = rng.normal(0.005, 0.022), rng.uniform(1.5, 9)
        blurred = rng.uniform(0.5, 2.5)
        for side in (-1, 1):
            course = np.vstack([outer, 0.62 * outer + 0.38 * inner, 0.28 * outer + 0.72 * inner, inner])
            course[1:3, 1] += sag
            band = mirrored(scene.wobble(moved(course, *rng.normal(0, 2.0, 2)), 1.2), side)
            widths = thick * np.array((1.0, 1.0, 0.7, 0.2))
            scene.add_line("behind", band, widths, blurred, depth * rng.uniform(0.5, 1.2))


def _draw_epiglottis(scene: Scene, hyoid: np.ndarray, edges: dict[int, np.ndarray]) -> None:
    """A pale finger that rises from behind the hyoid into the airway, a dark pocket before it, the larynx below."""
    rng = scene.rng
    clear, pocket = max(0.0, rng.uniform(-0.03, 0.055)), rng.uniform(0.0, 0.06)
    tall, lean, bow = rng.uniform(14, 26), rng.normal(0.1, 0.35), rng.uniform(-1, 6)
    larynx, blurred = rng.uniform(0.0, 0.05), rng.uniform(0.8, 3.0)
    root_length, thick = rng.uniform(3, 12), rng.uniform(3.0, 6.0)
    for side, edge in edges.items():
        foot = np.array([np.interp(hyoid[1], edge[:, 1], edge[:, 0]) + 5, hyoid[1] - 3]) + rng.normal(0, 1.2, 2)
        share = np.array([0.0, 0.35, 0.7, 1.0])
        rise = np.stack([tall * lean * share + 4 * bow * share * (1 - share), -tall * share], 1)
        root = np.array([(-root_length, 5), (-0.5 * root_length, 4.5), (-0.15 * root_length, 2.5)])
        finger = foot + scene.wobble(np.vstack([root, rise]), 0.5)
        widths = thick * np.array((0.1, 0.8, 1.3, 1.2, 1.0, 0.9, 0.6))
        scene.add_line("behind", mirrored(finger, side), widths, rng.uniform(0.3, 0.9), clear)
        hollow = np.vstack([finger[3:] - (0.5 * thick, 0), foot - (6, 14), foot - (7, 4)])
        scene.add_area("behind", mirrored(hollow, side), 0.9, -pocket)
        column = [moved(foot, *point) for point in ((-10, 4), (3, 0), (7, 14), (10, 36), (-24, 36), (-16, 16))]
        scene.add_area("behind", mirrored(scene.wobble(column, 1.2), side), blurred, larynx)


def _draw_hyoid(scene: Scene, at: np.ndarray) -> None:
    """The hyoid shows on both sides, thrown outwards, since it lies behind the focal trough."""
    rng = scene.rng
    clear = rng.uniform(0.2, 0.8) if rng.uniform() < 0.2 else rng.uniform(0.9, 1.9)
    rise, size = rng.uniform(0.15, 0.55), rng.uniform(0.95, 1.5)
    for side in (-1, 1):
        place = at + rng.normal(0, (3.5, 2.5))
        seen = clear * rng.uniform(0.6, 1.2)
        _draw_far_horn(scene, side, place, rise, seen)
        _draw_near_half(scene, side, place, rise + rng.normal(0, 0.06), size, seen)


def _draw_near_half(scene: Scene, side: int, at: np.ndarray, rise: float, size: float, clear: float) -> None:
    """This side's half: a club. Its blunt end is the body, cut across, with a bright uneven rind; the greater horn runs
    from it outwards and upwards to the spine between two fine borders, which draw together."""
    rng = scene.rng
    reach, thick = rng.uniform(34, 52), size * rng.uniform(0.8, 1.2)
    share = np.array([0.0, 0.12, 0.3, 0.55, 1.0])
    sag = rng.normal(-1, 3.5) * 4 * share * (1 - share)
    middle = np.stack([reach * share, -rise * reach * share + sag], 1)
    half = np.stack([0.25 * share, np.interp(share, (0, 0.12, 0.3, 0.55, 1), (5.2, 4.8, 2.9, 1.9, 1.0))], 1) * thick
    upper, lower = scene.wobble(middle - half, 0.45), scene.wobble(middle + half, 0.45)
    lean = rng.normal(-1.5, 2.0)  # the cut is seldom square
    front = np.array([(-2.5 + lean, 4.4), (-4.2 + 0.4 * lean, 1.5), (-4.6 - 0.3 * lean, -1.5), (-2.2 - lean, -4.6)])
    front = scene.wobble(front * size, 0.7)
    body = mirrored(at + np.vstack([lower[1::-1], front, upper[:2]]), side)
    scene.add_area("behind", body, rng.uniform(0.4, 1.2), 0.022 * clear)
    club = mirrored(at + np.vstack([upper, lower[::-1], front]), side)
    scene.add_area("behind", club, rng.uniform(0.3, 0.7), 0.02 * clear)
    threads = []
    for across in (0.0, 1.0, *rng.uniform(0, 1, 6)):  # borders, and the ridges between them
        line = upper + across * (lower - upper) + rng.normal(0, 0.35, upper.shape)
        far = np.linspace(0, rng.uniform(0.7, 1.0) if across in (0.0, 1.0) else rng.uniform(0.2, 0.8), 4)
        line = np.stack([np.interp(far, share, line[:, i]) for i in (0, 1)], 1)
        depth = rng.uniform(0.015, 0.045) if across in (0.0, 1.0) else rng.uniform(0.0, 0.03)
        threads.append((mirrored(at + line, side), rng.uniform(0.6, 1.5), depth * clear))
    scene.add_threads("behind", threads, 0.4)
    _draw_cut(scene, side, at, front, clear)


def _draw_cut(scene: Scene, side: int, at: np.ndarray, front: np.ndarray, clear: float) -> None:
    """The body's cut end: its rind as two or three uneven bright lines beside each other, thickened here and there."""
    rng = scene.rng
    for inwards in (0.0, rng.uniform(1.2, 3.0), rng.uniform(2.0, 6.0)):
        ends = front[0] + np.array([2.5, 0.2]), front[-1] + np.array([2.5, -0.2])
        rind = scene.wobble(at + np.vstack([ends[0], front, ends[1]]), 0.5)
        shrunk = rind * (1, 1 - 0.04 * inwards) + (inwards, 0.04 * inwards * at[1])
        first = rng.integers(0, 3)
        line = shrunk[first : first + rng.integers(4, 7)]
        widths = rng.uniform(0.5, 2.6, 6) * np.array([0.4, 1, 1, 1, 1, 0.4])
        depth = rng.uniform(0.01, 0.075) if inwards == 0.0 else rng.uniform(0.0, 0.06)
        scene.add_line("behind", mirrored(line, side), widths, rng.uniform(0.2, 0.5), depth * clear)
    for _ in range(3):  # where it is met along its surface
        knot = at + front[rng.integers(0, 4)] + rng.normal((1.0, 0), (1.0, 1.2), 2)
        patch = scene.wobble(ring(knot, rng.uniform(0.6, 1.8), rng.uniform(0.8, 2.6), 6), 0.4)
        scene.add_area("behind", mirrored(patch, side), rng.uniform(0.2, 0.5), rng.uniform(0.0, 0.07) * clear)


def _draw_far_horn(scene: Scene, side: int, at: np.ndarray, rise: float, clear: float) -> None:
    """The other side's horn, drawn out longer and flatter: fine lines through this one's, two or three abreast."""
    rng, share = scene.rng, np.linspace(0, 1, 4)
    reach, up = rng.uniform(44, 84), rise * rng.uniform(0.3, 0.8)
    for _ in range(3):
        line = at + np.stack([6 + reach * share, rng.uniform(-5, 3) - up * reach * share], 1)
        line = mirrored(scene.wobble(line, 1.2), side)
        scene.add_line("behind", line, (0.2, 0.9, 0.8, 0.2), rng.uniform(0.3, 0.9), rng.uniform(0.0, 0.045) * clear)
