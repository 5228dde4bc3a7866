"""A pool, begun or gone on with, by one process or by several that share its folder (`accelerate launch`).

No process talks to another: each appends what it made to a file of its own (candidates.py) and reads the others';
which images the pool gets follows from that (decide.py). The process of rank 0 alone writes what stays:

    manifest.jsonl   the images, in the order of their index
    refused.jsonl    the candidates that were refused, with the reason
    times.jsonl      when and how fast each image was made; the only file that differs from run to run, besides
                     `created` in pool.json
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Collection
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from ..durable import told_when_full
from ..pool_folder import (
    HEAD,
    MANIFEST,
    Lines,
    begin_pool,
    check_head,
    check_quality,
    read_lines,
    require_same,
    sole_pool_writer,
)
from .candidates import Candidates, clear_work
from .decide import Decision
from .settings import CHECKS, TRAINING_CHECKS, GatedPoolError, Settings, check_numbers, find_checkpoint, sha256_of

REFUSED, TIMES = "refused.jsonl", "times.jsonl"
POLL_SECONDS = 0.1
START_SECONDS = 300  # that another process may take until it is seen


@dataclass(frozen=True)
class Report:
    """What became of a pool: its folder, how many images it has, and how many candidates each check refused."""

    folder: Path
    images: int
    refused: dict[str, int]


@dataclass(frozen=True)
class Share:
    """This process among those that make the pool together, as `accelerate launch` says."""

    rank: int
    world: int

    @classmethod
    def from_environment(cls) -> Share:
        return cls(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))


def generate_pool(
    folder: str | os.PathLike,
    name: str,
    about: str,
    count: int = 100,
    seed: int = 0,
    diffusion: str | os.PathLike | None = None,
    superres: str | os.PathLike | None = None,
    sampler: str | None = None,
    steps: int | None = None,
    eta: float | None = None,
    device: str = "auto",
    without: Collection[str] = (),
    corpus: str | os.PathLike | None = None,
    progress: Callable[[int, int], None] = lambda done, count: None,
    say: Callable[[str], None] = lambda line: None,
    overlapped: bool = True,
    quality: int | None = None,
) -> Report:
    """Make `count` images of a seed as the synthetic pool `folder`/`name`, or finish such a pool.

    Checkpoints None are those shipped; `sampler`, `steps`, `eta` None are what the diffusion checkpoint recommends.
    `without` names checks of the quality gate to leave out. The images are held against the training images of
    `corpus`, else of the fingerprint beside the diffusion checkpoint, else against none, and `say` is told.
    `quality` 1 … 100 writes lossy WebP; None 8-bit grey PNG, or goes on as the pool was begun.
    `progress(done, count)` is called first with what an earlier run left. Raises GeneratorError with one line.
    """
    check_numbers(seed, count)
    check_head(name, "synthetic", about)
    check_quality(quality)
    checkpoints = {
        "diffusion": find_checkpoint("diffusion", diffusion),
        "superres": find_checkpoint("superres", superres),
    }
    training = _Training.find(corpus, checkpoints["diffusion"])
    shas = {kind: sha256_of(path) for kind, path in checkpoints.items()}
    checks = _checks(without, training)
    sampling = {"sampler": sampler, "steps": steps, "eta": eta}
    settings = Settings(seed, count, **shas, **sampling, checks=checks, training=training.id, quality=quality)
    settings = _as_begun(settings, Path(folder) / name, checkpoints["diffusion"])
    if not training.id and set(TRAINING_CHECKS) - set(without):
        say("No training images to hold the new ones against (give --corpus): copies of them are not refused.")
    run = _Run(Path(folder) / name, {"name": name, "truth": "synthetic", "about": about}, settings)
    return run.finish(checkpoints, training, device, progress, overlapped)


def _as_begun(settings: Settings, pool: Path, checkpoint: Path) -> Settings:
    """The settings, with the sampling as the pool was begun with if that comes to the same: what the checkpoint
    recommends can be left out or be said. A quality that is not said is the pool's."""
    try:
        begun = json.loads((pool / HEAD).read_text("utf-8"))["made_by"]
        if settings.quality is None:
            settings = replace(settings, quality=begun["quality"])
        same = replace(settings, **{name: begun[name] for name in ("sampler", "steps", "eta")})
        known = begun["diffusion"] == settings.diffusion
    except (OSError, ValueError, KeyError, TypeError):
        return settings  # there is no such pool, or require_same() says what is wrong with it
    if same == settings or not known:
        return settings
    from ..checkpoint import read_about
    from ..diffusion.settings import model_from

    model = model_from(read_about(checkpoint, "diffusion")["config"])
    return same if same.sampling(model) == settings.sampling(model) else settings


def _checks(without: Collection[str], training: _Training) -> tuple[str, ...]:
    unknown = sorted(set(without) - set(CHECKS))
    if unknown:
        raise GatedPoolError(f"There is no check {unknown[0]!r}: there are {', '.join(CHECKS)}")
    left = CHECKS if training.id else [check for check in CHECKS if check not in TRAINING_CHECKS]
    return tuple(check for check in left if check not in without)


@dataclass(frozen=True)
class _Training:
    """Where the likenesses of the training images come from; they are read when there is work."""

    id: str | None
    corpus: object = None
    file: Path | None = None

    @classmethod
    def find(cls, corpus: str | os.PathLike | None, checkpoint: Path) -> _Training:
        from .training import fingerprint_path

        if corpus is not None:
            from ..corpus import open_corpus

            opened = open_corpus(corpus)
            return cls(opened.fingerprint, corpus=opened)
        file = fingerprint_path(checkpoint)
        return cls(sha256_of(file), file=file) if file.is_file() else cls(None)

    def read(self):
        """The training images' inner likeness, or None."""
        from .likeness import inner
        from .training import of_corpus, read_fingerprint

        if self.corpus is not None:
            return inner(of_corpus(self.corpus))
        return inner(read_fingerprint(self.file)) if self.file else None


class _Run:
    def __init__(self, path: Path, head: dict, settings: Settings):
        self.path, self.head, self.settings = path, head, settings
        self.share = Share.from_environment()

    def finish(self, checkpoints, training, device, progress, overlapped) -> Report:
        # Before there is a folder, so that checkpoints and options that cannot be used leave none behind.
        tools = None if (self.path / HEAD).exists() else self._tools(checkpoints, training, device)
        with told_when_full(self.path):  # where a folder or an empty file finds no room
            (self.path / "images").mkdir(parents=True, exist_ok=True)
            with sole_pool_writer(self.path) if self.share.rank == 0 else nullcontext():
                self._begin()
                if not self._complete():
                    self._work(*(tools or self._tools(checkpoints, training, device)), progress, overlapped)
                if self.share.rank == 0:
                    progress(self.settings.count, self.settings.count)
                    self._tidy()
        return self._report()

    def _tools(self, checkpoints, training, device) -> tuple:
        """Both networks, and the likenesses of the training images."""
        from .make import load_networks

        return load_networks(checkpoints, self.settings, device, self.share.rank), training.read()

    def _begin(self) -> None:
        made_by = self.settings.as_dict()
        if self.share.rank == 0:
            begin_pool(self.path, self.head, made_by)
            return
        began = time.monotonic()
        while not (self.path / HEAD).exists():
            if time.monotonic() - began > START_SECONDS:
                raise GatedPoolError("The first process has not begun the pool: start all of them again")
            time.sleep(POLL_SECONDS)
        require_same(self.path, self.head, made_by)

    def _complete(self) -> bool:
        return len(read_lines(self.path / MANIFEST)) >= self.settings.count

    def _work(self, networks, training, progress, overlapped) -> None:
        from .make import Maker

        decision = Decision(self.settings)
        with ExitStack() as held:
            candidates = held.enter_context(Candidates(self.path, self.share.rank))
            _require_device(candidates, networks.device.type)
            record = held.enter_context(_Record(self.path)) if self.share.rank == 0 else None
            maker = Maker(self.path, self.settings, networks, training, candidates.add)

            def advance() -> None:
                candidates.refresh()
                for candidate, refusal in decision.advance(candidates.known):
                    if record:
                        record.take(candidate, refusal)
                if record:
                    progress(len(decision.accepted), self.settings.count)

            advance()
            watch = _Watch(candidates, self.share)
            while not decision.done:
                wanted = {index for index in range(decision.horizon) if index not in candidates.known}
                batches = sorted({index // networks.batch for index in wanted})
                mine = [batch for batch in batches if batch % self.share.world == self.share.rank]
                if mine:
                    for _ in maker.make(mine, wanted, overlapped):
                        advance()
                    continue
                if self.share.rank and self._complete():
                    return
                watch.require_running(batches)
                time.sleep(POLL_SECONDS)
                advance()

    def _tidy(self) -> None:
        """Of a complete pool: remove the images that are not in it, and the candidates."""
        named = {Path(line["file"]).name for line in read_lines(self.path / MANIFEST)}
        for file in (self.path / "images").iterdir():
            if file.name not in named:
                file.unlink()
        clear_work(self.path)

    def _report(self) -> Report:
        refused: dict[str, int] = {}
        for line in read_lines(self.path / REFUSED):
            refused[line["check"]] = refused.get(line["check"], 0) + 1
        return Report(self.path, len(read_lines(self.path / MANIFEST)), refused)


def _require_device(candidates: Candidates, device: str) -> None:
    """A GPU and a CPU round differently: a pool is finished on the kind of device that began it."""
    begun = {candidate["device"] for candidate in candidates.known.values()} - {device}
    if begun:
        raise GatedPoolError(f"The pool was begun on the device {begun.pop()}: finish it there, not on {device}")


class _Record:
    """The lines that stay, appended in the order of the index; what stands there already is passed over."""

    def __init__(self, path: Path):
        self.path = path

    def __enter__(self) -> _Record:
        with ExitStack() as held:
            self._lines = {name: held.enter_context(Lines(self.path / name)) for name in (MANIFEST, REFUSED, TIMES)}
            self._left = {name: len(read_lines(self.path / name)) for name in (MANIFEST, REFUSED)}
            self._timed = {line["index"] for line in read_lines(self.path / TIMES)}
            self._held = held.pop_all()
        return self

    def __exit__(self, *_) -> None:
        self._held.close()

    def take(self, candidate: dict, refusal: dict | None) -> None:
        name = REFUSED if refusal else MANIFEST
        # First: who is killed between the two lines finds the image missing, and passes this line over.
        if not refusal and candidate["index"] not in self._timed:
            self._lines[TIMES].append({key: candidate[key] for key in ("index", "made", "seconds")})
        if self._left[name]:
            self._left[name] -= 1
            return
        if refusal:
            self._lines[REFUSED].append({"index": candidate["index"], **refusal})
            return
        self._lines[MANIFEST].append(candidate["record"])


class _Watch:
    """Notices that a process whose images are missing has ended."""

    def __init__(self, candidates: Candidates, share: Share):
        self._candidates, self._share = candidates, share
        self._seen: set[int] = set()
        self._began = time.monotonic()

    def require_running(self, batches: Collection[int]) -> None:
        """Raise GatedPoolError unless somebody is making each of the missing `batches`."""
        for rank in {batch % self._share.world for batch in batches}:
            if self._candidates.writes(rank):
                self._seen.add(rank)
            elif rank in self._seen or time.monotonic() - self._began > START_SECONDS:
                self._candidates.refresh()
                raise GatedPoolError(
                    f"Process {rank} of {self._share.world} has ended: start again, what is made stays"
                )
