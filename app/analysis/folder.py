"""Writing a folder of results: all of its files or none, and never over anything else."""

import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

# What file managers leave in a folder that somebody has looked at.
LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}


class ExportError(ValueError):
    """The files cannot be written: one sentence that says what to do."""


def write_folder(
    folder: str | os.PathLike,
    build: Callable[[], Mapping[str, bytes]],
    *,
    what: str,
    own: Iterable[str],
    marks: set[str],
) -> Path:
    """Write the files that `build` makes (path in the folder -> content), all of them or none; returns the full path.

    The folder may be absent, empty, or an earlier one of its kind (`what`, in a word), which is replaced as a whole:
    it then holds nothing but files or folders named in `own`, and all of `marks`. Raises ExportError, with the folder
    as it was, if it holds anything else or cannot be written.
    """
    target = Path(folder).resolve()
    try:
        _check_replaceable(target, what, set(own), marks)
        _replace_folder(target, build())
    except OSError as error:
        raise ExportError(f"Cannot write the {what} to {target}: {error.strerror}.") from error
    return target


def _check_replaceable(target: Path, what: str, own: set[str], marks: set[str]) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise ExportError(f"{target} is a file: name a folder for the {what}.")
    names = {path.name for path in target.iterdir()} - LITTER
    strange = sorted(names - own)
    if strange:
        raise ExportError(f"{target} holds {strange[0]!r}, which no {what} wrote: choose a new or an empty folder.")
    if names and not marks <= names:
        raise ExportError(f"{target} is not empty and not an earlier {what}: choose a new or an empty folder.")


def _replace_folder(target: Path, files: Mapping[str, bytes]) -> None:
    """Folders cannot be swapped in one step, so the earlier one steps aside and comes back if the new one fails."""
    token = secrets.token_hex(4)
    fresh, earlier = (target.with_name(f".{target.name}.{token}.{state}") for state in ("new", "earlier"))
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        fresh.mkdir()
        for name, content in files.items():
            path = fresh / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
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
