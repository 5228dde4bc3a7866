"""What helps: every configuration trained for the same minutes on the same corpus, then its Fréchet distance.

Run from the project's root: python benchmarks/ablation.py CORPUS --out FOLDER [--minutes 20] [--only "paper;fast"]
                             [--seconds 540] [--count 2000] [--device cuda]

Every configuration is `paper` or `fast` with one thing changed. It is timed first, compilation left out, and the steps
that fit into the minutes become its steps, so that its learning rate reaches its end. Started again it goes on where it
was: a run from its last state, a finished row stays. `--seconds` ends a call early, for machines lent by the minute.
Minutes are of training alone: checkpoints, pictures and distances are not counted.
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
from quality import Quality, frechet_of

from generator.corpus import open_corpus
from generator.devices import find_device
from generator.diffusion import PRESETS, Preset, load
from generator.diffusion.train import train
from generator.durable import write_whole

TIMED = 150  # steps that are timed …
SKIPPED = 50  # … without the first, which compile and choose algorithms
STATES = 10  # of a run: as much of it may be lost


def changed(base: Preset, **changes) -> Preset:
    """`base` with other values for fields of its network or its training."""
    model = {name: value for name, value in changes.items() if hasattr(base.model, name) and name != "steps"}
    training = {name: value for name, value in changes.items() if name not in model}
    return replace(base, model=replace(base.model, **model), training=replace(base.training, **training))


def configurations() -> dict[str, Preset]:
    """Every configuration by name, in the order of what they are expected to tell."""
    paper, fast = PRESETS["paper"], PRESETS["fast"]
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
    }


class TimeUpError(Exception):
    """The call's seconds are over; the run goes on from its last state the next time."""


def steps_for(corpus: Path, folder: Path, preset: Preset, minutes: float, device: str) -> int:
    """The steps that fit into the minutes, timed once and then kept in the folder."""
    file = folder / "steps.json"
    if not file.exists():
        marks: list[float] = []
        figures: list[dict] = []

        def mark(step: int, seen: dict) -> None:
            marks.append(time.perf_counter())
            figures.append(seen)

        timed = replace(preset, training=replace(preset.training, steps=TIMED))
        train(corpus, folder / "timed", timed, device=device, every=TIMED, log_every=10, progress=mark)
        speeds = [seen["images_per_second"] for seen in figures[SKIPPED : TIMED - 1 : 10] if seen]
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
    device = arguments.device
    torch._dynamo.reset()  # which gives up compiling after the eighth network of a process
    steps = steps_for(arguments.corpus, folder, preset, arguments.minutes, device)
    whole = replace(preset, training=replace(preset.training, steps=steps))

    def watch(step: int, _: dict) -> None:
        if time.monotonic() > end:
            raise TimeUpError(f"{name}: step {step} of {steps}")

    every = max(1, steps // STATES)
    checkpoint = train(arguments.corpus, folder / "run", whole, name=name, device=device, every=every, progress=watch)
    net = load(checkpoint, str(find_device(device)))
    found = {}
    for sampler, count, eta in dict.fromkeys(
        ((preset.model.sampler, preset.model.steps, preset.model.eta), ("dpm++", 20, 0.0))
    ):
        watch(steps, {})
        row = frechet_of(net, quality, sampler, count, eta, arguments.batch)
        found[f"Fréchet, {sampler} {count}"] = row["frechet"]
    seen = steps * preset.training.batch
    return {"configuration": name, "minutes": arguments.minutes, "steps": steps, "images": seen, **found}


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
    parser.add_argument("--only", help="configurations by name, semicolons between; all without it")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end this call after so many")
    parser.add_argument("--count", type=int, default=2000, help="images to compare")
    parser.add_argument("--batch", type=int, default=64, help="of sampling")
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for row in finished(arguments):
        print(row, flush=True)
    print(f"\n{table(rows_so_far(arguments.out / 'ablation.json'))}")


if __name__ == "__main__":
    main()
