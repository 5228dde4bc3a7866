"""Run directories: what a training leaves behind, and how it goes on after it was stopped.

    settings.json            what was asked for; a resumed run must ask for the same
    stats.jsonl              one line of figures every few steps
    checkpoints/000500.safetensors, 000500.md    weights to use, with a model card (the room writes both)
    samples/000500.png       the same seeds, or the same test images, at every checkpoint
    state/000500.pt          everything needed to go on exactly; the last two are kept, or as many as asked for

A state is written before older ones are removed, each file whole or not at all: whenever the run is killed, the last
good state is there. Rooms draw every random number from generator.seeds by step, so that no random state is stored.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import pickle
from collections.abc import Mapping
from pathlib import Path

import torch

from .durable import told_when_full, whole_file, write_whole
from .errors import GeneratorError
from .processes import sole_writer

STATES_KEPT = 2


class RunError(GeneratorError):
    """A run directory that cannot be begun, or a training that cannot go on."""


class Run:
    """One run directory, held by one process; use it in a `with` block.

    `settings` are plain JSON values. A folder that holds a run with the same settings is gone on with, one with other
    settings or with files of another kind is refused. `writes` False (all but the first of several processes) reads
    states and writes nothing. The last `states` states stay.
    """

    def __init__(self, folder: str | os.PathLike, settings: Mapping, writes: bool = True, states: int = STATES_KEPT):
        self.folder = Path(folder)
        self.writes, self.states = writes, states
        self._board = None
        self._held = contextlib.ExitStack()
        self._settings = json.loads(json.dumps(settings))

    def __enter__(self) -> Run:
        if self.writes:
            for name in ("checkpoints", "samples", "state"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            self._held.enter_context(sole_writer(self.folder))
            self._hold_settings()
        return self

    def __exit__(self, *_) -> None:
        if self._board:
            self._board.close()
        self._held.close()

    def _hold_settings(self) -> None:
        file = self.folder / "settings.json"
        if not file.exists():
            write_whole(file, json.dumps(self._settings, indent=2, sort_keys=True).encode() + b"\n")
            return
        try:
            there = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise RunError(f"{file} cannot be read: give another folder") from error
        differing = [key for key in {**there, **self._settings} if there.get(key, "") != self._settings.get(key, "")]
        if differing:
            key = differing[0]
            raise RunError(
                f"{self.folder} holds a run with other settings ({key}: {there.get(key)!r} there, "
                f"{self._settings.get(key)!r} now): give the same ones to go on with it, or another folder"
            )

    def checkpoint_path(self, step: int) -> Path:
        """Where the weights of `step` go."""
        return self.folder / "checkpoints" / f"{step:06d}.safetensors"

    def sample_path(self, step: int) -> Path:
        """Where the picture of `step` goes."""
        return self.folder / "samples" / f"{step:06d}.png"

    def load_state(self, device: torch.device | str = "cpu", step: int | None = None) -> dict | None:
        """The newest state that can be read, or that of `step`, with its `step`; None where a run begins.

        Later figures are dropped, and with a `step` later states too. RunError says which states there are.
        """
        paths = sorted((self.folder / "state").glob("*.pt"), reverse=True)
        for path in paths if step is None else [self._state_of(step, paths)]:
            with contextlib.suppress(pickle.UnpicklingError, RuntimeError, EOFError, OSError, KeyError):
                state = torch.load(path, map_location=device, weights_only=True)
                self._go_on_after(state["step"])
                for later in paths[: paths.index(path)] if step is not None and self.writes else ():
                    later.unlink()  # it would be taken for the newest next time
                return state
        if step is not None:
            raise RunError(f"The state of step {step} in {self.folder} cannot be read: take another")
        self._go_on_after(0)
        return None

    def _state_of(self, step: int, paths: list[Path]) -> Path:
        for path in paths:
            if int(path.stem) == step:
                return path
        there = ", ".join(str(int(path.stem)) for path in reversed(paths)) or "none"
        raise RunError(f"{self.folder} holds no state of step {step}; states it has: {there}")

    def save_state(self, step: int, state: Mapping) -> None:
        """Keep `state` (tensors and plain values) as that of `step`; the last `states` of them stay."""
        if not self.writes:
            return
        folder = self.folder / "state"
        # To an open file: given a path, torch tells of a full disk as a RuntimeError among others.
        with whole_file(folder / f"{step:06d}.pt") as temporary, open(temporary, "wb") as file:
            torch.save({**state, "step": step}, file)
        for path in sorted(folder.glob("*.pt"))[: -self.states]:
            path.unlink()

    def log(self, step: int, **figures: float) -> None:
        """Append a line of figures to stats.jsonl, and to TensorBoard where it is installed."""
        if not self.writes:
            return
        path = self.folder / "stats.jsonl"
        with told_when_full(path), open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **figures}) + "\n")
        for name, value in figures.items() if self._board else ():
            self._board.add_scalar(name, value, step)

    def stats(self) -> list[dict]:
        """All lines of figures so far."""
        file = self.folder / "stats.jsonl"
        return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []

    def refuse_unless_finite(self, step: int, loss: float) -> None:
        """Stop the training with RunError when the loss of `step` is infinite or no number."""
        if not math.isfinite(loss):
            states = sorted((self.folder / "state").glob("*.pt"))
            left = f"the state of step {int(states[-1].stem)} is intact" if states else "no state was kept yet"
            raise RunError(f"The loss at step {step} is {loss}; {left}. Try a lower learning rate in another folder.")

    def _go_on_after(self, step: int) -> None:
        """A killed run may have logged steps beyond its last state, and half a line: these are made anew."""
        if not self.writes:
            return
        self._board = _tensorboard(self.folder, step + 1)
        file = self.folder / "stats.jsonl"
        if not file.exists():
            return
        lines = file.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if line.endswith("}") and json.loads(line)["step"] <= step]
        write_whole(file, "".join(line + "\n" for line in kept).encode())


def _tensorboard(folder: Path, first_step: int):
    """A writer that lets go of what an earlier process wrote from `first_step` on; None where it is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(folder / "tensorboard", purge_step=first_step)
