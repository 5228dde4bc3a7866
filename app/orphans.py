"""No processes left behind by a command that is killed outright (kill -9, out of memory): a watcher ends them.

Run as a script, this file is the watcher. It needs nothing but Python, and knows the command's processes by a variable
of their environment, so that none is missed however early or late it was started. On Linux alone: it reads /proc.
"""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MARK = "PANODIFF_COMMAND"
PROCESSES = Path("/proc")
ORDERLY_SECONDS = 25  # to end in order, which takes gunicorn 20 at most; then they are killed


@contextmanager
def no_orphans() -> Iterator[None]:
    """See to it that what this process starts within the block ends, even if this process is killed meanwhile."""
    if sys.platform != "linux":
        yield
        return
    token = secrets.token_hex(16)
    # The pipe's other end is this process's alone: when it is gone, however it went, the watcher reads its end.
    watcher = subprocess.Popen([sys.executable, __file__, token], stdin=subprocess.PIPE, start_new_session=True)
    os.environ[MARK] = token
    try:
        yield
    finally:
        del os.environ[MARK]
        with suppress(BrokenPipeError):
            watcher.communicate(b"ended in order")


def marked(token: str) -> list[int]:
    """The processes of this user that were started under `token`."""
    entry = f"{MARK}={token}".encode()
    found = []
    for folder in PROCESSES.iterdir():
        with suppress(OSError):
            if folder.name.isdecimal() and entry in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def _end(token: str) -> None:
    stop = time.monotonic() + ORDERLY_SECONDS
    asked: set[int] = set()
    while left := marked(token):
        late = time.monotonic() > stop
        for process in left if late else set(left) - asked:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL if late else signal.SIGTERM)
        asked |= set(left)
        time.sleep(0.1)


if __name__ == "__main__" and not sys.stdin.buffer.read():
    _end(sys.argv[1])
