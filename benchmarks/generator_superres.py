"""How fast the super-resolution is, beside the published way of computing it, and how exact.

    PYTHONPATH=. python benchmarks/generator_superres.py --out FOLDER [--device cuda] [--seconds 600]

Every part prints its rows as it ends and is left out when the time is up; `--part` chooses parts. `--profile` writes
what the time goes to. The rows are in superres.json in the folder.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from generator_diffusion import copy_rate, matmul_rate
from parts import run_parts
from torch.nn import functional as F
from traffic import traffic

from generator.devices import find_device, find_precision
from generator.errors import GeneratorError
from generator.superres.fast import FastHAT
from generator.superres.hat import HAT
from generator.superres.initial import start_as_interpolation
from generator.superres.presets import PRESETS, Preset

SIZE = (128, 256)  # height and width of the small images
BATCHES = {"cuda": (1, 8, 32), "cpu": (1,)}
WARM = 3  # calls before the clock starts: the first ones compile
MOST = 20  # timed calls at most
EACH_SECONDS = 10  # of timed calls at most
GOAL, GOAL_DB = 90.0, 50.0  # asked of the paper network on one H100: images a second, PSNR to float32


def rows(
    device: str, seconds: float, out: Path, parts: list[str] | None = None, preset: str | None = None
) -> list[dict]:
    """Run the parts that fit into `seconds` on `device` and write them to `out`/superres.json; returns their rows."""
    where, end = find_device(device), time.monotonic() + seconds
    chosen = PRESETS[preset or ("paper" if where.type == "cuda" else "starter")]
    out.mkdir(parents=True, exist_ok=True)
    names = [name for name in PARTS if name != "whole"] if parts is None else parts  # which compiles for minutes
    return run_parts(out / "superres.json", names, lambda name: PARTS[name](chosen, where, end), end)


def seconds_a_call(call: Callable, device: torch.device, end: float) -> float:
    """The median over timed calls, after warming up; each ends when the device is done."""
    for _ in range(WARM if device.type == "cuda" else 1):
        call()
    _wait(device)
    times, started = [], time.monotonic()
    while not times or (len(times) < MOST and time.monotonic() < min(end, started + EACH_SECONDS)):
        begun = time.perf_counter()
        call()
        _wait(device)
        times.append(time.perf_counter() - begun)
    return sorted(times)[len(times) // 2]


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _asked(preset: Preset, device: torch.device) -> bool:
    """Whether the goals are about this network on such a device."""
    return preset is PRESETS["paper"] and device.type == "cuda"


def _network(preset: Preset, device: torch.device) -> HAT:
    torch.manual_seed(0)
    net = start_as_interpolation(HAT(preset.network))
    for layer in (net.conv_after_body, net.conv_last):  # so that the body reaches the result, as after training
        layer.weight.data += 0.02 * torch.randn_like(layer.weight)
    return net.eval().to(device)


def _images(preset: Preset, batch: int, device: torch.device, size: tuple[int, int] | None = None) -> torch.Tensor:
    torch.manual_seed(1)
    size = size or SIZE
    small = F.interpolate(torch.rand(batch, 1, size[0] // 8, size[1] // 8), size=size, mode="bicubic").clamp(0, 1)
    return small.expand(-1, preset.network.channels, -1, -1).to(device)


def ours(preset: Preset, device: torch.device, end: float) -> Iterator[dict]:
    """Images a second as upscale() computes them, for each batch that fits."""
    dtype = find_precision("auto", device)
    made = FastHAT(_network(preset, device), device, dtype)
    plain = FastHAT(_network(preset, device), device, dtype, fused=False) if made.fused else made
    measured = [(batch, "own kernel" if made.fused else "torch", made) for batch in BATCHES[device.type]]
    if made.fused:  # torch's attention once, to compare: each size is compiled anew
        measured.append((BATCHES[device.type][-1], "torch", plain))
    work = operations(preset)
    for batch, kind, fast in measured:
        if time.monotonic() > end:
            yield {"part": "ours", "attention": kind, "batch": batch, "left_out": "the time was up"}
            continue
        x = _images(preset, batch, device)
        begun = time.perf_counter()
        fast(x)
        _wait(device)
        first = time.perf_counter() - begun
        seconds = seconds_a_call(lambda x=x, fast=fast: fast(x), device, end)
        yield {
            "part": "ours",
            "attention": kind,
            "type": str(dtype).removeprefix("torch."),
            "batch": batch,
            "images_per_s": round(batch / seconds, 3),
            "goal": GOAL if _asked(preset, device) else None,
            "tera_operations_per_s": round(work * batch / seconds / 1e12, 2),
            "first_call_s": round(first, 1),
            "memory_gib": _memory(device),
        }


def published(preset: Preset, device: torch.device, end: float) -> Iterator[dict]:
    """The same with spandrel's HAT in float32, which computes as the original code does."""
    net = _spandrel(preset, device)
    for batch in BATCHES[device.type][:2]:
        if time.monotonic() > end:
            yield {"part": "published", "batch": batch, "left_out": "the time was up"}
            continue
        x = _images(preset, batch, device)
        with torch.inference_mode():
            seconds = seconds_a_call(lambda x=x: net(x), device, end)
        yield {"part": "published", "type": "float32", "batch": batch, "images_per_s": round(batch / seconds, 3)}


def exactness(preset: Preset, device: torch.device, end: float) -> Iterator[dict]:
    """PSNR in dB between what upscale() computes in bfloat16 and float32, and spandrel's float32, on one image."""
    net, x = _network(preset, device), _images(preset, 1, device)
    rough = FastHAT(net, device, torch.bfloat16)(x)
    with _whole_float32():
        exact = FastHAT(net, device, torch.float32, compiled=False)(x)
        goal = GOAL_DB if _asked(preset, device) else None
        pair = {"part": "exactness", "pair": "bfloat16, float32"}
        yield {**pair, "psnr_db": round(_psnr(rough, exact), 2), "goal_db": goal}
        theirs = _spandrel(preset, device)
        theirs.load_state_dict(net.state_dict())
        with torch.inference_mode():
            yield {"part": "exactness", "pair": "float32, spandrel", "most": float((theirs(x) - exact).abs().max())}


@contextmanager
def _whole_float32() -> Iterator[None]:
    """A GPU's convolutions keep 10 bits of float32's 23 otherwise."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def work(preset: Preset, device: torch.device, end: float) -> Iterator[dict]:
    """The multiplications and additions of one image, with the published number of channels."""
    yield {"part": "work", "gflop_an_image": round(operations(preset) / 1e9, 1)}


def bounds(preset: Preset, device: torch.device, end: float) -> Iterator[dict]:
    """What an image asks for, and the seconds that this device's rates set against it: the longest of them bounds the
    network, of the bytes those joined if all between matrices is computed on the way, else those apart.

    Counted for the network as it trains, which copies windows out: among the joined bytes there are none of these.
    """
    with torch.device("meta"):
        net = HAT(preset.network).eval()
        net.compute_dtype = find_precision("auto", device)
        found = traffic(net.to(net.compute_dtype), torch.zeros(1, preset.network.channels, *SIZE))
    matmul, copy, flop = matmul_rate(device), copy_rate(device), operations(preset)
    yield {
        "part": "bounds",
        "gflop": round(flop / 1e9, 1),
        "mb_apart": round(found.apart / 1e6, 1),
        "mb_joined": round(found.joined / 1e6, 1),
        "million_exponentials": round(found.exponentials / 1e6, 1),
        "ms_of_matmul": round(1e3 * flop / matmul, 3),
        "ms_of_bytes_joined": round(1e3 * found.joined / copy, 3),
        "ms_of_bytes_apart": round(1e3 * found.apart / copy, 3),
    }


def operations(preset: Preset) -> float:
    """Multiplications and additions for one image of SIZE, from the matrices' sizes."""
    c, pixels = preset.network, SIZE[0] * SIZE[1]
    d, hidden, squeezed = c.embed_dim, int(c.embed_dim * c.mlp_ratio), c.embed_dim // c.compress_ratio
    shared = 4 * d * d + 2 * d * hidden  # queries, keys, values, the way back; the MLP
    hybrid = shared + 18 * d * squeezed + 2 * d * c.window**2
    overlapping = shared + 2 * d * c.overlap_window**2
    body = sum(depth * hybrid + overlapping + 9 * d * d for depth in c.depths) + 9 * d * d + 9 * c.channels * d
    f = c.features
    ending = 9 * (d * f + f * 4 * f + 4 * f * 4 * f + 16 * f * c.channels)
    return 2.0 * pixels * (body + ending)


def training(preset: Preset, device: torch.device, end: float) -> Iterator[dict]:
    """Images a second of the first stage's step, ours and the published way, at the preset's batch and four times."""
    for batch in (preset.batch, 4 * preset.batch) if device.type == "cuda" else (preset.batch,):
        for name, build in (("published", _published_step), ("ours", _our_step)):
            if time.monotonic() > end:
                yield {"part": "training", "loop": name, "batch": batch, "left_out": "the time was up"}
                continue
            step = build(preset, device)
            low = _images(preset, batch, device, (preset.crop // 4, preset.crop // 4))
            high = F.interpolate(low, scale_factor=4.0)
            seconds = seconds_a_call(lambda step=step, low=low, high=high: step(low, high), device, end)
            rate = round(batch / seconds, 2)
            yield {
                "part": "training",
                "loop": name,
                "batch": batch,
                "images_per_s": rate,
                "memory_gib": _memory(device),
            }


def _published_step(preset: Preset, device: torch.device) -> Callable:
    net = _spandrel(preset, device).train()
    return _step(net, net)


def _our_step(preset: Preset, device: torch.device) -> Callable:
    from generator.superres.train import _compile

    net = _network(preset, device).train()
    net.compute_dtype = find_precision("auto", device)
    if device.type == "cuda":
        _compile(net)
    return _step(net, net)


def _step(net: torch.nn.Module, call: Callable) -> Callable:
    optimiser = torch.optim.Adam(net.parameters(), 1e-4, (0.9, 0.99))

    def step(low: torch.Tensor, high: torch.Tensor) -> None:
        optimiser.zero_grad(set_to_none=True)
        F.l1_loss(call(low), high).backward()
        optimiser.step()

    return step


def attention(preset: Preset, device: torch.device, end: float) -> Iterator[dict]:
    """Microseconds of the two attentions alone, by each fused kernel that will take them, for eight images."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    c, dtype = preset.network, find_precision("auto", device)
    heads, head, batch = c.heads[0], -(-(c.embed_dim // c.heads[0] + 2) // 8) * 8, 8 if device.type == "cuda" else 1
    windows = batch * SIZE[0] * SIZE[1] // c.window**2
    kinds = {"windows": c.window**2, "overlapping": c.overlap_window**2}
    for kind, keys in kinds.items():
        q, k, v = (torch.randn(windows, heads, n, head, device=device, dtype=dtype) for n in (c.window**2, keys, keys))
        bias = torch.randn(1, heads, c.window**2, keys, device=device, dtype=dtype)
        for backend in (SDPBackend.EFFICIENT_ATTENTION, SDPBackend.CUDNN_ATTENTION, SDPBackend.FLASH_ATTENTION):
            row = {"part": "attention", "kind": kind, "kernel": backend.name.lower()}
            try:
                with sdpa_kernel([backend]), torch.inference_mode():
                    seconds = seconds_a_call(
                        lambda q=q, k=k, v=v, bias=bias: F.scaled_dot_product_attention(q, k, v, bias), device, end
                    )
                yield {**row, "microseconds_an_image": round(seconds / batch * 1e6, 1)}
            except RuntimeError as error:
                yield {**row, "failed": str(error).splitlines()[0]}


def whole(preset: Preset, device: torch.device, end: float) -> Iterator[dict]:
    """As `ours`, compiled as one piece instead of block by block: what fusing across blocks would bring, and cost."""
    net, dtype = _network(preset, device), find_precision("auto", device)
    fast = FastHAT(net, device, dtype, compiled=False)
    one = torch.compile(fast.__call__, dynamic=False)
    batch = BATCHES[device.type][-1]
    x = _images(preset, batch, device)
    begun = time.perf_counter()
    one(x)
    _wait(device)
    first = time.perf_counter() - begun
    rate = round(batch / seconds_a_call(lambda: one(x), device, end), 3)
    yield {"part": "whole", "batch": batch, "images_per_s": rate, "first_call_s": round(first, 1)}


def profile(preset: Preset, device: torch.device, out: Path, rows_kept: int = 30) -> str:
    """What the time of one batch goes to: a table of kernels, written to `out`/superres_profile.txt."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as profiler

    gpu = device.type == "cuda"
    fast = FastHAT(_network(preset, device), device, find_precision("auto", device))
    x = _images(preset, 8 if gpu else 1, device)
    for _ in range(WARM):
        fast(x)
    _wait(device)
    activities = [ProfilerActivity.CPU, ProfilerActivity.CUDA] if gpu else [ProfilerActivity.CPU]
    with profiler(activities=activities) as kept:
        fast(x)
        _wait(device)
    by = "self_device_time_total" if gpu else "self_cpu_time_total"
    table = kept.key_averages().table(sort_by=by, row_limit=rows_kept, max_name_column_width=90)
    out.mkdir(parents=True, exist_ok=True)
    (out / "superres_profile.txt").write_text(table)
    return table


def _spandrel(preset: Preset, device: torch.device) -> torch.nn.Module:
    from spandrel.architectures.HAT import HAT as Published

    c = preset.network
    net = Published(
        in_chans=c.channels,
        embed_dim=c.embed_dim,
        depths=c.depths,
        num_heads=c.heads,
        window_size=c.window,
        compress_ratio=c.compress_ratio,
        squeeze_factor=c.squeeze_factor,
        overlap_ratio=c.overlap_ratio,
        mlp_ratio=c.mlp_ratio,
        num_feat=c.features,
        upscale=4,
    )
    return net.eval().to(device)


def _psnr(made: torch.Tensor, true: torch.Tensor) -> float:
    return -10 * torch.log10((made.clamp(0, 1) - true.clamp(0, 1)).square().mean()).item()


def _memory(device: torch.device) -> float | None:
    """The most memory that was taken since this was last asked, in GiB."""
    if device.type != "cuda":
        return None
    most = torch.cuda.max_memory_allocated(device) / 2**30
    torch.cuda.reset_peak_memory_stats(device)
    return round(most, 1)


PARTS = {
    "work": work,
    "bounds": bounds,
    "ours": ours,
    "exactness": exactness,
    "published": published,
    "training": training,
    "attention": attention,
    "whole": whole,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--part", action="append", choices=PARTS, help="only these, in this order; without it all but whole"
    )
    parser.add_argument("--preset", choices=PRESETS, help="paper on a GPU, starter elsewhere, unless given")
    parser.add_argument("--profile", action="store_true", help="also write which kernels the time goes to")
    arguments = parser.parse_args()
    try:
        rows(arguments.device, arguments.seconds, arguments.out, arguments.part, arguments.preset)
    except GeneratorError as error:
        sys.exit(str(error))
    if arguments.profile:
        device = find_device(arguments.device)
        preset = PRESETS[arguments.preset or ("paper" if device.type == "cuda" else "starter")]
        print(profile(preset, device, arguments.out))


if __name__ == "__main__":
    main()
