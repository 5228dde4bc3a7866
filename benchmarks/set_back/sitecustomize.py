"""Python reads this when it starts with this folder on PYTHONPATH: the clock that the quiz reads is then off by the
seconds that stand in the file CLOCK_SHIFT_FILE, whenever they change.

`time.time` is left alone: gRPC reckons deadlines with it that it holds against the machine's own clock.
"""

import os
import time
from pathlib import Path

_file, _time_ns = Path(os.environ["CLOCK_SHIFT_FILE"]), time.time_ns
time.time_ns = lambda: _time_ns() + 10**9 * int(_file.read_text() or 0)
