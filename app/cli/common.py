"""What the commands have in common: errors in one sentence, progress bars, kinds of arguments."""

import errno
import sys
import time
from contextlib import contextmanager
from functools import wraps
from importlib.util import find_spec
from pathlib import Path

import click
from click._termui_impl import ProgressBar  # what click.progressbar() gives; it has no public name
from flask import current_app
from flask.cli import with_appcontext

from ..store import StoreError
from ..study import StudyError

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # as generator.durable's, which need not be installed here
BAR = "%(label)s  [%(bar)s]  %(info)s"


def told(command):
    """Errors that a user can cause end the command with their one sentence."""

    @with_appcontext
    @wraps(command)
    def telling(*args, **kwargs):
        try:
            return command(*args, **kwargs)
        except (StudyError, StoreError, *_room_errors()) as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            where = f": {error.filename} was not written" if error.filename else ""
            raise click.ClickException(f"The disk is full{where}. Free some space and start again.") from error

    return telling


def _room_errors() -> list[type[Exception]]:
    from ..analysis.export import ExportError
    from ..analysis.legacy import LegacyError
    from ..analysis.planning import PlanError
    from ..analysis.ratings import RatingsError
    from ..pools import PoolError
    from ..serving import ServingError
    from ..simulate import SimulationError

    known = [ExportError, LegacyError, PlanError, PoolError, RatingsError, ServingError, SimulationError]
    if find_spec("generator"):  # which a server's container does not have
        from generator.errors import GeneratorError

        known.append(GeneratorError)
    return known


class Bar(ProgressBar):
    """click's progress bar, but its time left and rate count what this run did, not what an earlier one had done."""

    def __init__(self, length: int, label: str):
        super().__init__(None, length, label=label, file=sys.stderr, bar_template=BAR, show_pos=True, show_eta=False)
        self._made, self._seconds, self._reached = 0, 0.0, False
        self._since = time.monotonic()

    def update(self, n_steps: int, current_item=None) -> None:
        """Show that this run did `n_steps` more; fewer than 0 takes some back, which have to be done again."""
        if n_steps > 0:
            self._made += n_steps
            self._seconds += time.monotonic() - self._since
            self.show_eta = True
        self._advance(n_steps, current_item)

    def pass_over(self, n_steps: int, current_item=None) -> None:
        """Show that `n_steps` more are done, by an earlier run."""
        self._advance(n_steps, current_item)

    def reach(self, done: int, current_item=None) -> None:
        """Show that `done` are done in all. What is told first an earlier run had done."""
        advance, self._reached = (self.update if self._reached else self.pass_over), True
        advance(done - self.pos, current_item)

    @property
    def rate(self) -> float:
        """Steps a second of this run; 0 before its first."""
        return self._made / self._seconds if self._seconds else 0.0

    @property
    def time_per_iteration(self) -> float:
        return self._seconds / self._made if self._made else 0.0

    def _advance(self, n_steps: int, current_item) -> None:
        self._since = time.monotonic()
        super().update(n_steps, current_item)


def bar(length: int, label: str) -> Bar:
    """A progress bar that leaves standard output to the results."""
    return Bar(length, label)


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
