"""The command that makes pools of phantoms."""

import click
from flask import current_app

from ..study import TRUTHS
from .common import bar, generator_packages, quality_option, told


@click.command("render-phantoms")
@click.argument("name")
@click.option("--count", type=int, required=True, help="How many images.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--look",
    default="wide",
    show_default=True,
    help="The device family to imitate; a wrong name lists those there are.",
)
@click.option("--dentition", default="adult", show_default=True, help="adult, mixed (children) or edentulous.")
@click.option(
    "--truth",
    type=click.Choice(TRUTHS),
    default="synthetic",
    show_default=True,
    help="The side that the phantoms stand for.",
)
@quality_option
@told
def render_phantoms(name, count, seed, look, dentition, truth, quality):
    """Render simulated radiographs (phantoms) as the pool NAME; started again, it goes on where it was stopped."""
    with generator_packages():
        from generator.phantom.pool import render_pool

    about = f"Phantoms: radiographs simulated from a made-up anatomy, with the look {look}. No patient was X-rayed."
    pools = current_app.config["QUIZ_DATA"] / "pools"
    with bar(count, "Rendering") as progress:
        folder = render_pool(
            pools,
            name,
            truth,
            about,
            count,
            seed,
            look,
            quality=quality,
            dentition=dentition,
            progress=lambda done, _: progress.reach(done),
        )
    click.echo(f"Pool {name}: {count} phantoms in {folder}")


COMMANDS = (render_phantoms,)
