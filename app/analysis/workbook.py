"""The confusion table as an Excel workbook: a summary, a sheet an observer, and what each number means."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING

from ..study import RATINGS
from .confusion import CELLS, METRICS
from .statistics_table import MEANINGS_OF, STATISTIC_COLUMNS, STATISTICS
from .table import ALL_OBSERVERS, COLUMNS, MACHINE_RULE, OUTCOMES, Column

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

SUMMARY, BY_CERTAINTY, INTERVALS, DESCRIPTION = "Summary", "By certainty", "Intervals", "What the numbers mean"
SHEET_NAME_UNITS = 31  # Excel counts UTF-16 code units
FORBIDDEN_IN_SHEET_NAME = re.compile(r"[\[\]:*?/\\\x00-\x1f\x7f]")
NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
MOST_SHEETS = 100  # observers: with more, a workbook that nobody can find a sheet in
NOT_ESTIMABLE = "not estimable"
SHARE, COUNT = "0.0%", "0"
FONT = "Calibri"
FILE_TIME = datetime(2000, 1, 1)  # of every workbook
HEAD_FILL, TOTAL_FILL = "D9D9D9", "F2F2F2"
# Two tables that fit a screen each instead of one that does not: with the shares, and with the counts by certainty.
SHARE_NAMES = {name for metric in METRICS for name in (metric.name, f"{metric.name}_n")}
SUMMARY_COLUMNS = [c for c in COLUMNS if c.name in SHARE_NAMES | set(OUTCOMES) | {"unsure"} or not c.group]
CERTAINTY_COLUMNS = [c for c in COLUMNS if c.name not in SHARE_NAMES]


def confusion_workbook(
    table: Sequence[dict], study: str, statistics: Sequence[dict], machines: Sequence[dict] = ()
) -> bytes:
    """The XLSX file of `confusion_table`'s rows (the last one is all observers together), of such rows of machine
    observers, which stand below, and of `statistics_table`'s.

    Above MOST_SHEETS observers, only all together and machines have a sheet. Every number is a plain value, not a
    formula, so that programs that do not calculate can read it.
    """
    from openpyxl import Workbook

    workbook = Workbook()
    workbook.remove(workbook.active)
    lines = [*table, *machines]
    titles = sheet_names([row["observer"] for row in lines], taken=(SUMMARY, BY_CERTAINTY, INTERVALS, DESCRIPTION))
    _write_table(_sheet(workbook, SUMMARY), _title("Confusion table", study), lines, table[-1], SUMMARY_COLUMNS)
    _write_table(
        _sheet(workbook, BY_CERTAINTY), _title("Answers by certainty", study), lines, table[-1], CERTAINTY_COLUMNS
    )
    first = 0 if len(table) <= MOST_SHEETS else len(table) - 1
    for title, row in list(zip(titles, lines, strict=True))[first:]:
        _write_observer(_sheet(workbook, title), _title(row["observer"], study), row)
    _write_statistics(_sheet(workbook, INTERVALS), _title("Statistics with 95 % intervals", study), statistics)
    _write_description(_sheet(workbook, DESCRIPTION))
    return _saved(workbook)


def _saved(workbook: Workbook) -> bytes:
    """The file, without the time of writing: the same answers make the same file, to the byte."""
    from openpyxl.writer.excel import ExcelWriter

    workbook.properties.created = workbook.properties.modified = FILE_TIME
    buffer, undated = io.BytesIO(), io.BytesIO()
    # The library's own `save` would set the time of modification.
    with zipfile.ZipFile(buffer, "w") as archive:
        ExcelWriter(workbook, archive).save()
    with zipfile.ZipFile(buffer) as dated, zipfile.ZipFile(undated, "w") as archive:
        for name in dated.namelist():
            entry = zipfile.ZipInfo(name, FILE_TIME.timetuple()[:6])
            archive.writestr(entry, dated.read(name), zipfile.ZIP_DEFLATED)
    return undated.getvalue()


def sheet_names(names: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """A sheet name for each name, by Excel's rules: at most 31 characters, none of []:*?/\\, no apostrophe at either
    end, not "History", not empty, and unique whatever the case."""
    used = {name.casefold() for name in taken} | {"history"}
    titles = []
    for name in names:
        base = _trimmed(FORBIDDEN_IN_SHEET_NAME.sub("_", name).strip("' ") or "Observer", SHEET_NAME_UNITS)
        title, number = base, 2
        while title.casefold() in used:
            suffix = f" ({number})"
            title, number = _trimmed(base, SHEET_NAME_UNITS - len(suffix)) + suffix, number + 1
        used.add(title.casefold())
        titles.append(title)
    return titles


def _trimmed(text: str, units: int) -> str:
    shortened = text.encode("utf-16-le")[: 2 * units].decode("utf-16-le", "ignore")
    return shortened.rstrip("' ")


def _sheet(workbook: Workbook, title: str) -> Worksheet:
    sheet = workbook.create_sheet(title)
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.sheet_view.showGridLines = False
    return sheet


def _write_table(
    sheet: Worksheet, title: str, table: Sequence[dict], together: dict, columns: Sequence[Column]
) -> None:
    """The confusion table's rows, in some of its columns; `together` is the one of all observers."""
    _put_title(sheet, title)
    _put(sheet, 2, 1, f"Synthetic is the positive class. See the sheet {DESCRIPTION!r}.")
    _write_table_head(sheet, 4, columns)
    for top, row in enumerate(table, 6):
        for index, column in enumerate(columns, 1):
            _put_value(sheet, top, index, row[column.name], column.kind, total=row is together)
    longest_name = max(len(row["observer"]) for row in table)
    _set_widths(sheet, [longest_name + 4, *(_width(column) for column in columns[1:])])
    sheet.freeze_panes = "B6"
    sheet.print_title_rows, sheet.print_title_cols = "4:5", "A:A"


def _write_table_head(sheet: Worksheet, top: int, columns: Sequence[Column]) -> None:
    """Two lines: the groups of columns, merged over theirs, and the columns."""
    _put_heads(sheet, top, ["" for _ in columns])
    _put_heads(sheet, top + 1, [column.title for column in columns])
    start = 1
    for group, members in groupby(columns, key=lambda column: column.group):
        end = start + len(list(members)) - 1
        if group:
            _put_head(sheet, top, start, group, "center")
            sheet.merge_cells(start_row=top, end_row=top, start_column=start, end_column=end)
        start = end + 1
    sheet.row_dimensions[top].height = sheet.row_dimensions[top + 1].height = 32


def _width(column: Column) -> int:
    return 14 if column.kind == "number" else 10


def _write_observer(sheet: Worksheet, title: str, row: dict) -> None:
    _put_title(sheet, title)
    state = {True: "session finished", False: "session not finished", None: "completeness not known"}[row["finished"]]
    _put(sheet, 2, 1, f"Images answered: {row['answered']}; {state}.")
    top = _write_ratings(sheet, 4, row)
    top = _write_outcomes(sheet, top + 1, row)
    _write_rates(sheet, top + 1, row)
    _set_widths(sheet, [46, 15, 15, 12, 15, 15, 12])
    sheet.freeze_panes = "A4"


def _write_ratings(sheet: Worksheet, top: int, row: dict) -> int:
    """Truth by rating, the ten counts. Returns the row below, as its siblings do."""
    _put_heads(sheet, top, ["Image is", *RATINGS.values(), "Total"])
    counts = {truth: [row[CELLS[truth, rating]] for rating in RATINGS] for truth in ("real", "synthetic")}
    for offset, (truth, values) in enumerate(counts.items(), 1):
        _put_counts(sheet, top + offset, truth.capitalize(), [*values, sum(values)])
    both = [sum(pair) for pair in zip(*counts.values(), strict=True)]
    _put_counts(sheet, top + 3, "Total", [*both, sum(both)], total=True)
    return top + 4


def _write_outcomes(sheet: Worksheet, top: int, row: dict) -> int:
    """Outcome by certainty, and the Unsure ratings by truth."""
    _put_heads(sheet, top, ["Outcome", "Fully certain", "Partially certain", "Total"])
    for offset, (name, meaning) in enumerate(OUTCOMES.items(), 1):
        values = [row[f"{name}_fully_certain"], row[f"{name}_partially_certain"], row[name]]
        _put_counts(sheet, top + offset, f"{name.upper()}: {meaning}", values)
    top += len(OUTCOMES) + 2
    _put_heads(sheet, top, ["", "Unsure Real", "Unsure Fake", "Total"])
    _put_counts(sheet, top + 1, "Unsure", [row["unsure_real"], row["unsure_fake"], row["unsure"]])
    return top + 2


def _write_rates(sheet: Worksheet, top: int, row: dict) -> None:
    _put_heads(sheet, top, ["Metric", "Value", "n"])
    for offset, metric in enumerate(METRICS, 1):
        _put_value(sheet, top + offset, 1, metric.title, "text")
        _put_value(sheet, top + offset, 2, row[metric.name], "number")
        _put_value(sheet, top + offset, 3, row[f"{metric.name}_n"], "integer")


def _write_statistics(sheet: Worksheet, title: str, statistics: Sequence[dict]) -> None:
    """A line a number. Cells without a style: there are many."""
    _put_title(sheet, title)
    _put_heads(sheet, 3, [column.title for column in STATISTIC_COLUMNS])
    for top, row in enumerate(statistics, 4):
        named = {**row, "statistic": STATISTICS[row["statistic"]]}
        for index, column in enumerate(STATISTIC_COLUMNS, 1):
            _put(sheet, top, index, named[column.name])
    _set_widths(sheet, [28, 30, 26, 12, 12, 12, 10, 60])
    sheet.freeze_panes = "A4"


def _write_description(sheet: Worksheet) -> None:
    _put_title(sheet, DESCRIPTION)
    for index, title in enumerate(["Term", "Formula", "Meaning"], 1):
        _put_head(sheet, 3, index, title, "left")
    for offset, cells in enumerate(_descriptions(), 4):
        for index, text in enumerate(cells, 1):
            _put_value(sheet, offset, index, text, "text")
    _set_widths(sheet, [34, 44, 100])
    sheet.freeze_panes = "A4"


def _descriptions() -> list[tuple[str, str, str]]:
    outcomes = [(name.upper(), "", f"Number of {meaning}.") for name, meaning in OUTCOMES.items()]
    certainties = [
        ("Fully certain", "", f"Rated {RATINGS[1]!r} or {RATINGS[5]!r}."),
        ("Partially certain", "", f"Rated {RATINGS[2]!r} or {RATINGS[4]!r}."),
        ("Unsure Real, Unsure Fake", "", "Number of real and synthetic images rated 'Unsure'; they have no outcome."),
    ]
    metrics = [(metric.title, metric.formula, metric.meaning) for metric in METRICS]
    rest = [
        ("n", "", f"The metric's denominator: how many answers it is computed from. With n = 0 it is {NOT_ESTIMABLE}."),
        (ALL_OBSERVERS, "", "The observers' counts added up, so that every answer weighs the same."),
        ("Machine", "", f"Below {ALL_OBSERVERS!r}, if one took the study: {MACHINE_RULE}"),
    ]
    with_intervals = [(f"{title} (sheet {INTERVALS})", "", MEANINGS_OF[name]) for name, title in STATISTICS.items()]
    return outcomes + certainties + metrics + rest + with_intervals


def _title(text: str, study: str) -> str:
    return f"{text} ({study})" if study else text


def _put_title(sheet: Worksheet, title: str) -> None:
    from openpyxl.styles import Font

    _put(sheet, 1, 1, title).font = Font(name=FONT, bold=True, size=14)


def _put_heads(sheet: Worksheet, row: int, titles: Sequence[str]) -> None:
    for index, title in enumerate(titles, 1):
        _put_head(sheet, row, index, title, "left" if index == 1 else "right")


def _put_head(sheet: Worksheet, row: int, column: int, title: str, align: str) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill

    cell = _put(sheet, row, column, title)
    cell.font = Font(name=FONT, bold=True)
    cell.fill = PatternFill("solid", start_color=HEAD_FILL)
    cell.alignment = Alignment(horizontal=align, vertical="bottom", wrap_text=True)


def _put_counts(sheet: Worksheet, row: int, title: str, counts: Sequence[int], total: bool = False) -> None:
    _put_value(sheet, row, 1, title, "text", total)
    for index, count in enumerate(counts, 2):
        _put_value(sheet, row, index, count, "integer", total)


def _put_value(sheet: Worksheet, row: int, column: int, value: object, kind: str, total: bool = False) -> None:
    """A cell of the table, by the kind of its column; `total` marks the line that sums up."""
    from openpyxl.styles import Alignment, Font, PatternFill

    shown = _shown(value, kind)
    cell = _put(sheet, row, column, shown)
    cell.number_format = {"number": SHARE, "integer": COUNT}.get(kind, "General")
    cell.alignment = Alignment(horizontal="left" if kind == "text" else "right")
    cell.font = Font(name=FONT, bold=total, italic=shown == NOT_ESTIMABLE)
    if total:
        cell.fill = PatternFill("solid", start_color=TOTAL_FILL)


def _shown(value: object, kind: str) -> object:
    if kind == "flag":
        return {True: "yes", False: "no"}.get(value, "")
    if kind == "number" and value is None:
        return NOT_ESTIMABLE
    return value


def _put(sheet: Worksheet, row: int, column: int, value: object):
    cell = sheet.cell(row, column)
    if isinstance(value, str):
        cell.value = NOT_IN_XML.sub("\ufffd", value)
        # Otherwise openpyxl makes a formula of an observer named "=…" and an error of one named "#N/A".
        cell.data_type = "s"
    else:
        cell.value = value
    return cell


def _set_widths(sheet: Worksheet, widths: Sequence[float]) -> None:
    from openpyxl.utils import get_column_letter

    for index, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(index)].width = width
