"""One computation on another core, while this process goes on."""

import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def aside(compute: Callable[[], bytes], *, worth_it: bool) -> Iterator[Callable[[], bytes]]:
    """Yield a function that gives `compute()`, worked out by a copy of this process meanwhile.

    The copy sees everything in memory as it is, so nothing has to be sent to it. Where it is not `worth_it`, on systems
    that cannot copy a process, and beside other threads, which a copy would not have, the function computes when it is
    called. Raises RuntimeError if the copy failed; leaving the block early ends it.
    """
    if not worth_it or sys.platform != "linux" or threading.active_count() > 1:
        yield compute
        return
    with tempfile.TemporaryFile() as file:
        child = os.fork()
        if child == 0:
            _run(compute, file)
        waiting = [child]

        def result() -> bytes:
            _, status = os.waitpid(waiting.pop(), 0)
            if status:
                raise RuntimeError("the process that was writing a file failed: see the lines above")
            file.seek(0)
            return file.read()

        try:
            yield result
        finally:
            for left in waiting:
                os.kill(left, 9)
                os.waitpid(left, 0)


def _run(compute: Callable[[], bytes], file) -> None:
    """In the copy: write the result and end at once, without what a process does when it ends normally."""
    status = 1
    try:
        file.write(compute())
        file.flush()
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)
