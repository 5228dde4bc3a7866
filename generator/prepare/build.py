"""A folder of radiographs into a corpus: in parallel, resumable after any crash, one writer at a time.

Images are written under names that are made of their content; the manifest, written last and whole, says which of them
count. A killed run therefore leaves the corpus as it was, and the next one makes only what is missing.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..corpus import FORMAT, MANIFEST, read_manifest
from ..durable import write_whole
from ..processes import in_processes, sole_writer
from .alike import bound_together, split_of
from .errors import PrepareError
from .pictures import REDUCTION, Job, prepare_picture
from .recipes import check_margins, find_recipe
from .sources import find_files, read_groups

SIZE = (1024, 512)
TEST_SHARE, SEED = 0.1, 0


@dataclass(frozen=True)
class Report:
    """What became of a corpus; `str()` of it is for the researcher to read."""

    folder: Path
    manifest: dict

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        images, copies, left_out = (self.manifest[key] for key in ("images", "copies", "left_out"))
        splits = Counter(image["split"] for image in images)
        yield f"Corpus {self.manifest['name']}: {splits['train']} images to train, {splits['test']} to test"
        for source, count in sorted(Counter(image["source"] for image in images).items()):
            yield f"  {source}: {count} images, recipe {self.manifest['recipes'][source]['recipe']}"
        bound = sum(image["together"] is not None for image in images)
        if bound:
            yield f"{bound} images are near-duplicates or of the same patient as another, and stay on its side"
        if copies:
            yield f"{len(copies)} exact copies were left out ({MANIFEST} names them)"
        small = sum(_enlarged(image, self.manifest["size"]["high"]) for image in images)
        if small:
            yield f"{small} images were smaller than the corpus's size and had to be enlarged"
        if left_out:
            yield f"{len(left_out)} files could not be used:"
            yield from (f"  {entry['source']}: {entry['file']} {entry['reason']}" for entry in left_out)


def prepare(
    corpora: str | os.PathLike,
    name: str,
    folder: str | os.PathLike,
    recipe: str,
    source: str | None = None,
    crop: Sequence[int] | None = None,
    groups: str | os.PathLike | None = None,
    test_share: float | None = None,
    seed: int | None = None,
    processes: int | None = None,
    size: tuple[int, int] = SIZE,
    progress: Callable[[int, int, bool], None] | None = None,
) -> Report:
    """Add the radiographs in `folder` to the corpus `corpora`/`name`, or bring them up to date if they are in it.

    `source` is what the folder is called in the corpus: the recipe's name unless given, for `generic` the folder's.
    `crop` replaces the recipe's margins (top, left, bottom, right). `groups` is a CSV file (columns file, group) that
    says which images are of one patient. `test_share` and `seed` are fixed by the first call (0.1 and 0 unless given).
    `processes` None takes one a core. `size` is the large images' width and height, multiples of 4. `progress` is
    called with (files done, files in all, whether an earlier run had made the last one).

    The corpus depends on what was added, not on the order, the number of processes or interruptions. Raises
    PrepareError for what cannot be done; single files that cannot be used are in the report.
    """
    folder = Path(folder).resolve()
    source = source or (recipe if recipe != "generic" else _slug(folder.name))
    _check_names(corpus=name, source=source)
    chosen = find_recipe(recipe)
    margins = check_margins(crop) if crop is not None else chosen.margins
    target = Path(corpora) / name
    known = _known(target, name, size, test_share, seed)
    _refuse_another_folder(known["recipes"].get(source), source, folder)
    files = find_files(folder, chosen.folders)
    if not files:
        raise PrepareError(f"{folder} holds no PNG, JPEG, TIFF, BMP or WebP images")
    if groups is not None:
        files = read_groups(Path(groups), files, source)

    for kind in ("high", "low"):
        (target / kind).mkdir(parents=True, exist_ok=True)
    with sole_writer(target):
        known = _known(target, name, size, test_share, seed)  # again: another process may just have finished
        jobs = [Job(folder, file, source, group, margins, size, target) for file, group in sorted(files.items())]
        records = _prepared(jobs, processes, progress or (lambda done, total, found: None))
        known["recipes"][source] = {
            "recipe": recipe,
            "crop": "borders trimmed" if margins is None else list(margins),
            "folder": str(folder),
        }
        manifest = _merged(known, source, records)
        write_whole(target / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True).encode() + b"\n")
        _sweep(target)
    return Report(target, manifest)


def _check_names(**names: str) -> None:
    for what, name in names.items():
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", name):
            raise PrepareError(f"The name of a {what} is 1 to 64 of a-z, 0-9, - and _, not {name!r}")


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-_")[:64] or "images"


def _known(target: Path, name: str, size: tuple[int, int], test_share: float | None, seed: int | None) -> dict:
    """The corpus's manifest so far, or an empty one, held against what is asked for now."""
    if (target / MANIFEST).exists():
        known = read_manifest(target)
    else:
        known = {
            "format": FORMAT,
            "name": name,
            "recipes": {},
            "images": [],
            "copies": [],
            "left_out": [],
            "size": {"high": list(size), "low": [length // REDUCTION for length in size]},
            "test_share": TEST_SHARE if test_share is None else test_share,
            "seed": SEED if seed is None else seed,
        }
    if not 0 <= known["test_share"] <= 0.5:
        raise PrepareError(f"The test share has to be 0 to 0.5, not {known['test_share']}")
    for key, asked in (("test_share", test_share), ("seed", seed), ("size", size if known["images"] else None)):
        found = tuple(known["size"]["high"]) if key == "size" else known[key]
        if asked is not None and found != asked:
            raise PrepareError(
                f"The corpus {name} was begun with {key.replace('_', ' ')} {found}, which stays as it is: "
                f"leave {asked} out, or choose another name"
            )
    return known


def _refuse_another_folder(known: dict | None, source: str, folder: Path) -> None:
    """A second folder must not silently replace the first; one that was moved may."""
    if known and known["folder"] != str(folder) and Path(known["folder"]).is_dir():
        raise PrepareError(
            f"The source {source} of this corpus is the folder {known['folder']}: give that one to bring it up to "
            f"date, or add --source NAME to call {folder} something else"
        )


def _prepared(jobs: list[Job], processes: int | None, progress: Callable[[int, int, bool], None]) -> list[dict]:
    records = []
    progress(0, len(jobs), True)
    for record, found in in_processes(prepare_picture, jobs, processes):
        records.append(record)
        progress(len(records), len(jobs), found)
    return records


def _merged(known: dict, source: str, records: list[dict]) -> dict:
    """The manifest with `records` in place of what it held of `source`: a function of the records alone."""
    others = [record for record in known["images"] + known["copies"] if record["source"] != source]
    usable = sorted(
        others + [record for record in records if "reason" not in record], key=lambda record: record["name"]
    )
    left_out = [entry for entry in known["left_out"] if entry["source"] != source]
    left_out += [record for record in records if "reason" in record]
    if not usable:
        raise PrepareError(f"None of the {len(left_out)} files can be used; the first: {_first(left_out)}")
    images, copies = _without_copies(usable)
    for members in bound_together(usable):
        split = split_of([usable[index] for index in members], known["test_share"], known["seed"])
        bound = [images[usable[index]["name"]] for index in members if usable[index]["name"] in images]
        for image in bound:
            image |= {"split": split, "together": bound[0]["name"] if len(bound) > 1 else None}
    return known | {
        "about": f"Radiographs prepared for training, from {', '.join(sorted(known['recipes']))}.",
        "images": list(images.values()),
        "copies": copies,
        "left_out": sorted(left_out, key=lambda entry: (entry["source"], entry["file"])),
    }


def _first(left_out: list[dict]) -> str:
    return f"{left_out[0]['file']} {left_out[0]['reason']}"


def _without_copies(records: list[dict]) -> tuple[dict[str, dict], list[dict]]:
    """By name the records that differ in pixels, the first of equal ones, and a list of the others with `copy_of`."""
    first: dict[str, str] = {}
    images, copies = {}, []
    for record in records:
        kept = {key: value for key, value in record.items() if key not in ("split", "together", "copy_of")}
        original = first.setdefault(kept["high_sha256"], kept["name"])
        if original == kept["name"]:
            images[original] = kept
        else:
            copies.append(kept | {"copy_of": original})
    return images, copies


def _enlarged(image: dict, size: Sequence[int]) -> bool:
    (width, height), (top, left, bottom, right) = image["original_size"], image["crop"]
    return width - left - right < size[0] or height - top - bottom < size[1]


def _sweep(target: Path) -> None:
    """Remove the temporary files that a killed run left."""
    for kind in ("high", "low"):
        for leftover in (target / kind).glob(".*.png.*"):
            leftover.unlink(missing_ok=True)
