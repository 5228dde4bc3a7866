"""A study's ratings for other programs: the CSV file of `analyse-ratings` and RJafroc's kin, and iMRMC's input file."""

from collections.abc import Iterable, Mapping

from .csv_files import csv_of
from .ratings import RATING_COLUMNS
from .table import Column

DESCRIPTIONS = {
    "reader": "The observer's name.",
    "treatment": "The study's name.",
    "case": "Random name of the study image.",
    "truth": "1 synthetic (the positive class), 0 real.",
    "rating": "1 Definitely real to 5 Definitely fake.",
}
KINDS = {"truth": "integer", "rating": "integer"}
COLUMNS_OF_RATINGS = [
    Column(name, "", name.capitalize(), KINDS.get(name, "text"), DESCRIPTIONS[name]) for name in RATING_COLUMNS
]


def scored_ratings(rows: Iterable[Mapping], *, include_simulated: bool = False) -> list[dict]:
    """The scored first ratings of a table of answers, with the names of RATING_COLUMNS."""
    return [
        {
            "reader": row["observer"],
            "treatment": row.get("study") or "study",
            "case": row.get("image"),
            "truth": int(row["truth"] == "synthetic"),
            "rating": row["rating"],
        }
        for row in rows
        if row.get("kind") == "scored"
        and row.get("rating") is not None
        and not row.get("repeat")
        and (include_simulated or not row.get("simulated"))
    ]


def ratings_csv(ratings: Iterable[Mapping]) -> bytes:
    """reader,treatment,case,truth,rating: what `ratings.read_ratings` reads."""
    return csv_of(COLUMNS_OF_RATINGS, ratings)


def imrmc_file(ratings: list[dict], title: str) -> bytes:
    """The input file of iMRMC (B. D. Gallas, https://github.com/DIDSR/iMRMC): a heading, then lines of reader, case,
    modality and score; the reader -1 gives each case's truth. Commas in names become spaces, as iMRMC knows no quotes.
    """
    truths = {each["case"]: each["truth"] for each in ratings}
    positives = sum(truths.values())
    head = [
        _word(title),
        f"N0: {len(truths) - positives}",
        f"N1: {positives}",
        f"NR: {len({each['reader'] for each in ratings})}",
        f"NM: {len({each['treatment'] for each in ratings})}",
        "BEGIN DATA:",
    ]
    used = {each[name] for name in ("reader", "treatment", "case") for each in ratings}
    names = {text: _word(text) for text in used}
    key = [f"-1,{names[case]},0,{truth}" for case, truth in truths.items()]
    scores = [f"{names[r]},{names[c]},{names[t]},{rating}" for r, t, c, _, rating in map(dict.values, ratings)]
    return ("\n".join([*head, *key, *scores]) + "\n").encode()


def _word(text: object) -> str:
    return " ".join(str(text).replace(",", " ").split())
