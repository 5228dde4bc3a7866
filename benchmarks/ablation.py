"""What helps: every configuration trained for the same minutes on the same corpus, then its Fréchet distance.

Run from the project's root: python benchmarks/ablation.py CORPUS --out FOLDER [--minutes 20] [--only "paper;fast"]
                             [--seconds 540] [--count 2000] [--device cuda] [--precision bfloat16] [--recommended]
                             [--images 3200]

Every configuration is `paper`, `fast` or `starter` with one thing changed. It is timed first, compilation left out, and
the steps that fit into the minutes become its steps, so that its learning rate reaches its end. With `--images` each
sees so many images instead, which does not depend on what else the machine does: for changes that cost no time.
The warm-up is a tenth of the steps at most.
Started again it goes on where it was: a run from its last state, a finished row stays. `--seconds` ends a call early,
for machines lent by the minute.
Minutes are of training alone: checkpoints, pictures and distances are not counted. Images are made by 20 steps of
DPM-Solver++, with --recommended also as the preset recommends: for `paper` 250 steps, which take ten times as long.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from generator_speed import table
from parts import require
from quality import PACKAGES, Quality, TimeUpError, frechet_of

from generator.corpus import open_corpus
from generator.devices import find_device
from generator.diffusion import PRESETS, Model, Preset, load
from generator.diffusion.train import train
from generator.durable import write_whole
from generator.errors import GeneratorError

TIMED = 150  # steps that are timed …
SKIPPED = 50  # … without the first, which compile and choose algorithms
FEW = ("dpm++", 20, 0.0)
COMPILED_FROM = 100_000  # steps times images of sampling, for which compiling pays
STATES = 10  # of a run: as much of it may be lost


def changed(base: Preset, **changes) -> Preset:
    """`base` with other values for fields of its network or its training."""
    model = {name: value for name, value in changes.items() if hasattr(base.model, name) and name != "steps"}
    training = {name: value for name, value in changes.items() if name not in model}
    return replace(base, model=replace(base.model, **model), training=replace(base.training, **training))


def _as_published(model: Model) -> Model:
    """`model` with the prediction and the schedule that were published."""
    return replace(model, prediction="noise", schedule="published")


def configurations() -> dict[str, Preset]:
    """Every configuration by name, in the order of what they are expected to tell."""
    paper, fast, starter = PRESETS["paper"], PRESETS["fast"], PRESETS["starter"]
    return {
        "paper": paper,
        "fast": fast,
        "paper, grey": changed(paper, channels=1),
        "paper, 2×2 pixels": changed(paper, patch=2),
        "paper, v": changed(paper, prediction="v"),
        "paper, cosine": changed(paper, schedule="cosine"),
        "paper, v, zero-snr": changed(paper, prediction="v", schedule="zero-snr"),
        "paper, L2": changed(paper, loss="l2"),
        "paper, L2, min-SNR": changed(paper, loss="l2", weighting="min-snr"),
        "paper, EMA by half-life": changed(paper, ema="half-life"),
        "paper, batch 64, rate 3e-4": changed(paper, batch=64, rate=3e-4),
        "fast, noise": changed(fast, prediction="noise"),
        "fast, x0": changed(fast, prediction="x0"),
        "fast, shifted": changed(fast, schedule="shifted"),
        "fast, zero-snr": changed(fast, schedule="zero-snr"),
        "fast, published schedule": changed(fast, schedule="published"),
        "fast, no weighting": changed(fast, weighting="none"),
        "fast, L1": changed(fast, loss="l1", weighting="none"),
        "fast, 4×4 pixels": changed(fast, patch=4, widths=(192, 256, 384, 512)),
        "fast, EMA 10,000 images": changed(fast, ema_images=10_000),
        "fast, EMA 200,000 images": changed(fast, ema_images=200_000),
        "fast, batch 128": changed(fast, batch=128),
        "fast, Muon": changed(fast, optimizer="muon", rate=2e-3),
        "starter": starter,
        "starter, noise": changed(starter, prediction="noise"),
        "starter, x0": changed(starter, prediction="x0"),
        "starter, EDM preconditioning": changed(starter, prediction="edm"),
        "starter, EDM preconditioning and weights": changed(starter, prediction="edm", weighting="edm"),
        "starter, published schedule": changed(starter, schedule="published"),
        "starter, shifted": changed(starter, schedule="shifted"),
        "starter, zero-snr": changed(starter, schedule="zero-snr"),
        "starter, no weighting": changed(starter, weighting="none"),
        "starter, L1": changed(starter, loss="l1", weighting="none"),
        "starter, EMA as published": changed(starter, ema="cosine"),
        "starter, AdamW": changed(starter, optimizer="adamw", rate=1e-3),
        "starter, batch 16": changed(starter, batch=16),
        "starter, 3 channels": changed(starter, channels=3),
        "starter, 2×2 pixels": changed(starter, patch=2, widths=(32, 64, 96, 128)),
        "starter, 2×2 pixels, x0": changed(starter, patch=2, widths=(32, 64, 96, 128), prediction="x0"),
        "starter, trained as paper": replace(starter, model=_as_published(starter.model), training=paper.training),
    }


def steps_for(folder: Path, preset: Preset, arguments: argparse.Namespace) -> int:
    """The steps for the images asked for, or that fit into the minutes: timed once and then kept in the folder."""
    minutes = arguments.minutes
    if arguments.images:
        return max(1, arguments.images // preset.training.batch)
    file = folder / "steps.json"
    if not file.exists():
        timed = replace(preset, training=replace(preset.training, steps=TIMED))
        how = {"device": arguments.device, "precision": arguments.precision}
        train(arguments.corpus, folder / "timed", timed, every=TIMED, log_every=10, **how)
        # From its figures, which are there too where the call before was stopped just here.
        lines = map(json.loads, (folder / "timed" / "stats.jsonl").read_text().splitlines())
        speeds = [line["images_per_second"] for line in lines if SKIPPED < line["step"] < TIMED]
        speed = statistics.median(speeds)
        steps = max(TIMED, round(minutes * 60 * speed / preset.training.batch))
        content = {"steps": steps, "minutes": minutes, "images_per_second": speed}
        write_whole(file, json.dumps(content).encode() + b"\n")
    kept = json.loads(file.read_text())
    if kept["minutes"] != minutes:
        sys.exit(f"{folder} was begun with {kept['minutes']} minutes: give the same, or another --out")
    return kept["steps"]


def measure(name: str, preset: Preset, arguments: argparse.Namespace, quality: Quality, end: float) -> dict:
    """Train one configuration to its end and give its row."""
    folder = arguments.out / name.replace(", ", "_").replace(" ", "-").replace("×", "x").replace(",", "")
    folder.mkdir(parents=True, exist_ok=True)
    torch._dynamo.reset()  # which gives up compiling after the eighth network of a process
    steps = steps_for(folder, preset, arguments)
    warmup = min(preset.training.warmup, max(1, steps // 10))
    whole = replace(preset, training=replace(preset.training, steps=steps, warmup=warmup))

    def watch(step: int, _: dict) -> None:
        if time.monotonic() > end:
            raise TimeUpError(f"{name}: step {step} of {steps}")

    every = max(1, steps // STATES)
    how = {"device": arguments.device, "precision": arguments.precision}
    checkpoint = train(arguments.corpus, folder / "run", whole, name=name, every=every, progress=watch, **how)
    found = distances(checkpoint, preset, folder, arguments, quality, end)
    minutes = {} if arguments.images else {"minutes": arguments.minutes}
    return {"configuration": name, **minutes, "steps": steps, "images": steps * preset.training.batch, **found}


def distances(
    checkpoint: Path, preset: Preset, folder: Path, arguments: argparse.Namespace, quality: Quality, end: float
) -> dict:
    """The Fréchet distance of what a trained network makes, by each way of sampling."""
    file = folder / "distances.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    recommended = (preset.model.sampler, preset.model.steps, preset.model.eta)
    ways = dict.fromkeys((FEW, recommended)) if arguments.recommended else {FEW: None}
    where = find_device(arguments.device)
    work = max(steps for _, steps, _ in ways) * quality.count
    net = load(checkpoint, str(where), compiled=where.type == "cuda" and work >= COMPILED_FROM)
    for way in ways:
        label = f"{way[0]} {way[1]}"
        if f"Fréchet, {label}" in known:
            continue
        kept = folder / f"{label.replace(' ', '-')}.npy"
        row = frechet_of(net, quality, way, arguments.batch, kept, lambda: time.monotonic() < end)
        known |= {f"Fréchet, {label}": row["frechet"], f"kernel, {label}": row["kernel"]}
        write_whole(file, json.dumps(known).encode() + b"\n")
    return known


def rows_so_far(file: Path) -> list[dict]:
    return json.loads(file.read_text()) if file.exists() else []


def finished(arguments: argparse.Namespace) -> Iterator[dict]:
    """The rows of this call, each kept as soon as it is there."""
    file, end = arguments.out / "ablation.json", time.monotonic() + arguments.seconds
    known = configurations()
    names = arguments.only.split(";") if arguments.only else list(known)
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"There is no configuration {unknown[0]!r}: give some of {'; '.join(known)}")
    done = {row["configuration"] for row in rows_so_far(file)}
    quality = Quality(open_corpus(arguments.corpus), find_device(arguments.device), arguments.count)
    for name in names:
        if name in done:
            continue
        try:
            row = measure(name, known[name], arguments, quality, end)
        except TimeUpError as where:
            print(f"The time is up at {where}; start again to go on", flush=True)
            return
        write_whole(file, json.dumps([*rows_so_far(file), row], indent=2).encode() + b"\n")
        yield row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=20, help="of training, for each configuration")
    parser.add_argument("--images", type=int, help="of training, for each configuration, in place of minutes")
    parser.add_argument("--only", help="configurations by name, semicolons between; all without it")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end this call after so many")
    parser.add_argument("--count", type=int, default=2000, help="images to compare")
    parser.add_argument("--batch", type=int, default=64, help="of sampling")
    parser.add_argument("--recommended", action="store_true", help="also by the preset's own sampler and steps")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto", help="of training")
    arguments = parser.parse_args()
    require(*PACKAGES)
    arguments.out.mkdir(parents=True, exist_ok=True)
    try:
        for row in finished(arguments):
            print(row, flush=True)
    except GeneratorError as error:
        sys.exit(str(error))
    if rows := rows_so_far(arguments.out / "ablation.json"):
        print(f"\n{table(rows)}")


if __name__ == "__main__":
    main()
