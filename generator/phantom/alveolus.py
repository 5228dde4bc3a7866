"""The edge of the jaws around the teeth: septa of bone that rise between the roots nearly to the crowns."""

from __future__ import annotations

import numpy as np

from .anatomy import Patient
from .mandible import alveolar_crest
from .scene import Scene, moved

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
        firm = scene.rng.uniform(0.2, 1.1) * patient.jaws.bone_density
        for share in (0.3, 0.6, 1.0):
            deep = DEEP[upper] * share * (-1 if upper else 1)
            below = moved(crest * [0.99, 1.0], 0, deep)
            strip = np.vstack([scene.wobble(crest, 0.6), scene.wobble(below, 1.5)[::-1]])
            scene.add_area("trough", strip, 0.3 + 1.2 * share, (0.035 if upper else 0.02) * firm)
