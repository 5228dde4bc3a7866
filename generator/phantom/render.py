"""One phantom from one seed: the patient, the head drawn around the teeth, the exposure, the picture."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from .alveolus import draw_alveoli
from .anatomy import Patient, Tooth
from .child import random_child
from .errors import PhantomError
from .geometry import Frame, Stand, measures, stands
from .ghosts import draw_ghosts
from .imaging import develop, draw_seam, expose, frame_border, stamp_marker
from .looks import LOOKS, Look
from .mandible import CONDYLE, draw_mandible, posterior_border
from .maxilla import draw_maxilla
from .patient import random_edentulous, random_patient
from .plates import draw_edges
from .raster import Patch, soften
from .restorations import connector, findings, implant, pontic, restorations
from .scene import Scene
from .soft import draw_soft_tissue
from .teeth import FORMS, ToothGrid
from .texture import draw_trabeculae, vary_thickness
from .tissues import follicle, hard_tissue, root_mask, socket

VERSION = 15  # raised whenever the same seed gives other pixels than before

# Thickness from lip or cheek to tongue, by position 1 to 8, relative to a lower molar's.
BREADTH = {
    "upper": (0.84, 0.80, 0.88, 0.94, 0.95, 1.0, 0.96, 0.80),
    "lower": (0.84, 0.80, 0.86, 0.92, 0.95, 1.0, 0.95, 0.76),
}

DENTITIONS = {"adult": random_patient, "mixed": random_child, "edentulous": random_edentulous}


def render(
    seed: int, index: int, look: str, width: int = 1024, height: int = 512, dentition: str = "adult"
) -> tuple[np.ndarray, dict]:
    """Phantom number `index` of a seed, as uint8 grey (height, width), and its anatomy as JSON-ready data.

    The random generators are made from (seed, index) alone: neither order nor number of processes matters. The patient,
    and the shape of every part, does not depend on the look. `dentition` "mixed" asks for a child between milk and
    permanent teeth, "edentulous" for somebody old who has lost them all. The record's `places` are pixels of this
    picture, x before y, also where they lie outside it.

    Raises PhantomError for an unknown look or dentition, a negative seed or index, or a size that is not 2:1 and at
    least 128 pixels wide.
    """
    device = find_look(look)
    if seed < 0 or index < 0:
        raise PhantomError(f"seed and index must not be negative, not {seed} and {index}")
    if width != 2 * height or width < 128:
        raise PhantomError(f"a phantom is twice as wide as high and at least 128 wide, not {width} x {height}")
    patient, shapes = draw_patient(seed, index, dentition)
    frame = Frame((height, width), height / device.field_mm, (0.0, device.centre_y), patient.jaws, patient.positioning)
    scene = Scene(frame, shapes)
    record = draw_head(scene, patient)
    scene.begin("exposure")
    grey = draw_seam(develop(expose(scene, device), device, frame), device, scene.grain, scene.scale)
    grey = frame_border(grey, device, scene.grain, scene.scale)
    marker = stamp_marker(grey, device)
    picture = np.round(np.clip(grey, 0, 1) * 255).astype(np.uint8)
    return picture, {"look": look, "side_marker": marker, "patient": patient.as_record(), "places": record}


def draw_patient(seed: int, index: int, dentition: str = "adult") -> tuple[Patient, np.random.SeedSequence]:
    """The patient of phantom number `index` of a seed, and the seed of all that is drawn of them.

    Raises PhantomError for an unknown dentition.
    """
    who, shapes = np.random.SeedSequence([seed, index]).spawn(2)
    return find_dentition(dentition)(np.random.Generator(np.random.PCG64(who))), shapes


def find_look(name: str) -> Look:
    """The look of that name; PhantomError names those there are."""
    if name not in LOOKS:
        raise PhantomError(f"unknown look {name!r}: choose from {', '.join(LOOKS)}")
    return LOOKS[name]


def find_dentition(name: str) -> Callable[[np.random.Generator], Patient]:
    """What makes patients of that dentition; PhantomError names those there are."""
    if name not in DENTITIONS:
        raise PhantomError(f"unknown dentition {name!r}: choose from {', '.join(DENTITIONS)}")
    return DENTITIONS[name]


def draw_head(scene: Scene, patient: Patient) -> dict:
    """Draw all of the patient into the scene; returns where the labelled parts lie, in pixels.

    For each tooth, and for each gap as if a tooth stood there: the crown's tip, the neck and the root's tip.
    """
    scene.begin("soft tissue")
    necklace = draw_soft_tissue(scene, patient)
    scene.begin("border")
    borders = {side: posterior_border(patient, scene, side) for side in (-1, 1)}
    scene.begin("maxilla")
    draw_maxilla(scene, patient, {side: border[CONDYLE] for side, border in borders.items()})
    scene.begin("mandible")
    marks = draw_mandible(scene, patient, borders)
    scene.begin("ghosts")
    draw_ghosts(scene, patient, marks["outline"])
    standing = stands(patient, scene.frame, patient.teeth)
    gaps = stands(patient, scene.frame, [Tooth(fdi) for fdi in patient.missing])
    scene.begin("teeth")
    draw_alveoli(scene, patient)
    for stand in standing:
        _draw_tooth(scene, stand)
    scene.trough += scene.dentition
    _draw_bridges(scene, patient, standing)
    draw_edges(scene)
    scene.begin("texture")
    draw_trabeculae(scene, patient)
    vary_thickness(scene)
    scene.settle()
    return {
        "teeth": {str(stand.tooth.fdi): _tooth_place(stand) for stand in standing},
        "gaps": {str(stand.tooth.fdi): _tooth_place(stand) for stand in gaps},
        "mandibular_canal": {side: np.round(marks[side]["canal"], 1).tolist() for side in ("right", "left")},
        "necklace": {side: np.round(chain, 1).tolist() for side, chain in necklace.items()},
        "mental_foramen": {side: np.round(marks[side]["mental_foramen"], 1).tolist() for side in ("right", "left")},
    }


def _draw_tooth(scene: Scene, stand: Stand) -> None:
    grid = ToothGrid.around(stand, scene.shape, scene.rng.normal(size=FORMS))
    if stand.tooth.state in ("implant", "pontic"):
        body = implant(grid) if stand.tooth.state == "implant" else pontic(grid)
        scene.add("trough", grid.patch(body), 1.0)
        return
    thickness = BREADTH["upper" if stand.tooth.upper else "lower"][stand.tooth.position - 1]
    thickness *= 1 + 0.08 * float(scene.rng.normal())  # no two teeth are equally thick and equally mineralised
    tissue = grid.patch(thickness * hard_tissue(grid) + findings(grid) + socket(grid))
    if stand.tooth.state in ("germ", "impacted"):
        impacted = stand.tooth.state == "impacted"  # grown up, and the sac around it narrow; the jaw gives way to it
        tissue = grid.patch(tissue.values * (0.72 if impacted else 0.9))
        sac = grid.patch(follicle(grid) * (0.55 if impacted else 1.0))
        inside = np.maximum(scene.marrow["mandible"], scene.marrow["maxilla"])[sac.window]
        scene.add("trough", grid.patch(sac.values * inside), 1.0)
        grid.patch(np.clip(1.7 + grid.crown_depth, 0, 1.8) * grid.soft(grid.v)).add_to(scene.teeth)  # no marrow there
    # The trough is narrowest in front, so that front teeth are the first to leave it.
    blurred = 0.75 * scene.blur_of(stand.tooth.position)
    _overlay(scene.dentition, soften(tissue, blurred, scene.shape))
    added = restorations(grid)
    if added.any():
        scene.add("trough", soften(grid.patch(added), 0.7 * blurred, scene.shape), 1.0)
    grid.patch(root_mask(grid)).add_to(scene.teeth)


def _overlay(arch: np.ndarray, tooth: Patch) -> None:
    """Add a tooth to its neighbours: where two overlap, both are thin, so that the whole sum would be too bright."""
    there = arch[tooth.window]
    there += tooth.values - 0.42 * np.minimum(np.maximum(there, 0), np.maximum(tooth.values, 0))


def _draw_bridges(scene: Scene, patient: Patient, standing: list[Stand]) -> None:
    by_fdi = {stand.tooth.fdi: stand for stand in standing}
    for bridge in patient.bridges:
        for before, after in pairwise(bridge):
            scene.add("trough", connector(by_fdi[before], by_fdi[after], scene.shape), 1.2)


def _tooth_place(stand: Stand) -> dict:
    """A tooth's crown tip, neck and root tip in pixels, for those who train on the labels."""
    crown, root, _, _ = measures(stand.tooth)
    places = {"tip": (0, crown), "neck": (0, 0), "apex": (0, -root)}
    return {name: [round(float(value), 1) for value in stand.point(*place)] for name, place in places.items()}
