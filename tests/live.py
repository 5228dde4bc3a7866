"""A real server (gunicorn, as `flask serve` starts it) for the tests that need one."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 30


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """Serves a data folder on 127.0.0.1; can be killed and started again on the same port."""

    def __init__(self, data: Path):
        self.data, self.port = data, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen | None = None

    def __enter__(self) -> "Server":
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def start(self) -> None:
        environment = {**os.environ, "QUIZ_DATA": str(self.data)}
        command = [sys.executable, "-m", "flask", "serve", "--port", str(self.port)]
        # A process group of its own, so that a kill reaches the workers too.
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
        end = time.monotonic() + START_SECONDS
        while not self._answers():
            assert time.monotonic() < end, "the server did not start"
            assert self.process.poll() is None, "the server ended at once"
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        os.killpg(self.process.pid, how)
        self.process.wait(timeout=START_SECONDS)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.url, timeout=1):
                return True
        except (urllib.error.URLError, OSError):
            return False
