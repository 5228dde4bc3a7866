"""The zygoma: its body, the wall behind it, and the arch that runs back to the joint."""

from __future__ import annotations

import numpy as np

from .anatomy import Patient
from .curves import curve
from .raster import Patch
from .scene import Scene, mirrored, moved
from .temporal import Temporal


def draw_fossae(scene: Scene) -> None:
    """The infratemporal fossae, which the beam crosses between condyle and coronoid with little in its way."""
    depth = scene.rng.uniform(-0.01, 0.035)
    for side in (-1, 1):
        hollow = [(74, 33), (81, 27), (91, 25), (99, 29), (101, 40), (96, 49), (86, 49), (77, 43)]
        hollow = mirrored(scene.wobble(hollow, 1.5), side)
        scene.add_area("behind", hollow, scene.rng.uniform(0.7, 2.0), -depth * scene.rng.uniform(0.7, 1.3))


def draw_zygoma(scene: Scene, patient: Patient, side: int, walls: np.ndarray) -> None:
    """The zygoma beside the sinus: the wall behind it, and the bone's body.

    `walls`: mm that the sinus's wall to the zygoma lies aside, how low it ends, how far it leans, and mm from it to
    the wall behind.
    """
    rng = scene.rng
    aside, foot, lean, wide = walls * (1, 1, 0.8, 1)
    x = 58 + patient.jaws.sinus_width + aside
    clear = patient.soft_tissue["zygoma"] * rng.uniform(0.6, 1.3)
    _draw_back_wall(scene, side, (x + max(6.0, wide), foot, lean), clear * rng.uniform(0.4, 1.2))
    body = [(x, 20), (x + 11, 18), (x + 12, foot - 8), (x + 7, foot - 1), (x + 1, foot - 5)]
    scene.add_area("behind", mirrored(body, side), 1.6, 0.05 * clear)
    buttress = [(x + 1, foot + 3), (x + 4, foot - 12), (x + 14, 28), (x + 22, 28), (x + 21, 34), (x + 13, foot - 6),
                (x + 8, foot + 6)]  # fmt: skip
    buttress = mirrored(scene.wobble(buttress, 1.6), side)
    scene.add_area("behind", buttress, rng.uniform(0.6, 2.5), 0.05 * clear * rng.uniform(0.2, 1.4))


def _draw_back_wall(scene: Scene, side: int, at: tuple[float, float, float], clear: float) -> None:
    """The wall behind the sinus, where the upper jaw meets the pterygoid plates: two bent lines close together, one of
    them often lost, which part above into the skull's floor and the orbit, and below over the tuberosity."""
    rng, (x, foot, lean) = scene.rng, at
    high, low = rng.uniform(8, 16), foot - rng.uniform(2, 9)
    bow, lost = rng.normal(0, 1.8), rng.choice((-1, 1)) * (rng.uniform() < 0.5)
    for out in (-1, 1):
        gap, spread = rng.uniform(0.2, 1.1), rng.uniform(2, 9)
        aside = out * np.array((spread, gap + 0.25 * spread, gap, gap, gap, gap + rng.uniform(-1, 3)))
        height = (high - rng.uniform(6, 12), high, high + 9, low - 10, low, low + rng.uniform(6, 12))
        line = np.stack([x + lean * np.array((1, 0.6, 0.3, 0, 0, 0)) + aside, height], 1)
        line[2:4, 0] += bow + rng.normal(0, 0.8)
        line = scene.wobble(curve(scene.wobble(line, 0.6), step=5.0), 0.2)
        widths = rng.uniform(0.6, 1.4) * rng.uniform(0.5, 1.3, len(line))
        line, depth = mirrored(line, side), min(0.09 * clear * rng.uniform(0.3, 1.2), 0.065)
        depth *= 0.15 if out == lost else 1.0
        scene.add_line("trough", line, widths, rng.uniform(0.15, 0.4), depth)
        scene.add_line("trough", moved(line, 0.9 * side * out, 0), 3 * widths, 0.8, 0.3 * depth)
    glow = mirrored([(x + 2, high), (x + 2.5, 28), (x + 2, low)], side)
    scene.add_line("trough", glow, (2, 5, 3), 1.5, 0.04 * clear)


def draw_arch(scene: Scene, bone: Temporal) -> None:
    """The zygomatic arch, from the joint's eminence to the zygoma: a grey band with a crisp lower border, below which
    the infratemporal fossa is dark."""
    rng, reach, drop = scene.rng, bone.reach, bone.drop
    far = 66 + rng.normal(0, 2.5) - bone.roof[0]  # where it meets the zygoma
    low, span = drop + rng.normal(8.5, 3.0), far + reach
    share = np.array((0.02, 0.2, 0.45, 0.7, 0.9, 1.15, 1.4))
    sunk = np.array((-0.1, -0.15, -0.05, 0.25, 0.75, 1.5, 2.0))
    lower = np.stack([-reach + span * share, drop + 0.8 + (low - drop) * sunk], 1)
    lower[:4] -= np.outer((0.2, 0.8, 1.0, 0.7), (0, rng.uniform(0, 5)))
    lower = scene.wobble(lower, 0.5)
    thick = rng.uniform(6, 11) * np.array((0.5, 0.8, 1, 1.05, 1.15, 1.3, 1.4))
    upper = scene.wobble(lower - thick[:, None] * (0, 1), 0.7)
    depth = rng.uniform(0.02, 0.09)
    for height, share in ((upper, 0.7), (lower - 2.2 * thick[:, None] * (0, 1), 0.6)):
        band = scene.area(bone.place(np.vstack([lower, height[::-1]])), rng.uniform(0.3, 0.9))
        ends = scene.frame.to_pixels(bone.place([(far + 12, 0), (far - 10, 0)]))[:, 0] / band.step - band.left
        seen = np.clip((ends[1] - np.arange(band.values.shape[1], dtype=np.float32)) / (ends[1] - ends[0]), 0, 1)
        scene.add("trough", Patch(band.top, band.left, band.values * seen, band.step), share * depth)
    for edge, most in ((moved(lower, 0, -0.5), 0.03), (upper, 0.035)):
        scene.add_line("trough", bone.place(edge[:6]), rng.uniform(0.2, 1.6, 6), 0.35, rng.uniform(0.0, most))
    for _ in range(int(rng.integers(0, 3))):  # the greater wing and the pterygoid plates, met aslant
        start = (-reach - rng.uniform(4, 24), drop - rng.uniform(-3, 12))
        stop = np.array((far + rng.normal(4, 3), low - rng.uniform(-6, 10)))
        line = np.array([start, 0.5 * (start + stop) + rng.normal((0, -2), 3, 2), stop])
        scene.add_line("trough", bone.place(line), (0.4, rng.uniform(0.6, 2.4), 0.5), 0.4, rng.uniform(0.0, 0.05))
    under = [(far, low + 8), (-0.6 * reach + 0.5 * far, low + 12), (-reach - 6, drop + 19), (-reach - 3, drop + 8)]
    hollow = np.vstack([lower[1:5], under])
    for blurred, most in ((rng.uniform(0.4, 2.4), 0.022), (4.0, 0.012)):
        scene.add_area("trough", bone.place(hollow), blurred, -rng.uniform(0.0, most))
