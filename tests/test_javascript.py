"""The unit tests of the trial page's modules, in Node's own test runner."""

import shutil
import subprocess
from pathlib import Path

import playwright
from live import ROOT


def test_the_trial_page_s_modules_keep_their_promises():
    node = shutil.which("node") or Path(playwright.__file__).parent / "driver" / "node"
    files = sorted(str(path) for path in (ROOT / "tests" / "js").glob("*.test.mjs"))
    done = subprocess.run([node, "--test", *files], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
