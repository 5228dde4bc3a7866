"""The temporal bone of each side: joint, floor of the skull, ear, mastoid and styloid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .curves import curve
from .raster import Patch, band_noise, ridges
from .scene import Scene, bowed, mirrored, moved, ring


@dataclass(frozen=True)
class Temporal:
    """One side's temporal bone: what its parts are measured from, in mm.

    side   -1 the patient's right, 1 the left
    roof   highest point of the joint's fossa, x counted outwards from the midline
    reach  from there to the tip of the articular eminence, towards the midline
    drop   how far that tip hangs below the roof
    broad  how far the eminence stays low before the floor climbs from it
    rise   how steeply the skull's floor climbs from the eminence towards the midline, mm a mm
    low    how far the mastoid's tip lies below the roof
    dense  optical depth of the bone over the joint
    clear  0…1, how distinct the bone's borders are
    cells  0…1, how much is seen of the net of its fine walls
    """

    side: int
    roof: np.ndarray
    reach: float
    drop: float
    broad: float
    rise: float
    low: float
    dense: float
    clear: float
    cells: float

    def place(self, points) -> np.ndarray:
        """Points given outwards and down from the fossa's roof, in mm of the patient's frame."""
        return mirrored(np.asarray(points, dtype=float) + self.roof, self.side)

    @property
    def floor(self) -> np.ndarray:
        """The lower border from the midline's side to the ear: skull's floor, eminence, fossa: points (12, 2) outwards
        and down from the roof."""
        reach, drop, broad = self.reach, self.drop, self.broad
        end = self.roof[0] - 70  # where it turns up into the sphenoid
        way, foot = end - reach - 11 - broad, drop - 2.6
        high = foot - self.rise * way
        up = [(-end - 5, high - 19), (-end - 2, high - 9), (-end + 3, high - 2.5),
              (-(end + reach + 5 + broad) / 2, foot - 0.5 * self.rise * way)]  # fmt: skip
        joint = [(-reach - 7 - broad, drop - 2.0), (-reach - 3 - 0.6 * broad, drop - 0.5), (-reach + 1.5, drop - 0.3),
                 (-0.66 * reach, 0.72 * drop),
                 (-0.3 * reach, 0.14 * drop), (0, 0), (4.2, 0.8), (7.5, 3.6)]  # fmt: skip
        return np.array(up + joint)


def temporal_bones(scene: Scene, condyles: dict[int, np.ndarray]) -> list[Temporal]:
    """Both sides' bones over the condyles' highest points in mm: nearly alike in one head."""
    rng = scene.rng
    head = rng.normal((11.0, 6.0, 1.0, 0.62, 27.0, 0.19, 0.55), (1.6, 1.8, 2.5, 0.15, 5.0, 0.03, 0.28))
    space = rng.normal(-0.6, 2.2)
    cells = rng.uniform() ** 2.2
    bones = []
    for side, condyle in condyles.items():
        roof = np.abs(condyle) - (0, space) + rng.normal((0.5, 0), (1.2, 0.5))
        own = head + rng.normal(0, (0.8, 0.7, 0.7, 0.04, 2.0, 0.012, 0.08))
        own = np.clip(own, (7, 2, 0.0, 0.1, 16, 0.12, 0.0), (16, 10, 8, 0.95, 42, 0.30, 1.0))
        bones.append(Temporal(side, roof, *own.tolist(), cells))
    return bones


def draw_temporal_bones(scene: Scene, bones: list[Temporal]) -> None:
    """Draw both sides; `shared` is what a head has alike on both."""
    shared = scene.rng.uniform(size=8)
    for bone in bones:
        _draw_floor(scene, bone, shared)
        _draw_ridges(scene, bone)
        _draw_mastoid(scene, bone)
        _draw_air_cells(scene, bone)
        _draw_walls(scene, bone)
        _draw_gap(scene, bone, shared[6])
        _draw_ear_canal(scene, bone, shared[7])
        _draw_styloid(scene, bone, shared)


def _draw_floor(scene: Scene, bone: Temporal, shared: np.ndarray) -> None:
    """The skull's floor, met along its surface: one definite border over the joint, and behind it others that
    lie higher; behind the ear the bone is thick, and runs out unevenly below."""
    rng, low = scene.rng, bone.low
    floor = scene.wobble(bone.floor, 0.7)
    floor[:4] += rng.normal(0, (1.2, 1.5), (4, 2))
    front = rng.normal(12.5, 1.2)
    process = [(front - 2.5, 8), (front, 0.45 * low), (front + 4, 0.8 * low), (front + 12, 1.1 * low)]
    above = [(front + 17, 1.4 * low), (70, 1.4 * low), (70, -60), (floor[0, 0] - 4, -60)]
    outline = bone.place(np.vstack([floor, scene.wobble(process, 1.0), above]))
    body = _running_out(scene, bone, scene.area(outline, rng.uniform(0.4, 2.0)).fine(scene.shape))
    scene.add("trough", body, 0.36 * bone.dense)
    for above_it, blurred in ((rng.uniform(0, 2), 0.5), (rng.uniform(1, 5), 1.0), (rng.uniform(3, 9), 2.0)):
        layer = scene.wobble(floor[4:] - (0, above_it), 1.0)  # the same floor farther in, which lies higher
        layer = np.vstack([layer, [(front, 0.3 * low), (front + 9, 0.3 * low), (26, -14), (6, -26), (-26, -30)]])
        scene.add_area("trough", bone.place(layer), blurred, 0.25 * bone.dense * rng.uniform(0.2, 1.2))
    _add_web(scene, bone, body)
    for blurred, aside, most in ((9.0, -4, 0.17), (6.0, 16, 0.09)):
        thick = [(aside - 16, -60), (aside - 5, -14), (aside, 4), (aside + 7, 0.4 * low), (70, 0.4 * low), (70, -60)]
        scene.add_area("trough", bone.place(scene.wobble(thick, 2.0)), blurred, most * rng.uniform(0.55, 0.95))
    _draw_rims(scene, bone, floor, shared)


def _draw_rims(scene: Scene, bone: Temporal, floor: np.ndarray, shared: np.ndarray) -> None:
    """The floor's bright rim, thickest at the eminence, and the paler hollow of the cranial fossa above it."""
    rng = scene.rng
    widths = np.array((0.2, 0.5, 0.8, 1.1, 1.8, 2.4, 2.6, 2.2, 1.6, 1.6, 1.5, 0.8)) * rng.uniform(0.3, 1.3, 12)
    rim = scene.wobble(curve(moved(floor, 0, -0.8), step=3.5), 0.3)
    widths = np.interp(np.linspace(0, 1, len(rim)), np.linspace(0, 1, 12), widths) * rng.uniform(
        -0.2, 1.2, len(rim)
    ).clip(0.05)
    scene.add_line("trough", bone.place(rim), widths, 0.3, rng.uniform(0.01, 0.09))
    thick = np.array((0.1, 0.2, 0.3, 0.45, 0.75, 1.05, 1.15, 1, 0.8, 0.65, 0.7, 1.0)) * (7 + 6 * shared[0])
    inner = scene.wobble(floor - thick[:, None] * (0, 1), 1.2)
    fossa = np.vstack([inner, [(8, -20), (0, -34), (-30, -50), (floor[0, 0], -50)]])
    scene.add_area("trough", bone.place(fossa), rng.uniform(0.5, 2.2), -bone.dense * (0.03 + 0.29 * shared[1]))
    scene.add_line("trough", bone.place(inner[:11]), rng.uniform(0.0, 2.2, 11), 0.35, rng.uniform(0.0, 0.09))
    eminence = np.vstack([floor[3:9], [(-2, -4), (-8, -6), (-bone.reach - 4, -7)]])
    scene.add_area("trough", bone.place(eminence), rng.uniform(0.5, 1.6), rng.uniform(0.0, 0.07))


def _running_out(scene: Scene, bone: Temporal, body: Patch) -> Patch:
    """A temporal bone thins out, unevenly, towards the midline and towards its mastoid's end."""
    right, top = (float(at) for at in scene.frame.to_pixels(bone.place([(0, 0)]))[0] - (body.left, body.top))
    rows, columns = (np.arange(length, dtype=np.float32) for length in body.values.shape)
    down, out = (rows[:, None] - top) / scene.scale, bone.side * (columns[None, :] - right) / scene.scale
    uneven = 0.25 * band_noise(scene.grain, body.values.shape, 40 * scene.scale, 0.6)
    held = np.clip(1.12 + uneven - np.clip(1.05 * down / bone.low, 0, 2), 0, 1 + uneven)
    return Patch(body.top, body.left, body.values * held * np.clip((out + 42) / 44, 0.12, 1))


def _add_web(scene: Scene, bone: Temporal, where: Patch) -> None:
    """The net of fine bony walls: round cells behind the ear, drawn out along the skull's floor over the joint."""
    shape, drawn_out = where.values.shape, scene.rng.uniform(0.012, 0.044)
    if min(shape) < 32:
        return
    ear = float(scene.frame.to_pixels(bone.place([(13, 0)]))[0, 0]) - where.left
    out = bone.side * (np.arange(shape[1], dtype=np.float32)[None, :] - ear) / scene.scale  # mm behind the ear
    behind = np.clip(0.5 + out / 14, 0, 1)
    seen = where.values * np.clip(0.8 + 0.45 * band_noise(scene.grain, shape, 16 * scene.scale, 0.6), 0.1, 1.7)
    cells = sum(
        weight * _net(scene, shape, period, 0.8, sharp)
        for period, weight, sharp in ((2.1, 0.7, 1.6), (4.8, 1.0, 2.4), (10.0, 1.0, 3.4))
    )
    fibres = sum(
        _sheared(_net(scene, shape, period, stretch, sharp), -bone.side * bone.rise)
        for period, stretch, sharp in ((3.0, 2.0, 2.0), (7.0, 2.6, 3.2), (17.0, 3.0, 5.5))
    )
    net = (0.014 + 0.036 * bone.cells) * behind * (cells - 0.2) + drawn_out * (1 - 0.3 * behind) * fibres
    scene.add("trough", Patch(where.top, where.left, seen * net), 1.0)


def _net(scene: Scene, shape: tuple[int, int], period: float, stretch: float, sharp: float) -> np.ndarray:
    return ridges(band_noise(scene.grain, shape, period * scene.scale, 0.4, stretch), sharp)


def _sheared(field: np.ndarray, slope: float) -> np.ndarray:
    """A field moved down column by column, `slope` rows a column, what leaves below coming back above."""
    rows, columns = field.shape
    moved = np.arange(rows)[:, None] - np.round(slope * np.arange(columns)).astype(int)[None, :]
    return np.take_along_axis(field, moved % rows, axis=0)


def _draw_ridges(scene: Scene, bone: Temporal) -> None:
    """Ridges and grooves inside the skull: bright lines that meet over the ear and fan out towards the midline."""
    rng = scene.rng
    for _ in range(int(rng.integers(6, 13))):
        start = rng.normal((10, -6), (7, 5))
        heading, length, bow = rng.normal(0.40, 0.24), rng.uniform(24, 72), rng.normal(0.05, 0.10)
        along, over = np.array([-np.cos(heading), -np.sin(heading)]), np.array([np.sin(heading), -np.cos(heading)])
        steps = np.linspace(0, 1, 6)
        line = start + length * (np.outer(steps, along) + np.outer(bow * 4 * steps * (1 - steps), over))
        line = scene.wobble(line, 0.5)
        widths = rng.uniform(0.5, 1.8) * np.array((0.3, 0.9, 1.2, 1.1, 0.8, 0.2)) * rng.uniform(0.6, 1.4, 6)
        depth = rng.uniform(0.02, 0.08)
        scene.add_line("trough", bone.place(line), widths, rng.uniform(0.2, 0.6), depth)
        scene.add_line("trough", bone.place(line - 1.2 * over), 4 * widths, 1.2, 0.5 * depth)


def _draw_mastoid(scene: Scene, bone: Temporal) -> None:
    """The process behind the ear: rounded folds of bone over each other, which end at heights of their own, the
    foremost with a definite border towards the joint."""
    rng = scene.rng
    muscle = [(15, 0.5 * bone.low), (13, bone.low + 10), (20, bone.low + 28), (70, bone.low + 30), (70, 0)]
    scene.add_area("behind", bone.place(scene.wobble(muscle, 2.0)), rng.uniform(1.5, 5.0), rng.uniform(0.0, 0.045))
    for first, blurred in ((True, 0.3), (False, 1.4), (False, 3.0), (False, 2.0)):
        x, low = rng.normal(22 if first else 28, 2.5 if first else 6), bone.low + rng.normal(0, 3 if first else 7)
        half = rng.uniform(6, 12)
        fold = [(x - half + 2, -4), (x - half, 0.4 * low), (x - 0.85 * half, 0.75 * low), (x - 0.3 * half, low),
                (x + 0.4 * half, 0.97 * low), (x + half, 0.8 * low), (x + half + 8, 0.55 * low),
                (x + half + 20, -10)]  # fmt: skip
        fold = scene.wobble(fold, 1.2)
        scene.add_area("trough", bone.place(fold), blurred * rng.uniform(0.5, 1.4), rng.uniform(0.0, 0.048))
        scene.add_line(
            "trough", bone.place(fold[1:6]), rng.uniform(0.2, 1.1, 5), 0.25, rng.uniform(0.0, 0.08 if first else 0.03)
        )


def _draw_air_cells(scene: Scene, bone: Temporal) -> None:
    """The larger air cells of the mastoid, where a head has them: dark rounds with thin bright walls."""
    rng = scene.rng
    for _ in range(int(20 * bone.cells * rng.uniform(0.4, 1.0))):
        centre = rng.normal((22, -1), (6, 8))
        cell = scene.wobble(ring(centre, *rng.uniform(0.8, 2.4, 2), 7), 0.4)
        scene.add_area("trough", bone.place(cell), 0.25, -rng.uniform(0.0, 0.06))
        wall = np.roll(cell, int(rng.integers(7)), axis=0)[:6]
        scene.add_line("trough", bone.place(wall), rng.uniform(0.2, 1.1, 6), 0.3, rng.uniform(0.01, 0.08))


def _draw_walls(scene: Scene, bone: Temporal) -> None:
    """Walls between the mastoid's cells that the beam happens to graze: curved bright threads in all directions."""
    rng, threads = scene.rng, []
    for index in range(44):
        broad = 2.0 if index % 3 == 0 else 1.0
        middle, heading = rng.normal((23, 4), (9, 13)), rng.uniform(0, np.pi)
        thread = bowed(middle, heading, broad * rng.uniform(4, 13), rng.normal(0, 0.25))
        threads.append((bone.place(thread), broad * rng.uniform(0.5, 1.8), rng.uniform(0.0, 0.03 + 0.035 * bone.cells)))
    scene.add_threads("trough", threads, 0.3)


def _draw_gap(scene: Scene, bone: Temporal, shared: float) -> None:
    """Between the jaw's neck and the mastoid the beam meets little: a dark strip that opens downwards."""
    rng = scene.rng
    gap = [(8, 5), (11.5, 7), (13.5, 0.6 * bone.low), (17, bone.low + 6), (16, bone.low + 26), (4, bone.low + 30),
           (2, 24), (6, 12)]  # fmt: skip
    depth = 0.04 * shared * rng.uniform(0.6, 1.2)
    scene.add_area("behind", bone.place(scene.wobble(gap, 1.6)), rng.uniform(1.5, 4.0), -depth)


def _draw_ear_canal(scene: Scene, bone: Temporal, shared: float) -> None:
    """The outer ear canal: a grey oval where the scan meets it end on, distinct in one head of six (`shared`), and the
    tympanic plate that hangs below it, a bright tongue of upright fibres."""
    rng = scene.rng
    centre = rng.normal((15, -1.5), (2.0, 2.0))
    long = rng.uniform(2, 13)
    plate = [(-4, -3), (-3.5, 4), (-2, 5 + 0.7 * long), (1, 5 + long), (4, 4 + 0.8 * long), (5.5, 2), (4, -4)]
    plate = scene.wobble(centre + plate, 0.7)
    scene.add_area("trough", bone.place(plate), rng.uniform(0.2, 0.7), rng.uniform(0.01, 0.10))
    for x in rng.uniform(-3, 4, 3):
        fibre = centre + np.array([(x, -1), (0.9 * x, 0.5 * long), (0.6 * x, rng.uniform(0.6, 1.3) * long + 2)])
        scene.add_line("trough", bone.place(fibre), (0.3, 1.0, 0.3), 0.3, rng.uniform(0.0, 0.09))
    wide, high, lean = rng.uniform(2.4, 4.6), rng.uniform(1.9, 3.4), rng.normal(0.35, 0.4)
    oval = ring((0, 0), wide, high, 9) @ [[np.cos(lean), -np.sin(lean)], [np.sin(lean), np.cos(lean)]]
    clear = rng.uniform(0.4, 0.75) if shared < 1 / 6 else max(0.0, rng.uniform(-0.15, 0.3))
    scene.add_area("trough", bone.place(centre + scene.wobble(1.9 * oval, 0.8)), 1.6, 0.08 * clear)
    scene.add_area("trough", bone.place(centre + scene.wobble(oval, 0.4)), rng.uniform(0.5, 1.2), -0.30 * clear)


def _draw_styloid(scene: Scene, bone: Temporal, shared: np.ndarray) -> None:
    """The styloid process: a thin spike from below the ear towards the jaw's angle, seen in about half of all heads."""
    rng = scene.rng
    length, lean = 10 + 26 * shared[2], 0.15 + 0.45 * shared[3] + rng.normal(0, 0.06)
    top = rng.normal((15, 9), (1.2, 2.0))
    share = np.array((0, 0.35, 0.7, 1))
    line = top + length * np.outer(share, (-np.sin(lean), np.cos(lean)))
    line = bone.place(scene.wobble(line, 0.5))
    clear, wide = max(0.0, shared[4] - 0.35) * rng.uniform(0.6, 1.4), 0.6 + 1.3 * shared[5]
    scene.add_line("trough", line, wide * np.array((3.4, 2.8, 2.0, 0.5)), rng.uniform(0.3, 1.0), 0.12 * clear)
    for edge in (-1.0, 1.0):
        rim = line + wide * np.outer((1.3, 1.1, 0.7, 0.0), (edge, 0))
        widths = rng.uniform(0.2, 1.3) * np.array((0.6, 1.0, 0.9, 0.3))
        scene.add_line("trough", scene.wobble(rim, 0.2), widths, rng.uniform(0.25, 0.5), 0.12 * clear)
