"""Serving with gunicorn, as a production server would, from a command."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from flask import current_app

from . import ROOT

START_SECONDS = 30


class ServingError(RuntimeError):
    """The server cannot be started: one sentence that says what to do."""


def require_free_port(port: int) -> None:
    with socket.socket() as probe:
        # As gunicorn itself does: a port whose last connections are only waiting out their time is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            why = error.strerror.lower()
            message = (
                f"Port {port} can't be used ({why}): stop what runs there, or choose another, as in PORT={port + 1}."
            )
            raise ServingError(message) from error


def run_gunicorn(port: int) -> None:
    """Replace this process by gunicorn; does not return."""
    os.chdir(ROOT)
    os.execv(sys.executable, _command(port))


@contextmanager
def temporary_server() -> Iterator[str]:
    """A server over this process's data folder for as long as the context lasts; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with running(port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def running(port: int, **settings: str) -> Iterator[subprocess.Popen]:
    """gunicorn over this process's data folder, ready to answer, for as long as the context lasts.

    `settings` come on top of the environment. Ended, it first answers what it has begun to.
    """
    quiet = {"LOG_LEVEL": "warning", **os.environ}  # the terminal belongs to the command
    environment = {**quiet, "QUIZ_DATA": str(current_app.config["QUIZ_DATA"]), **settings}
    # A session of its own: Ctrl-C is for the command, which ends the server in order.
    with subprocess.Popen(_command(port), cwd=ROOT, env=environment, start_new_session=True) as process:
        try:
            _wait_until_it_answers(port, process)
            yield process
        finally:
            process.terminate()


def _command(port: int) -> list[str]:
    address = f"127.0.0.1:{port}"
    return [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "--bind", address, "wsgi:app"]


def _wait_until_it_answers(port: int, process: subprocess.Popen) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise ServingError("The server did not start; 'flask serve' shows why.")
