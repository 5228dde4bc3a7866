"""Commands that evaluate generators, and let a machine take a study's quiz."""

import json
import os
from functools import wraps
from pathlib import Path

import click
from flask import current_app

from ..audit import note
from ..machine import ATTENTION, machine_folder
from ..machine import FILE as RATINGS_FILE
from ..web import records
from .common import FILE, FOLDER, bar, generator_packages, out_option, told

SPLITS = ("train", "test")

against_option = click.option("--against", required=True, help="The real images: a pool, a corpus or a folder of one.")
split_option = click.option("--split", type=click.Choice(SPLITS), help="The part of the corpus to hold it against.")
preset_option = click.option(
    "--preset",
    default="small",
    show_default=True,
    help="The machine observer: small, or base, which needs a GPU's patience.",
)


def extractor_options(command):
    """Which network turns images into features."""
    for option in (
        click.option("--weights", type=FILE, help="The network's weights, if they are not in its library's cache."),
        click.option("--extractor", help="inception, dinov2 or lite0.  [default: inception, offline lite0]"),
        click.option(
            "--offline", is_flag=True, help="Fetch nothing; without --extractor use lite0, whose weights are installed."
        ),
    ):
        command = option(command)
    return command


def needs_packages(command):
    """Without the generator's packages the command ends with one sentence."""

    @wraps(command)
    def checked(*args, **kwargs):
        with generator_packages():
            return command(*args, **kwargs)

    return checked


def load(offline: bool, extractor: str | None, weights: Path | None):
    """The extractor that the options name."""
    if offline:
        os.environ["HF_HUB_OFFLINE"] = "1"  # before the hub's client is imported
    from generator.devices import find_device
    from generator.evaluate.extractors import load_extractor

    return load_extractor(extractor or ("lite0" if offline else "inception"), weights, find_device("auto"))


def find_folder(name: str) -> Path:
    """The pool or corpus called `name` in the data folder, or else the folder of that path."""
    data = current_app.config["QUIZ_DATA"]
    for folder in (data / "pools" / name, data / "corpora" / name, Path(name)):
        if folder.is_dir():
            return folder
    raise click.ClickException(f"There is no pool, corpus or folder {name}: give the name of one")


def find_source(name: str, split: str | None = None):
    """The images called `name`, large and small."""
    from generator.evaluate.assessment import open_source

    return open_source(find_folder(name), split)


def find_training(name: str | None):
    """The images that a generator was trained on: those of a pool, or the training part of a corpus."""
    from generator.corpus import MANIFEST

    if name is None:
        return None
    return find_source(name, "train" if (find_folder(name) / MANIFEST).is_file() else None)


training_option = click.option(
    "--training", help="What the generator was trained on, a corpus (its training part) or a pool, to look for copies."
)


@click.command("evaluate-pool")
@click.argument("pools", metavar="POOL…", nargs=-1, required=True)
@against_option
@split_option
@training_option
@extractor_options
@preset_option
@click.option("--checkpoints", type=FOLDER, multiple=True, help="A folder in which to look for model cards.")
@click.option("--seed", type=int, default=0, show_default=True)
@out_option("evaluation")
@told
@needs_packages
def evaluate_pool(pools, against, split, training, offline, extractor, weights, preset, checkpoints, seed, out):
    """Hold the images of each POOL against real ones: distances, copies, a map, a machine observer; one HTML page.

    Several pools stand side by side on it. docs/evaluation.md says what each number is and is not.
    """
    from generator.evaluate.assessment import assess
    from generator.evaluate.found_cards import SHIPPED, cards_of
    from generator.evaluate.page import MARKS, file_names, report_files
    from generator.evaluate.results import lines, plain_results

    from ..analysis.folder import write_folder

    generated = [find_source(name) for name in pools]
    real, trained = find_source(against, split), find_training(training)
    cards = {
        source.label: cards_of(find_folder(name), (SHIPPED, *checkpoints))
        for name, source in zip(pools, generated, strict=True)
    }
    network = load(offline, extractor, weights)
    table = []

    def build():
        assessment = assess(generated, real, network, trained, seed, preset, bar)
        table.extend(lines(plain_results(assessment)))
        return report_files(assessment, cards)

    written = write_folder(out, build, what="evaluation", own=file_names(), marks=MARKS)
    click.echo("\n".join(table))
    click.echo(f"{written}: report.html, results.json and the figures")


@click.command("machine-observer")
@click.argument("study")
@preset_option
@click.option("--seed", type=int, default=0, show_default=True)
@told
@needs_packages
def machine_observer(study, preset, seed):
    """Let a machine take the quiz STUDY: it rates the images that observers are shown, beside them in the report.

    Every image is rated by a network that was trained on the study's other images. It replaces an earlier run.
    """
    from generator.durable import write_whole
    from generator.evaluate.drawing import draw
    from generator.evaluate.figures import attention, telling
    from generator.evaluate.machine_observer import epochs_of, observe
    from generator.evaluate.results import observer_lines

    data = current_app.config["QUIZ_DATA"]
    found = records().study(study)
    images = _study_images(data / "studies" / found.folder, found)
    synthetic = [image["truth"] == "synthetic" for image in found.images.values()]
    with bar(epochs_of(preset, len(images)), "Training") as progress:
        seen = observe(images, synthetic, preset, seed, progress=progress.update)
    folder = machine_folder(data, found)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / ATTENTION, draw(attention, images, seen, synthetic, telling(seen, synthetic))["png"])
    content = {
        "preset": preset,
        "seed": seed,
        "ratings": dict(zip(found.images, seen.ratings.tolist(), strict=True)),
        "probabilities": dict(zip(found.images, seen.probabilities.tolist(), strict=True)),
    }
    write_whole(folder / RATINGS_FILE, json.dumps(content).encode())
    note("machine-observer", study)
    click.echo("\n".join(observer_lines(seen, synthetic)))
    click.echo(f"The report of {study} has it beside the observers; where it looked: {folder / ATTENTION}")


def _study_images(folder: Path, study) -> list:
    """The study's images as uint8 arrays (height, width), as observers are shown them."""
    import numpy as np
    from PIL import Image

    try:
        return [np.asarray(Image.open(folder / f"{name}.webp").convert("L")) for name in study.images]
    except OSError as error:
        raise click.ClickException(
            f"The images of {study.name} are not here: a machine cannot be shown them"
        ) from error


COMMANDS = (evaluate_pool, machine_observer)
