"""Commands that make pools."""

import click
from flask import current_app

from ..study import TRUTHS
from .common import FOLDER, bar, told


@click.command("import-pool")
@click.argument("name")
@click.argument("folder", type=FOLDER)
@click.option("--truth", type=click.Choice(TRUTHS), required=True, help="What all the images are.")
@click.option("--about", help="One sentence on where the images come from.")
@told
def import_pool(name, folder, truth, about):
    """Import the images in FOLDER (PNG, JPEG, TIFF, WebP, DICOM) as the pool NAME."""
    from ..pools import find_files
    from ..pools import import_pool as run

    with bar(len(find_files(folder)), "Importing") as progress:
        report = run(current_app.config["QUIZ_DATA"] / "pools", name, folder, truth, about, lambda: progress.update(1))
    click.echo(report)


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
@click.option(
    "--truth",
    type=click.Choice(TRUTHS),
    default="synthetic",
    show_default=True,
    help="The side that the phantoms stand for.",
)
@click.option("--quality", type=int, help="Write lossy WebP of this quality (1 to 100) instead of PNG.")
@told
def render_phantoms(name, count, seed, look, truth, quality):
    """Render simulated radiographs (phantoms) as the pool NAME; started again, it goes on where it was stopped."""
    try:
        from generator.phantom.pool import PhantomError, render_pool
    except ImportError as error:
        raise click.ClickException(
            "This needs the generator's packages: pip install -r requirements/generator.txt"
        ) from error
    about = f"Phantoms: radiographs simulated from a made-up anatomy, with the look {look}. No patient was X-rayed."
    pools = current_app.config["QUIZ_DATA"] / "pools"
    try:
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
                progress=lambda done, _: progress.update(done - progress.pos),
            )
    except PhantomError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"Pool {name}: {count} phantoms in {folder}")


COMMANDS = (import_pool, render_phantoms)
