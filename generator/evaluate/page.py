"""The generator report: one self-contained HTML page, its figures and its numbers."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from . import figures
from .assessment import MOST_GENERATORS, Assessment, Generator
from .drawing import draw
from .nearest_pairs import nearest_ones
from .results import every_pair, number, p_value, plain_results, table, text

TEMPLATES = Path(__file__).parent / "templates"
MARKS = {"report.html", "results.json"}
EXAMPLES = 6
CAPTIONS = {
    "map": "t-SNE of the features of up to 500 random images of each source, on one map. Distances between clusters "
    "and their sizes mean little; whether sources mix means something.",
    "examples": "Random images, none chosen: the first row real, the others synthetic.",
    "nearest": "Distance to the nearest training image in parts of the mean distance to the nearest fifty. Dashed: the "
    "1st percentile of the held-out real images. A generator that copies heaps up near 0.",
    "pairs": "The synthetic images that come nearest to one of those in pixels, each beside it, with that distance in "
    "parts of the mean of the nearest fifty.",
    "attention": "Where the machine observer looked (attention rollout; bright: more), with the confidence C of its "
    "call; its surest calls, wrong ones in red and framed.",
}


def report_files(assessment: Assessment, cards: Mapping[str, tuple[list[str], list[str]]]) -> dict[str, bytes]:
    """The report's files by name: report.html, results.json, and each figure as SVG and PNG.

    `cards` has, by generator, model cards in Markdown and words on those that were not found.
    """
    results = plain_results(assessment)
    drawn = draw_all(assessment)
    files = {f"{name}.{kind}": data for name, kinds in drawn.items() for kind, data in kinds.items()}
    files["results.json"] = json.dumps(results, indent=1, ensure_ascii=False).encode() + b"\n"
    files["report.html"] = _page(results, drawn, cards).encode()
    return files


def file_names() -> list[str]:
    """What report_files() may write."""
    each = [name for name in CAPTIONS if name != "map"]
    figures = ["map", *(f"{name}-{place}" for name in each for place in range(1, MOST_GENERATORS + 1))]
    return [*MARKS, *(f"{name}.{kind}" for name in figures for kind in ("svg", "png"))]


def draw_all(assessment: Assessment) -> dict[str, dict[str, bytes]]:
    """Every figure, name -> kind -> file; those of one generator end in its number, counted from 1."""
    drawn = {"map": draw(figures.embedding, assessment.places)}
    for place, each in enumerate(assessment.generators, start=1):
        observed, copying = each.observed, each.copying
        pixels = copying.spaces[0]
        drawn |= {
            f"examples-{place}": draw(figures.examples, *some_examples(assessment, each)),
            f"nearest-{place}": draw(figures.nearest_distances, copying.spaces),
            f"pairs-{place}": draw(
                figures.nearest_pairs,
                nearest_ones(pixels.synthetic, pixels.places, each.source.high, copying.training.high),
                "synthetic",
                "nearest training image" if copying.named else "nearest real image",
            ),
            f"attention-{place}": draw(
                figures.attention,
                observed.images,
                observed.observation,
                observed.synthetic,
                figures.telling(observed.observation, observed.synthetic),
            ),
        }
    return drawn


def some_examples(assessment: Assessment, each: Generator) -> tuple[list[np.ndarray], list[str]]:
    """Images and titles: three real ones, then synthetic ones, at random."""
    real = assessment.real.high.some(EXAMPLES // 2, assessment.seed)
    synthetic = each.source.high.some(EXAMPLES, assessment.seed)
    return [*real, *synthetic], ["real"] * len(real) + ["synthetic"] * len(synthetic)


def _page(results: dict, drawn: Mapping[str, Mapping[str, bytes]], cards: Mapping) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"estimate": text, "number": number, "p": p_value}
    return environment.get_template("report.html").render(
        r=results,
        rows=table(results),
        every_pair=[every_pair(results, place) for place in range(len(results["generators"]))],
        figures={name: _shown(name, kinds) for name, kinds in drawn.items()},
        captions=CAPTIONS,
        cards={name: _html(found) for name, (found, _) in cards.items()},
        missing={name: missing for name, (_, missing) in cards.items()},
    )


def _shown(name: str, kinds: Mapping[str, bytes]) -> str:
    """Sheets of images as PNG, drawings as SVG, which stay sharp."""
    kind, mime = (
        ("png", "image/png") if name.startswith(("examples", "pairs", "attention")) else ("svg", "image/svg+xml")
    )
    return f"data:{mime};base64,{base64.b64encode(kinds[kind]).decode()}"


def _html(cards: Sequence[str]) -> list[str]:
    from markdown_it import MarkdownIt
    from markupsafe import Markup

    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    return [Markup(reader.render(card)) for card in cards]  # no HTML of the card's own passes
