"""What the commands have in common: errors in one sentence, progress bars, kinds of arguments."""

import sys
from contextlib import contextmanager
from functools import wraps
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from ..store import StoreError
from ..study import StudyError

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def told(command):
    """Errors that a user can cause end the command with their one sentence."""

    @with_appcontext
    @wraps(command)
    def telling(*args, **kwargs):
        try:
            return command(*args, **kwargs)
        except (StudyError, StoreError, *_room_errors()) as error:
            raise click.ClickException(str(error)) from error

    return telling


def _room_errors() -> list[type[Exception]]:
    from generator.errors import GeneratorError

    from ..analysis.export import ExportError
    from ..analysis.legacy import LegacyError
    from ..analysis.planning import PlanError
    from ..analysis.ratings import RatingsError
    from ..pools import PoolError
    from ..serving import ServingError
    from ..simulate import SimulationError

    return [ExportError, GeneratorError, LegacyError, PlanError, PoolError, RatingsError, ServingError, SimulationError]


def bar(length: int, label: str):
    """A progress bar that leaves standard output to the results."""
    return click.progressbar(length=length, label=label, file=sys.stderr, show_pos=True)


@contextmanager
def generator_packages():
    """Says what to install where an import of the generator's fails."""
    try:
        yield
    except ImportError as error:
        raise click.ClickException("This needs the generator's packages: make install") from error


def corpus_folder(name: str) -> Path:
    """The corpus of that name if prepare-data made one, else the folder."""
    folder = current_app.config["QUIZ_DATA"] / "corpora" / name
    return folder if folder.is_dir() else Path(name)


def out_option(what: str):
    """The option --out of a command that writes a folder."""
    folder = click.Path(file_okay=False, path_type=Path)
    return click.option(
        "--out", type=folder, required=True, help=f"Folder to write; an earlier {what} in it is replaced."
    )


include_simulated_option = click.option("--include-simulated", is_flag=True, help="Take simulated observers in.")
device_option = click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1 …")
states_option = click.option(
    "--states", type=click.IntRange(1), default=2, show_default=True, help="States to keep, the newest ones."
)
from_step_option = click.option(
    "--from-step", type=click.IntRange(1), help="Go on from the state of this step, not from the newest; later ones go."
)
quality_option = click.option("--quality", type=int, help="Write lossy WebP of this quality (1 to 100) instead of PNG.")
