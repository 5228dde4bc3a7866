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
    edge = rng.normal((90, 15, 42, 1), (5, 5, 5, 2))  # the head is alike on both sides
    clear = rng.uniform(0.45, 1.35)
    for side in (-1, 1):
        seen = strength * max(0.0, clear + rng.normal(0, 0.25))
        seen = min(seen, 0.8 + 0.3 * seen)  # the muscles let through enough not to dazzle
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
    inner, outer = rng.uniform(16, 46), 89 + rng.gamma(2.0, 10)  # towards the front it fades, and behind the jaw
    back = rng.normal(0, 4) + np.array([104, 107, 105, 97, 84])
    rise = rng.normal(0, 3)
    dome = np.stack([back, np.append(low - 8, high + rise + np.array([38, 25, 13, 4]))], 1)
    near = np.vstack(
        [scene.wobble([(16, high + 14), (40, high + 2), (66, high + rise - 1)], 1.6), dome[::-1], under[2:]]
    )
    for field, blurred, depth, climb in (
        (np.vstack([top, under]), rng.uniform(0.35, 1.3), 0.098, rng.uniform(28, 60)),
        (near, rng.uniform(3.0, 7.0), rng.uniform(0.0, 0.035), rng.uniform(12, 36)),
    ):
        body = scene.area(mirrored(field, side), blurred)
        down, across = scene.places(body)
        held = beyond(inner, 26, across) * (1 - beyond(outer, 24, across))
        rising = np.clip((down - high - 2) / climb, 0, 1)
        scene.add("behind", Patch(body.top, body.left, body.values * held * rising, body.step), depth * strength)


def _draw_spine(scene: Scene, patient: Patient) -> None:
    """The cervical spine between tube and detector, magnified and smeared: a pale field over the chin, wider towards
    the teeth, whose two sides are seldom alike, with a few upright stripes in it, paler or darker. The beam sweeps
    it sideways, so that what is upright keeps its edges: they are sharper than those of other ghosts."""
    rng = scene.rng
    density = min(2.0, 0.3 + 0.8 * patient.soft_tissue["spine_density"] * rng.uniform(0.5, 1.5))
    half, flare, top = rng.normal(24, 2.6), rng.uniform(0, 8), rng.uniform(86, 116)
    rows, columns = scene.down[:, 0] > 64, scene.across[0] < 75
    if rows.sum() < 16:
        return
    down = scene.down[rows]
    x = ((np.arange(scene.shape[1]) + 0.5 - scene.shape[1] / 2) / scene.scale)[columns] - rng.normal(0, 3)
    shares, sides, soft = _steps(rng.spawn(1)[0], half)
    wide, narrow = (
        sum(part * _field(x, at + more, over + 0.6 * more) for part, at, over in zip(shares, sides, soft, strict=True))
        for more in (flare, 0.0)
    )
    share = np.clip((132 - down) / 40, 0, 1)
    shadow = share * wide + (1 - share) * narrow
    shadow *= 1 + _stripes(rng, x, half) * np.clip((down - top + 20) / 30, 0.3, 1)
    rises = np.clip((down - top + 18) / rng.uniform(14, 55), 0, 1)  # the shoulder's thickness comes up with it
    rises = rises * (0.65 + 0.35 * np.clip((down - 100) / 40, 0, 1))
    shadow = rises * shadow + _middle(rng, x) * np.clip((down - 72) / 28, 0, 1)
    scene.behind[np.ix_(rows, columns)] += np.float32(0.128 * density) * shadow
    _draw_strands(scene, density, half)


def _steps(rng: np.random.Generator, half: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The shadow is no box: bodies, arches and muscles of the spine end one after the other, each at its own place.
    For each step its share, how far it reaches to the right and left, and over how many mm it ends there."""
    steps = int(rng.integers(3, 6))
    sides = half * np.linspace(1.35, 0.7, steps)[:, None] * rng.uniform(0.82, 1.18, (steps, 2))
    return rng.dirichlet(np.full(steps, 1.6)), sides, 1.2 + rng.gamma(1.2, 2.6, (steps, 2))


def _field(x: np.ndarray, sides: np.ndarray, soft: np.ndarray) -> np.ndarray:
    """1 in the middle and 0 far out, where a field `sides` mm wide to the right and left ends over `soft` mm each."""
    return (1 - beyond(sides[0], soft[0], -x)) * (1 - beyond(sides[1], soft[1], x))


def _stripes(rng: np.random.Generator, x: np.ndarray, half: float) -> np.ndarray:
    """Upright stripes, as shares of the field they lie in: edges of vertebrae and the gap between them, smeared."""
    stripes = -rng.uniform(-0.05, 0.45) * _field(x, rng.uniform(3, 11, 2), rng.uniform(2, 9, 2))
    for _ in range(4):
        middle, wide = rng.normal(0, 0.6 * half), rng.uniform(3, 20)
        soft = 1.2 + rng.gamma(1.3, 3.0, 2)
        stripes = stripes + rng.uniform(-0.3, 0.42) * _field(x - middle, np.full(2, wide / 2), soft)
    return stripes[None, :]


def _middle(rng: np.random.Generator, x: np.ndarray) -> np.ndarray:
    """The seam where the beam meets the spine edge on: a narrow line in the middle, most often paler, from the front
    teeth down, sharp like a scratch in one patient and not there in the next."""
    seam = rng.uniform(0, 1) ** 1.3 * rng.choice((0.7, 0.7, -0.4))
    return (seam * _field(x - rng.normal(0, 1.2), rng.uniform(0.5, 3.0, 2), 0.6 + rng.gamma(1.2, 1.0, 2)))[None, :]


def _draw_strands(scene: Scene, density: float, half: float) -> None:
    """Level strands, as of a brush, where the chin's bone is smeared over the spine's shadow."""
    rows, columns = scene.down[:, 0] > 94, scene.across[0] < half + 12
    if rows.sum() < 16:
        return
    shape = int(rows.sum()), int(columns.sum())
    strands = band_noise(scene.grain, shape, 2.0 * scene.scale, 0.9, stretch=8.0)
    seen = np.clip((scene.down[rows] - 94) / 12, 0, 1) * np.clip((half + 12 - scene.across[:, columns]) / 14, 0, 1)
    strength = scene.rng.uniform(0.003, 0.014) + 0.005 * density
    scene.behind[np.ix_(rows, columns)] += np.float32(strength) * seen * strands
