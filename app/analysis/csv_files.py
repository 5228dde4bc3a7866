"""CSV files of typed columns, made column by column in portions, so that a million answers take seconds."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from operator import itemgetter

RISKY = ("=", "+", "-", "@", "\t", "\r")  # at the start of a cell, a formula to a spreadsheet
PORTION = 1000  # rows converted at once: what fits into a processor's cache
Computed = tuple[Sequence[str], Callable]
MOST_KEPT = 100_000  # values of a kind whose text is remembered
NEEDS_QUOTES = re.compile('[,"\r\n]')


class _Texts(dict):
    """Values -> their text. Most texts, integers and flags come again and again, so each is written once."""

    def __init__(self, write: Callable[[object], str]):
        super().__init__()
        self.write = write

    def __missing__(self, value: object) -> str:
        if len(self) > MOST_KEPT:
            self.clear()
        text = self[value] = "" if value is None else self.write(value)
        return text


class _Known(dict):
    """Values of some columns -> the value that follows from them."""

    def __init__(self, function: Callable):
        super().__init__()
        self.function = function

    def __missing__(self, values: tuple) -> object:
        result = self[values] = self.function(*values)
        return result


def csv_of(columns: Sequence, rows: Iterable[Mapping], computed: Mapping[str, Computed] | None = None) -> bytes:
    """A CSV file (RFC 4180, UTF-8) of the columns' names and the rows' values, by the columns' kinds.

    A column has a name and a kind as in `app.fields`. What is None or absent is empty. `computed` gives, for a column
    whose value follows from others, their names and the function.
    """
    texts = {kind: _Texts(write) for kind, write in REPEATING.items()}
    sources = {name: (source, _Known(function)) for name, (source, function) in (computed or {}).items()}
    lines = [",".join(quoted(column.name) for column in columns)]
    rows = iter(rows)
    while portion := list(islice(rows, PORTION)):
        cells = [_written(column.kind, _values(column.name, portion, sources), texts) for column in columns]
        lines.extend(map(",".join, zip(*cells, strict=True)))
    return ("\r\n".join(lines) + "\r\n").encode()


def csv_of_texts(lines: Iterable[Sequence[str]]) -> bytes:
    """A CSV file of lines of text."""
    return "".join(",".join(map(quoted, line)) + "\r\n" for line in lines).encode()


def _values(name: str, rows: list[Mapping], sources: Mapping[str, tuple[Sequence[str], _Known]]) -> list:
    if name in sources:
        names, known = sources[name]
        return list(map(known.__getitem__, zip(*(_values(each, rows, {}) for each in names), strict=True)))
    try:
        return list(map(itemgetter(name), rows))
    except KeyError:
        return [row.get(name) for row in rows]


def _written(kind: str, values: list, texts: Mapping[str, _Texts]) -> list[str]:
    if kind in texts:
        return list(map(texts[kind].__getitem__, values))
    return _times(values) if kind == "time" else _numbers(values)


def quoted(text: str) -> str:
    """The text as a CSV cell."""
    return '"' + text.replace('"', '""') + '"' if NEEDS_QUOTES.search(text) else text


def safe_text(value: object) -> str:
    """The text as a CSV cell, harmless to spreadsheets."""
    text = str(value)
    return quoted(f"'{text}" if text.startswith(RISKY) else text)


def _integer(value: float) -> str:
    return str(int(value))


def _flag(value: object) -> str:
    return "true" if value else "false"


def _times(milliseconds: list[float | None]) -> list[str]:
    """ISO 8601 of milliseconds since 1970 UTC, empty for None."""
    import numpy as np

    known = np.array([each for each in milliseconds if each is not None], float)
    written = np.datetime_as_string(np.floor(known).astype("datetime64[ms]"), "ms", timezone="UTC").tolist()
    if len(written) == len(milliseconds):
        return written
    following = iter(written)
    return ["" if each is None else next(following) for each in milliseconds]


def _numbers(values: list[float | None]) -> list[str]:
    return ["" if value is None else repr(value) for value in values] if None in values else list(map(repr, values))


REPEATING = {"text": safe_text, "integer": _integer, "flag": _flag}
