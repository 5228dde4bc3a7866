"""A random adult: jaws, teeth, what was lost, filled and replaced, and how the person stood in the machine."""

from __future__ import annotations

import numpy as np

from .anatomy import LOWER, UPPER, Jaws, Patient, Positioning, Tooth


def random_patient(rng: np.random.Generator) -> Patient:
    """A patient drawn from `rng`: age first, since teeth are lost, filled and worn with the years."""
    age = int(np.clip(16 + rng.gamma(1.7, 11.5), 17, 85))
    jaws = random_jaws(rng, age)
    missing = _random_missing(rng, age)
    decay = 0.75 * rng.gamma(0.7, 1 / 0.7)  # most people have little of it, and few have most
    teeth = [_random_tooth(rng, fdi, age, decay) for fdi in UPPER + LOWER if fdi not in missing]
    positioning = random_positioning(rng)
    if positioning.bite_block:  # which parts the front teeth
        jaws.bite_opening = float(max(jaws.bite_opening, rng.uniform(1.8, 4.8)))
    patient = Patient(age, jaws, positioning, teeth, missing, [], random_soft_tissue(rng), [])
    _settle(rng, patient)
    _crowd(rng, patient)
    _crown_a_pair(rng, patient)
    _place_implants(rng, patient)
    _place_bridges(rng, patient)
    _drift_into_gaps(rng, patient)
    patient.earrings = _random_earrings(rng)
    return patient


def random_edentulous(rng: np.random.Generator) -> Patient:
    """Somebody without a tooth, drawn from `rng`: the ridges resorbed, the chin on a rest instead of a bite block."""
    age = int(np.clip(rng.normal(70, 9), 45, 90))
    jaws, positioning = random_jaws(rng, age), random_positioning(rng)
    jaws.bone_loss, positioning.bite_block = float(rng.gamma(2.0, 1.2)), False
    return Patient(age, jaws, positioning, [], sorted(UPPER + LOWER), [], random_soft_tissue(rng), [])


def random_jaws(rng: np.random.Generator, age: int) -> Jaws:
    """The bones of somebody of that age in years."""
    normal = rng.normal
    return Jaws(
        size=float(np.clip(normal(1.0, 0.042), 0.9, 1.1)),
        mandible_height=normal(32.0, 1.3),
        ramus_width=normal(33.0, 2.8),
        gonial_flare=normal(0, 2.9),
        antegonial_notch=rng.gamma(1.3, 0.6),
        condyle_height=normal(24.5, 5.5),
        condyle_size=float(np.clip(normal(1, 0.12), 0.7, 1.3)),
        cortex=float(np.clip(normal(3.6, 0.5) - 0.015 * max(0, age - 50), 2.0, 5.0)),
        bone_loss=max(0.0, normal(0.02, 0.025) * (age - 15)),
        trabecular_coarseness=float(np.clip(normal(1, 0.15), 0.7, 1.4)),
        bone_density=float(np.clip(normal(1, 0.1), 0.75, 1.25)),
        sinus_depth=normal(0, 3.6),
        sinus_width=normal(0, 2.5),
        palate_height=normal(42.5, 4.4),
        nasal_width=normal(1.12, 0.12),
        septum_deviation=normal(0, 1.6),
        smile=float(np.clip(normal(8.2, 2.9), 1, 17)),
        bite_opening=float(np.clip(normal(3.9, 1.8), 0.5, 9.0)),
        bite_wedge=float(np.clip(normal(0.36, 0.32), 0.0, 1.0)),
        overlap=[float(value) for value in rng.gamma(1.3, 0.7, 2)],
        asymmetry=[float(value) for value in normal(0, 1, 8)],
    )


def random_positioning(rng: np.random.Generator) -> Positioning:
    """How somebody stood before the machine."""
    return Positioning(
        rotation=rng.normal(0, 0.04),
        tilt=rng.normal(0, 0.013),
        chin=rng.normal(0, 2.0),
        forward=rng.normal(-0.09, 0.06),
        shift=rng.normal(0, 2.8),
        height=rng.normal(2.0, 4.4),
        exposure=rng.normal(0, 0.036),
        contrast=float(np.clip(rng.normal(1.25, 0.12), 0.94, 1.6)),
        movement=min(0.12, rng.gamma(1.2, 0.022)),
        bite_block=bool(rng.uniform() < 0.92),
    )


def random_soft_tissue(rng: np.random.Generator) -> dict[str, float]:
    """How much there is, and how much shows, of soft tissues, air and ghosts, by name."""
    return {
        "palatoglossal_air": float(rng.uniform(0.0, 1.0) ** 1.9),
        "spine_density": float(np.clip(rng.gamma(2.2, 0.52), 0.2, 2.8)),
        "ghost": float(rng.uniform(0.6, 1.3)),
        "turbinates": float(rng.uniform(0.5, 1.2)),
        "bulk": float(np.clip(rng.normal(1, 0.2), 0.5, 1.5)),
        "tongue": float(rng.uniform(0.45, 1.3)),
        "airway": float(rng.uniform(0.0, 1.0)),
        "zygoma": float(rng.uniform(0.4, 1.2)),
    }


def _random_earrings(rng: np.random.Generator) -> list[str]:
    """Some forget to take them off, now and then one of the two only."""
    forgotten = rng.uniform()
    if forgotten > 0.04:
        return []
    return ["right", "left"] if forgotten < 0.03 else [str(rng.choice(["right", "left"]))]


def _random_missing(rng: np.random.Generator, age: int) -> list[int]:
    """Third molars are often absent; with age, molars and premolars go first and canines last."""
    frailty = rng.gamma(0.6, 0.9) * max(0.0, age - 22) / 40
    weight = {1: 0.25, 2: 0.3, 3: 0.1, 4: 0.5, 5: 0.7, 6: 1.3, 7: 0.9, 8: 1.0}
    chance = {fdi: 1 - np.exp(-0.16 * frailty * weight[fdi % 10]) for fdi in UPPER + LOWER}
    absent_wisdom = rng.uniform(0.0, 0.65)
    for fdi in (18, 28, 38, 48):
        chance[fdi] = min(0.97, absent_wisdom + 0.3 * (age > 45))
    missing = {fdi for fdi in UPPER + LOWER if rng.uniform() < chance[fdi]}
    if age > 60 and rng.uniform() < 0.06:
        missing |= set(UPPER)
    if age > 30 and rng.uniform() < 0.04:
        missing |= {14, 24, 34, 44}
    return sorted(missing)


# Degrees by which crowns lean towards the midline in a panoramic radiograph, by position 1 to 8, beyond what the arch's
# curve adds: by eye.
LEAN = {True: (0, 3, 5, 2, 2, 2, -1, -4), False: (0, 0, 3, 4, 5, 6, 9, 12)}


def _random_tooth(rng: np.random.Generator, fdi: int, age: int, decay: float) -> Tooth:
    tooth = Tooth(
        fdi,
        size=float(np.clip(rng.normal(1, 0.055), 0.86, 1.14)),
        tilt=float(rng.normal(LEAN[fdi in UPPER][fdi % 10 - 1], 3.0 if fdi % 10 < 6 else 5.0)),
        shift=float(rng.normal(0, 0.3)),
        intrusion=float(rng.normal(0, 0.8)),
        rotation=float(rng.normal(0, 18)),
        root_bend=float(rng.normal(1.0, 1.3)),
        root_length=float(np.clip(rng.normal(1, 0.09), 0.75, 1.2)),
        root_spread=float(np.clip(rng.normal(1, 0.3), 0.2, 1.7)),
        wear=float(np.clip(rng.normal((age - 20) / 60, 0.2), 0, 1)),
    )
    if tooth.position == 8:
        tooth.size *= 0.93
        _place_wisdom_tooth(rng, tooth, age)
    if tooth.state == "erupted":
        _treat(rng, tooth, age, decay)
    return tooth


def _place_wisdom_tooth(rng: np.random.Generator, tooth: Tooth, age: int) -> None:
    """Half of all wisdom teeth never come in: lower ones lie aslant or level against the tooth before them, upper ones
    stay high and look backwards; with the young their roots are not yet grown."""
    fate = rng.uniform()
    if fate < (0.34 if age < 30 else 0.24):
        tooth.state, tooth.intrusion = "impacted", float(rng.uniform(3, 9) if tooth.upper else rng.uniform(0.5, 7))
        lying = rng.choice(4, p=(0.45, 0.25, 0.22, 0.08))
        angles = ((22, 62), (62, 98), (-8, 22), (-45, -8))[lying]
        tooth.tilt = float(rng.uniform(*angles) if not tooth.upper else rng.normal(-12, 16))
        if age < 23:
            tooth.root_length = float(rng.uniform(0.15, 0.8))
    elif fate < 0.55:
        tooth.state, tooth.intrusion = "partly erupted", float(rng.uniform(0.3, 2.5))
        tooth.tilt = float(rng.normal(16, 10) if not tooth.upper else rng.normal(-4, 8))
    tooth.tilt += float(rng.normal(0, 4))


def _treat(rng: np.random.Generator, tooth: Tooth, age: int, decay: float) -> None:
    """Restorations and findings: the likelier the further back and the older; `decay` is the patient's own."""
    years = decay * np.clip((age - 15) / 40, 0.05, 1.2)
    exposed = {1: 0.25, 2: 0.22, 3: 0.15, 4: 0.5, 5: 0.6, 6: 1.0, 7: 0.8, 8: 0.25}[tooth.position] * years
    surfaces = ["occlusal", "mesial", "distal"] if tooth.position > 3 else ["mesial", "distal"]
    if rng.uniform() < 0.18 * exposed:
        tooth.fillings = sorted(str(s) for s in rng.choice(surfaces, int(rng.integers(1, 3)), replace=False))
    if rng.uniform() < 0.025 * exposed:
        tooth.root_filled, tooth.crown = True, bool(rng.uniform() < (0.6 if tooth.position > 3 else 0.3))
        if not tooth.crown and not tooth.fillings:  # what closes the way in
            tooth.fillings = ["occlusal"] if tooth.position > 3 else ["mesial"]
        tooth.post = bool(tooth.crown and rng.uniform() < 0.15)
        tooth.apical_lesion = float(rng.uniform(1.2, 3.0)) if rng.uniform() < 0.25 else 0.0
    elif rng.uniform() < 0.022 * exposed:
        tooth.crown = True
    tooth.ceramic = bool(rng.uniform() < (0.6 if tooth.position > 3 else 0.95))
    if rng.uniform() < 0.02 * min(decay, 3.0) and not tooth.crown:
        tooth.caries = [str(rng.choice(["mesial", "distal"]))]
    tooth.calculus = bool(age > 35 and rng.uniform() < 0.04)


def _settle(rng: np.random.Generator, patient: Patient) -> None:
    """Neighbours lean alike: waves of tilt and of height that run along each arch, a person's own."""
    for arch in (UPPER, LOWER):
        place = np.arange(16)
        tilt, height = (amount * np.interp(place, np.linspace(0, 15, 6), rng.normal(0, 1, 6)) for amount in (3.6, 0.45))
        for tooth in patient.teeth:
            if tooth.fdi in arch and tooth.state == "erupted":
                tooth.tilt += float(tilt[arch.index(tooth.fdi)])
                tooth.intrusion += float(height[arch.index(tooth.fdi)])


def _crown_a_pair(rng: np.random.Generator, patient: Patient) -> None:
    """Front teeth that broke together, crowned together, often with filled roots."""
    if patient.age < 22 or rng.uniform() > 0.05:
        return
    first = int(rng.choice((12, 11, 21)))
    pair = [patient.tooth(first), patient.tooth({12: 11, 11: 21, 21: 22}[first])]
    ceramic, filled = bool(rng.uniform() < 0.8), rng.uniform(0, 1, 2) < 0.5
    if all(tooth is not None and tooth.state == "erupted" for tooth in pair):
        for tooth, root_filled in zip(pair, filled, strict=True):
            tooth.crown, tooth.ceramic, tooth.fillings, tooth.caries = True, ceramic, [], []
            tooth.root_filled = tooth.root_filled or bool(root_filled)


def _crowd(rng: np.random.Generator, patient: Patient) -> None:
    """Front teeth without room stand turned and one over the other, in the lower jaw more than in the upper."""
    for upper, most in ((True, 0.7), (False, 1.2)):
        need = most * rng.uniform() ** 3
        for tooth in patient.teeth:
            if tooth.upper == upper and tooth.position < 4:
                tooth.rotation += float(rng.normal(0, 26 * need))
                tooth.tilt += float(rng.normal(0, 4.5 * need))
                tooth.shift += float(rng.normal(0, 0.9 * need))
                tooth.intrusion += float(rng.normal(0, 0.8 * need))


def _place_implants(rng: np.random.Generator, patient: Patient) -> None:
    keen = rng.uniform() < 0.3
    for fdi in patient.missing:
        if keen and fdi % 10 != 8 and patient.age > 22 and rng.uniform() < 0.45:
            patient.teeth.append(
                Tooth(fdi, "implant", crown=True, ceramic=bool(rng.uniform() < 0.5), tilt=float(rng.normal(0, 3)))
            )
    patient.missing = [fdi for fdi in patient.missing if patient.tooth(fdi) is None]


def _place_bridges(rng: np.random.Generator, patient: Patient) -> None:
    """A gap of one or two between standing teeth may be bridged: the neighbours crowned, pontics between, and now and
    then a further tooth crowned to hold it."""
    for arch in (UPPER, LOWER):
        for first in range(len(arch) - 2):
            for last in (first + 2, first + 3, first + 4):
                span = list(arch[first : last + 1])
                if last < len(arch) and _can_bridge(patient, span) and rng.uniform() < 0.3:
                    if first > 1 and rng.uniform() < 0.3 and _stands(patient, arch[first - 1]):
                        span.insert(0, arch[first - 1])
                    _bridge(rng, patient, span)


def _stands(patient: Patient, fdi: int) -> bool:
    """Whether an erupted natural tooth stands there that no crown covers yet, or could be given one."""
    tooth = patient.tooth(fdi)
    return tooth is not None and tooth.state == "erupted" and all(fdi not in bridge for bridge in patient.bridges)


def _can_bridge(patient: Patient, span: list[int]) -> bool:
    return all(fdi in patient.missing for fdi in span[1:-1]) and all(
        _stands(patient, fdi) for fdi in span[:: len(span) - 1]
    )


def _bridge(rng: np.random.Generator, patient: Patient, span: list[int]) -> None:
    """Crown what stands along a span of neighbouring positions, and hang pontics where nothing does."""
    patient.bridges.append(span)
    ceramic = bool(rng.uniform() < 0.4)
    for fdi in span:
        pillar = patient.tooth(fdi)
        if pillar is None:
            patient.teeth.append(Tooth(fdi, "pontic", crown=True, ceramic=ceramic))
            patient.missing.remove(fdi)
        else:
            pillar.crown, pillar.fillings, pillar.caries, pillar.ceramic = True, [], [], ceramic


def _drift_into_gaps(rng: np.random.Generator, patient: Patient) -> None:
    """A tooth behind a gap tips mesially, as lower molars do above all."""
    for tooth in patient.teeth:
        neighbour = tooth.fdi - 1
        if tooth.state == "erupted" and tooth.position > 5 and neighbour in patient.missing:
            tooth.tilt += float(rng.uniform(2, 14 if not tooth.upper else 7))
            tooth.shift -= float(rng.uniform(0, 3))
