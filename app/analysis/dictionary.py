"""The data dictionary that goes with an export: every column of its CSV files, described once."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from ..fields import FIELDS
from .images_table import IMAGE_COLUMNS
from .ratings_files import COLUMNS_OF_RATINGS
from .statistics_table import STATISTIC_COLUMNS
from .table import COLUMNS

FILES = {
    "confusion.csv": COLUMNS,
    "images.csv": IMAGE_COLUMNS,
    "statistics.csv": STATISTIC_COLUMNS,
    "ratings.csv": COLUMNS_OF_RATINGS,
}
HEADER = ("file", "name", "type", "unit", "known_by", "description")
TEXT_NOTE = (
    "A leading = + - @ tab or carriage return is preceded by an apostrophe: no spreadsheet takes it for a formula."
)

NOTES = f"""
- The CSV files are UTF-8 text after RFC 4180 with a header line; an empty cell means missing or not known.
- Types: *text*; *integer*; *number*; *flag*, true or false; *time*, ISO 8601 in UTC with milliseconds
  (2026-01-31T09:15:00.250Z).
- Known by: *study*, fixed by its protocol; *server*, recorded or worked out by the server; *browser*, measured by the
  observer's browser, missing where it could not be; *export*, computed from answers.csv when it was exported.
- Text: {TEXT_NOTE}
- Synthetic is the positive class. Fully certain are the ratings 1 and 5, partially certain 2 and 4.
- confusion.csv counts scored answers only, never the warm-up; simulated observers are in it only if asked for.
- confusion.xlsx shows the numbers of confusion.csv and statistics.csv, laid out for reading; protocol.json is the
  study's whole protocol.
- The machine observer, if one took the study (`flask machine-observer`), is in answers.csv below the people with the
  kind machine, in confusion.csv, confusion.xlsx and statistics.csv below 'All observers', and in results.json under
  machines. It learned from the study's truth: it is in no sum, mean or comparison, nor in images.csv, ratings.csv and
  ratings.imrmc.
- results.json holds every statistic of the study's report. A statistic has value, low and high (its 95 % interval), n
  and a note; null means not estimable, and the note says why.
- ratings.csv is for programs that analyse reader studies, `flask analyse-ratings` among them; ratings.imrmc is the
  input file of iMRMC. Both hold scored first ratings.
"""


def _entries() -> Iterator[tuple[str, ...]]:
    for field in FIELDS:
        yield ("answers.csv", field.name, field.kind, field.unit, field.origin, field.description)
    for file, columns in FILES.items():
        for column in columns:
            unit = "share, 0 to 1" if file == "confusion.csv" and column.kind == "number" else ""
            yield (file, column.name, column.kind, unit, "export", column.description)


def dictionary_rows() -> Iterator[tuple[str, ...]]:
    """One tuple a column with the names of HEADER, in the order of the files' columns."""
    for *entry, description in _entries():
        note = f" {TEXT_NOTE}" if entry[2] == "text" else ""
        yield (*entry, description + note)


def dictionary_markdown() -> str:
    """The dictionary to read: the notes that hold for all columns, then a table for each file."""
    tables = [_markdown_table(file, entries) for file, entries in groupby(_entries(), key=lambda entry: entry[0])]
    return "\n".join(["# Data dictionary", NOTES, *tables])


def _markdown_table(file: str, entries: Iterable[tuple[str, ...]]) -> str:
    lines = [f"## {file}", "", "| name | type | unit | known by | description |", "|---|---|---|---|---|"]
    for _, *cells in entries:
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*lines, ""])
