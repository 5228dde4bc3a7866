"""Which files of a folder are radiographs, and which of them belong to one patient."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path

from .errors import PrepareError

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".dcm", ".dicom")


def find_files(folder: Path, folders: tuple[str, ...]) -> dict[str, str | None]:
    """Relative name (with /) → patient or None, for every image in `folder` and the folders in it.

    Where some of the images lie in folders called as one of `folders`, only those count: the others are masks. A pool
    of this program (pool.json, manifest.jsonl) gives the images of its manifest.
    """
    if (folder / "pool.json").is_file():
        return _pool_files(folder)
    found = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in SUFFIXES and path.is_file()]
    found = [path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    chosen = [path for path in found if path.parent.name in folders] or found
    return {path.relative_to(folder).as_posix(): None for path in chosen}


def read_groups(file: Path, names: Mapping[str, str | None], source: str) -> dict[str, str | None]:
    """`names` with the patients that the CSV `file` (columns file, group) gives them, by relative or by bare name.

    Patients of different sources are different: the source is part of the group's name. Raises PrepareError for a file
    without the two columns, and for one that names none of the images.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            given = {row["file"]: row["group"] for row in csv.DictReader(stream)}
    except (KeyError, OSError, UnicodeDecodeError, csv.Error) as error:
        raise PrepareError(f"{file} cannot be used: it has to be a CSV file with the columns file and group") from error
    grouped = {name: given.get(name) or given.get(name.rsplit("/", 1)[-1]) for name in names}
    if not any(grouped.values()):
        raise PrepareError(f"{file} names none of the images: the column file has to hold their file names")
    return {name: f"{source}/{group}" if group else names[name] for name, group in grouped.items()}


def _pool_files(folder: Path) -> dict[str, str | None]:
    try:
        # A last line without its end is what a crash left behind.
        lines = (folder / "manifest.jsonl").read_text(encoding="utf-8").rpartition("\n")[0].splitlines()
        images = [json.loads(line) for line in lines]
        return {image["file"]: _patient(image.get("provenance") or {}) for image in images}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PrepareError(
            f"{folder} is a pool whose manifest.jsonl cannot be read: make or import it again"
        ) from error


def _patient(provenance: Mapping) -> str | None:
    """Phantoms of one seed and index are one patient, whatever machine took the picture."""
    if provenance.get("generator") != "phantom":
        return None
    return f"phantom/{provenance.get('seed')}-{provenance.get('index')}"
