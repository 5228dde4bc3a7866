"""A public address for a port of this machine: an ngrok tunnel, by way of pyngrok."""

import json
import logging
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pyngrok import ngrok, process
from pyngrok.conf import PyngrokConfig
from pyngrok.exception import PyngrokError, PyngrokNgrokError, PyngrokNgrokHTTPError, PyngrokNgrokInstallError

from .serving import ServingError

START_SECONDS = 30  # for the agent, which has 15 by pyngrok's rules, and for its reply
TOKEN_PAGE = "https://dashboard.ngrok.com/get-started/your-authtoken"
REFUSED_TOKENS = ("ERR_NGROK_105", "ERR_NGROK_106", "ERR_NGROK_107", "ERR_NGROK_4018")
NO_NETWORK = ("no such host", "dial tcp", "i/o timeout", "connection refused", "network is unreachable", "lookup ")


class TunnelError(ServingError):
    """The tunnel can't be opened: one sentence that says what to do."""


class Tunnel:
    """The way from a public address to a port of this machine. For the main thread, which may be signalled."""

    def __init__(self, port: int):
        """Raises TunnelError if there is no token in the environment."""
        if not os.environ.get("NGROK_AUTHTOKEN"):
            raise TunnelError(f"--public needs a token of ngrok: set NGROK_AUTHTOKEN to the one at {TOKEN_PAGE}.")
        path = os.environ.get("PYNGROK_NGROK_PATH") or shutil.which("ngrok")
        # A session of its own: Ctrl-C must not end the tunnel before what came through it is answered.
        self._config = PyngrokConfig(ngrok_path=path, start_new_session=True)
        # The agent finds the token in its environment; on its command line everybody here could read it.
        self._config.auth_token = None
        self._port, self._address = port, None
        # pyngrok repeats what the agent says; what matters of that is told in a sentence.
        logging.getLogger("pyngrok").addHandler(logging.NullHandler())

    def open(self) -> str:
        """Open the tunnel, anew if it was open before; gives its public address. Raises TunnelError."""
        self.close()
        try:
            ngrok.install_ngrok(self._config)
            with _at_most(START_SECONDS):
                # Named, because a name made of the address could not stand in the agent's own addresses.
                opened = ngrok.connect(
                    f"http://127.0.0.1:{self._port}", name=f"quiz-{self._port}", pyngrok_config=self._config
                )
        except (PyngrokError, OSError) as error:
            self.close()
            raise TunnelError(_sentence(error)) from error
        except TunnelError:
            self.close()
            raise
        self._address = opened.public_url.rstrip("/")
        return self._address

    def stands(self) -> bool:
        """Whether the agent runs and holds the tunnel."""
        if not process.is_process_running(self._config.ngrok_path):
            return False
        try:
            return self._address in [each.public_url.rstrip("/") for each in ngrok.get_tunnels(self._config)]
        except (PyngrokError, OSError):
            return False

    def close(self) -> None:
        if self._address is not None:
            with suppress(PyngrokError, OSError):
                ngrok.disconnect(self._address, self._config)
            self._address = None
        ngrok.kill(self._config)


@contextmanager
def _at_most(seconds: int) -> Iterator[None]:
    """End what blocks: pyngrok waits for the agent's next word for as long as the agent is silent."""

    def ring(_signal, _frame):
        raise TunnelError(f"The ngrok agent said nothing for {seconds} seconds: try again, or update it.")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _sentence(error: Exception) -> str:
    if isinstance(error, PyngrokNgrokInstallError):
        return (
            "The ngrok agent is not installed here and can't be fetched: install it from https://ngrok.com/download, "
            "or connect this machine to the network, and try again."
        )
    said = _said(error)
    code = getattr(error, "ngrok_error_code", None)
    if code in REFUSED_TOKENS:
        return f"ngrok refuses the token in NGROK_AUTHTOKEN ({code}): copy it again from {TOKEN_PAGE}."
    if any(words in said for words in NO_NETWORK):
        return "ngrok can't be reached: connect this machine to the network, and try again."
    return f"The tunnel can't be opened: {said}"


def _said(error: Exception) -> str:
    """The agent's first line about it, without the token, which it likes to repeat."""
    said = str(error)
    if isinstance(error, PyngrokNgrokHTTPError):
        with suppress(ValueError, KeyError, TypeError):
            said = json.loads(error.body)["details"]["err"]
    elif isinstance(error, PyngrokNgrokError) and error.ngrok_error:
        said = error.ngrok_error
    said = said.replace(os.environ["NGROK_AUTHTOKEN"], "…")
    return next(iter(said.replace("\\n", "\n").splitlines()), type(error).__name__)
