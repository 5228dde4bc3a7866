"""What a study leaves behind: answers, confusion table, data dictionary and protocol, as a folder or as one zip."""

import gc
import io
import json
import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..fields import FIELDS
from .aside import aside
from .confusion import classify
from .csv_files import csv_of, csv_of_texts
from .dictionary import HEADER, dictionary_markdown, dictionary_rows
from .folder import ExportError, write_folder
from .ratings_files import imrmc_file, ratings_csv, scored_ratings
from .table import COLUMNS, confusion_table

__all__ = ["EXPORT_FILES", "ExportError", "export_files", "write_export", "zip_export"]
EXPORT_FILES = (
    "answers.csv",
    "confusion.csv",
    "confusion.xlsx",
    "data_dictionary.csv",
    "data_dictionary.md",
    "images.csv",
    "protocol.json",
    "ratings.csv",
    "ratings.imrmc",
    "results.json",
    "statistics.csv",
)
# What follows from a row's truth and rating is worked out anew.
CLASSIFIED = {
    name: (("truth", "rating"), lambda truth, rating, name=name: classify({"truth": truth, "rating": rating}).get(name))
    for name in ("label", "outcome", "certainty")
}
IMAGES = "images"
MACHINE = "machine"  # the kind of a machine observer's rows in answers.csv: whoever counts scored answers counts people
FILE_TIME = (2000, 1, 1, 0, 0, 0)  # of every file in a zip
MANY = 100_000  # answers: more are written by another process meanwhile
MARKS = {"answers.csv", "protocol.json"}  # what a folder must hold to be taken for an export


def export_files(
    protocol: Mapping,
    rows: Iterable[Mapping],
    finished: Mapping[str, bool],
    *,
    include_simulated: bool = False,
    machine_rows: Sequence[Mapping] = (),
) -> dict[str, bytes]:
    """The files of an export, name -> content.

    `rows` is the table of answers, `finished` says of each observer whether the session is complete. answers.csv holds
    every row, with label, outcome and certainty worked out anew; the confusion table leaves simulated observers out
    unless `include_simulated`. `machine_rows` are the answers of machine observers: rows of their own below those of
    people, in no number of theirs. Raises ValueError for a rated row without a possible truth.
    """
    rows = list(rows)
    every = [*rows, *({**row, "kind": MACHINE} for row in machine_rows)]
    # First of all, before numpy is there with threads of its own: the table of answers takes as long as all the rest.
    with uninterrupted(), aside(lambda: csv_of(FIELDS, every, CLASSIFIED), worth_it=len(rows) > MANY) as answers:
        files = _files(protocol, rows, finished, include_simulated, machine_rows)
        return {"answers.csv": answers(), **files}


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Without the search for cyclic garbage: there is none, and among a million rows it takes a fifth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _files(
    protocol: Mapping,
    rows: list[Mapping],
    finished: Mapping,
    include_simulated: bool,
    machine_rows: Sequence[Mapping],
) -> dict[str, bytes]:
    from .images_table import IMAGE_COLUMNS, images_table
    from .results import study_results
    from .statistics_table import STATISTIC_COLUMNS, statistics_table
    from .workbook import confusion_workbook

    table = confusion_table(rows, finished, include_simulated=include_simulated)
    machines = confusion_table(machine_rows, {row["observer"]: True for row in machine_rows})[:-1]
    study = next((row["study"] for row in rows if row.get("study")), "")
    results = study_results(rows, finished, include_simulated=include_simulated, machine_rows=machine_rows)
    statistics = statistics_table(results)
    ratings = scored_ratings(rows, include_simulated=include_simulated)
    return {
        "confusion.csv": csv_of(COLUMNS, [*table, *machines]),
        "confusion.xlsx": confusion_workbook(table, study, statistics, machines),
        "data_dictionary.csv": csv_of_texts([HEADER, *dictionary_rows()]),
        "data_dictionary.md": dictionary_markdown().encode(),
        "images.csv": csv_of(IMAGE_COLUMNS, images_table(results)),
        "protocol.json": _json(protocol, indent=2),
        "ratings.csv": ratings_csv(ratings),
        "ratings.imrmc": imrmc_file(ratings, f"{study}: real (0) or synthetic (1), rated 1 to 5"),
        "results.json": _json(results.as_dict(), indent=1),
        "statistics.csv": csv_of(STATISTIC_COLUMNS, statistics),
    }


def _json(document: Mapping, indent: int) -> bytes:
    return (json.dumps(document, ensure_ascii=False, indent=indent, allow_nan=False) + "\n").encode()


def zip_export(
    protocol: Mapping, rows: Iterable[Mapping], finished: Mapping[str, bool], *, machine_rows: Sequence[Mapping] = ()
) -> bytes:
    """The files of an export as one zip, for a download."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in export_files(protocol, rows, finished, machine_rows=machine_rows).items():
            # Without the time of writing: the same answers make the same file, to the byte.
            archive.writestr(zipfile.ZipInfo(name, FILE_TIME), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def write_export(
    folder: str | os.PathLike,
    protocol: Mapping,
    rows: Iterable[Mapping],
    finished: Mapping[str, bool],
    *,
    include_simulated: bool = False,
    machine_rows: Sequence[Mapping] = (),
    images: Mapping[str, bytes] | None = None,
) -> Path:
    """Write the files of an export into `folder`, all of them or none, and return its full path.

    `images` are more files, by their path within the folder's own folder `images`.
    The folder may be absent, empty, or an earlier export, which is replaced as a whole. Raises ExportError, with the
    folder as it was, if it holds anything else or cannot be written.
    """
    return write_folder(
        folder,
        lambda: (
            export_files(protocol, rows, finished, include_simulated=include_simulated, machine_rows=machine_rows)
            | {f"{IMAGES}/{name}": content for name, content in (images or {}).items()}
        ),
        what="export",
        own=[*EXPORT_FILES, IMAGES],
        marks=MARKS,
    )
