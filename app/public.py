"""Serving this machine's quiz to everybody: gunicorn behind a tunnel that is opened anew when it falls."""

import subprocess
from collections.abc import Callable
from contextlib import closing, suppress

from .interruption import ending_in_order
from .orphans import no_orphans
from .serving import ServingError, require_free_port, running
from .tunnel import Tunnel, TunnelError

WATCH_SECONDS = 2
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1, 60  # between tries to open the tunnel anew; doubled each time


def serve_publicly(port: int, announce: Callable[[str], object], tell: Callable[[str], object]) -> None:
    """Serve until Ctrl-C or SIGTERM; then what has begun is answered and the tunnel closed.

    `announce` gets the public address as soon as it works, and again whenever there is another one; `tell` gets what
    happens to the tunnel meanwhile. Raises ServingError or TunnelError.
    """
    require_free_port(port)
    with suppress(KeyboardInterrupt), ending_in_order(), no_orphans(), closing(Tunnel(port)) as tunnel:
        address = tunnel.open()
        while True:
            # The proxy that is trusted is the tunnel's agent: nobody else reaches 127.0.0.1.
            with running(port, PUBLIC_URL=address, TRUSTED_PROXIES="1") as server:
                announce(address)
                address = _hold(tunnel, address, server, tell)


def _hold(tunnel: Tunnel, address: str, server: subprocess.Popen, tell: Callable) -> str:
    """Keep the tunnel open; returns when it has another address, which the server has to learn."""
    while True:
        _wait(server, WATCH_SECONDS)
        if tunnel.stands():
            continue
        tell("The tunnel fell. Opening it anew ...")
        if (new := _reopen(tunnel, server, tell)) != address:
            return new
        tell("The tunnel is open again, at the same address.")


def _reopen(tunnel: Tunnel, server: subprocess.Popen, tell: Callable) -> str:
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            return tunnel.open()
        except TunnelError as error:
            tell(f"{error} Trying again in {pause} s.")
        _wait(server, pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def _wait(server: subprocess.Popen, seconds: float) -> None:
    try:
        server.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return
    raise ServingError("The server ended by itself: its last lines above say why.")
