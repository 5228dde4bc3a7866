"""The far side of the head: what the beam meets before or after the focal trough, magnified and smeared."""

from __future__ import annotations

import numpy as np

from .anatomy import Patient
from .raster import Patch, band_noise, blur
from .scene import Scene, beyond, mirrored


def draw_ghosts(scene: Scene, patient: Patient, jaw: Patch) -> None:
    """The far side's shadows: the spine across the middle, and each half of the jaw magnified over the other."""
    _draw_spine(scene, patient)
    strength = patient.soft_tissue["ghost"]
    rng = scene.rng
    mirror = np.zeros(scene.shape, np.float32)
    jaw.add_to(mirror)
    lift = int(scene.scale * rng.uniform(12, 20))
    mirror = np.roll(mirror[:, ::-1], -lift, axis=0)
    mirror[-lift:] = 0
    aside = beyond(30, 18, scene.across)
    scene.ghost += 0.025 * strength * aside * blur(mirror, (1.2 * scene.scale, 11 * scene.scale))
    edge = rng.normal((88, 15, 42, 0), (5, 5, 5, 2))  # the head is alike on both sides
    clear = rng.uniform(0.2, 1.3)
    for side in (-1, 1):
        seen = strength * max(0.0, clear + rng.normal(0, 0.25))
        _draw_far_angle(scene, side, seen, edge + rng.normal(0, (2.5, 3, 3, 1)))
    _draw_far_structures(scene)


def _draw_far_structures(scene: Scene) -> None:
    """What the far half of the mid-face leaves: a few soft bands of their own height, tilt and length."""
    rng = scene.rng
    for _ in range(int(rng.integers(3, 8))):
        x, y, half = rng.normal(0, 34), rng.uniform(2, 50), rng.uniform(10, 34)
        rise = rng.normal(0, 3.0)
        band = [(x - half, y - rise), (x, y + rng.normal(0, 1.5)), (x + half, y + rise)]
        depth = rng.uniform(0.015, 0.045) * rng.choice([-1, 1])
        scene.add_line("ghost", band, (0.5, rng.uniform(1.5, 6), 0.5), rng.uniform(0.8, 2.5), depth)


def _draw_far_angle(scene: Scene, side: int, strength: float, edge: np.ndarray) -> None:
    """The ghost of the opposite ramus and of what hangs on it: a pale field behind the last teeth, convex towards the
    back, over a fainter one that reaches beyond this ramus; both end below in one long edge.

    `edge`: y in mm of that edge behind, how much lower it lies in front, y of the field's top, how far the edge sags.
    """
    rng = scene.rng
    low, tilt, high, sag = edge
    share = np.linspace(0, 1, 6)
    under = np.stack([150 - 134 * share, low + tilt * share + 4 * sag * share * (1 - share)], 1)
    top = scene.wobble([(16, high + 14), (40, high + 6), (64, high), (90, high - 3), (120, high), (150, high + 8)], 1.6)
    inner, outer = rng.uniform(40, 62), 96 + rng.gamma(2.0, 18)  # towards the front it fades, and behind the jaw
    back = rng.normal(-1, 4) + np.array([102, 100, 94, 85, 74])
    dome = np.stack([back, np.append(low - 12, high + rng.normal(0, 3) + np.array([41, 27, 15, 6]))], 1)
    near = np.vstack([scene.wobble([(16, high + 14), (40, high + 2), (60, high)], 1.6), dome[::-1], under[2:]])
    for field, blurred, depth in (
        (np.vstack([top, under]), rng.uniform(0.2, 0.9), 0.075),
        (near, rng.uniform(0.8, 3.0), 0.022),
    ):
        body = scene.area(mirrored(field, side), blurred)
        down, across = scene.places(body)
        held = beyond(inner, 26, across) * (1 - beyond(outer, 30, across))
        rising = np.clip((down - high - 4) / rng.uniform(20, 45), 0, 1)
        scene.add("behind", Patch(body.top, body.left, body.values * held * rising, body.step), depth * strength)


def _draw_spine(scene: Scene, patient: Patient) -> None:
    """The cervical spine between tube and detector, magnified and smeared: one pale field, wider towards the teeth, in
    whose middle a darker stripe is seen more or less."""
    rng = scene.rng
    density = min(1.7, patient.soft_tissue["spine_density"] * rng.uniform(0.4, 1.3))
    top, half, blurred = rng.uniform(86, 118), rng.uniform(19, 31), rng.uniform(1.2, 5.0)
    parted = rng.uniform(0.15, 0.75)
    flare = rng.uniform(0, 7, 2)
    field = [(-half, 175), (-half - 1, 130), (-half - flare[0], 95), (-half - 2 * flare[0], 60),
             (half + 2 * flare[1], 60), (half + flare[1], 95), (half + 1, 130), (half, 175)]  # fmt: skip
    _add_rising(scene, scene.wobble(field, 1.5), blurred, top, 0.125 * density * (1 - parted))
    for side in (-1, 1):
        inner, outer = rng.uniform(1, 11), half + rng.normal(0, 1.5)
        column = [(inner, 175), (inner, 130), (inner + 1, 90), (inner + 2, 60), (outer - 2, 60), (outer, 90),
                  (outer + 1, 130), (outer + 3, 175)]  # fmt: skip
        depth = 0.125 * density * parted * rng.uniform(0.6, 1.25)
        _add_rising(scene, mirrored(scene.wobble(column, 1.5), side), blurred, top, depth)
    columns, y = scene.shape[1], scene.down
    stripes = band_noise(scene.grain, (64, columns), 7 * scene.scale, 0.8, stretch=0.1)[:1]
    blotches = band_noise(scene.grain, scene.shape, 9 * scene.scale, 0.8, stretch=2.0)
    near = (1 - beyond(half + 2, 8, scene.across)) * (0.2 + 0.8 * beyond(10, 8, scene.across))
    uneven = 0.03 + 0.07 * stripes + 0.012 * blotches + 0.10 * np.clip((y - 118) / 25, 0, 1)
    scene.ghost += density * np.clip((y - 82) / 50, 0, 1) * near * uneven
    _draw_strands(scene, density, half)


def _add_rising(scene: Scene, outline: np.ndarray, blurred: float, top: float, depth: float) -> None:
    """Add an area that is full from 18 mm below `top` on: the shoulders come up with the spine."""
    body = scene.area(outline, blurred)
    rises = np.clip((scene.places(body)[0] - top + 18) / 36, 0, 1)
    scene.add("behind", Patch(body.top, body.left, body.values * rises, body.step), depth)


def _draw_strands(scene: Scene, density: float, half: float) -> None:
    """Level strands, as of a brush, where the chin's bone is smeared over the spine's shadow."""
    rows, columns = scene.down[:, 0] > 94, scene.across[0] < half + 12
    if rows.sum() < 16:
        return
    shape = int(rows.sum()), int(columns.sum())
    strands = band_noise(scene.grain, shape, 2.2 * scene.scale, 0.9, stretch=5.0)
    seen = np.clip((scene.down[rows] - 94) / 12, 0, 1) * np.clip((half + 12 - scene.across[:, columns]) / 14, 0, 1)
    strength = scene.rng.uniform(0.006, 0.018) + 0.008 * density
    scene.behind[np.ix_(rows, columns)] += np.float32(strength) * seen * strands
