"""The audit: does anything but the picture tell which images are synthetic?

Each measure is compared between the sides twice, in level and in spread. All comparisons together raise a false alarm
in at most 5 % of studies whose sides do not differ (Holm's procedure).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from .difference import (
    LEVEL,
    Difference,
    can_stand_out,
    classified_difference,
    detectable_auc,
    difference,
    holm,
    spread_difference,
)
from .markers import marker_depth
from .measures import MARGIN, MEASURES, margin_cells, tone_curve
from .preparation import WIDEST
from .served import Check, Opened, ServedImage, exact_checks, open_served

if TYPE_CHECKING:
    import numpy as np

MATCH = "create-study --match-histogram"
MASK = f"create-study --mask-margins {MARGIN}"
NO_SETTING = "no setting of create-study takes this away"
# By group: what removes a difference. Of the groups' members, the one that differs most is the finding.
REMEDIES = {
    "tone": MATCH,
    "bit depth": MATCH,
    "edge": MASK,
    "detail": f"{NO_SETTING}: make both pools from pictures of like sharpness, noise and compression",
    "file": f"{NO_SETTING}: pictures with more noise or detail make larger files",
    "order": "create the study anew",
}
OWN_REMEDIES = {
    "border width": f"create-study --trim auto, or {MASK}",
    "JPEG grid": f"{NO_SETTING}: make both pools from files without JPEG, or both with the same JPEG quality",
}
UNTESTED = (
    "what the picture shows: anatomy, texture, faults of the generator",
    "traces with another period than 8 pixels, as JPEG leaves in a picture that was resized afterwards",
    "what observers can learn outside the quiz, as from published images of the same collection",
)


@dataclass(frozen=True)
class Row:
    """One measure compared between the sides. `level` and `spread` are None where all images have the same value.

    `p` is the smaller of both tests' p-values after Holm's procedure, None where nothing could have stood out.
    """

    name: str
    group: str
    unit: str
    real: float | None
    synthetic: float | None
    level: Difference | None
    spread: Difference | None
    p: float | None = None
    strength: float = 0.0

    @property
    def stands_out(self) -> bool:
        return self.p is not None and self.p <= LEVEL


@dataclass(frozen=True)
class Finding:
    """What gives the truth away, the setting that removes it, and the measures that differ along with it."""

    name: str
    remedy: str
    along: tuple[str, ...] = ()


@dataclass(frozen=True)
class Audit:
    """The whole result. `detectable` is the AUC that would have been found with a probability of 80 %; None if none."""

    real: int
    synthetic: int
    comparisons: int
    detectable: float | None
    rows: tuple[Row, ...]
    checks: tuple[Check, ...]
    findings: tuple[Finding, ...]
    untested: tuple[str, ...] = field(default=UNTESTED)


@dataclass(frozen=True)
class Sides:
    """What was measured on each image, in the study's frozen order."""

    synthetic: np.ndarray
    values: Mapping[str, np.ndarray]
    tone: np.ndarray
    margins: np.ndarray
    marker_depth: int = 0


def measure_picture(grey: np.ndarray) -> dict:
    """All numbers of one 8-bit grey study image."""
    greys = grey.astype(float)
    values = {measure.name: measure.of(greys) for measure in MEASURES}
    return {"values": values, "tone": tone_curve(greys), "margins": margin_cells(greys), "depth": marker_depth(greys)}


def collect(measured: Iterable[dict], synthetic: Iterable[bool]) -> Sides:
    """What measure_picture() gave for each image, put together."""
    import numpy as np

    measured = list(measured)
    names = measured[0]["values"]
    values = {name: np.array([each["values"][name] for each in measured]) for name in names}
    tone, margins = (np.stack([each[part] for each in measured]) for part in ("tone", "margins"))
    return Sides(np.array(list(synthetic), bool), values, tone, margins, max(each["depth"] for each in measured))


def compare(sides: Sides) -> tuple[list[Row], int]:
    """All measures compared between the sides, and how many comparisons that took."""
    groups = {measure.name: (measure.group, measure.unit) for measure in MEASURES}
    groups |= {"file size": ("file", "bytes"), "position in the study": ("order", ""), "file name": ("order", "")}
    rows = [_compare_numbers(name, *groups[name], values, sides.synthetic) for name, values in sides.values.items()]
    rows.append(_classify("histogram", "tone", sides.tone, sides.synthetic))
    rows.append(_classify("margins", "edge", sides.margins, sides.synthetic))
    tests = [test for row in rows for test in (row.level, row.spread) if test]
    count = len(tests)
    if not can_stand_out(int((~sides.synthetic).sum()), int(sides.synthetic.sum()), max(count, 1)):
        return rows, count
    adjusted = dict(zip(map(id, tests), holm([test.p for test in tests]), strict=True))
    return [_with_p(row, adjusted) for row in rows], count


def _with_p(row: Row, adjusted: Mapping[int, float]) -> Row:
    tests = [test for test in (row.level, row.spread) if test]
    return replace(row, p=min(adjusted[id(test)] for test in tests)) if tests else row


def _compare_numbers(name: str, group: str, unit: str, values: np.ndarray, synthetic: np.ndarray) -> Row:
    import numpy as np

    medians = [float(np.median(values[side])) for side in (~synthetic, synthetic)]
    if np.ptp(values) == 0:
        return Row(name, group, unit, *medians, None, None)
    strength = abs(values[synthetic].mean() - values[~synthetic].mean()) / max(
        1e-12, np.sqrt((values[synthetic].var() + values[~synthetic].var()) / 2)
    )
    spread = None if group == "order" else spread_difference(values, synthetic)
    return Row(name, group, unit, *medians, difference(values, synthetic), spread, strength=float(strength))


def _classify(name: str, group: str, features: np.ndarray, synthetic: np.ndarray) -> Row:
    import numpy as np

    if np.ptp(features, axis=0).max() < 1e-9:
        return Row(name, group, "", None, None, None, None)
    return Row(name, group, "", None, None, classified_difference(features, synthetic), None)


def find(rows: Iterable[Row], checks: Iterable[Check], depth: int) -> list[Finding]:
    """What stands out, one finding a group: the measure that differs most, the others along with it.

    The size of a lossless file follows from its pixels, so that it is a finding of its own only if nothing else is.
    """
    out = sorted((row for row in rows if row.stands_out), key=lambda row: -row.strength)
    groups: dict[str, list[str]] = {}
    for row in out:
        groups.setdefault(row.group, []).append(row.name)
    if len(groups) > 1 and "file" in groups:
        groups[out[0].group if out[0].group != "file" else out[1].group] += groups.pop("file")
    findings = [
        Finding(first, _remedy(group, first, depth, "edge" in groups), tuple(rest))
        for group, (first, *rest) in groups.items()
    ]
    return findings + [Finding(check.name, check.remedy) for check in checks if check.differing]


def _remedy(group: str, name: str, depth: int, bordered: bool) -> str:
    if bordered and REMEDIES.get(group) == MATCH:  # alone, it would deal the borders' greys to the inside
        return f"{MASK} --match-histogram"
    if group == "markers":
        if 0 < depth <= WIDEST:
            return f"create-study --mask-margins {depth}"
        return "paint the markers over before import-pool: they lie too far inside for --mask-margins"
    return OWN_REMEDIES.get(name, REMEDIES[group])


def audit_images(
    images: Iterable[ServedImage],
    truths: Mapping[str, Mapping],
    progress: Callable[[], object] = lambda: None,
) -> Audit:
    """Audit the images of a study as they are served.

    `truths` maps the name of each image, in the frozen order, to its `truth` and its recorded `sha256`. `progress()`
    is called once an image. Raises StudyError for an image that cannot be decoded.
    """
    import numpy as np

    from ..whole_folder import on_all_cores

    opened: dict[str, Opened] = {}
    measured = []

    def look(image: ServedImage) -> tuple[str, Opened, dict]:
        grey, each = open_served(image, truths[image.name]["sha256"])
        return image.name, each, measure_picture(grey)

    with on_all_cores(look, images) as looked:
        for name, each, numbers in looked:
            opened[name] = each
            measured.append(numbers)
            progress()
    sides = collect(measured, [truths[name]["truth"] == "synthetic" for name in opened])
    names = list(opened)
    more = {
        "file size": np.array([each.size for each in opened.values()], float),
        "position in the study": np.arange(len(names), dtype=float),
        "file name": np.argsort(np.argsort(names)).astype(float),
    }
    rows, count = compare(Sides(sides.synthetic, {**sides.values, **more}, sides.tone, sides.margins))
    checks = exact_checks(opened)
    return report(rows, count, checks, sides)


def report(rows: list[Row], count: int, checks: list[Check], sides: Sides) -> Audit:
    """The audit's result out of its parts."""
    real, synthetic = int((~sides.synthetic).sum()), int(sides.synthetic.sum())
    able = can_stand_out(real, synthetic, max(count, 1))
    detectable = detectable_auc(real, synthetic, max(count, 1)) if able else None
    findings = find(rows, checks, sides.marker_depth)
    return Audit(real, synthetic, count, detectable, tuple(rows), tuple(checks), tuple(findings))
