"""Finding and starting the Chromium that the machine has."""

import shutil
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MACOS = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
# The sandbox does not work for root in a container; the rest keeps the browser from looking for its maker's servers.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def executable() -> str:
    found = [path for path in map(shutil.which, NAMES) if path] + [MACOS]
    assert Path(found[0]).exists(), "no Chromium: run 'make test', which installs it or says how"
    return found[0]


def launch(playwright):
    return playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS)
