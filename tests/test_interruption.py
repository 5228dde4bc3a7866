"""Commands that are ended by a signal leave nothing half done."""

import os
import signal
import subprocess
import sys
import time

import pytest
from live import ROOT

SECONDS = 40


def _hear():
    """A shell that starts something in the background lets it ignore Ctrl-C, nohup the end of the terminal."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_study_whose_making_is_ended_leaves_no_folder(data, ending):
    command = [sys.executable, "-m", "flask", "create-study", "ended", "--real", "demo-real"]
    command += ["--synthetic", "demo-synthetic", "--images", "200"]
    before = {path.name for path in (data / "studies").iterdir()}
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "QUIZ_DATA": str(data)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=_hear,
    ) as process:
        end = time.monotonic() + SECONDS
        while not list((data / "studies").glob(".*/*.webp")):
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.01)
        process.send_signal(ending)
        assert process.wait(timeout=SECONDS) == 1
    assert {path.name for path in (data / "studies").iterdir()} == before
