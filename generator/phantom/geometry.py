"""Where things lie: the patient's millimetres to the picture's pixels, and the teeth along their arches.

The patient's frame is that of an unrolled panoramic layer: x runs from the midline to the patient's left, y from the
upper edge of a full field downwards; the field is 300 mm wide and 150 mm high.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .anatomy import Jaws, Patient, Positioning, Tooth

OCCLUSION = 85.0  # y of the occlusal line at the midline
MAGNIFICATION = 1.18  # of the teeth, beside the field's own calibration
# A panoramic machine draws the side teeth out, and closes the premolars up.
ACROSS = {"incisor": 1.05, "canine": 1.06, "premolar": 1.06, "molar": 1.13}
ALONG = {"molar": 1.10}  # crowns: the beam rises, and sees the cheek's cusps above the tongue's
FORESHORTENED = 0.97  # lower teeth, which lean towards the tongue
SLOPING = 1.02  # necks lie aslant to the beam, which sees them wider than they are
# Share of the jaws' overlap at the canine and the two premolars, by arch.
OVERLAPPED = {True: (0.4, 1.0, 1.0), False: (0.4, 0.8, 0.7)}
CREST = 1.5  # healthy alveolar crest, below the enamel's edge (Hausmann 1991: up to 1.9)

# Crown length, root length, mesiodistal width of the crown and of the neck, in mm, after the tables of Wheeler's Dental
# Anatomy (Nelson & Ash).
MEASURES = {
    "upper": {
        1: (10.5, 13.0, 8.5, 7.0), 2: (9.0, 13.0, 6.5, 5.0), 3: (10.0, 17.0, 7.5, 5.5), 4: (8.5, 14.0, 7.0, 5.0),
        5: (8.5, 14.0, 7.0, 5.0), 6: (7.5, 12.5, 10.0, 8.0), 7: (7.0, 11.5, 9.0, 7.0), 8: (6.5, 11.0, 8.5, 6.5),
    },
    "lower": {
        1: (9.0, 12.5, 5.0, 3.5), 2: (9.5, 14.0, 5.5, 4.0), 3: (11.0, 16.0, 7.0, 5.5), 4: (8.5, 14.0, 7.0, 5.0),
        5: (8.0, 14.5, 7.0, 5.0), 6: (7.5, 14.0, 11.0, 9.0), 7: (7.0, 13.0, 10.5, 8.0), 8: (7.0, 11.0, 10.0, 7.5),
    },
    "upper deciduous": {
        1: (6.0, 10.0, 6.5, 4.5), 2: (5.6, 11.4, 5.1, 3.7), 3: (6.5, 13.5, 7.0, 5.1), 4: (5.1, 10.0, 7.3, 5.6),
        5: (5.7, 11.7, 8.2, 6.4),
    },
    "lower deciduous": {
        1: (5.0, 9.0, 4.2, 3.0), 2: (5.2, 10.0, 4.1, 3.0), 3: (6.0, 11.5, 5.0, 3.7), 4: (6.0, 9.8, 7.7, 6.5),
        5: (5.5, 11.3, 9.9, 7.6),
    },
}  # fmt: skip


def measures(tooth: Tooth) -> tuple[float, float, float, float]:
    """Crown length, root length, crown width and neck width of a tooth, in mm, with its own size and wear."""
    arch = ("upper" if tooth.upper else "lower") + (" deciduous" if tooth.deciduous else "")
    crown, root, width, neck = MEASURES[arch][tooth.position]
    size, across = tooth.size * MAGNIFICATION, tooth.size * MAGNIFICATION * ACROSS[tooth.kind]
    turned = np.radians(min(60.0, abs(tooth.rotation)))
    # Front teeth are flat, so that turning shows them narrower; back teeth are about as deep as they are wide.
    deep = (0.78 if tooth.position < 3 and not tooth.deciduous else 0.95) * width
    width, neck = (w * np.cos(turned) ** 2 + deep * np.sin(turned) ** 2 for w in (width, neck))
    crown *= ALONG.get(tooth.kind, 1.0)
    tall = size if tooth.upper else FORESHORTENED * size
    tall, width, neck = float(tall), float(width), float(neck)
    return (crown - 0.8 * tooth.wear) * tall, root * tooth.root_length * tall, width * across, SLOPING * neck * across


@dataclass(frozen=True)
class Frame:
    """Maps the patient's millimetres to pixels: bent by growth and by positioning, then seen through the field."""

    shape: tuple[int, int]
    scale: float
    centre: tuple[float, float]
    jaws: Jaws
    positioning: Positioning

    def to_pixels(self, points) -> np.ndarray:
        """Pixels (n, 2) of points (n, 2) in mm."""
        x, y = self._bend(np.asarray(points).reshape(-1, 2))
        rows, columns = self.shape
        return np.stack([columns / 2 + (x - self.centre[0]) * self.scale,
                         rows / 2 + (y - self.centre[1]) * self.scale], 1)  # fmt: skip

    def _bend(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x, y = points.T
        c = self.jaws.asymmetry
        pose = self.positioning
        dx = 1.5 * (c[0] * np.sin(x / 33 + c[4]) + c[1] * np.sin(y / 22 + x / 60 + c[5]))
        dy = 1.5 * (c[2] * np.sin(x / 29 + c[6]) + c[3] * np.sin(x / 47 + y / 40 + c[7]))
        front = np.exp(-((x / 38) ** 2))
        bent_x = x * (1 + pose.forward * front) + pose.rotation * np.sqrt(x**2 + 400) + pose.shift
        bent_y = y + pose.tilt * x + pose.chin * front
        size = self.jaws.size
        return size * (bent_x + dx), OCCLUSION + size * (bent_y + dy - OCCLUSION) + pose.height


@dataclass(frozen=True)
class Stand:
    """A tooth on its place, in pixels: `neck` is the midpoint of the enamel's edge, `up` the unit vector from there to
    the crown, `mesial` the unit vector across, `scale` pixels a millimetre along and `broad` times that across;
    `crest` is how far below the neck the bone begins, in mm."""

    tooth: Tooth
    neck: tuple[float, float]
    up: tuple[float, float]
    mesial: tuple[float, float]
    scale: float
    broad: float
    crest: float

    def point(self, across: float, along: float) -> tuple[float, float]:
        """The pixel of a point in the tooth's own millimetres: towards the midline, towards the crown."""
        return tuple(
            self.neck[i] + self.scale * (across * self.broad * self.mesial[i] + along * self.up[i]) for i in (0, 1)
        )  # fmt: skip


def occlusal_line(jaws: Jaws, x) -> np.ndarray:
    """y in mm of the middle between the arches at x: a parabola, the smile of a panoramic radiograph."""
    return OCCLUSION - jaws.smile * (np.asarray(x) / 60.0) ** 2


def half_opening(jaws: Jaws, x) -> np.ndarray:
    """Half the gap between the arches at x, in mm: the bite block parts the front teeth more than the back ones."""
    return jaws.bite_opening / 2 * (1 - jaws.bite_wedge * np.minimum(1, np.abs(x) / 45))


def arch_positions(patient: Patient, upper: bool) -> dict[int, float]:
    """x in mm of every permanent FDI position of one arch, also where none stands: the crowns are in contact."""
    places: dict[int, float] = {}
    for quadrant in (1, 2) if upper else (3, 4):
        edge = 0.1
        for fdi in range(10 * quadrant + 1, 10 * quadrant + 9):
            tooth = patient.standing(fdi) or Tooth(fdi)
            width = measures(tooth)[2] * 0.925
            if tooth.position in (3, 4, 5):  # the beam meets their contacts aslant, the canine's on one side only
                width -= 0.15 + patient.jaws.overlap[quadrant in (2, 3)] * OVERLAPPED[upper][tooth.position - 3]
            elif tooth.position < 3:  # front teeth touch
                width *= 0.985
            places[fdi] = tooth.side * (edge + width / 2)
            edge += width
    return places


def stands(patient: Patient, frame: Frame, teeth: list[Tooth]) -> list[Stand]:
    """Each of `teeth` (the patient's own, or such as would fill the gaps) on its place in the patient's arches."""
    arches = {upper: arch_positions(patient, upper) for upper in (True, False)}
    return [_stand(patient, frame, tooth, arches[tooth.upper][tooth.successor]) for tooth in teeth]


def _stand(patient: Patient, frame: Frame, tooth: Tooth, x: float) -> Stand:
    jaws = patient.jaws
    x += tooth.side * tooth.shift
    slope = -2 * jaws.smile * x / 3600
    down = 1.0 if tooth.upper else -1.0  # from the neck to the crown
    angle = np.arctan(slope) * 0.85 * -down + np.radians(tooth.tilt) * -tooth.side
    up = np.array([np.sin(angle), down * np.cos(angle)])
    tip_y = occlusal_line(jaws, x) - down * (half_opening(jaws, x) + tooth.intrusion + _overbite(tooth))
    crown = measures(tooth)[0]
    neck = np.array([x, tip_y]) - crown * up * np.array([0.6, 1.0])  # x is where the crowns touch, at 0.6 of the crown
    mesial = np.array([-tooth.side * abs(up[1]), tooth.side * up[0] * np.sign(up[1])])
    ends = frame.to_pixels([neck, neck + up, neck + mesial])
    axis, across = ends[1] - ends[0], ends[2] - ends[0]
    scale, breadth = float(np.hypot(*axis)), float(np.hypot(*across))
    return Stand(
        tooth, tuple(ends[0].tolist()), tuple((axis / scale).tolist()), tuple((across / breadth).tolist()),
        scale, breadth / scale, CREST + jaws.bone_loss + (0.8 if tooth.position > 5 else 0.0) * jaws.bone_loss,
    )  # fmt: skip


def _overbite(tooth: Tooth) -> float:
    """Small steps of the cusp line, in mm: canines stand out, laterals stand back."""
    return {1: 0.0, 2: 0.6, 3: -0.8 if tooth.upper else -0.4}.get(tooth.position, 0.0)
