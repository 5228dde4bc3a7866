"""Parts of a benchmark, one after the other: each row is printed and kept as it comes, and none costs the others."""

from __future__ import annotations

import importlib.util
import json
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from generator.durable import write_whole


def run_parts(
    file: Path, names: Iterable[str], begin: Callable[[str], Iterator[dict]], end: float, preset: str | None = None
) -> list[dict]:
    """The rows of the parts called `names`, which `begin` gives; parts that would begin after `end` are left out.

    `file` gets them, beside what earlier calls left there of other parts, or of other presets than `preset`.
    """
    names = list(names)
    old = json.loads(file.read_text()) if file.exists() else []
    kept = [row for row in old if row["part"] not in names or (preset and row.get("preset", preset) != preset)]
    made: list[dict] = []
    for name in names:
        for row in _told(name, begin, end):
            made.append(row)
            print(json.dumps(row), flush=True)
            write_whole(file, json.dumps([*kept, *made], indent=2).encode() + b"\n")
    return made


def _told(name: str, begin: Callable[[str], Iterator[dict]], end: float) -> Iterator[dict]:
    """The rows of one part; one that cannot run says why and leaves the others to run."""
    if time.monotonic() > end:
        yield {"part": name, "left_out": "the time was up"}
        return
    try:
        yield from begin(name)
    except Exception as error:  # compilers, drivers and missing packages fail in every way there is
        traceback.print_exc()
        yield {"part": name, "failed": (str(error) or type(error).__name__).splitlines()[0]}


def require(*packages: str) -> None:
    """End with one line where a package that will be needed is missing: better now than after minutes of training."""
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        sys.exit(
            f"Not installed: {', '.join(missing)}. Run make install, or see docs/gpu.md where there is no network."
        )
