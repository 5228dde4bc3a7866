"""A pool's folder as it is written (docs/pool-format.md): durable, resumable after any crash, one writer at a time.

Order of durability: pool.json first, then for each image its file and only then its manifest line. Whatever stands in
the manifest is therefore whole on disk; what a crash leaves besides is overwritten or cut off by the next run.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from PIL import Image

from .durable import told_when_full, write_whole
from .errors import GeneratorError
from .processes import BusyError, sole_writer

TRUTHS = ("real", "synthetic")
HEAD = "pool.json"
MANIFEST = "manifest.jsonl"


class PoolFolderError(GeneratorError):
    """A pool that cannot be written, said in one line for the person who asked."""


def check_head(name: str, truth: str, about: str) -> None:
    """Raise PoolFolderError for what cannot stand in pool.json."""
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9_-]{1,64}", name):
        raise PoolFolderError(f"a pool's name is 1 to 64 of a-z, 0-9, - and _, not {name!r}")
    if truth not in TRUTHS:
        raise PoolFolderError(f"truth must be real or synthetic, not {truth!r}")
    if not isinstance(about, str) or not about.strip():
        raise PoolFolderError("about must say in one sentence where the images come from")


def check_quality(quality: int | None) -> None:
    """Raise PoolFolderError for what stored_image() cannot take."""
    whole = isinstance(quality, int) and not isinstance(quality, bool)
    if quality is not None and not (whole and 1 <= quality <= 100):
        raise PoolFolderError(f"quality must be 1 to 100, or left out for PNG, not {quality!r}")


def stored_image(index: int, picture: np.ndarray, quality: int | None = None) -> tuple[dict, bytes]:
    """What the manifest says of the file of a grey uint8 picture (height, width), and the file's bytes.

    `quality` None is PNG, 1 … 100 lossy WebP.
    """
    buffer, form = io.BytesIO(), "png" if quality is None else "webp"
    if quality is None:
        Image.fromarray(picture).save(buffer, "PNG")
    else:
        Image.fromarray(picture).save(buffer, "WEBP", quality=quality, method=6)
        with Image.open(buffer) as image:
            picture = np.asarray(image.convert("L"))
    height, width = picture.shape
    about = {
        "file": f"images/{index:06d}.{form}",
        "sha256": hashlib.sha256(buffer.getvalue()).hexdigest(),
        "pixels_sha256": hashlib.sha256(f"{width}x{height}:".encode() + picture.tobytes()).hexdigest(),
        "width": width,
        "height": height,
    }
    return about, buffer.getvalue()


@contextmanager
def sole_pool_writer(path: Path) -> Iterator[None]:
    """Hold the pool's lock; the system drops it when the process dies, however it dies."""
    try:
        with sole_writer(path):
            yield
    except BusyError:
        raise PoolFolderError(f"another process is writing the pool {path.name}: wait for it or stop it") from None


def begin_pool(path: Path, head: Mapping, made_by: Mapping) -> None:
    """Write pool.json out of `head` (name, truth, about) and `made_by`, or hold the one that is there against them.

    Raises PoolFolderError for a pool that was begun otherwise.
    """
    if (path / HEAD).exists():
        require_same(path, head, made_by)
        return
    if (path / MANIFEST).exists():
        raise PoolFolderError(f"{path.name} has a manifest but no pool.json: it is no pool of this command")
    pool = {**head, "created": datetime.now(UTC).isoformat(timespec="seconds"), "made_by": dict(made_by)}
    write_whole(path / HEAD, json.dumps(pool, indent=2).encode() + b"\n")


def require_same(path: Path, head: Mapping, made_by: Mapping) -> None:
    """Raise PoolFolderError unless the pool.json that is there says the same of everything but the time."""
    try:
        there = json.loads((path / HEAD).read_text(encoding="utf-8"))
        begun = {**{key: there.get(key) for key in head}, **there["made_by"]}
    except (ValueError, KeyError, TypeError):
        raise PoolFolderError(f"{HEAD} of the pool {path.name} cannot be read") from None
    asked = json.loads(json.dumps({**head, **made_by}))
    differing = [key for key in {**asked, **begun} if asked.get(key) != begun.get(key)]
    if differing:
        key = differing[0]
        raise PoolFolderError(
            f"the pool {path.name} was begun with {key} {begun.get(key)!r}, not {asked.get(key)!r}: "
            "finish it with its own settings or choose another name"
        )


def read_lines(file: Path) -> list[dict]:
    """The JSON objects in a file of lines; what follows its last line end is a crash's, and left out.

    Raises PoolFolderError for a line that is none.
    """
    if not file.exists():
        return []
    try:
        return [json.loads(line) for line in file.read_bytes().split(b"\n")[:-1]]
    except ValueError:
        raise PoolFolderError(f"{file.name} of the pool {file.parent.name} holds a line that is not JSON") from None


class Lines:
    """A file of JSON lines, appended to: each line is on the disk before append() returns."""

    def __init__(self, file: Path):
        """Open `file`, after a torn last line was cut off."""
        # Without a buffer: what a full disk did not take must not be written later, when it is closed.
        self._file = open(file, "ab", buffering=0)  # noqa: SIM115 - closed by __exit__()
        data = file.read_bytes()
        kept = data.rfind(b"\n") + 1
        if kept < len(data):
            self._file.truncate(kept)
            os.fsync(self._file.fileno())

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_) -> None:
        self._file.close()

    def append(self, record: Mapping) -> None:
        """Add one line. Where the disk is full DiskFullError is raised, and no part of the line stays."""
        start = os.fstat(self._file.fileno()).st_size
        line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
        try:
            with told_when_full(Path(self._file.name)):
                if self._file.write(line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(self._file.fileno())
        except BaseException:
            os.ftruncate(self._file.fileno(), start)
            raise
