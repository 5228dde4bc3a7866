"""A computation on another core: the same result, or the error."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.analysis.aside import aside

# In a process of its own: the tests' processes have threads, which a copy would lack.
SCRIPT = """
import os
from app.analysis.aside import aside

def who():
    return str(os.getpid()).encode()

with aside(who, worth_it=True) as result:
    assert result() != who()
with aside(lambda: 1 / 0, worth_it=True) as result:
    try:
        result()
    except RuntimeError as error:
        print(error)
try:
    with aside(lambda: b"x" * 10**7, worth_it=True):
        raise KeyError("left early")
except KeyError:
    pass
try:
    os.waitpid(-1, 0)
except ChildProcessError:
    print("nothing left")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="copies of a process are made on Linux only")
def test_a_copy_computes_fails_loudly_and_is_never_left_behind():
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.splitlines() == [
        "the process that was writing a file failed: see the lines above",
        "nothing left",
    ]
    assert "ZeroDivisionError" in done.stderr


def test_where_it_is_not_worth_it_the_function_computes_when_it_is_called():
    calls = []
    with aside(lambda: calls.append(1) or b"x", worth_it=False) as result:
        assert calls == []
        assert result() == b"x"
