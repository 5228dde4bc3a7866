"""Ends asked for by signal that leave nothing half done."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Let SIGTERM and a closed terminal end the block as Ctrl-C does, by KeyboardInterrupt, and no second one disturb
    the clearing up. Does nothing outside the main thread, which alone can be signalled."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {each: signal.getsignal(each) for each in ENDS}
    heard = [each for each in ENDS if before[each] is not signal.SIG_IGN]  # nohup stays in force

    def end(_signal, _frame):
        for each in heard:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    for each in heard:
        signal.signal(each, end)
    try:
        yield
    finally:
        for each in heard:
            signal.signal(each, before[each])
