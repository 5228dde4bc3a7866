"""Many observers at once against the real server, on SQLite and on Google's Firestore emulator, beside the original's
way and plain file serving.

    make benchmark-load

Prints Markdown tables. Needs an idle machine, Linux, and for the Firestore rows Google's emulator.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from emulator import missing
from live import ROOT
from processes import Running, Watch, nginx_files, original, python_files, quiz
from stores import emulated, records_of

from app.creation import create_study
from app.records import Study
from app.study import Protocol

COMPARED_SECONDS = 15
FILE_CLIENTS = 16
LOAD = "| {:<34} | {:>7} | {:>9} | {:>17} | {:>17} | {:>6} | {:>9} | {:>10} | {:>10} | {:>10} |"
FILES = "| {:<34} | {:>9} | {:>8} | {:>17} | {:>10} | {:>10} | {:>10} |"
ROWS = {
    "with think times": {"pace": 1, "images": True},
    "without think time": {"pace": 0, "images": True, "seconds": None},
    "answers alone": {"pace": 0, "images": False, "seconds": COMPARED_SECONDS},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--observers", type=int, default=200)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--think-seconds", type=float, default=75, help="how long the observers with think times play")
    parser.add_argument("--only", choices=["sqlite", "firestore", "files"], help="a part of it all")
    parser.add_argument("--row", choices=list(ROWS), help="one row of each store")
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, {options.observers} observers, {options.images} images\n")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), options.observers, options.images)
        rows = {name: {"seconds": options.think_seconds, **plan} for name, plan in ROWS.items()}
        if options.row:
            rows = {options.row: rows[options.row]}
        head(
            "store and load",
            LOAD,
            "answers",
            "answers/s",
            "answer, ms",
            "image, ms",
            "errors",
            "memory",
            "server",
            "each",
            "driver",
        )
        if options.only in (None, "sqlite"):
            bench.loads("SQLite", rows)
        if options.only in (None, "firestore"):
            bench.on_emulator(rows)
        if options.only in (None, "files"):
            bench.files()


class Bench:
    """A data folder with one study, and the tables that are made of it."""

    def __init__(self, folder: Path, observers: int, images: int):
        self.folder, self.observers = folder, observers
        self.data = folder / "quiz_data"
        records = records_of(self.data)
        protocol = Protocol(name="load", images=images)
        self.study = study = create_study(records, self.data, protocol, "demo-real", "demo-synthetic", 0, lambda: None)
        self.truths = {name: image["truth"] for name, image in {**study.images, **study.practice}.items()}
        self.study_images = self.data / "studies" / study.folder

    def links(self, load: str) -> list[str]:
        """Observers of their own for one load."""
        records = records_of(self.data)
        study: Study = records.study("load")
        sessions = [records.invite(study, f"{load} {i}", 0)[0] for i in range(self.observers)]
        return [f"/quiz/{records.token(session)}" for session in sessions]

    def loads(self, store: str, rows: Mapping[str, dict]) -> None:
        for name, plan in rows.items():
            self.load(f"{store}, {name}", **plan)

    def load(self, title: str, **plan) -> None:
        plan |= {"mode": "play", "links": self.links(title), "truths": self.truths}
        with quiz(self.data, self.folder / "server.log") as server:
            row(title, *measured(plan, server))

    def on_emulator(self, rows: Mapping[str, dict]) -> None:
        if why := missing():
            print(f"No rows for Firestore: {why}.")
            return
        with emulated(self.folder / "emulator"):
            # Without the answers of other loads: the emulator scans whatever it holds.
            records_of(self.data).add_study(self.study)
            self.loads("Firestore", rows)
            self.original()

    def original(self) -> None:
        body = json.dumps({"observer": "Ada", "image": "0" * 32, "rating": 4, "seconds": 8.1})
        plan = {"mode": "repeat", "requests": [("POST", "/submit", body)], "clients": self.observers}
        with original(self.folder / "original.log") as server:
            row("the original's way, answers alone", *measured(plan | {"seconds": COMPARED_SECONDS}, server))

    def files(self) -> None:
        """The same images, fetched as fast as can be: from the quiz, and as plain files."""
        print()
        head("images", FILES, "images/s", "MB/s", "image, ms", "server", "each", "driver")
        names = sorted(path.name for path in self.study_images.iterdir())
        with quiz(self.data, self.folder / "server.log") as server:
            self.fetch("the quiz", server, f"/images/{self.study_images.name}/", names)
        with python_files(self.study_images, self.folder / "python.log") as server:
            self.fetch("python -m http.server", server, "/", names)
        try:
            with nginx_files(self.study_images, self.folder) as server:
                self.fetch("nginx, two workers, sendfile", server, "/", names)
        except FileNotFoundError:
            print("No row for nginx: it is not installed.")

    def fetch(self, title: str, server: Running, folder: str, names: list[str]) -> None:
        plan = {"mode": "repeat", "requests": [("GET", folder + name, "") for name in names], "clients": FILE_CLIENTS}
        found, _ = run(plan | {"seconds": COMPARED_SECONDS}, server)
        assert not found["failures"], found["failures"]
        times = found["seconds"]["request"]
        rates = (f"{amount / found['elapsed']:.0f}" for amount in (len(times), found["received"] / 1e6))
        print(FILES.format(title, *rates, percentiles(times), *shares(found, len(times))), flush=True)


def run(plan: dict, server: Running) -> tuple[dict, int]:
    """What the driver measured in a process of its own, and the memory that the server took."""
    command = [sys.executable, str(ROOT / "benchmarks" / "driver.py")]
    with Watch(server.process.pid) as watch:
        plan = json.dumps(plan | {"port": server.port, "server": server.process.pid})
        done = subprocess.run(command, input=plan, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout), watch.memory


def measured(plan: dict, server: Running) -> list[str]:
    """One row's cells."""
    found, memory = run(plan, server)
    answers = found["seconds"].get("answer") or found["seconds"]["request"]
    images = found["seconds"].get("image", [])
    errors = ", ".join(f"{count} {why}" for why, count in found["failures"].items()) or "0"
    rate = f"{len(answers) / found['elapsed']:.0f}"
    return [
        len(answers),
        rate,
        percentiles(answers),
        percentiles(images),
        errors,
        f"{memory / 1e6:.0f} MB",
        *shares(found, len(answers)),
    ]


def shares(found: dict, count: int) -> list[str]:
    """The server's share of the machine, its processor time for each answer or image, and the driver's share."""
    cores = [f"{found[name] / found['elapsed']:.2f} cores" for name in ("server_cpu", "driver_cpu")]
    return [cores[0], f"{1000 * found['server_cpu'] / count:.2f} ms", cores[1]]


def percentiles(seconds: list[float]) -> str:
    """Median, 95 % and 99 % in ms."""
    if len(seconds) < 2:
        return ""
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return " / ".join(f"{1000 * cuts[share - 1]:.0f}" for share in (50, 95, 99))


def head(first: str, form: str, *names: str) -> None:
    print(form.format(first, *names))
    print("|---|" + "---:|" * len(names))


def row(*cells: object) -> None:
    print(LOAD.format(*cells), flush=True)


if __name__ == "__main__":
    main()
