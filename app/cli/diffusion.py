"""The command that trains the diffusion generator."""

from dataclasses import replace
from pathlib import Path

import click

from .common import FILE, bar, corpus_folder, device_option, from_step_option, generator_packages, states_option, told

RUN = click.Path(file_okay=False, path_type=Path)


@click.command("train-diffusion")
@click.argument("corpus")
@click.option("--out", type=RUN, required=True, help="The run directory, new or to go on with.")
@click.option("--preset", default="starter", show_default=True, help="starter, fast or paper.")
@click.option("--start", type=FILE, help="A checkpoint of the same network to train further.  [default: random]")
@click.option("--steps", type=click.IntRange(1), help="Steps to train for.  [default: the preset's]")
@click.option("--batch", type=click.IntRange(1), help="Images a step, over all processes.  [default: the preset's]")
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Learning rate.  [default: the preset's]")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--every", type=click.IntRange(1), default=1000, show_default=True, help="Steps between checkpoints.")
@click.option("--flip", is_flag=True, help="Mirror half of the images: only where none carries a side marker.")
@states_option
@from_step_option
@device_option
@click.option("--precision", default="auto", show_default=True, help="float32, bfloat16; auto: bfloat16 on a GPU.")
@click.option("--compile/--no-compile", "compiled", default=None, help="torch.compile.  [default: on a GPU]")
@told
def train_diffusion(
    corpus, out, preset, start, every, states, from_step, device, precision, compiled, **changes
):
    """Train the generator on CORPUS, a name given to prepare-data or a folder; started again, it goes on."""
    with generator_packages():
        from generator.diffusion import find_preset
        from generator.diffusion.train import train

    base = find_preset(preset)
    changes = {name: value for name, value in changes.items() if value is not None}
    chosen = replace(base, training=replace(base.training, **changes))
    with bar(chosen.training.steps, "Training") as progress:
        progress.item_show_func = _shown
        checkpoint = train(
            corpus_folder(corpus),
            out,
            chosen,
            preset,
            device,
            precision,
            compiled,
            every,
            start=start,
            progress=progress.reach,
            states=states,
            from_step=from_step,
        )
    click.echo(f"Trained for {chosen.training.steps} steps: {checkpoint}")


def _shown(figures: dict | None) -> str | None:
    if not figures:
        return None
    return "loss {loss:.4f}, {images_per_second:.1f} images/s, {memory_gib:.1f} GiB".format(**figures)


COMMANDS = (train_diffusion,)
