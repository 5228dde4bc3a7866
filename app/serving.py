"""Serving with gunicorn, as a production server would, from a command."""

import os
import socket
import sys

from . import ROOT


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
    os.execv(
        sys.executable,
        [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "--bind", f"127.0.0.1:{port}", "wsgi:app"],
    )
