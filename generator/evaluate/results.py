"""An assessment as plain values: what results.json holds, the page shows and the terminal prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from .assessment import Assessment, Copying, Generator, Observed
from .distances import Estimate
from .evaluation import Pair
from .machine_observer import Observation
from .memorisation import LEVEL, RULE
from .scoring import accuracy, area

RATINGS = range(1, 6)


def plain_results(assessment: Assessment) -> dict:
    """Everything but the images, ready for JSON."""
    extractor = assessment.extractor
    return {
        "format": 1,
        "against": assessment.real.label,
        "real_images": len(assessment.real.high),
        "extractor": extractor.name,
        "frechet": extractor.frechet_name,
        "kernel": extractor.kernel_name,
        "score": extractor.score_name,
        "seed": assessment.seed,
        "rule": RULE,
        "generators": [_generator(each) for each in assessment.generators],
        "map": {label: places.tolist() for label, places in assessment.places.items()},
    }


def _generator(each: Generator) -> dict:
    evaluation = each.evaluation
    return {
        "name": each.source.label,
        "sizes": evaluation.sizes,
        "scores": {name: asdict(score) for name, score in evaluation.scores.items()},
        "pairs": [_pair(pair) for pair in evaluation.pairs],
        "halves": {name: asdict(floor) for name, floor in evaluation.halves.items()},
        "copying": _copying(each.copying),
        "machine_observer": _observed(each.observed),
    }


def _pair(pair: Pair) -> dict:
    return {
        "of": pair.ours,
        "and": pair.theirs,
        "measures": {name: asdict(estimate) for name, estimate in pair.measures.items()},
    }


def _copying(copying: Copying) -> dict:
    return {
        "training": copying.training.label,
        "training_images": len(copying.training.high),
        "held_out": copying.held_out.label,
        "held_out_images": len(copying.held_out.high),
        "named": copying.named,
        "level": LEVEL,
        "copies": copying.copies,
        "spaces": [
            {
                "space": space.space,
                "synthetic_median": float(np.median(space.synthetic)),
                "held_out_median": float(np.median(space.held_out)),
                "threshold": space.threshold,
                "below": space.below,
                "originals": space.originals,
                "n": len(space.synthetic),
                "p": space.p,
            }
            for space in copying.spaces
        ],
    }


def observer_scores(found: Observation, truth: np.ndarray) -> dict[str, Estimate]:
    """Accuracy of the machine observer's calls and the area under its ROC curve; `truth` (n,) is True for synthetic."""
    return {
        "accuracy": accuracy((found.probabilities > 0.5) == truth),
        "area": area(found.probabilities[truth], found.probabilities[~truth]),
    }


def observer_lines(found: Observation, synthetic: Sequence[bool]) -> list[str]:
    """The same for a terminal."""
    scores = observer_scores(found, np.asarray(synthetic, bool))
    return [f"Accuracy {text(scores['accuracy'])}", f"AUC {text(scores['area'])}"]


def _observed(observed: Observed) -> dict:
    found, truth = observed.observation, observed.synthetic
    ratings = {"real": found.ratings[~truth], "synthetic": found.ratings[truth]}
    return {
        "preset": found.preset,
        "seed": found.seed,
        "folds": int(found.folds.max()) + 1,
        "real_images": int((~truth).sum()),
        "synthetic_images": int(truth.sum()),
        **{name: asdict(score) for name, score in observer_scores(found, truth).items()},
        "ratings": {side: [int((given == rating).sum()) for rating in RATINGS] for side, given in ratings.items()},
    }


def lines(results: dict) -> list[str]:
    """The table for a terminal: what is measured, then a column for each generator."""
    names = [each["name"] for each in results["generators"]]
    rows = table(results)
    wide = max(len(label) for label, _ in rows)
    columns = [max(len(text) for text in (name, *(row[1][i] for row in rows))) for i, name in enumerate(names)]
    head = " " * wide + "".join(f"  {name:>{width}}" for name, width in zip(names, columns, strict=True))
    return [head] + [
        f"{label:<{wide}}" + "".join(f"  {text:>{width}}" for text, width in zip(texts, columns, strict=True))
        for label, texts in rows
    ]


def table(results: dict) -> list[tuple[str, list[str]]]:
    """(what is measured, its text for each generator) of the measures that compare generators."""
    generators, frechet = results["generators"], results["frechet"]

    def row(label: str, of) -> tuple[str, list[str]]:
        return label, [text(of(each)) for each in generators]

    rows = [
        row(f"{frechet}, {pair['of']} – {pair['and']}", lambda each, i=i: each["pairs"][i]["measures"][frechet])
        for i, pair in enumerate(generators[0]["pairs"])
    ]
    rows += [
        row(f"{frechet}, halves of {name}", lambda each, name=name: each["halves"][name])
        for name in generators[0]["halves"]
    ]
    for i, pair in enumerate(generators[0]["pairs"]):
        rows += [
            row(
                f"{name}, {pair['of']} – {pair['and']}", lambda each, i=i, name=name: each["pairs"][i]["measures"][name]
            )
            for name in pair["measures"]
            if name != frechet
        ]
    rows += [
        row(f"{results['score']}, {name}", lambda each, name=name: each["scores"][name])
        for name in generators[0]["scores"]
    ]
    rows += [
        row("Machine observer, accuracy", lambda each: each["machine_observer"]["accuracy"]),
        row("Machine observer, AUC", lambda each: each["machine_observer"]["area"]),
        ("Copies training images", ["yes" if each["copying"]["copies"] else "not shown" for each in generators]),
    ]
    return rows


def every_pair(results: dict, place: int) -> list[tuple[str, list[str], str]]:
    """The study's table for one generator: for each of the four sets of images its name, its Fréchet distance to each
    of the sets, and its score, where the network gives one; a dash where there is nothing to say."""
    generator = results["generators"][place]
    names = list(generator["sizes"])
    found = {frozenset((pair["of"], pair["and"])): pair["measures"][results["frechet"]] for pair in generator["pairs"]}
    scores = generator["scores"]
    return [
        (
            name,
            [text(found[frozenset((name, other))]) if name != other else "–" for other in names],
            text(scores[name]) if scores else "–",
        )
        for name in names
    ]


def text(estimate: dict | Estimate) -> str:
    """An estimate with its interval, as "40.7 (38.9 to 42.5)"."""
    values = asdict(estimate) if isinstance(estimate, Estimate) else estimate
    if values["low"] is None:
        return f"{number(values['value'])} (no interval)"
    return f"{number(values['value'])} ({number(values['low'])} to {number(values['high'])})"


def number(value: float) -> str:
    """About three digits, with a true minus sign."""
    size = abs(value)
    places = 1 if size >= 100 else 2 if size >= 10 else 3
    written = f"{value:.{places}f}" if size >= 0.01 or size == 0 else f"{value:.1e}"
    return written.replace("-", "−")


def p_value(p: float) -> str:
    """A p-value as papers print it."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
