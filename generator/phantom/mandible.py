"""The lower jaw: body, rami, condyles and coronoids, cortical border, canal, mental foramen, oblique line."""

from __future__ import annotations

import numpy as np

from .anatomy import LOWER, UPPER, Patient
from .curves import curve
from .geometry import CREST, arch_positions, half_opening, measures, occlusal_line
from .jawbone import draw_jawbone
from .raster import Patch, band_noise
from .scene import Scene, mirrored, moved, ring

BODY, CORTEX = 0.125, 0.095
RESORPTION = 4.0  # mm of ridge lost where a tooth is missing (Tallgren 1972: 9 to 10 mm in the lower jaw in 25 years)


def alveolar_crest(patient: Patient, upper: bool) -> np.ndarray:
    """The ridge of bone under the teeth, points (16, 2) in mm from the patient's right to the left."""
    jaws = patient.jaws
    arch = UPPER if upper else LOWER
    lost = RESORPTION * (1 + 1.3 * np.mean([fdi in patient.missing for fdi in arch]))
    points = []
    for fdi, x in sorted(arch_positions(patient, upper).items(), key=lambda item: item[1]):
        below = half_opening(jaws, x) + _crest_depth(patient, fdi, lost)
        points.append((x * 0.98, float(occlusal_line(jaws, x)) + (-below if upper else below)))
    points = np.array(points)
    smooth = np.convolve(np.pad(points[:, 1], 1, mode="edge"), (0.25, 0.5, 0.25), "valid")
    return np.stack([points[:, 0], smooth], 1)


def _crest_depth(patient: Patient, fdi: int, lost: float) -> float:
    """How far the crest lies from the biting line at an FDI position, mm; `lost` where no root keeps the bone."""
    tooth = patient.standing(fdi) or patient.tooth(fdi)
    if tooth and tooth.state in ("germ", "impacted"):
        return max(4.0, tooth.intrusion - 2.0)  # bone covers what has not erupted
    crown = measures(tooth)[0] if tooth else 8.0
    gone = tooth is None or tooth.state == "pontic"
    return crown + CREST + patient.jaws.bone_loss + (lost if gone else 0.0)


def _chin_height(patient: Patient) -> float:
    """How much lower than usual the chin's border lies, mm: the head is held so that it stands near the film's edge."""
    return 0.75 * (patient.jaws.mandible_height - 32)


CONDYLE = 14  # the condyle's highest point among those of a posterior border


def posterior_border(patient: Patient, scene: Scene, side: int) -> np.ndarray:
    """The outline from the chin along the lower border, angle, condyle and coronoid to the last tooth, in mm."""
    jaws, rng = patient.jaws, scene.rng
    wide, flare = jaws.ramus_width - 33 + rng.normal(0, 2.0), jaws.gonial_flare + rng.normal(0, 1.4)
    lift, peak = jaws.condyle_height - 24.5 + rng.normal(0, 2.5), rng.normal(0, 2.0)
    size, low, dent = jaws.condyle_size, _chin_height(patient), jaws.antegonial_notch
    lean = rng.normal(2.0, 3.2)
    own = rng.spawn(1)[0]  # numbers of its own: condyle and coronoid do not depend on them
    belly, droop = own.normal(1.0, 1.1), np.clip(own.normal(0.8, 2.0), -3.0, 4.5)  # how round body and angle hang
    body = [(20, 140.0 + low), (34, 137.4 + low + 0.4 * belly), (49, 132.4 + low + 0.1 * flare + belly),
            (64 + 0.2 * wide, 124.6 + 0.9 * low + 0.3 * flare + belly + 0.2 * droop),
            (80 + 0.6 * wide, 115.4 + 0.7 * low + 0.6 * flare - 0.8 * dent + 0.3 * belly + 0.6 * droop)]  # fmt: skip
    angle = [(94 + 0.8 * wide, 108.8 + 0.5 * low + flare + droop),
             (104.4 + wide, 103.0 + 0.3 * low + 1.1 * flare + droop),
             (110.2 + wide + flare / 4, 94 + 0.6 * flare + 0.6 * droop)]  # fmt: skip
    ramus = [(112 + wide, 82), (112.6 + wide + 0.2 * lean, 66), (114 + wide + 0.7 * lean, 48 + lift / 2)]
    head = [(4.2, 15), (4.9, 7), (3.4, 1.2), (-0.8, -0.6), (-4.4, 2.8), (-5.4, 13)]
    condyle = [(113.6 + wide + lean + size * x, 24.5 + lift + size * y) for x, y in head]
    notch = [(105 + wide + 0.8 * lean, 41 + lift), (102.5 + wide + 0.4 * lean, 49 + lift / 2),
             (96 + 0.7 * wide, 53 + lift / 2 + peak / 2), (87 + wide / 4, 52 + peak)]  # fmt: skip
    coronoid = [(80, 46 + peak), (75.5, 42 + peak), (72.5, 45 + peak), (72, 58), (71.5, 68), (71, 76)]
    parts = ((body, 0.6), (angle, 1.0), (ramus, 0.5), (condyle, 0.35), (notch + coronoid, 1.1))
    return mirrored(np.vstack([scene.wobble(points, amount) for points, amount in parts]), side)


def draw_mandible(scene: Scene, patient: Patient, borders: dict[int, np.ndarray]) -> dict:
    """Draw the lower jaw between its two posterior borders; returns where canals and foramina lie, in pixels."""
    crest = alveolar_crest(patient, upper=False)
    right, left = borders[-1], borders[1]
    chin = [(0.0, 140.6 + _chin_height(patient))]
    whole = np.vstack([chin, left, crest[::-1], right[::-1]])
    density = patient.jaws.bone_density
    body = scene.area(whole, 0.55).fine(scene.shape)
    body.add_to(scene.marrow["mandible"])
    edge = crest_edge(scene, crest, upper=False)
    scene.add("trough", _thinned(scene, _soft_behind(scene, body, whole), edge), BODY * density)
    sharp, wide = scene.shell(whole, 1.4), scene.shell(whole, 3.5)
    rim = Patch(sharp.top, sharp.left, 0.2 * sharp.values + wide.values)
    scene.add("trough", _broken(scene, _thinned(scene, rim, edge)), scene.rng.uniform(0.0, 0.02))
    _draw_lower_cortex(scene, patient, np.vstack([right[:6][::-1], chin, left[:6]]))
    _draw_alveolar_process(scene, crest, density)
    marks = [_draw_side(scene, patient, border, side) for border, side in ((right, -1), (left, 1))]
    draw_jawbone(scene, borders)
    return {"right": marks[0], "left": marks[1], "outline": body}


def _soft_behind(scene: Scene, body: Patch, outline: np.ndarray) -> Patch:
    """The jaw with an edge that is crisp below the teeth and comes up gradually behind: ramus and angle are rounded
    there and stand aslant to the beam, more in one patient than in the next and never twice the same on both sides."""
    soft = scene.area(outline, scene.rng.uniform(1.2, 2.6)).fine(scene.shape).within(body)
    rows, columns = scene.down[body.window[0]], scene.across[:, body.window[1]]
    behind = np.clip((columns - 70) / 22, 0, 1) * np.clip((118 - rows) / 14, 0, 1)
    right, left = scene.rng.uniform(0.0, 0.25, 2)
    on_the_right = np.arange(scene.shape[1])[None, body.window[1]] < scene.shape[1] // 2
    share = behind * np.where(on_the_right, right, left).astype(np.float32)
    return Patch(body.top, body.left, body.values + share * (soft - body.values))


def _draw_alveolar_process(scene: Scene, crest: np.ndarray, density: float) -> None:
    """The bone around the roots, thicker than what lies below them; it comes up gradually from the crest."""
    x, y = crest[2:-2].T
    front = 1 - 0.35 * np.exp(-((x / 42) ** 2))  # thin where the roots of the front teeth end
    for down, deep, blurred, depth in ((-2.0, 19.0, 4.0, 0.045), (2.0, 33.0, 6.5, 0.06)):
        outline = np.vstack([np.stack([x, y + down], 1), np.stack([0.94 * x, y + deep * front], 1)[::-1]])
        scene.add_area("trough", scene.wobble(outline, 1.2), blurred, depth * density)


def crest_edge(scene: Scene, crest: np.ndarray, upper: bool) -> np.ndarray:
    """Relative thickness 0…1 of an alveolar process, which runs out to an edge at its crest: the picture's shape."""
    line = scene.frame.to_pixels(crest)
    rows, columns = (np.arange(length, dtype=np.float32) + 0.5 for length in scene.shape)
    height = np.interp(columns, line[:, 0], line[:, 1]).astype(np.float32)[None, :]
    depth = (height - rows[:, None] if upper else rows[:, None] - height) / scene.scale
    inside = np.minimum(line[-1, 0] - columns, columns - line[0, 0]) / ((6 if upper else 14) * scene.scale)
    over_teeth = np.clip(inside, 0, 1).astype(np.float32)[None, :]
    return 1 - over_teeth * (1 - np.clip(0.05 + depth / (8 if upper else 5), 0, 1))


def _thinned(scene: Scene, bone: Patch, edge: np.ndarray) -> Patch:
    """The jaw's depth: the coronoid a thin plate, the body thick, thin again over the submandibular fossa."""
    rows, columns = scene.down[bone.window[0]], scene.across[:, bone.window[1]]
    front = np.clip(1 - (columns - 70) / 18, 0, 1) * np.clip((88 - rows) / 12, 0, 1)
    ramp = np.clip((rows - 46) / 44, 0, 1) * (1 - 0.45 * front)
    tip = np.clip(
        (columns - 90) / 8 + np.clip((rows - 50) / 26, 0.4, 1), 0, 1
    )  # of the coronoid, thinner than the neck
    ramp = np.maximum(ramp, 0.5 * tip * np.clip((columns - 68) / 12, 0, 1))  # the ramus is a plate, evenly thick
    # The ramus is a plate half as thick as the body, and not much more opaque than the muscles that lie on it.
    ramp = ramp * (1 - 0.40 * np.clip((columns - 62) / 22, 0, 1) * np.clip((118 - rows) / 20, 0, 1))
    fossa = np.clip((columns - 8) / 18, 0, 1) * (1 - 0.5 * np.clip((columns - 60) / 22, 0, 1))
    lower = 1 - 0.20 * np.clip((rows - 100) / 22, 0, 1) * fossa
    uneven = 1 + 0.03 * band_noise(scene.grain, bone.values.shape, 16 * scene.scale, 0.6)
    return Patch(bone.top, bone.left, bone.values * edge[bone.window] * (0.2 + 0.8 * ramp) * lower * uneven)


def _broken(scene: Scene, rim: Patch) -> Patch:
    """A rim that comes and goes: the beam grazes the cortex here and crosses it aslant there."""
    rows = scene.down[rim.window[0]]
    grazed = 0.75 + 0.7 * band_noise(scene.grain, rim.values.shape, 45 * scene.scale, 0.6)
    return Patch(rim.top, rim.left, rim.values * np.clip(grazed, 0, 1.6) * np.clip((rows - 52) / 26, 0.1, 1))


def _draw_lower_cortex(scene: Scene, patient: Patient, border: np.ndarray) -> None:
    """The lower border: a grey band, not much denser than the bone above it, which runs out towards the angles."""
    rng, cortex = scene.rng, patient.jaws.cortex
    along = np.array([0.1, 0.3, 0.6, 1.0, 1.2, 1.3, 1.3, 1.3, 1.2, 1.0, 0.6, 0.3, 0.1])
    seen, thick = rng.uniform(0.5, 1.6), cortex * along * rng.uniform(0.75, 1.25, 13)
    for more, share, blurred in ((0.9, 0.22, 0.5), (1.7, 0.43, 0.5), (2.6, 0.35, 0.9)):
        line = scene.wobble(moved(border, 0, -0.5 * cortex * more - 0.6), 0.12)
        scene.add_line("trough", line, more * thick, blurred, share * CORTEX * seen)
    dense = curve(border, step=1.0)
    for _ in range(int(rng.integers(4, 14))):  # and comes off in leaves, with marrow between them
        start = rng.normal(len(dense) / 2, len(dense) / 5)
        places = np.clip(start + np.linspace(-0.5, 0.5, 4) * rng.uniform(10, 36), 0, len(dense) - 1).astype(int)
        leaf = scene.wobble(moved(dense[places], 0, -cortex * rng.uniform(0.8, 2.4)), 0.5)
        widths = rng.uniform(0.4, 1.2) * np.array((0.1, 1.0, 1.0, 0.1))
        bone = rng.uniform(0.01, 0.045)
        scene.add_line("trough", leaf, widths, 0.25, bone)
        scene.add_line("trough", moved(leaf, 0, 0.9), widths, 0.25, -bone * rng.uniform(0.0, 1.0))


def _draw_side(scene: Scene, patient: Patient, border: np.ndarray, side: int) -> dict:
    rng, head = scene.rng, border[8:18]  # the neck with it, so that no ball seems to sit on the ramus
    body = scene.area(head, rng.uniform(0.3, 0.8))
    fading = np.clip((head[:, 1].min() + 30 - scene.places(body)[0]) / 20, 0, 1)  # into the ramus
    scene.add("trough", Patch(body.top, body.left, body.values * fading, body.step), rng.uniform(0.01, 0.06))
    rim = np.array((0.1, 0.6, 0.9, 1.0, 1.0, 1.0, 1.0, 0.9, 0.6, 0.1))
    scene.add_line("trough", moved(head, -0.3 * side, 0.3), rim * rng.uniform(0.6, 1.4), 0.3, rng.uniform(0.015, 0.075))
    front = [(77, 52), (74.5, 62), (71, 74), (67, 86), (66, 97), (76, 101), (96, 98), (104, 84), (103, 62), (92, 56)]
    front = mirrored(scene.wobble(front, 1.2), side)
    scene.add_area("trough", front, scene.rng.uniform(2.0, 5.0), scene.rng.uniform(-0.02, 0.02))
    oblique = [(75.5, 60), (74, 76), (69, 88), (58, 96), (46, 101)]
    oblique = mirrored(scene.wobble(oblique, 0.8), side)
    for wide, blurred, depth in ((1.0, 0.5, 0.035), (3.0, 1.6, 0.03)):
        widths = wide * np.array((0.6, 1.4, 1.8, 1.2, 0.3))
        scene.add_line("trough", oblique, widths, blurred, depth * scene.rng.uniform(0.1, 1.4))
    behind = moved(border[5:13], -0.5 * side, 0.0)
    for wide, blurred, most in ((0.8, 0.45, 0.028), (2.6, 1.2, 0.02)):
        widths = wide * np.array((0.3, 1.0, 1.2, 1.2, 1.0, 1.0, 0.8, 0.4)) * rng.uniform(0.5, 1.4, 8)
        scene.add_line("trough", behind, widths, blurred, rng.uniform(0.0, most))
    return _draw_canal(scene, patient, side)


def _draw_canal(scene: Scene, patient: Patient, side: int) -> dict:
    """The inferior alveolar canal: a dark band between two fine lines, from the lingula to the mental foramen."""
    low = patient.jaws.mandible_height - 31
    course = [(93, 70), (90, 82), (83, 94), (73, 103 + low * 0.6), (61, 110 + low * 0.8), (49, 115 + low)]
    course.append((38, 113 + low))
    course = mirrored(scene.wobble(course, 0.9), side)
    scene.add_line("trough", course, (3.0, 3.0, 3.0, 2.8, 2.6, 2.4, 1.8), 0.8, -0.030)
    clear = float(scene.rng.uniform(0.15, 0.9))
    for offset in (-1.6, 1.5):
        wall = course + np.outer(np.linspace(1, 0.7, len(course)), [offset * 0.4 * side, offset])
        scene.add_line("trough", wall[:6], 0.5, 0.3, 0.035 * clear)
    foramen = moved(course[-1], -0.5 * side, -1.0)
    scene.add_area("trough", ring(foramen, 2.1, 1.6), 1.0, -scene.rng.uniform(0.0, 0.10))
    return {"canal": scene.frame.to_pixels(course), "mental_foramen": scene.frame.to_pixels(foramen)[0]}
