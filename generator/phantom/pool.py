"""Phantoms into a pool: in parallel, resumable after any crash (see ../pool_folder.py)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from ..durable import write_whole
from ..pool_folder import (
    Lines,
    PoolFolderError,
    begin_pool,
    check_head,
    check_quality,
    read_lines,
    sole_pool_writer,
    stored_image,
)
from ..processes import in_processes
from .errors import PhantomError
from .render import VERSION, find_dentition, find_look, render


@dataclass(frozen=True)
class Settings:
    """What decides the pixels of a pool; kept in pool.json as `made_by` and compared when a pool is resumed."""

    seed: int
    count: int
    look: str
    quality: int | None
    dentition: str
    command: str = "render-phantoms"
    version: int = VERSION


def render_pool(
    folder: str | os.PathLike,
    name: str,
    truth: str,
    about: str,
    count: int,
    seed: int,
    look: str,
    processes: int | None = None,
    quality: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    dentition: str = "adult",
) -> Path:
    """Render images 0 … count-1 of a seed into the pool `folder`/`name`, or finish such a pool; returns its folder.

    `quality` None writes 8-bit grey PNG, 1…100 lossy WebP. `processes` None takes one a core. `progress` is called with
    (images done, images in all), first with what an earlier run left. `dentition` is "adult",
    "mixed" or "edentulous".

    Raises PhantomError, before anything is written, for odd options, for a pool that was begun with other settings, and
    for one that another process is writing.
    """
    settings = Settings(seed, count, look, quality, dentition)
    _check(settings, processes)
    try:
        check_head(name, truth, about)
        check_quality(quality)
        return _render(
            Path(folder) / name, {"name": name, "truth": truth, "about": about}, settings, processes, progress
        )
    except PoolFolderError as error:
        raise PhantomError(str(error)) from error


def _render(path: Path, head: dict, settings: Settings, processes: int | None, progress: Callable | None) -> Path:
    (path / "images").mkdir(parents=True, exist_ok=True)
    with sole_pool_writer(path):
        begin_pool(path, head, asdict(settings))
        done = _finished(path / "manifest.jsonl")
        todo = [index for index in range(settings.count) if index not in done]
        report = progress or (lambda done, total: None)
        report(len(done), settings.count)
        with Lines(path / "manifest.jsonl") as manifest:
            for number, (record, data) in enumerate(_rendered(settings, todo, processes), start=1):
                write_whole(path / record["file"], data)
                manifest.append(record)
                report(len(done) + number, settings.count)
    return path


def _check(settings: Settings, processes: int | None) -> None:
    find_look(settings.look)
    find_dentition(settings.dentition)
    for key, value, low in (("seed", settings.seed, 0), ("count", settings.count, 1), ("processes", processes, 1)):
        if key == "processes" and value is None:
            continue
        if not _is_int(value) or value < low:
            raise PhantomError(f"{key} must be a whole number of at least {low}, not {value!r}")


def _is_int(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _finished(manifest: Path) -> set[int]:
    """The indices that stand in the manifest."""
    try:
        return {line["provenance"]["index"] for line in read_lines(manifest)}
    except (KeyError, TypeError):
        raise PhantomError(f"the manifest of the pool {manifest.parent.name} holds a line that is no phantom") from None


def _rendered(settings: Settings, todo: list[int], processes: int | None) -> Iterator[tuple[dict, bytes]]:
    """Manifest record and file bytes of each image, in order."""
    return in_processes(_make, [(settings, index) for index in todo], processes)


def _make(job: tuple[Settings, int]) -> tuple[dict, bytes]:
    settings, index = job
    picture, anatomy = render(settings.seed, index, settings.look, dentition=settings.dentition)
    stored, data = stored_image(index, picture, settings.quality)
    record = {
        **stored,
        "source": f"phantom seed {settings.seed} index {index}",
        "provenance": {"generator": "phantom", "seed": settings.seed, "index": index, **anatomy},
    }
    return record, data
