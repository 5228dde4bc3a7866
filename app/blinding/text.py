"""The audit's result as text, and as JSON."""

from __future__ import annotations

from ..analysis.estimate import Estimate, plain
from .audit import Audit, Row
from .difference import LEVEL, POWER

WIDTHS = (21, 12, 12, 22, 13, 9)
HEADS = ("measure", "real", "synthetic", "AUC [95 % interval]", "AUC of spread", "p (Holm)")


def as_text(study: str, audit: Audit) -> str:
    """All of it, for a terminal 100 characters wide."""
    parts = [
        [f"Blinding of {study}: {audit.real} real and {audit.synthetic} synthetic images, as served."],
        _found(audit),
        _table(audit),
        [f"{'DIFFERS' if check.differing else 'alike  '}  {check.name}: {_told(check)}" for check in audit.checks],
        ["Not tested:", *(f"  {line}" for line in _untested(audit))],
    ]
    return "\n\n".join("\n".join(lines) for lines in parts)


def as_json(study: str, audit: Audit) -> dict:
    """The same for programs."""
    rows = [{**plain(row), "stands_out": row.stands_out, "verdict": _verdict(row, audit)} for row in audit.rows]
    return {"study": study, "level": LEVEL, **plain(audit), "rows": rows, "untested": _untested(audit)}


def _found(audit: Audit) -> list[str]:
    if audit.findings:
        lines = [f"Gives the truth away ({len(audit.findings)}):"]
        for finding in audit.findings:
            along = f" (along with it: {', '.join(finding.along)})" if finding.along else ""
            lines += [f"  {finding.name}{along}", f"    remedy: {finding.remedy}"]
        return lines
    if audit.detectable is None:
        return ["Files are alike. Nothing else could be tested: there are too few images."]
    return [
        f"Nothing stands out among {audit.comparisons} comparisons. A measure with an AUC of {audit.detectable:.2f} or",
        f"more would have been found in {POWER:.0%} of such studies; smaller differences may be there.",
    ]


def _table(audit: Audit) -> list[str]:
    lines = [_line(HEADS), "-" * (sum(WIDTHS) + len(WIDTHS) * 2 + 10)]
    for row in audit.rows:
        numbers = (_number(row.real), _number(row.synthetic), _estimate(row), _value(row.spread and row.spread.auc))
        p = "" if row.p is None else f"{row.p:.4f}" if row.p >= 0.0001 else "< 0.0001"
        lines.append(f"{_line((row.name, *numbers, p))}  {_verdict(row, audit)}".rstrip())
    return [
        *lines,
        "",
        "real, synthetic: medians. AUC above 0.5: higher in synthetic images; of spread: synthetic ones lie farther",
        "from the middle. histogram, margins: of a cross-validated classifier; at 0.5 or less it learned nothing.",
        f"Stands out: p at most {LEVEL:g} after Holm's procedure over all {audit.comparisons} comparisons.",
    ]


def _line(cells: tuple[str, ...]) -> str:
    first, *rest = zip(cells, WIDTHS, strict=True)
    return f"{first[0]:{first[1]}}" + "".join(f"  {cell:>{width}}" for cell, width in rest)


def _verdict(row: Row, audit: Audit) -> str:
    if row.level is None:
        return "the same in all"
    if audit.detectable is None:
        return "not tested"
    return "STANDS OUT" if row.stands_out else ""


def _estimate(row: Row) -> str:
    if row.level is None:
        return ""
    estimate: Estimate = row.level.auc
    interval = "" if estimate.low is None else f" [{estimate.low:.2f}, {estimate.high:.2f}]"
    return _value(estimate) + interval


def _value(estimate: Estimate | None) -> str:
    return f"{estimate.value:.2f}" if estimate else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _told(check) -> str:
    return f"{check.differing} (wanted: {check.what}; remedy: {check.remedy})" if check.differing else check.what


def _untested(audit: Audit) -> list[str]:
    few = f"any of the measures: {audit.real} real and {audit.synthetic} synthetic images are too few for a difference"
    lines = [] if audit.detectable is not None else [f"{few} to stand out among {audit.comparisons} comparisons"]
    weak = audit.detectable is not None
    return [
        *lines,
        *([f"differences smaller than an AUC of about {audit.detectable:.2f}"] if weak else []),
        *audit.untested,
    ]
