"""How long generate-pool takes end to end, with its stages overlapped and one after the other, and what bounds it.

Run from the project's root: PYTHONPATH=. python benchmarks/pool.py --diffusion D --sr S --out FOLDER [--count 100]

Without checkpoints it writes some with random weights, of `--preset` starter or paper: they take as long as trained
ones. Networks are loaded and warmed up first, and timed apart; each part has a time limit and is left out when it is
over. Prints a table and writes FOLDER/pool.json.
"""

import argparse
import json
import platform
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import torch
from parts import require

from generator.devices import find_device
from generator.errors import GeneratorError
from generator.pool import make
from generator.pool.generate import generate_pool
from generator.pool.make import BATCH

PARTS = ("diffusion", "superres", "overlapped", "one-by-one")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--diffusion", type=Path)
    parser.add_argument("--sr", type=Path)
    parser.add_argument("--preset", choices=("starter", "paper"), default="paper")
    parser.add_argument("--sampler")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--compiled", action="store_true", help="compile diffusion however few the images: on a GPU")
    parser.add_argument("--parts", default=",".join(PARTS), help="of " + ", ".join(PARTS))
    parser.add_argument("--limit", type=float, default=300, help="seconds after which no further part begins")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    given.parts = given.parts.split(",")
    if unknown := sorted({*given.parts} - {*PARTS}):
        parser.error(f"there is no part {unknown[0]}: give some of {', '.join(PARTS)}")
    return given


def checkpoints(given, folder):
    """The checkpoints that were given, or new ones with random weights."""
    from generator.diffusion import Denoiser, find_preset, save
    from generator.superres import HAT
    from generator.superres.presets import find_preset as find_superres
    from generator.superres.weights import save as save_superres

    torch.manual_seed(0)
    found = {"diffusion": given.diffusion, "superres": given.sr}
    if not given.diffusion:
        found["diffusion"] = folder / "diffusion.safetensors"
        model = find_preset(given.preset).model
        save(found["diffusion"], Denoiser(model).unet.state_dict(), model, {"training": {"preset": "random weights"}})
    if not given.sr:
        found["superres"] = folder / "superres.safetensors"
        config = find_superres(given.preset).network
        about = {"config": config.as_dict(), "training": {"preset": "random weights"}}
        save_superres(HAT(config).state_dict(), found["superres"], about)
    return found


def timed(function):
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    began = time.perf_counter()
    result = function()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return result, time.perf_counter() - began


def networks_alone(given, paths, parts, results):
    """Each network by itself, warm: what the pool could not go below."""
    import numpy as np

    from generator import diffusion, superres

    device = find_device(given.device)
    compiled = device.type == "cuda" and given.count >= make.COMPILED_FROM
    net, results["load diffusion"] = timed(lambda: diffusion.load(paths["diffusion"], str(device), compiled=compiled))
    torch.backends.cudnn.benchmark = False  # as in a pool
    batch = min(BATCH, given.count) if net.device.type == "cuda" else 1
    rounds = max(1, min(given.count, 100) // batch)
    device = str(net.device)

    def draw(count):
        return diffusion.sample(net, list(range(count)), given.sampler, given.steps, batch=batch)

    if "diffusion" in parts:
        warming = partial(diffusion.sample, net, list(range(batch)), given.sampler, 2, batch=batch)
        _, results["warm-up of diffusion"] = timed(warming)
        few = rounds if net.device.type == "cuda" else min(rounds, 4)
        _, seconds = timed(lambda: draw(few * batch))
        results["diffusion alone, s for the count"] = seconds / (few * batch) * given.count
    if "superres" in parts:
        large, results["load super-resolution"] = timed(lambda: superres.load(paths["superres"]))
        images = np.random.default_rng(0).integers(0, 256, (batch, 128, 256), np.uint8)
        _, results["warm-up of super-resolution"] = timed(
            lambda: superres.upscale(large, images, device=device, batch_size=batch)
        )
        few = rounds if net.device.type == "cuda" else min(rounds, 4)
        many = np.concatenate([images] * few)
        _, seconds = timed(lambda: superres.upscale(large, many, device=device, batch_size=batch))
        results["super-resolution alone, s for the count"] = seconds / len(many) * given.count


class Stopwatch:
    """When the first and the last image of a pool were in its manifest."""

    def __init__(self):
        self.began = time.perf_counter()
        self.marks = []

    def __call__(self, done, count):
        self.marks.append((time.perf_counter() - self.began, done))


def whole(given, paths, folder, name, overlapped, count):
    """Seconds from the networks' readiness to the last image, and from the command's start, of a pool."""
    watch = Stopwatch()
    # Random weights make noise: a gate that judged it would measure replacements.
    generate_pool(
        folder,
        name,
        "A benchmark.",
        count,
        seed=1,
        **paths,
        sampler=given.sampler,
        steps=given.steps,
        device=given.device,
        without=("blank", "saturated", "colour", "duplicate"),
        progress=watch,
        overlapped=overlapped,
    )
    ready = watch.marks[0][0]  # the networks are loaded; compiling is still to come
    return watch.marks[-1][0] - ready, watch.marks[-1][0], stage_seconds(folder / name, count)


def stage_seconds(pool, count):
    """What times.jsonl adds up to, stage by stage."""
    lines = [json.loads(line) for line in (pool / "times.jsonl").read_text().splitlines()]
    return {stage: sum(line["seconds"][stage] for line in lines) for stage in lines[0]["seconds"]}


def measure(given, folder, results):
    parts, began = given.parts, time.perf_counter()
    paths = checkpoints(given, folder)
    networks_alone(given, paths, parts, results)
    show(results)
    for part, overlapped in (("overlapped", True), ("one-by-one", False)):
        if part not in parts:
            continue
        if time.perf_counter() - began > given.limit:
            results[part] = "left out, the time was up"
            show(results)
            continue
        if find_device(given.device).type == "cuda":
            whole(given, paths, folder, f"warm-{part}", overlapped, min(BATCH, given.count))
        ready, start, stages = whole(given, paths, folder, part, overlapped, given.count)
        results[f"{part}: networks ready to last image, s"] = ready
        results[f"{part}: start to last image, s"] = start
        results |= {f"{part}: {stage}, s in all threads": seconds for stage, seconds in stages.items()}
        show(results)


def show(results):
    print()
    for name, value in results.items():
        print(f"{name:48} {value:10.2f}" if isinstance(value, float) else f"{name:48} {value!s:>10}")


def main():
    given = arguments()
    require("accelerate", "diffusers")
    if given.compiled:
        make.COMPILED_FROM = 0
    given.out.mkdir(parents=True, exist_ok=True)
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    results = {"machine": f"{platform.machine()}, {gpu}", "images": given.count, "torch": torch.__version__}
    with tempfile.TemporaryDirectory() as folder:
        try:
            measure(given, Path(folder), results)
        except GeneratorError as error:
            sys.exit(str(error))
        finally:
            (given.out / "pool.json").write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
