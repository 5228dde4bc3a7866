"""Servers to compare, each in a process group of its own, and what such a group takes of the machine (Linux)."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from live import ROOT, START_SECONDS, free_port

TICKS = os.sysconf("SC_CLK_TCK")
NGINX = """
{user} worker_processes 2; daemon off; pid {folder}/nginx.pid; error_log /dev/null;
events {{ worker_connections 1024; }}
http {{
    sendfile on; tcp_nopush on; access_log off; keepalive_requests 1000000;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


class Running:
    """A server in a process group of its own, so that a kill reaches its workers too; its log goes to a file."""

    def __init__(self, command: Sequence[str], port: int, log: Path, environment: Mapping[str, str] | None = None):
        self.command, self.port, self.log = command, port, log
        self.environment = {**os.environ, **(environment or {})}

    def __enter__(self) -> "Running":
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.kill()

    def start(self) -> None:
        """Returns once it takes connections."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        end = time.monotonic() + START_SECONDS
        while not self._takes_connections():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{self.command[0]} did not start: see {self.log}")
            time.sleep(0.02)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        # Until all are gone the port still takes connections.
        while members(self.process.pid):
            time.sleep(0.005)

    def kill_worker(self) -> None:
        """Its parent starts another one."""
        workers = [pid for pid in members(self.process.pid) if pid != self.process.pid]
        with suppress(ProcessLookupError):
            os.kill(random.choice(workers), signal.SIGKILL)

    def _takes_connections(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False


def quiz(data: Path, log: Path, environment: Mapping[str, str] | None = None) -> Running:
    """The quiz as `flask serve` serves it."""
    port = free_port()
    command = [sys.executable, "-m", "flask", "serve", "--port", str(port)]
    return Running(command, port, log, {"QUIZ_DATA": str(data), **(environment or {})})


def original(log: Path) -> Running:
    port = free_port()
    return Running([sys.executable, "benchmarks/original.py", str(port)], port, log)


def python_files(root: Path, log: Path) -> Running:
    """Python's own file server."""
    port = free_port()
    options = ["--bind", "127.0.0.1", "--directory", str(root), "--protocol", "HTTP/1.1", str(port)]
    return Running([sys.executable, "-m", "http.server", *options], port, log)


def nginx_files(root: Path, folder: Path) -> Running:
    """nginx with two workers and sendfile."""
    port = free_port()
    settings = folder / "nginx.conf"
    # Started by root, its workers would be somebody who may not read the files.
    user = "user root;" if os.geteuid() == 0 else ""
    settings.write_text(NGINX.format(user=user, folder=folder, port=port, root=root))
    return Running(["nginx", "-c", str(settings), "-p", str(folder)], port, folder / "nginx.log")


class Watch(threading.Thread):
    """Samples a process group: `memory` is its largest proportional set size in bytes, once it has ended."""

    def __init__(self, group: int):
        super().__init__(daemon=True)
        self._group, self._over = group, threading.Event()
        self.memory = 0

    def __enter__(self) -> "Watch":
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.is_set():
            self.memory = max(self.memory, sum(_proportional_bytes(pid) for pid in members(self._group)))
            self._over.wait(2)


def members(group: int) -> list[int]:
    """The group's processes."""
    return [int(path.name) for path in Path("/proc").glob("[0-9]*") if _stat(path)[2:3] == [str(group)]]


def cpu_seconds(group: int) -> float:
    return sum(sum(map(int, _stat(Path(f"/proc/{pid}"))[11:13])) for pid in members(group)) / TICKS


def _stat(process: Path) -> list[str]:
    """The fields of a process's `stat` from its state on; none if it has ended."""
    with suppress(OSError):
        return (process / "stat").read_text().rpartition(")")[2].split()
    return []


def _proportional_bytes(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return 1024 * int(line.split()[1])
    return 0
