"""A random patient as plain data: the jaws, every tooth by its FDI number, what was done to it and what ails it.

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
    `intrusion` sinks it into the jaw. FDI numbers from 51 are deciduous teeth.
    """

    fdi: int
    state: str = "erupted"
    size: float = 1.0
    tilt: float = 0.0
    shift: float = 0.0
    intrusion: float = 0.0
    root_bend: float = 0.0
    root_length: float = 1.0
    wear: float = 0.0
    fillings: list[str] = field(default_factory=list)
    crown: bool = False
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
    bite_opening          between the biting edges
    asymmetry             amplitudes and phases of the slow waves that bend left from right
    """

    size: float
    mandible_height: float
    ramus_width: float
    gonial_flare: float
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
    asymmetry: list[float]


@dataclass
class Positioning:
    """How the patient stood in the machine; 0 is faultless.

    rotation              of the head about its axis: one side widened, the other narrowed, relative
    tilt                  of the head to one side, radians
    chin                  down (positive: the arches smile less) or up, mm at the midline
    forward               front teeth widened (positive, too far back) or narrowed, relative
    shift, height         of the whole picture, mm
    bite_block            whether the plastic stick shows between the incisors
    """

    rotation: float
    tilt: float
    chin: float
    forward: float
    shift: float
    height: float
    bite_block: bool


@dataclass
class Patient:
    """All that is drawn: made by `random_patient`, written to the manifest by `as_record`."""

    age: int
    jaws: Jaws
    positioning: Positioning
    teeth: list[Tooth]
    missing: list[int]
    bridges: list[list[int]]
    soft_tissue: dict[str, float]

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


def random_patient(rng: np.random.Generator) -> Patient:
    """A patient drawn from `rng`: age first, since teeth are lost, filled and worn with the years."""
    age = int(np.clip(rng.normal(42, 16), 17, 85))
    jaws = random_jaws(rng, age)
    missing = _random_missing(rng, age)
    teeth = [_random_tooth(rng, fdi, age) for fdi in UPPER + LOWER if fdi not in missing]
    patient = Patient(age, jaws, random_positioning(rng), teeth, missing, [], random_soft_tissue(rng))
    _place_implants(rng, patient)
    _place_bridges(rng, patient)
    _drift_into_gaps(rng, patient)
    return patient


def random_jaws(rng: np.random.Generator, age: int) -> Jaws:
    normal = rng.normal
    return Jaws(
        size=np.clip(normal(1, 0.035), 0.9, 1.09),
        mandible_height=normal(31, 2.0),
        ramus_width=normal(34, 2.5),
        gonial_flare=normal(0, 3.5),
        condyle_height=normal(27, 5.0),
        condyle_size=np.clip(normal(1, 0.12), 0.7, 1.3),
        cortex=np.clip(normal(3.6, 0.5) - 0.015 * max(0, age - 50), 2.0, 5.0),
        bone_loss=max(0.0, normal(0.02, 0.025) * (age - 15)),
        trabecular_coarseness=np.clip(normal(1, 0.15), 0.7, 1.4),
        bone_density=np.clip(normal(1, 0.1), 0.75, 1.25),
        sinus_depth=normal(0, 3.0),
        sinus_width=normal(0, 2.5),
        palate_height=normal(43.5, 2.5),
        nasal_width=normal(1, 0.1),
        septum_deviation=normal(0, 1.6),
        smile=np.clip(normal(11, 3.0), 3, 18),
        bite_opening=np.clip(normal(3.3, 1.0), 1.5, 6.0),
        asymmetry=[float(value) for value in normal(0, 1, 8)],
    )


def random_positioning(rng: np.random.Generator) -> Positioning:
    return Positioning(
        rotation=rng.normal(0, 0.02), tilt=rng.normal(0, 0.012), chin=rng.normal(0, 1.5), forward=rng.normal(0, 0.06),
        shift=rng.normal(0, 1.8), height=rng.normal(0, 3.5), bite_block=bool(rng.uniform() < 0.75),
    )


def random_soft_tissue(rng: np.random.Generator) -> dict[str, float]:
    return {
        "palatoglossal_air": float(rng.uniform(0.0, 1.0) ** 1.3),
        "spine_density": float(rng.uniform(0.4, 1.9)),
        "ghost": float(rng.uniform(0.6, 1.3)),
        "turbinates": float(rng.uniform(0.5, 1.3)),
        "bulk": float(np.clip(rng.normal(1, 0.15), 0.6, 1.4)),
    }


def _random_missing(rng: np.random.Generator, age: int) -> list[int]:
    """Third molars are often absent; with age, molars and premolars go first and canines last."""
    frailty = rng.gamma(0.8, 1.0) * max(0.0, age - 22) / 40
    weight = {1: 0.25, 2: 0.3, 3: 0.1, 4: 0.5, 5: 0.7, 6: 1.3, 7: 0.9, 8: 1.0}
    chance = {fdi: 1 - np.exp(-0.16 * frailty * weight[fdi % 10]) for fdi in UPPER + LOWER}
    absent_wisdom = rng.uniform(0.1, 0.9)
    for fdi in (18, 28, 38, 48):
        chance[fdi] = min(0.97, absent_wisdom + 0.3 * (age > 45))
    missing = {fdi for fdi in UPPER + LOWER if rng.uniform() < chance[fdi]}
    if age > 60 and rng.uniform() < 0.06:
        missing |= set(UPPER)
    if age > 30 and rng.uniform() < 0.04:
        missing |= {14, 24, 34, 44}
    return sorted(missing)


def _random_tooth(rng: np.random.Generator, fdi: int, age: int) -> Tooth:
    tooth = Tooth(
        fdi,
        size=float(np.clip(rng.normal(1, 0.03), 0.9, 1.1)),
        tilt=float(rng.normal(0, 2.2)),
        shift=float(rng.normal(0, 0.25)),
        intrusion=float(rng.normal(0, 0.35)),
        root_bend=float(rng.normal(1.0, 0.9)),
        root_length=float(np.clip(rng.normal(1, 0.06), 0.8, 1.15)),
        wear=float(np.clip(rng.normal((age - 20) / 60, 0.2), 0, 1)),
    )
    if tooth.position == 8:
        _place_wisdom_tooth(rng, tooth)
    if tooth.state == "erupted":
        _treat(rng, tooth, age)
    return tooth


def _place_wisdom_tooth(rng: np.random.Generator, tooth: Tooth) -> None:
    fate = rng.uniform()
    if fate < 0.25:
        tooth.state, tooth.intrusion = "impacted", float(rng.uniform(4, 8))
        tooth.tilt = float(rng.choice([-1, 1], p=[0.15, 0.85]) * rng.uniform(20, 75)) if not tooth.upper else 12.0
    elif fate < 0.45:
        tooth.state, tooth.intrusion = "partly erupted", float(rng.uniform(1.5, 4))
        tooth.tilt = float(rng.normal(12, 9))
    tooth.tilt += float(rng.normal(0, 4))


def _treat(rng: np.random.Generator, tooth: Tooth, age: int) -> None:
    """Restorations and findings: the likelier the further back, and the older the patient."""
    years = np.clip((age - 15) / 40, 0.05, 1.2)
    exposed = {1: 0.25, 2: 0.22, 3: 0.15, 4: 0.5, 5: 0.6, 6: 1.0, 7: 0.8, 8: 0.25}[tooth.position] * years
    surfaces = ["occlusal", "mesial", "distal"] if tooth.position > 3 else ["mesial", "distal"]
    if rng.uniform() < 0.20 * exposed:
        tooth.fillings = sorted(str(s) for s in rng.choice(surfaces, int(rng.integers(1, 3)), replace=False))
    if rng.uniform() < 0.07 * exposed:
        tooth.root_filled, tooth.crown = True, bool(rng.uniform() < 0.6)
        tooth.post = bool(tooth.crown and rng.uniform() < 0.4)
        tooth.apical_lesion = float(rng.uniform(1.2, 3.0)) if rng.uniform() < 0.25 else 0.0
    elif rng.uniform() < 0.04 * exposed:
        tooth.crown = True
    if rng.uniform() < 0.06 and not tooth.crown:
        tooth.caries = [str(rng.choice(["mesial", "distal"]))]
    tooth.calculus = bool(age > 35 and rng.uniform() < 0.04)


def _place_implants(rng: np.random.Generator, patient: Patient) -> None:
    keen = rng.uniform() < 0.2
    for fdi in patient.missing:
        if keen and fdi % 10 != 8 and patient.age > 22 and rng.uniform() < 0.45:
            patient.teeth.append(Tooth(fdi, "implant", crown=True, tilt=float(rng.normal(0, 3))))
    patient.missing = [fdi for fdi in patient.missing if patient.tooth(fdi) is None]


def _place_bridges(rng: np.random.Generator, patient: Patient) -> None:
    """A single gap between two standing teeth may be bridged: both neighbours crowned, a pontic between."""
    for arch in (UPPER, LOWER):
        for before, gap, after in zip(arch, arch[1:], arch[2:], strict=False):
            pillars = [patient.tooth(before), patient.tooth(after)]
            if gap not in patient.missing or any(p is None or p.state != "erupted" for p in pillars):
                continue
            if rng.uniform() < 0.3:
                patient.bridges.append([before, gap, after])
                for pillar in pillars:
                    pillar.crown, pillar.fillings, pillar.caries = True, [], []
                patient.teeth.append(Tooth(gap, "pontic", crown=True))
                patient.missing.remove(gap)


def _drift_into_gaps(rng: np.random.Generator, patient: Patient) -> None:
    """A tooth behind a gap tips mesially, as lower molars do above all."""
    for tooth in patient.teeth:
        neighbour = tooth.fdi - 1
        if tooth.state == "erupted" and tooth.position > 5 and neighbour in patient.missing:
            tooth.tilt += float(rng.uniform(2, 14 if not tooth.upper else 7))
            tooth.shift -= float(rng.uniform(0, 3))
