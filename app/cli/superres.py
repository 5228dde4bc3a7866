"""Commands of the super-resolution."""

from pathlib import Path

import click

from .common import (
    FILE,
    FOLDER,
    bar,
    corpus_folder,
    device_option,
    from_step_option,
    generator_packages,
    states_option,
    told,
)

OUT = click.Path(file_okay=False, path_type=Path)

precision_option = click.option(
    "--precision",
    type=click.Choice(("auto", "float32", "bfloat16")),
    default="auto",
    show_default=True,
    help="What to compute in; auto is bfloat16 on a GPU.",
)


@click.command("train-sr")
@click.argument("corpus")
@click.option("--out", type=OUT, required=True, help="The run directory, new or to go on with.")
@click.option("--preset", default="starter", show_default=True, help="paper or starter.")
@click.option("--start", type=FILE, help="A checkpoint of the same network to train further.  [default: interpolation]")
@click.option("--l1-steps", type=click.IntRange(0), help="Steps of the first stage.  [default: the preset's]")
@click.option("--gan-steps", type=click.IntRange(0), help="Steps of the second stage.  [default: the preset's]")
@click.option("--batch", type=click.IntRange(1), help="Images a step.  [default: the preset's]")
@click.option("--check-every", type=click.IntRange(1), help="Steps between checkpoints.  [default: the preset's]")
@click.option("--perceptual-weight", type=click.FloatRange(0), help="0 trains without VGG19.  [default: the preset's]")
@click.option("--vgg-weights", type=FILE, help="torchvision's vgg19-dcbb9e9d.pth, if not in its cache.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--workers", type=click.IntRange(0), default=2, show_default=True, help="Processes that make the pairs.")
@states_option
@from_step_option
@device_option
@precision_option
@told
def train_sr(
    corpus, out, start, vgg_weights, workers, preset, seed, states, from_step, device, precision, **changes
):
    """Train the super-resolution on CORPUS, a name given to prepare-data or a folder; started again, it goes on."""
    with generator_packages():
        from generator.superres.presets import find_preset
        from generator.superres.train import train

    changes = {name: value for name, value in changes.items() if value is not None}
    settings = find_preset(preset)
    steps = sum(changes.get(name, getattr(settings, name)) for name in ("l1_steps", "gan_steps"))
    with bar(steps, "Training") as progress:
        progress.item_show_func = lambda figures: figures and "  ".join(f"{k} {v:.4g}" for k, v in figures.items())
        checkpoint = train(
            corpus_folder(corpus),
            out,
            settings,
            seed=seed,
            device=device,
            precision=precision,
            workers=workers,
            vgg_weights=vgg_weights,
            start=start,
            progress=progress.reach,
            states=states,
            from_step=from_step,
            **changes,
        )
    click.echo(f"Trained for {steps} steps: {checkpoint}")


@click.command("upscale")
@click.argument("checkpoint", type=FILE)
@click.argument("folder", type=FOLDER)
@click.option("--out", type=OUT, required=True, help="Folder for the results; those that are there stay.")
@click.option("--batch", type=click.IntRange(1), default=16, show_default=True, help="Images computed together.")
@device_option
@precision_option
@told
def upscale(checkpoint, folder, out, batch, device, precision):
    """Enlarge the 8-bit images in FOLDER four times; started again, it goes on where it was stopped."""
    with generator_packages():
        from generator.superres import load
        from generator.superres.files import find_images, upscale_folder

    net = load(checkpoint)
    with bar(len(find_images(folder)), "Enlarging") as progress:
        made = upscale_folder(
            net,
            folder,
            out,
            lambda made: progress.reach(progress.pos + made),
            precision=precision,
            device=device,
            batch_size=batch,
            say=lambda sentence: click.echo(f"\n{sentence}", err=True),
        )
    click.echo(f"{len(made)} images in {out}")


COMMANDS = (train_sr, upscale)
