"""A child in the mixed dentition: milk teeth in the arch, their successors forming beneath."""

from __future__ import annotations

import numpy as np

from .anatomy import LOWER, UPPER, Patient, Tooth
from .patient import random_jaws, random_positioning, random_soft_tissue

# Mean age of eruption in years, by position 1 to 7 (Logan & Kronfeld 1933, as revised by Schour).
ERUPTION = {"upper": (7.5, 8.5, 11.5, 10.5, 11.0, 6.5, 12.5), "lower": (6.5, 7.5, 9.5, 11.0, 11.5, 6.0, 12.0)}
# Depth in mm at which a crown forms, below its place in the arch, by position 1 to 7.
DEPTH = {"upper": (9.0, 9.0, 15.0, 10.5, 10.0, 8.0, 9.0), "lower": (8.0, 8.0, 12.0, 9.5, 9.5, 8.0, 8.0)}


def random_child(rng: np.random.Generator) -> Patient:
    """A child of 6 to 11 years drawn from `rng`; each side erupts at its own pace."""
    age = float(rng.uniform(6.3, 11.2))
    jaws = random_jaws(rng, int(age))
    jaws.size *= 0.90
    jaws.mandible_height -= 4.5
    jaws.ramus_width -= 3.5
    jaws.bone_loss, jaws.smile = 0.0, jaws.smile + 2.0
    patient = Patient(int(age), jaws, random_positioning(rng), [], [], [], random_soft_tissue(rng), [])
    for fdi in UPPER + LOWER:
        if fdi % 10 < 8:
            patient.teeth += _teeth_at(rng, fdi, age)
    standing = {tooth.fdi for tooth in patient.teeth}
    patient.missing = [fdi for fdi in UPPER + LOWER if fdi not in standing]
    return patient


def _teeth_at(rng: np.random.Generator, fdi: int, age: float) -> list[Tooth]:
    """The permanent tooth at a position, and the milk tooth before it while that one stands."""
    arch = "upper" if Tooth(fdi).upper else "lower"
    place = fdi % 10 - 1
    to_go = ERUPTION[arch][place] + rng.normal(0, 0.5) - age
    permanent = _varied(rng, Tooth(fdi))
    if to_go <= 0:
        permanent.root_length = float(np.clip(0.75 - 0.1 * to_go, 0.75, 1.0))
        permanent.intrusion += float(max(0.0, 1.5 + to_go * 3))
        return [permanent]
    permanent.state = "germ"
    permanent.intrusion = float(DEPTH[arch][place] * np.clip(0.35 + to_go / 4, 0.35, 1.0))
    permanent.root_length = float(np.clip(0.62 - 0.12 * to_go, 0.06, 0.6))
    if place > 4:
        return [permanent]
    milk = _varied(rng, Tooth(fdi + 40))
    milk.root_length = float(np.clip(0.25 + 0.25 * to_go, 0.3, 1.0))  # resorbed by the successor
    if place > 2 and rng.uniform() < 0.15:
        milk.fillings = ["occlusal"]
    return [permanent, milk]


def _varied(rng: np.random.Generator, tooth: Tooth) -> Tooth:
    tooth.size = float(np.clip(rng.normal(1, 0.03), 0.92, 1.08))
    tooth.tilt, tooth.shift = float(rng.normal(0, 3.0)), float(rng.normal(0, 0.3))
    tooth.intrusion, tooth.root_bend = float(rng.normal(0, 0.4)), float(rng.normal(0.5, 0.5))
    tooth.rotation, tooth.root_spread = float(rng.normal(0, 12)), float(np.clip(rng.normal(1, 0.2), 0.5, 1.5))
    return tooth
