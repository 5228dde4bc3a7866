"""What a study leaves behind: answers, confusion table, data dictionary and protocol, as a folder or as one zip."""

import csv
import io
import json
import os
import secrets
import shutil
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ..fields import FIELDS
from .confusion import classify
from .dictionary import HEADER, RISKY, dictionary_markdown, dictionary_rows
from .table import COLUMNS, confusion_table

EXPORT_FILES = (
    "answers.csv",
    "confusion.csv",
    "confusion.xlsx",
    "data_dictionary.csv",
    "data_dictionary.md",
    "protocol.json",
)
# What file managers leave in a folder that somebody has looked at.
LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ExportError(ValueError):
    """The export cannot be written: one sentence that says what to do."""


def export_files(
    protocol: Mapping, rows: Iterable[Mapping], finished: Mapping[str, bool], *, include_simulated: bool = False
) -> dict[str, bytes]:
    """The files of an export, name -> content.

    `rows` is the table of answers, `finished` says of each observer whether the session is complete. answers.csv holds
    every row, with label, outcome and certainty worked out anew; the confusion table leaves simulated observers out
    unless `include_simulated`. Raises ValueError for a rated row without a possible truth.
    """
    from .workbook import confusion_workbook

    rows = list(rows)
    table = confusion_table(rows, finished, include_simulated=include_simulated)
    study = next((row["study"] for row in rows if row.get("study")), "")
    return {
        "answers.csv": _csv(FIELDS, ({**row, **classify(row)} for row in rows)),
        "confusion.csv": _csv(COLUMNS, table),
        "confusion.xlsx": confusion_workbook(table, study),
        "data_dictionary.csv": _csv_bytes([HEADER, *dictionary_rows()]),
        "data_dictionary.md": dictionary_markdown().encode(),
        "protocol.json": (json.dumps(protocol, ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode(),
    }


def zip_export(
    protocol: Mapping, rows: Iterable[Mapping], finished: Mapping[str, bool], *, include_simulated: bool = False
) -> bytes:
    """The files of an export as one zip, for a download."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in export_files(protocol, rows, finished, include_simulated=include_simulated).items():
            archive.writestr(name, content)
    return buffer.getvalue()


def write_export(
    folder: str | os.PathLike,
    protocol: Mapping,
    rows: Iterable[Mapping],
    finished: Mapping[str, bool],
    *,
    include_simulated: bool = False,
) -> Path:
    """Write the files of an export into `folder`, all of them or none, and return its full path.

    The folder may be absent, empty, or an earlier export, which is replaced as a whole. Raises ExportError, with the
    folder as it was, if it holds anything else or cannot be written.
    """
    target = Path(folder).resolve()
    try:
        _check_replaceable(target)
        files = export_files(protocol, rows, finished, include_simulated=include_simulated)
        _replace_folder(target, files)
    except OSError as error:
        raise ExportError(f"Cannot write the export to {target}: {error.strerror}.") from error
    return target


def _check_replaceable(target: Path) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise ExportError(f"{target} is a file: name a folder for the export.")
    names = {path.name for path in target.iterdir()} - LITTER
    strange = sorted(names - set(EXPORT_FILES))
    if strange:
        raise ExportError(f"{target} holds {strange[0]!r}, which no export wrote: choose a new or an empty folder.")
    if names and not {"answers.csv", "protocol.json"} <= names:
        raise ExportError(f"{target} is not empty and not an earlier export: choose a new or an empty folder.")


def _replace_folder(target: Path, files: Mapping[str, bytes]) -> None:
    """Folders cannot be swapped in one step, so the earlier one steps aside and comes back if the new one fails."""
    token = secrets.token_hex(4)
    fresh, earlier = (target.with_name(f".{target.name}.{token}.{state}") for state in ("new", "earlier"))
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        fresh.mkdir()
        for name, content in files.items():
            (fresh / name).write_bytes(content)
        if target.exists():
            target.rename(earlier)
        try:
            fresh.rename(target)
        except OSError:
            if earlier.exists():
                earlier.rename(target)
            raise
    except OSError:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    shutil.rmtree(earlier, ignore_errors=True)


def _csv(columns: Sequence, rows: Iterable[Mapping]) -> bytes:
    """A CSV file of the columns' names and the rows' values, written by the columns' kinds."""
    formats = [(column.name, _FORMATS[column.kind]) for column in columns]
    lines = (["" if (value := row.get(name)) is None else write(value) for name, write in formats] for row in rows)
    return _csv_bytes([[column.name for column in columns], *lines])


def _csv_bytes(lines: Iterable[Sequence[str]]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(lines)
    return buffer.getvalue().encode()


def _text(value: object) -> str:
    text = str(value)
    return f"'{text}" if text.startswith(RISKY) else text


def _integer(value: float) -> str:
    return str(int(value))


def _flag(value: object) -> str:
    return "true" if value else "false"


def _time(milliseconds: float) -> str:
    """ISO 8601 of milliseconds since 1970 UTC."""
    moment = EPOCH + timedelta(milliseconds=milliseconds)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


_FORMATS = {"text": _text, "integer": _integer, "number": repr, "flag": _flag, "time": _time}
