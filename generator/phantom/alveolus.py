"""The edge of the jaws around the teeth: septa of bone that rise between the roots nearly to the crowns."""

from __future__ import annotations

import numpy as np

from .anatomy import Patient
from .geometry import OCCLUSION
from .mandible import alveolar_crest
from .scene import Scene, mirrored, moved

# How far below its edge a septum thins out again into the jaw that is drawn as a whole, in mm, by arch.
DEEP = {True: 9.0, False: 6.5}


def draw_alveoli(scene: Scene, patient: Patient) -> None:
    """Bone up to the crest of both arches: firm at the edge, as a person's own plates of bone are thick. Further down
    there is less of it in the lower jaw, whose bone the roots take the place of."""
    for upper in (True, False):
        crest = alveolar_crest(patient, upper)
        if not upper:  # drawn for the whole arch, teeth or not: the ridge wastes where they are gone
            x, y = crest.T
            hollow = np.vstack([np.stack([x, y + 4], 1), np.stack([0.94 * x, y + 22], 1)[::-1]])
            scene.add_area("trough", hollow, 4.0, -0.05)
            front = np.vstack([np.stack([0.85 * x[3:-3], y[3:-3] + 1], 1), np.stack([0.7 * x, y + 19], 1)[::-1]])
            scene.add_area("trough", front, 4.0, -scene.rng.uniform(0.01, 0.09))  # thin about the front teeth
        firm = scene.rng.uniform(0.2, 1.1) * patient.jaws.bone_density
        for share in (0.3, 0.6, 1.0):
            deep = DEEP[upper] * share * (-1 if upper else 1)
            below = moved(crest * [0.99, 1.0], 0, deep)
            strip = np.vstack([scene.wobble(crest, 0.6), scene.wobble(below, 1.5)[::-1]])
            scene.add_area("trough", strip, 0.3 + 1.2 * share, (0.035 if upper else 0.02) * firm)
    _draw_front_bone(scene)


# Outlines in mm about their middles: of the swelling over a canine's root, the fossa beside it and the incisive canal.
RIDGE = ((-2.6, 9), (-3.0, 0), (-1.5, -12), (2.5, -12), (3.4, 0), (2.4, 9))
FOSSA = ((-3.2, 6), (-4.2, -3), (-2.0, -10), (2.2, -10), (4.0, -3), (2.8, 6))
FORAMEN = ((-1.2, 3), (-2.2, -2), (-1.6, -9), (1.6, -9), (2.2, -2), (1.2, 3))


def _draw_front_bone(scene: Scene) -> None:
    """The upper jaw in front: thick where it swells over the canines' roots, thin in the fossa over the lateral
    incisor's, and open in the canal behind the central incisors. How deep each is differs much between people."""
    rng = scene.rng
    swell, hollow, canal = rng.uniform(0.0, 1.0, 3) * (0.05, 0.09, 0.06)
    for side in (-1, 1):
        ridge = moved(RIDGE, *rng.normal((19.5, OCCLUSION - 22), (1.2, 2.0)))
        scene.add_area("trough", mirrored(scene.wobble(ridge, 0.6), side), 1.2, swell * rng.uniform(0.6, 1.4))
        fossa = moved(FOSSA, *rng.normal((12.0, OCCLUSION - 23), (1.0, 2.0)))
        scene.add_area("trough", mirrored(scene.wobble(fossa, 0.8), side), 1.2, -hollow * rng.uniform(0.6, 1.4))
    foramen = moved(FORAMEN, *rng.normal((0, OCCLUSION - 20), (0.7, 2.0)))
    scene.add_area("trough", scene.wobble(foramen, 0.4), 0.8, -canal)
