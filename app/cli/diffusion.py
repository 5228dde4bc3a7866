"""Commands of the diffusion generator, and the conversion of published checkpoints of both kinds."""

from dataclasses import replace
from pathlib import Path

import click
from flask import current_app

from .common import FILE, bar, device_option, generator_packages, told

RUN = click.Path(file_okay=False, path_type=Path)
CHECKPOINT = click.Path(dir_okay=False, path_type=Path)


@click.command("train-diffusion")
@click.argument("corpus")
@click.option("--out", type=RUN, required=True, help="The run directory, new or to go on with.")
@click.option("--preset", default="starter", show_default=True, help="starter, fast or paper.")
@click.option("--steps", type=click.IntRange(1), help="Steps to train for.  [default: the preset's]")
@click.option("--batch", type=click.IntRange(1), help="Images a step, over all processes.  [default: the preset's]")
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Learning rate.  [default: the preset's]")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--every", type=click.IntRange(1), default=1000, show_default=True, help="Steps between checkpoints.")
@click.option("--flip", is_flag=True, help="Mirror half of the images: only where none carries a side marker.")
@device_option
@click.option("--precision", default="auto", show_default=True, help="float32, bfloat16; auto: bfloat16 on a GPU.")
@click.option("--compile/--no-compile", "compiled", default=None, help="torch.compile.  [default: on a GPU]")
@told
def train_diffusion(corpus, out, preset, every, device, precision, compiled, **changes):
    """Train the generator on CORPUS, a name given to prepare-data or a folder; started again, it goes on."""
    with generator_packages():
        from generator.diffusion import find_preset
        from generator.diffusion.train import train

    base = find_preset(preset)
    changes = {name: value for name, value in changes.items() if value is not None}
    chosen = replace(base, training=replace(base.training, **changes))
    folder = current_app.config["QUIZ_DATA"] / "corpora" / corpus
    with bar(chosen.training.steps, "Training") as progress:
        progress.item_show_func = _shown
        checkpoint = train(
            folder if folder.is_dir() else corpus,
            out,
            chosen,
            preset,
            device,
            precision,
            compiled,
            every,
            progress=lambda step, figures: progress.update(step - progress.pos, figures),
        )
    click.echo(f"Trained for {chosen.training.steps} steps: {checkpoint}")


def _shown(figures: dict | None) -> str | None:
    if not figures:
        return None
    return "loss {loss:.4f}, {images_per_second:.1f} images/s, {memory_gib:.1f} GiB".format(**figures)


@click.command("convert-checkpoint")
@click.argument("file", type=FILE)
@click.argument("out", type=CHECKPOINT)
@click.option("--kind", type=click.Choice(("diffusion", "superres")), help="[default: told by the file's content]")
@told
def convert_checkpoint(file, out, kind):
    """Convert the published weights FILE (.pth) into the checkpoint OUT (.safetensors). No code in FILE is run."""
    with generator_packages():
        from generator import diffusion, superres
        from generator.checkpoint import read_published

    kind = kind or ("diffusion" if diffusion.recognised(read_published(file)) else "superres")
    {"diffusion": diffusion, "superres": superres}[kind].convert(file, out)
    click.echo(f"Converted ({kind}): {out}")


COMMANDS = (train_diffusion, convert_checkpoint)
