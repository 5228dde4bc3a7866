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


COMMANDS = (import_pool,)
