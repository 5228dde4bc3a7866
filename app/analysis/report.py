"""The report of a study: one self-contained HTML page, its figures, and all numbers as JSON."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from pathlib import Path

from .accuracy import SHARES, UNSURE_RULES
from .detection import CORRECTION
from .difficulty import GALLERY_RULE, SHEETS, most_convincing, most_doubted
from .estimate import Estimate, count, counted
from .figures import FIGURES, draw
from .folder import write_folder
from .methods import methods
from .mrmc import COVARIANCES, RANDOM
from .report_notes import table_notes
from .results import StudyResults

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "report"
MOST_PAIRS = 12  # observers in the table of pairs: more make it too wide to print
CAPTIONS = {
    "roc": "Empirical ROC curves over the five levels: each observer with the own AUC, and the vertical mean of those "
    "who have finished, if they are two or more. n: images rated.",
    "forest": "Area under the ROC curve with 95 % intervals: DeLong for each observer, Obuchowski-Rockette/Hillis for "
    "the means. n: images rated; for the means, images that all observers rated.",
    "certainty": "Answers by correctness and certainty, for real and for synthetic images. n: images rated.",
    "calibration": "Calibration. Left: of the images rated so, the share that is synthetic; it should rise from left "
    "to right. Right: of the calls, the share that is right; dashed: guessing. Blue: all observers together with "
    "Wilson's 95 % interval, which takes answers as independent and is too narrow; grey: each observer. n: answers.",
    "response_times": "Response times of all observers together: median, quartiles, 5th and 95th percentile. A time "
    "ends with the selection of the rating that was submitted. Quarters are of the longest session so far. n: answers.",
    "attention": "Where the machine observer looked (attention rollout; bright: more), with the confidence C of its "
    "call; its surest calls, wrong ones in red and framed.",
    "ratings_by_image": "Every rating: a row an observer, a column an image. White: not rated. n: images.",
}


def report_files(results: StudyResults, about: Mapping, thumbnails: Mapping[str, bytes]) -> dict[str, bytes]:
    """The report's files, name -> content: report.html, and each figure as SVG and PNG.

    `about` has `study` (its name), `title`, `answers_until` (a text, or None), `viewing_seconds` and `order` (None
    where not known), `images` (how many the study has), `simulated` (how many of the observers are) and, where there
    are any, `pools` (name -> `truth`, `images`, `about`) and `attention` (a PNG file of where the machine observer
    looked); `thumbnails` are WebP files by image name, for the images that can be shown.
    """
    figures = draw(results)
    files = {"report.html": _page(results, about, thumbnails, figures).encode()}
    return files | {f"{name}.{kind}": data for name, kinds in figures.items() for kind, data in kinds.items()}


def write_report(
    folder: str | os.PathLike, results: StudyResults, about: Mapping, thumbnails: Mapping[str, bytes]
) -> Path:
    """Write the report's files into `folder`, which may be absent, empty or an earlier report; returns its full path.
    Raises ExportError, with the folder as it was, if it holds anything else or cannot be written."""
    own = ["report.html", *(f"{name}.{kind}" for name in FIGURES for kind in ("svg", "png"))]
    return write_folder(
        folder, lambda: report_files(results, about, thumbnails), what="report", own=own, marks={"report.html"}
    )


def report_page(results: StudyResults, about: Mapping, thumbnails: Mapping[str, bytes]) -> str:
    """report.html alone, for the research pages."""
    return _page(results, about, thumbnails, draw(results, ("svg",)))


def _page(results: StudyResults, about: Mapping, thumbnails: Mapping, figures: Mapping) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": percent,
        "number": number,
        "bounds": bounds,
        "p": p_value,
        "counted": counted,
        "count": count,
    }
    paragraphs, references = methods(results, about)
    attention = about.get("attention")
    about_page = {"pools": {}, **about, "attention": attention and _data(attention, "image/png")}
    sheets = {name: [image for image in results.images if image.sheet == name] for name in SHEETS}
    return environment.get_template("report.html").render(
        r=results,
        about=about_page,
        figures={name: _data(kinds["svg"], "image/svg+xml") for name, kinds in figures.items()},
        thumbnails={name: _data(content, "image/webp") for name, content in thumbnails.items()},
        captions=CAPTIONS,
        rules=UNSURE_RULES,
        shares=SHARES,
        random=RANDOM,
        covariances=COVARIANCES,
        correction=CORRECTION,
        gallery_rule=GALLERY_RULE,
        sheets=sheets,
        convincing=most_convincing(results.images),
        doubted=most_doubted(results.images),
        most_pairs=MOST_PAIRS,
        notes=table_notes(results),
        methods=paragraphs,
        references=references,
    )


def _data(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def percent(estimate: Estimate) -> Estimate:
    """A share as a number of percent."""
    scaled = [None if value is None else 100 * value for value in (estimate.value, estimate.low, estimate.high)]
    return Estimate(*scaled, estimate.n, estimate.note)


def number(estimate: Estimate, places: int = 3) -> str:
    """The value; a dash where it is not estimable."""
    return "–" if estimate.value is None else _rounded(estimate.value, places)


def bounds(estimate: Estimate, places: int = 3) -> str:
    """The interval, as "(0.612 to 0.750)"; where a number has none, that; empty where there is no number either."""
    if estimate.low is None:
        return "" if estimate.value is None else "(no interval)"
    return f"({_rounded(estimate.low, places)} to {_rounded(estimate.high, places)})"


def _rounded(value: float, places: int) -> str:
    """With a true minus sign, and none before 0."""
    text = f"{value:.{places}f}"
    return text.lstrip("-") if not float(text) else text.replace("-", "−")


def p_value(p: float | None) -> str:
    """A p-value as papers print it; a dash where there is none."""
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
