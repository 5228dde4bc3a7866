"""The measurements of the diffusion half of benchmarks/generator_speed.py."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from parts import require, run_parts
from torch.autograd import DeviceType
from torch.utils.flop_counter import FlopCounterMode
from traffic import Traffic, traffic

from generator.devices import find_device, find_precision
from generator.diffusion import PRESETS, Denoiser, Model, sample
from generator.diffusion.denoiser import made_ready
from generator.diffusion.train import Trainer
from generator.diffusion.unet import UNet

BATCH = 32  # of sampling
LARGE = 64  # batch of training, beside the preset's own: each is compiled for a minute or two
FEW = ("dpm++", 20)
# Asked for on one H100, images a second.
GOALS = {("paper", "ddim", 250): 4.2, ("paper", *FEW): 36.0}
TRAINING_GOALS = {"paper": 250.0}


def rows(
    device: str, seconds: float, out: Path, parts: list[str] | None = None, preset: str | None = None
) -> list[dict]:
    """Run the parts that fit into `seconds` on `device` and write them to `out`/diffusion.json; returns their rows.

    A part that has begun measures once at least: on a GPU the longest, training, compiles for a minute or two a row.
    """
    require("accelerate", "diffusers")
    where, end = find_device(device), time.monotonic() + seconds
    out.mkdir(parents=True, exist_ok=True)
    names = PARTS if parts is None else parts
    return run_parts(out / "diffusion.json", names, lambda name: PARTS[name](preset, where, end, out), end, preset)


def timed(work: Callable[[], object], device: torch.device, seconds: float = 3.0, least: int = 3) -> float:
    """Median seconds of `work` after a warm-up, from `least` runs or as many as fit into `seconds`."""
    work()
    found, began = [], time.monotonic()
    while len(found) < least or time.monotonic() - began < seconds:
        found.append(_once(work, device))
    return statistics.median(found)


def _once(work: Callable[[], object], device: torch.device) -> float:
    began = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began


def operations(model: Model) -> float:
    """Floating-point operations of one image through the network once (a multiplication and an addition are two)."""
    with torch.device("meta"):
        return counted(Denoiser(model).unet, (1, model.channels, model.height, model.width))


def counted(network: torch.nn.Module, shape: tuple[int, ...]) -> float:
    """The operations of a network on the meta device."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(shape, device="meta"), torch.zeros(shape[0], dtype=torch.long, device="meta"))
    return counter.get_total_flops()


def matmul_rate(device: torch.device) -> float:
    """Operations a second of a large matrix product in the precision that sampling uses."""
    on_gpu = device.type == "cuda"
    size, dtype = (8192, torch.bfloat16) if on_gpu else (2048, torch.float32)
    one, other = (torch.randn((size, size), device=device, dtype=dtype) for _ in range(2))
    repeats = 20 if on_gpu else 1

    def work() -> None:
        for _ in range(repeats):
            one @ other

    return repeats * 2 * size**3 / timed(work, device, 2.0)


def copy_rate(device: torch.device) -> float:
    """Bytes a second that a copy reads and writes, of more than any cache holds."""
    size = 2**28 if device.type == "cuda" else 2**26  # float32 values
    source = torch.randn(size, device=device)
    target = torch.empty_like(source)
    return 2 * 4 * size / timed(lambda: target.copy_(source), device, 2.0)


def card(preset: str | None, device: torch.device, end: float, out: Path) -> Iterator[dict]:
    """What the processor can do."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    rates = {"matmul_tflops": round(matmul_rate(device) / 1e12, 3), "copy_gb_per_s": round(copy_rate(device) / 1e9, 1)}
    yield {"part": "card", "device": name, **rates}


def bounds(preset: str | None, device: torch.device, end: float, out: Path) -> Iterator[dict]:
    """What one image and step asks for, and the seconds that this device's rates set against it: the longest of them
    bounds the network, of the bytes those joined if all between matrices is computed on the way, else those apart."""
    matmul, copy = matmul_rate(device), copy_rate(device)
    batch = BATCH if device.type == "cuda" else 1
    for name in [preset] if preset else PRESETS:
        model = PRESETS[name].model
        found, flop = asked_for(model, batch, device), operations(model)
        yield {
            "part": "bounds",
            "preset": name,
            "batch": batch,
            "gflop": round(flop / 1e9, 1),
            "mb_apart": round(found.apart / batch / 1e6, 1),
            "mb_joined": round(found.joined / batch / 1e6, 1),
            "million_exponentials": round(found.exponentials / batch / 1e6, 1),
            "ms_of_matmul": round(1e3 * flop / matmul, 3),
            "ms_of_bytes_joined": round(1e3 * found.joined / batch / copy, 3),
            "ms_of_bytes_apart": round(1e3 * found.apart / batch / copy, 3),
        }


def asked_for(model: Model, batch: int, device: torch.device) -> Traffic:
    """The traffic of one step of `batch` images in the precision of sampling on `device`."""
    dtype = find_precision("auto", device)
    with torch.device("meta"):
        images = torch.zeros((batch, model.channels, model.height, model.width), dtype=dtype)
        return traffic(Denoiser(model).unet.to(dtype), images, torch.zeros(batch, dtype=torch.long))


def sampling(preset: str | None, device: torch.device, end: float, out: Path) -> Iterator[dict]:
    """Images a second, as the preset recommends and in few steps; the warm-up with its compilation apart."""
    on_gpu, rate = device.type == "cuda", matmul_rate(device)
    for name in [preset] if preset else (["paper", "fast", "starter"] if on_gpu else ["starter"]):
        model = PRESETS[name].model
        torch._dynamo.reset()
        net = made_ready(Denoiser(model), str(device), compiled=on_gpu)
        batch = BATCH if on_gpu else 1
        began = time.perf_counter()
        sample(net, range(batch), steps=2, batch=batch)
        first = time.perf_counter() - began
        for sampler, steps in dict.fromkeys((FEW, (model.sampler, model.steps))):
            if time.monotonic() > end:
                yield {"part": "sampling", "preset": name, "sampler": sampler, "left_out": "the time was up"}
                continue
            seconds = _once(lambda net=net, s=sampler, n=steps, b=batch: sample(net, range(b), s, n, batch=b), device)
            work = operations(model) * steps * batch / seconds
            yield {
                "part": "sampling",
                "preset": name,
                "sampler": f"{sampler}, {steps} steps",
                "batch": batch,
                "images_per_second": round(batch / seconds, 3),
                "goal": GOALS.get((name, sampler, steps)) if on_gpu else None,
                "seconds": round(seconds, 3),
                "gflop_per_step": round(operations(model) / 1e9, 1),
                "share_of_matmul": round(work / rate, 3),
                "warm_up_seconds": round(first, 1),
            }
        del net


class _Noise:
    """Stands for a corpus: as many bytes, nothing in them. Speed does not depend on the pictures."""

    name, fingerprint = "noise", "none"

    def __init__(self, model: Model, count: int = 256):
        self.low_size = (model.width, model.height)
        self.pixels = np.random.default_rng(0).integers(0, 256, (count, model.height, model.width), dtype=np.uint8)

    def names(self, split: str) -> list[str]:
        return [str(number) for number in range(len(self.pixels))]

    def low(self, split: str) -> np.ndarray:
        return self.pixels


def training(preset: str | None, device: torch.device, end: float, out: Path) -> Iterator[dict]:
    """Images a second in training, by batch; compilation apart."""
    on_gpu, rate = device.type == "cuda", matmul_rate(device)
    dtype = torch.bfloat16 if on_gpu else torch.float32
    for name in [preset] if preset else (["paper", "fast"] if on_gpu else ["starter"]):
        base = PRESETS[name]
        for batch in sorted({base.training.batch, LARGE}) if on_gpu else (4,):
            if time.monotonic() > end:
                yield {"part": "training", "preset": name, "batch": batch, "left_out": "the time was up"}
                continue
            chosen = replace(base, training=replace(base.training, batch=batch))
            try:
                row = _train_at(chosen, dtype, device)
            except torch.OutOfMemoryError:
                yield {"part": "training", "preset": name, "batch": batch, "failed": "out of memory"}
                continue
            share = 3 * operations(base.model) * row["images_per_second"] / rate
            goal = TRAINING_GOALS.get(name) if on_gpu else None
            how = {"part": "training", "preset": name, "batch": batch}
            yield {**how, **row, "goal": goal, "share_of_matmul": round(share, 3)}


def _train_at(preset, dtype: torch.dtype, device: torch.device) -> dict:
    from accelerate import Accelerator

    torch._dynamo.reset()  # which gives up compiling after the eighth network of a process
    gc.collect()  # what was compiled and prepared before holds memory in cycles
    trainer = Trainer(_Noise(preset.model), preset, Accelerator(cpu=device.type == "cpu"), dtype, None)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    compiling = _once(trainer.step, device)
    steps = 10 if device.type == "cuda" else 1

    def work() -> None:
        for _ in range(steps):
            trainer.step()

    seconds = timed(work, device, 5.0, least=2) / steps
    held = torch.cuda.max_memory_allocated(device) / 2**30 if device.type == "cuda" else None
    return {
        "images_per_second": round(preset.training.batch / seconds, 2),
        "ms_per_step": round(1000 * seconds, 1),
        "first_step_seconds": round(compiling, 1),
        "memory_gib": held and round(held, 1),
    }


def attention(preset: str | None, device: torch.device, end: float, out: Path) -> Iterator[dict]:
    """The largest attention of the paper network (64×128 positions) by each implementation torch has for the card."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    if device.type != "cuda":
        return
    q, k, v = (torch.randn((BATCH, 4, 8192, 32), device=device, dtype=torch.bfloat16) for _ in range(3))
    for backend in (SDPBackend.FLASH_ATTENTION, SDPBackend.CUDNN_ATTENTION, SDPBackend.EFFICIENT_ATTENTION):
        try:
            with sdpa_kernel(backend):
                seconds = timed(lambda: F.scaled_dot_product_attention(q, k, v), device, 1.0)
        except RuntimeError as error:
            yield {"part": "attention", "backend": backend.name, "failed": str(error).splitlines()[0]}
            continue
        work = 4 * BATCH * 4 * 8192**2 * 32
        yield {
            "part": "attention",
            "backend": backend.name,
            "ms": round(1000 * seconds, 2),
            "tflops": work / seconds / 1e12,
        }


def profile(preset: str | None, device: torch.device, end: float, out: Path) -> Iterator[dict]:
    """Where the time of a forward pass goes, compiled on a GPU: the ten longest kernels (on a CPU operators), all of
    them in `out`/profile.txt."""
    on_gpu = device.type == "cuda"
    name = preset or ("paper" if on_gpu else "starter")
    model, batch = PRESETS[name].model, BATCH if on_gpu else 1
    torch._dynamo.reset()
    net = made_ready(Denoiser(model), str(device), compiled=on_gpu)
    x = torch.randn((batch, model.channels, model.height, model.width), device=device)
    t = torch.full((batch,), 500, device=device)
    averages = _profiled(lambda: net.predict(x, t), on_gpu)
    longest = "self_device_time_total" if on_gpu else "self_cpu_time_total"
    (out / "profile.txt").write_text(averages.table(sort_by=longest, row_limit=60))
    # Operators are listed beside the kernels they start, each with the whole of their time.
    kernels = [each for each in averages if each.device_type == (DeviceType.CUDA if on_gpu else DeviceType.CPU)]
    kernels.sort(key=lambda each: -getattr(each, longest))
    whole = sum(getattr(each, longest) for each in kernels)
    for each in kernels[:10]:
        share = round(getattr(each, longest) / whole, 3)
        yield {"part": "profile", "preset": name, "kernel": each.key[:60], "calls": each.count, "share": share}


def _profiled(work: Callable[[], object], on_gpu: bool):
    """The profiler's averages over one call, after three to warm up."""
    activities = [torch.profiler.ProfilerActivity.CPU]
    activities += [torch.profiler.ProfilerActivity.CUDA] if on_gpu else []
    with torch.inference_mode():
        for _ in range(3):
            work()
        if on_gpu:
            torch.cuda.synchronize()
        with torch.profiler.profile(activities=activities) as seen:
            work()
            if on_gpu:
                torch.cuda.synchronize()
    return seen.key_averages()


def against_diffusers(preset: str | None, device: torch.device, end: float, out: Path) -> Iterator[dict]:
    """Our network and UNet2DModel of diffusers with as many operations, float32, in turns."""
    from diffusers import UNet2DModel

    ours = _against(lambda: UNet(16, (64, 64, 96, 128), 1, 4, 32, 8))
    theirs = min(
        (_against(lambda n=n: _unet2d(UNet2DModel, n)) for n in range(32, 129, 8)), key=lambda o: abs(o[1] - ours[1])
    )
    x, t = torch.randn((1, 16, 32, 64), device=device), torch.full((1,), 500, device=device)
    networks = [build().eval().to(device, memory_format=torch.channels_last) for build, _ in (ours, theirs)]
    found: list[list[float]] = [[], []]
    with torch.inference_mode():
        for turn in range(12):
            for network, seconds in zip(networks, found, strict=True):
                seconds.append(_once(lambda network=network: network(x, t), device))
            if turn == 1:
                found = [[], []]
    for name, seconds, (_, work) in zip(("ours", "diffusers"), found, (ours, theirs), strict=True):
        middle = statistics.median(seconds)
        yield {
            "part": "against_diffusers",
            "network": name,
            "gflop": round(work / 1e9, 2),
            "ms": round(1000 * middle, 1),
            "ms_fastest": round(1000 * min(seconds), 1),
            "gflops": round(work / middle / 1e9, 1),
        }


def _against(build: Callable[[], torch.nn.Module]) -> tuple[Callable[[], torch.nn.Module], float]:
    with torch.device("meta"):
        return build, counted(build(), (1, 16, 32, 64))


def _unet2d(kind, width: int) -> torch.nn.Module:
    """Three levels with attention on the lower two, as ours."""
    return kind(
        in_channels=16,
        out_channels=16,
        block_out_channels=(width, width, 2 * width),
        down_block_types=("DownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "AttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=32,
        norm_num_groups=8,
    )


PARTS: dict[str, Callable[[str | None, torch.device, float, Path], Iterator[dict]]] = {
    "card": card,
    "bounds": bounds,
    "sampling": sampling,
    "training": training,
    "attention": attention,
    "profile": profile,
    "against_diffusers": against_diffusers,
}
