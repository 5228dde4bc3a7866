"""Pools of images: read one, list them, and make one out of a folder of radiographs. The format: docs/pool-format.md.

`source` is the file's path below the imported folder, for the researcher to find it again. If file names hold patients'
names, so does the manifest: rename such files before importing them. Observers never see it.
"""

import hashlib
import json
import os
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from .import_report import ImportReport
from .pixels import RadiographError, pixels_sha256
from .radiograph import looks_like_image, read_radiograph
from .whole_folder import on_all_cores, whole_folder, write_durably

if TYPE_CHECKING:
    from PIL.Image import Image

NAME_PATTERN = re.compile(r"[a-z0-9_-]{1,64}")
TRUTHS = ("real", "synthetic")
PNG_LEVEL = 3  # a quarter of the time of zlib's own level 6 on radiographs, for files 12 % larger
SHA256_PATTERN = re.compile(r"[0-9a-f]{64}")


class PoolError(ValueError):
    """One line: what is wrong with a pool or its images, and what to do."""


@dataclass(frozen=True)
class PoolImage:
    """One line of a manifest; width and height in pixels, `file` relative to the pool's folder."""

    file: str
    sha256: str
    pixels_sha256: str
    width: int
    height: int
    source: str
    provenance: dict


@dataclass(frozen=True)
class Pool:
    """A folder of images of one truth, `real` or `synthetic`."""

    name: str
    truth: str
    about: str
    folder: Path
    images: tuple[PoolImage, ...]


def load_pool(folder: Path) -> Pool:
    """The pool in a folder. Raises PoolError if it is not a pool, or one that the format forbids.

    The images themselves are not opened: `read_pool_image` does that, and checks them.
    """
    folder = Path(folder)
    about = _read_about(folder)
    return Pool(about["name"], about["truth"], about["about"], folder, _read_manifest(folder))


def list_pools(pools_dir: Path) -> list[Pool]:
    """All pools below a folder, by name. Folders that are hidden or have no pool.json are none; a broken one raises."""
    return [load_pool(path.parent) for path in sorted(Path(pools_dir).glob("[!.]*/pool.json"))]


def find_pool(folders: Iterable[Path], name: str) -> Pool:
    """The pool of this name in the first of the folders that has it. Raises PoolError, with the names there are."""
    folders = [Path(folder) for folder in folders]
    for folder in folders:
        if NAME_PATTERN.fullmatch(name) and (folder / name / "pool.json").exists():
            return load_pool(folder / name)
    known = sorted({pool.name for folder in folders for pool in list_pools(folder)})
    raise PoolError(f"there is no pool {name!r}; there is {', '.join(known) or 'none: make one with import-pool'}")


def read_pool_image(pool: Pool, image: PoolImage) -> "Image":
    """A pool's image as an 8-bit grey Pillow image, after its file and its pixels were held against the manifest.

    Raises PoolError for a file that is missing, changed, or not what its manifest says.
    """
    from PIL import Image

    label = f"{image.file} of the pool {pool.name} (source {image.source})"
    try:
        data = (pool.folder / image.file).read_bytes()
    except OSError as error:
        raise PoolError(f"{label} cannot be read ({error.strerror}): restore it or import the pool anew") from error
    if hashlib.sha256(data).hexdigest() != image.sha256:
        raise PoolError(f"{label} has changed since it was imported: restore it or import the pool anew")
    try:
        with Image.open(BytesIO(data), formats=("PNG", "WEBP")) as opened:
            grey = opened.convert("L")
    except Exception as error:  # decoders fail in every way there is
        raise PoolError(f"{label} cannot be decoded: make the pool anew") from error
    if pixels_sha256(grey) != image.pixels_sha256:
        raise PoolError(f"{label} has other pixels than its manifest says: make the pool anew")
    return grey


def find_files(source_dir: Path) -> list[Path]:
    """The files below a folder that an import would read, in sorted order. Raises PoolError if it is no folder.

    Passed over: hidden files and folders, DICOMDIR, and links that lead out of the folder. An image is what has an
    image's suffix or an image's first bytes; the rest are other files.
    """
    return _source_files(Path(source_dir))[0]


def import_pool(
    pools_dir: Path,
    name: str,
    source_dir: Path,
    truth: str,
    about: str | None = None,
    progress: Callable[[], object] = lambda: None,
) -> ImportReport:
    """Make the pool `pools_dir/name` out of the images below a folder and say what became of each.

    Every image is stored as 8-bit grey PNG of its original size, without metadata, under a name that says nothing. One
    bad file is reported and skipped; of equal pictures the first is imported. `progress()` is called once for each of
    `find_files(source_dir)`. Raises PoolError for a name that is taken or not allowed, an unknown truth, or nothing
    usable, and then, as after Ctrl-C, leaves nothing behind.
    """
    folder = Path(pools_dir) / _checked_name(name)
    if truth not in TRUTHS:
        raise PoolError(f"the truth of a pool is real or synthetic, not {truth!r}")
    if about is not None and not about.isprintable():
        raise PoolError("about: write one line of printable text")
    if os.path.lexists(folder):
        raise PoolError(f"there is a pool {name} already: choose another name, or delete {folder}")
    elsewhere = {each.pixels_sha256: (pool.name, each.source) for pool in list_pools(pools_dir) for each in pool.images}
    source_dir = Path(source_dir)
    paths, other_files = _source_files(source_dir)
    if not paths:
        raise PoolError(f"{source_dir} holds no image file ({other_files} other files): nothing to import")
    report = ImportReport(name, truth, other_files, elsewhere)
    try:
        with whole_folder(folder) as building:
            _import_files(source_dir, paths, building, report, progress)
            _require_images(report, source_dir)
            _write_json_lines(building / "manifest.jsonl", [asdict(image) for image in report.images])
            _write_json_lines(building / "pool.json", [_pool_json(name, truth, about, source_dir)])
    except FileExistsError as error:
        raise PoolError(f"there is a pool {name} already: choose another name") from error
    except OSError as error:
        raise PoolError(f"the pool cannot be written ({error}): check the disk and its permissions") from error
    return report


def _require_images(report: ImportReport, source_dir: Path) -> None:
    if not report.images:
        source, reason = report.skipped[0]
        count = len(report.skipped)
        raise PoolError(f"none of the {count} image files in {source_dir} can be used; the first, {source}, {reason}")


def _pool_json(name: str, truth: str, about: str | None, source_dir: Path) -> dict:
    source = _text(source_dir.resolve().name)
    return {
        "name": name,
        "truth": truth,
        "about": about or f"Imported from the folder {source}.",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "made_by": {"command": "import-pool", "source": source},
    }


def _import_files(
    root: Path, paths: list[Path], building: Path, report: ImportReport, progress: Callable[[], object]
) -> None:
    folder = building / "images"
    folder.mkdir()
    parts = [folder / f"{number}.part" for number in range(len(paths))]

    def import_one(path: Path, part: Path) -> PoolImage | tuple[str, str]:
        return _import_file(path, _text(path.relative_to(root).as_posix()), part)

    # Pillow and pydicom warn of odd tags in files that are read well all the same. The filter is the whole process's,
    # so it is set here, once, and not by the threads.
    with warnings.catch_warnings(action="ignore"), on_all_cores(import_one, paths, parts) as outcomes:
        for outcome, part in zip(outcomes, parts, strict=True):
            if not isinstance(outcome, PoolImage):
                report.skipped.append(outcome)
            elif report.take(outcome):
                part.rename(building / outcome.file)
            else:
                part.unlink()
            progress()


def _import_file(path: Path, source: str, target: Path) -> PoolImage | tuple[str, str]:
    """Write one source file's picture to `target`: its PoolImage, or (source, reason) if it cannot be used."""
    try:
        grey, provenance = read_radiograph(path)
    except RadiographError as error:
        return source, str(error)
    buffer = BytesIO()
    grey.save(buffer, "PNG", compress_level=PNG_LEVEL)
    write_durably(target, buffer.getvalue())
    pixels = pixels_sha256(grey)
    sha256 = hashlib.sha256(buffer.getvalue()).hexdigest()
    return PoolImage(f"images/{pixels[:24]}.png", sha256, pixels, grey.width, grey.height, source, provenance)


def _source_files(root: Path) -> tuple[list[Path], int]:
    """The images that `find_files` describes, and how many other files there are."""
    if not root.is_dir():
        raise PoolError(f"{root} is not a folder: give the folder that holds the images")
    files = sorted(path for path in _visible_files(root) if path.name.upper() != "DICOMDIR")
    images = [path for path in files if looks_like_image(path)]
    return images, len(files) - len(images)


def _visible_files(root: Path) -> Iterator[Path]:
    inside = root.resolve()
    for folder, folders, names in os.walk(root, onerror=_refuse_unlisted):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(folder, name) for name in names if not name.startswith(".")):
            if path.is_file() and (not path.is_symlink() or path.resolve().is_relative_to(inside)):
                yield path


def _refuse_unlisted(error: OSError) -> None:
    raise PoolError(f"the folder {error.filename} cannot be listed ({error.strerror}): check its permissions")


def _checked_name(name: str) -> str:
    if not NAME_PATTERN.fullmatch(name):
        raise PoolError(f"{name!r} cannot name a pool: use 1 to 64 lower-case letters, digits, - and _")
    return name


def _text(name: str) -> str:
    """A file name as text that UTF-8 can hold, whatever its bytes."""
    return os.fsencode(name).decode("utf-8", "replace")


def _write_json_lines(path: Path, objects: list[dict]) -> None:
    write_durably(path, "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in objects).encode())


def _read_about(folder: Path) -> dict:
    try:
        about = json.loads((folder / "pool.json").read_bytes())
    except OSError as error:
        raise PoolError(f"{folder} is not a pool: its pool.json cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise PoolError(f"the pool.json of {folder} is not JSON: restore it or make the pool anew") from error
    if not isinstance(about, dict) or not all(isinstance(about.get(key), str) for key in ("name", "truth", "about")):
        raise PoolError(f"the pool.json of {folder} lacks its name, truth or about: see docs/pool-format.md")
    if about["name"] != folder.resolve().name:
        raise PoolError(f"the pool.json of {folder} names the pool {about['name']!r}: make it the folder's name")
    _checked_name(about["name"])
    if about["truth"] not in TRUTHS:
        raise PoolError(f"the pool {about['name']} has the truth {about['truth']!r}: it has to be real or synthetic")
    return about


def _read_manifest(folder: Path) -> tuple[PoolImage, ...]:
    """The manifest's images; none if it is not there yet. What follows the last line end is a crash's: dropped."""
    path = folder / "manifest.jsonl"
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    images = []
    for number, line in enumerate(lines, start=1):
        try:
            images.append(_pool_image(json.loads(line)))
        except (ValueError, TypeError, KeyError) as error:
            raise PoolError(f"line {number} of {path} is not as docs/pool-format.md says ({error!r})") from error
    return tuple(images)


def _pool_image(line: dict) -> PoolImage:
    image = PoolImage(**{key: line[key] for key in PoolImage.__dataclass_fields__})
    parts = PurePosixPath(image.file).parts
    if parts[:1] != ("images",) or ".." in parts or len(parts) < 2:
        raise ValueError("file is not below images/")
    if not all(SHA256_PATTERN.fullmatch(value) for value in (image.sha256, image.pixels_sha256)):
        raise ValueError("not a SHA-256")
    if not all(isinstance(value, int) and value > 0 for value in (image.width, image.height)):
        raise ValueError("width and height are not positive integers")
    if not isinstance(image.source, str) or not isinstance(image.provenance, dict):
        raise ValueError("source is not text or provenance is not an object")
    return image
