"""Images out of seeds: both networks, loaded once, and the threads that keep them and the disk busy.

On a CPU each image is a batch of its own and each thread computes with one core: sums are then taken in one order,
whatever the number of cores and processes, and the pixels are equal to the last bit. On a GPU a batch always holds the
same BATCH neighbouring images, for the same reason.
"""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from .. import diffusion, superres
from ..devices import find_device, find_precision
from ..durable import write_whole
from ..pool_folder import stored_image
from .gate import inspect
from .likeness import Likeness, likeness
from .settings import GatedPoolError, Settings, image_seed

SIZE = (512, 1024)  # height, width in pixels
BATCH = 25  # images at once on a GPU
GPU_WORKERS = 2  # batches under way at once: one in either network
WARM_STEPS = 2
COMPILED_FROM = 500  # images, for which compiling the diffusion network pays


@dataclass(frozen=True)
class Networks:
    """Both networks, ready, and what every image's provenance says of them."""

    diffusion: diffusion.Denoiser
    superres: superres.HAT
    grain: superres.Grain | None
    device: torch.device
    about: dict

    @property
    def batch(self) -> int:
        """How many neighbouring images are made together."""
        return BATCH if self.device.type == "cuda" else 1


def load_networks(checkpoints: dict[str, Path], settings: Settings, device: str, rank: int) -> Networks:
    """Load the checkpoints `diffusion` and `superres` on a device; "auto" is this process's GPU, or the CPU.

    Raises GeneratorError for a file that is no checkpoint of its kind, damaged, or of another size of image.
    """
    where = _device(device, rank)
    compiled = where.type == "cuda" and settings.count >= COMPILED_FROM
    small = diffusion.load(checkpoints["diffusion"], device=str(where), compiled=compiled)
    large, grain = superres.load(checkpoints["superres"]), superres.load_grain(checkpoints["superres"])
    diffusion.sample(small, [], settings.sampler, settings.steps, settings.eta)  # complains of what cannot be
    model = small.model
    if (4 * model.height, 4 * model.width) != SIZE:
        raise GatedPoolError(
            f"{checkpoints['diffusion'].name} makes images of {model.width}x{model.height}; 256x128 are needed"
        )
    # What cuDNN times and chooses would differ from run to run, and so would the pixels; and each thread times anew.
    torch.backends.cudnn.benchmark = False
    about = {
        "generator": "diffusion and super-resolution",
        "diffusion": settings.diffusion,
        "superres": settings.superres,
        **settings.sampling(model),
        "grain": grain is not None,
        "device": where.type,
        "precision": str(find_precision("auto", where)).removeprefix("torch."),
        "versions": {name: version(name) for name in ("torch", "diffusers", "numpy", "pillow")},
    }
    return Networks(small, large, grain, where, about)


def _device(name: str, rank: int) -> torch.device:
    if name in ("auto", "cuda") and torch.cuda.is_available() and torch.cuda.device_count() > 1:
        name = f"cuda:{int(os.environ.get('LOCAL_RANK', rank)) % torch.cuda.device_count()}"
    return find_device(name)


class Maker:
    """Makes candidates of seeds and hands each to `done` when its image is durable."""

    def __init__(
        self,
        pool: Path,
        settings: Settings,
        networks: Networks,
        training: Likeness | None,
        done: Callable[[dict], None],
    ):
        self.pool, self.settings, self.networks, self.training = pool, settings, networks, training
        self._done = done
        self._one_at_a_time = threading.Lock()
        self._here = threading.local()
        self._warm = False

    def make(self, batches: Sequence[int], wanted: set[int], overlapped: bool = True) -> Iterator[int]:
        """Make the candidates `wanted` that lie in `batches`; yields how many are finished, each time some are.

        `overlapped` False does one thing after another, to be compared with.
        """
        workers = self._workers() if overlapped else 1
        with (
            _one_order_of_sums(),
            ThreadPoolExecutor(workers, initializer=_one_core) as making,
            ThreadPoolExecutor(os.cpu_count() if overlapped else 1) as writing,
        ):
            if not self._warm:
                self._warm_up()
            made = [making.submit(self._make_batch, batch, wanted, writing, overlapped) for batch in batches]
            try:
                for future in as_completed(made):
                    yield sum(each.result() for each in future.result())
            finally:
                making.shutdown(cancel_futures=True)
                writing.shutdown(cancel_futures=True)

    def _workers(self) -> int:
        if self.networks.device.type == "cuda":
            return GPU_WORKERS
        processes = int(os.environ.get("LOCAL_WORLD_SIZE", os.environ.get("WORLD_SIZE", "1")))
        return max(1, len(os.sched_getaffinity(0)) // processes) if hasattr(os, "sched_getaffinity") else 1

    def _warm_up(self) -> None:
        """Load, lay out and compile what else several threads would begin to at once."""
        # diffusers loads its modules when a name is asked for, which is not safe among threads.
        import diffusers

        for name in ("DDIMScheduler", "DPMSolverMultistepScheduler", "UniPCMultistepScheduler"):
            getattr(diffusers, name)

        networks, settings = self.networks, self.settings
        if networks.device.type == "cuda":
            # In the sizes of a real batch: torch compiles for one size, and compiling is not safe among threads either.
            sampled = diffusion.sample(
                networks.diffusion, range(BATCH), settings.sampler, WARM_STEPS, settings.eta, batch=BATCH
            )
            superres.upscale(networks.superres, diffusion.to_grey(sampled), **self._enlarging(BATCH))
            torch.cuda.synchronize(networks.device)
        else:
            superres.upscale(networks.superres, np.zeros((1, 16, 16), np.uint8), **self._enlarging(1))
        self._warm = True

    def _enlarging(self, batch: int) -> dict:
        return {"device": str(self.networks.device), "batch_size": batch}

    def _make_batch(self, batch: int, wanted: set[int], writing: ThreadPoolExecutor, overlapped: bool) -> list[Future]:
        size = self.networks.batch
        indices = range(batch * size, (batch + 1) * size)
        began = time.perf_counter()
        with self._stream():
            colours = self._sample(indices)
            sampled = time.perf_counter()
            large = superres.upscale(self.networks.superres, diffusion.to_grey(colours), **self._enlarging(size))
        seconds = {"diffusion": (sampled - began) / size, "superres": (time.perf_counter() - sampled) / size}
        futures = [
            writing.submit(self._finish, index, colours[place], large[place], seconds)
            for place, index in enumerate(indices)
            if index in wanted
        ]
        return futures if overlapped else [_waited(future) for future in futures]

    def _stream(self):
        """A queue of the GPU's of its own for each thread, so that batches under way at once do not wait for each
        other. One for each batch would hold memory for every batch: what was freed stays with its queue."""
        device = self.networks.device
        if device.type != "cuda":
            return nullcontext()
        if not hasattr(self._here, "stream"):
            self._here.stream = torch.cuda.Stream(device)
        return torch.cuda.stream(self._here.stream)

    def _sample(self, indices: Sequence[int]) -> np.ndarray:
        settings = self.settings
        seeds = [image_seed(settings.seed, index) for index in indices]
        return diffusion.sample(
            self.networks.diffusion, seeds, settings.sampler, settings.steps, settings.eta, batch=len(seeds)
        )

    def _finish(self, index: int, colours: np.ndarray, large: np.ndarray, seconds: dict) -> int:
        """Inspect one image, make it durable unless it is refused, and hand it on."""
        began = time.perf_counter()
        small = diffusion.to_grey(colours[None])[0]
        if self.networks.grain:
            large = self.networks.grain.add(large, image_seed(self.settings.seed, index))
        refusal, near = inspect(colours, small, large, self.training, self.settings.checks)
        record = None if refusal else self._stored(index, large, near)
        candidate = {
            "index": index,
            "refusal": refusal and refusal.as_dict(),
            "record": record,
            "likeness": likeness(small).as_text(),
            "device": self.networks.device.type,
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": {name: round(value, 4) for name, value in seconds.items()}
            | {"finishing": round(time.perf_counter() - began, 4)},
        }
        with self._one_at_a_time:
            self._done(candidate)
        return 1

    def _stored(self, index: int, large: np.ndarray, near: dict) -> dict:
        """Make the picture durable; its line of the manifest."""
        stored, data = stored_image(index, large, self.settings.quality)
        write_whole(self.pool / stored["file"], data)
        seed = image_seed(self.settings.seed, index)
        return {
            **stored,
            "source": f"seed {seed}",
            "provenance": {
                "seed": seed,
                "index": index,
                "pool_seed": self.settings.seed,
                **self.networks.about,
                **near,
            },
        }


def _waited(future: Future) -> Future:
    future.result()
    return future


def _one_core() -> None:
    torch.set_num_threads(1)


@contextmanager
def _one_order_of_sums() -> Iterator[None]:
    """One core a thread; and a warning's filter, which the sampler sets for itself, for all threads at once."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="__array__ implementation doesn't accept a copy")
            yield
    finally:
        torch.set_num_threads(before)
