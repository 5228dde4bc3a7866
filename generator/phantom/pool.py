"""Phantoms into a pool (docs/pool-format.md): in parallel, resumable after any crash, one writer at a time.

Order of durability: pool.json first, then for each image its file and only then its manifest line. Whatever stands in
the manifest is therefore whole on disk; what a crash leaves besides is overwritten or cut off by the next run.
"""

from __future__ import annotations

import hashlib
import io
import json
import multiprocessing
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from multiprocessing import connection
from pathlib import Path

import numpy as np
from PIL import Image

from .errors import PhantomError
from .render import VERSION, find_dentition, find_look, render

try:
    import fcntl
except ImportError:  # Windows has no advisory locks of this kind
    fcntl = None


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
    (images done, images in all), first with what an earlier run left. `dentition` is "adult" or "mixed".

    Raises PhantomError, before anything is written, for odd options, for a pool that was begun with other settings, and
    for one that another process is writing.
    """
    settings = Settings(seed, count, look, quality, dentition)
    _check(settings, name, truth, about, processes)
    path = Path(folder) / name
    (path / "images").mkdir(parents=True, exist_ok=True)
    with _sole_writer(path):
        _open_pool(path, {"name": name, "truth": truth, "about": about}, settings)
        done = _finished(path / "manifest.jsonl")
        todo = [index for index in range(count) if index not in done]
        report = progress or (lambda done, total: None)
        report(len(done), count)
        with open(path / "manifest.jsonl", "ab") as manifest:
            for number, (record, data) in enumerate(_rendered(settings, todo, processes), start=1):
                _write_durably(path / record["file"], data)
                manifest.write(json.dumps(record, separators=(",", ":")).encode() + b"\n")
                manifest.flush()
                os.fsync(manifest.fileno())
                report(len(done) + number, count)
    return path


def _check(settings: Settings, name: str, truth: str, about: str, processes: int | None) -> None:
    find_look(settings.look)
    find_dentition(settings.dentition)
    for key, value, low in (("seed", settings.seed, 0), ("count", settings.count, 1), ("processes", processes, 1)):
        if key == "processes" and value is None:
            continue
        if not _is_int(value) or value < low:
            raise PhantomError(f"{key} must be a whole number of at least {low}, not {value!r}")
    if settings.quality is not None and not (_is_int(settings.quality) and 1 <= settings.quality <= 100):
        raise PhantomError(f"quality must be 1 to 100, or left out for PNG, not {settings.quality!r}")
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9_-]{1,64}", name):
        raise PhantomError(f"a pool's name is 1 to 64 of a-z, 0-9, - and _, not {name!r}")
    if truth not in ("real", "synthetic"):
        raise PhantomError(f"truth must be real or synthetic, not {truth!r}")
    if not isinstance(about, str) or not about.strip():
        raise PhantomError("about must say in one sentence where the images come from")


def _is_int(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


@contextmanager
def _sole_writer(path: Path) -> Iterator[None]:
    """Hold the pool's lock; the system drops it when the process dies, however it dies."""
    if fcntl is None:
        yield
        return
    with open(path / ".lock", "wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise PhantomError(f"another process is writing the pool {path.name}: wait for it or stop it") from None
        yield


def _open_pool(path: Path, head: dict, settings: Settings) -> None:
    """Write pool.json, or hold the one that is there against the request."""
    file = path / "pool.json"
    if not file.exists():
        if (path / "manifest.jsonl").exists():
            raise PhantomError(f"{path.name} has a manifest but no pool.json: it is no pool of this command")
        pool = {**head, "created": datetime.now(UTC).isoformat(timespec="seconds"), "made_by": asdict(settings)}
        _write_durably(file, json.dumps(pool, indent=2).encode() + b"\n")
        return
    try:
        there = json.loads(file.read_text(encoding="utf-8"))
        made_by = dict(there["made_by"])
    except (ValueError, KeyError, TypeError):
        raise PhantomError(f"{file.name} of the pool {path.name} cannot be read") from None
    asked = {**head, **asdict(settings)}
    found = {**{key: there.get(key) for key in head}, **made_by}
    differing = [key for key in {**asked, **found} if asked.get(key) != found.get(key)]
    if differing:
        key = differing[0]
        raise PhantomError(
            f"the pool {path.name} was begun with {key} {found.get(key)!r}, not {asked.get(key)!r}: "
            "finish it with its own settings or choose another name"
        )


def _finished(manifest: Path) -> set[int]:
    """The indices that stand in the manifest, after a torn last line was cut off."""
    if not manifest.exists():
        return set()
    whole = manifest.read_bytes()
    kept = whole[: whole.rfind(b"\n") + 1]
    if len(kept) < len(whole):
        with open(manifest, "r+b") as file:
            file.truncate(len(kept))
            os.fsync(file.fileno())
    try:
        return {json.loads(line)["provenance"]["index"] for line in kept.splitlines()}
    except (ValueError, KeyError, TypeError):
        raise PhantomError(f"the manifest of the pool {manifest.parent.name} holds a line that is no phantom") from None


def _rendered(settings: Settings, todo: list[int], processes: int | None) -> Iterator[tuple[dict, bytes]]:
    """Manifest record and file bytes of each image, in order."""
    processes = min(processes or os.cpu_count() or 1, len(todo))
    jobs = [(settings, index) for index in todo]
    if processes <= 1:
        yield from map(_make, jobs)
        return
    # Spawned, not forked: the same on Linux and macOS, and safe beside whatever threads the caller runs.
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(processes, mp_context=context, initializer=_follow_the_parent)
    try:
        yield from executor.map(_make, jobs)
    finally:
        executor.shutdown(cancel_futures=True)


def _follow_the_parent() -> None:
    """In a worker: leave Ctrl-C to the parent, and end when the parent was killed, which closes no queue."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    connection.wait([multiprocessing.parent_process().sentinel])
    os._exit(1)


def _make(job: tuple[Settings, int]) -> tuple[dict, bytes]:
    settings, index = job
    picture, anatomy = render(settings.seed, index, settings.look, dentition=settings.dentition)
    data, decoded = _encode(picture, settings.quality)
    height, width = decoded.shape
    record = {
        "file": f"images/{index:06d}.{'png' if settings.quality is None else 'webp'}",
        "sha256": hashlib.sha256(data).hexdigest(),
        "pixels_sha256": hashlib.sha256(f"{width}x{height}:".encode() + decoded.tobytes()).hexdigest(),
        "width": width,
        "height": height,
        "source": f"phantom seed {settings.seed} index {index}",
        "provenance": {"generator": "phantom", "seed": settings.seed, "index": index, **anatomy},
    }
    return record, data


def _encode(picture: np.ndarray, quality: int | None) -> tuple[bytes, np.ndarray]:
    """The file's bytes, and the grey pixels that a reader decodes from them."""
    buffer = io.BytesIO()
    if quality is None:
        Image.fromarray(picture).save(buffer, "PNG")
        return buffer.getvalue(), picture
    Image.fromarray(picture).save(buffer, "WEBP", quality=quality, method=6)
    with Image.open(buffer) as image:
        return buffer.getvalue(), np.asarray(image.convert("L"))


def _write_durably(file: Path, data: bytes) -> None:
    """Write a file so that after a crash it is there whole or not at all."""
    temporary = file.with_name(file.name + ".part")
    with open(temporary, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
