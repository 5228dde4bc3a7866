"""A patient as plain data: the jaws, every tooth by its FDI number, what was done to it and what ails it.

Everything here is in millimetres and degrees and knows nothing of pictures, so that it can stand in a manifest as the
labels of the image. "Right" and "left" are the patient's: the right lies on the left of the picture.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

import numpy as np

UPPER = tuple(range(18, 10, -1)) + tuple(range(21, 29))
LOWER = tuple(range(48, 40, -1)) + tuple(range(31, 39))


@dataclass
class Tooth:
    """One tooth, or what stands in its place; lengths in mm, angles in degrees, the rest relative to the usual.

    `state`: "erupted", "partly erupted", "impacted", "germ" (still forming in the jaw), "implant" (with its crown) or
    "pontic" (a bridge's false tooth). `tilt` tips the crown towards the midline, `shift` moves it away from there,
    `intrusion` sinks it into the jaw, `rotation` turns it about its own axis. FDI numbers from 51 are deciduous teeth.
    """

    fdi: int
    state: str = "erupted"
    size: float = 1.0
    tilt: float = 0.0
    shift: float = 0.0
    intrusion: float = 0.0
    rotation: float = 0.0
    root_bend: float = 0.0
    root_length: float = 1.0
    root_spread: float = 1.0
    wear: float = 0.0
    fillings: list[str] = field(default_factory=list)
    crown: bool = False
    ceramic: bool = False  # what a crown is, or would be, made of
    post: bool = False
    root_filled: bool = False
    caries: list[str] = field(default_factory=list)
    apical_lesion: float = 0.0
    calculus: bool = False

    @property
    def position(self) -> int:
        """1 (central incisor) … 8 (third molar)."""
        return self.fdi % 10

    @property
    def deciduous(self) -> bool:
        return self.fdi > 50

    @property
    def successor(self) -> int:
        """The permanent FDI number of the place."""
        return self.fdi - 40 if self.deciduous else self.fdi

    @property
    def kind(self) -> str:
        """ "incisor", "canine", "premolar" or "molar"; deciduous teeth have molars where premolars will follow."""
        if self.position > 3:
            return "molar" if self.deciduous or self.position > 5 else "premolar"
        return "canine" if self.position == 3 else "incisor"

    @property
    def upper(self) -> bool:
        return self.fdi // 10 in (1, 2, 5, 6)

    @property
    def side(self) -> int:
        """-1 on the patient's right (left in the picture), +1 on the left."""
        return -1 if self.fdi // 10 in (1, 4, 5, 8) else 1


@dataclass
class Jaws:
    """The bones' measures, in millimetres of the picture plane unless said otherwise.

    size                  of the whole head, relative
    mandible_height       of the body at the chin
    ramus_width           of the ramus, back to front
    gonial_flare          how far the angle stands out and down, 0 the usual
    antegonial_notch      depth of the hollow of the lower border before the angle
    condyle_height        y of the condyle's top in the patient's frame
    condyle_size          relative
    cortex                thickness of the lower border
    bone_loss             of the alveolar crest, beyond the healthy distance from the enamel
    trabecular_coarseness relative
    bone_density          relative
    sinus_depth           how far the sinus floor lies below the usual
    sinus_width           how far the sinus reaches back beyond the usual
    palate_height         y of the hard palate in the patient's frame
    nasal_width           relative
    septum_deviation      of the nasal septum, positive to the patient's left
    smile                 rise of the occlusal line over 60 mm
    bite_opening          between the biting edges in front
    bite_wedge            share of that opening that is closed between the back teeth
    overlap               of neighbouring crowns in the picture, mm, on the right and on the left
    asymmetry             amplitudes and phases of the slow waves that bend left from right
    """

    size: float
    mandible_height: float
    ramus_width: float
    gonial_flare: float
    antegonial_notch: float
    condyle_height: float
    condyle_size: float
    cortex: float
    bone_loss: float
    trabecular_coarseness: float
    bone_density: float
    sinus_depth: float
    sinus_width: float
    palate_height: float
    nasal_width: float
    septum_deviation: float
    smile: float
    bite_opening: float
    bite_wedge: float
    overlap: list[float]
    asymmetry: list[float]


@dataclass
class Positioning:
    """How the patient stood in the machine; 0 is faultless.

    rotation              of the head about its axis: one side widened, the other narrowed, relative
    tilt                  of the head to one side, radians
    chin                  down (positive: the arches smile less) or up, mm at the midline
    forward               front teeth widened (positive, too far back) or narrowed, relative
    shift, height         of the whole picture, mm
    exposure              of the picture's tones towards black, optical depth
    contrast              of its tones, relative
    movement              blur of a patient who did not stand still, mm
    bite_block            whether the plastic stick shows between the incisors
    """

    rotation: float
    tilt: float
    chin: float
    forward: float
    shift: float
    height: float
    exposure: float
    contrast: float
    movement: float
    bite_block: bool


@dataclass
class Patient:
    """All that is drawn: made by `patient.random_patient`, written to the manifest by `as_record`."""

    age: int
    jaws: Jaws
    positioning: Positioning
    teeth: list[Tooth]
    missing: list[int]
    bridges: list[list[int]]
    soft_tissue: dict[str, float]
    earrings: list[str]  # "right", "left"

    def as_record(self) -> dict:
        """The patient as JSON-ready dictionaries and lists, numbers rounded to what they mean."""
        return _rounded(asdict(self))

    def tooth(self, fdi: int) -> Tooth | None:
        """The tooth, implant or pontic with an FDI number, or None."""
        return next((tooth for tooth in self.teeth if tooth.fdi == fdi), None)

    def standing(self, fdi: int) -> Tooth | None:
        """What stands in the arch at a permanent FDI position: that tooth, or its deciduous forerunner, or None."""
        tooth = self.tooth(fdi)
        return tooth if tooth and tooth.state != "germ" else self.tooth(fdi + 40)


def _rounded(value):
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return round(float(value), 3) if isinstance(value, float | np.floating) else value
