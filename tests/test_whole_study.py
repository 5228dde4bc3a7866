"""A whole study of 200 images, over real HTTP: imported, created, played, exported, and counted again here."""

import csv
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from live import ROOT, Server
from player import Player

RADIOGRAPHS = ROOT.parent / "shared" / "radiographs"


class Reply:
    """What the player needs of a reply, from `requests`."""

    def __init__(self, reply: requests.Response):
        self.status_code, self.get_json = reply.status_code, reply.json


class HTTP:
    """The few calls of Flask's test client that the player uses, over a real connection."""

    def __init__(self, base: str):
        self.base, self.session = base, requests.Session()

    def get(self, path: str):
        return Reply(self.session.get(self.base + path, timeout=20))

    def post(self, path: str, **body):
        return Reply(self.session.post(self.base + path, allow_redirects=False, timeout=20, **body))

    def put(self, path: str, **body):
        return Reply(self.session.put(self.base + path, timeout=20, **body))

    def close(self) -> None:
        self.session.close()


@pytest.fixture
def command(tmp_path):
    """Run a `flask …` command in a process of its own, over this test's data folder."""
    environment = {**os.environ, "QUIZ_DATA": str(tmp_path / "quiz_data")}

    def run(*args) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "flask", *map(str, args)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(params=["phantoms", "radiographs"])
def real_pool(request, command, tmp_path) -> str:
    """Name of a pool of 100 real images: the shipped phantoms that stand for them, or radiographs where they are at
    hand."""
    if request.param == "phantoms":
        return "demo-real"
    files = sorted(RADIOGRAPHS.glob("dc1000/*.png")) + sorted(RADIOGRAPHS.glob("kennedy/*.png"))
    if len(files) < 100:
        pytest.skip("needs the radiographs in ../shared, which are not part of the project")
    folder = tmp_path / "radiographs"
    folder.mkdir()
    for file in files[:100]:
        shutil.copy(file, folder / f"{file.parent.name}-{file.name}")
    assert "100 real images imported" in command("import-pool", "radiographs", folder, "--truth", "real")
    return "radiographs"


def test_a_session_of_200_trials_is_exported_with_the_right_counts(command, real_pool, tmp_path):
    command("create-study", "whole", "--real", real_pool, "--synthetic", "demo-synthetic")
    link = command("invite", "whole", "--observer", "Ada", "--base-url", "").split("\t")[1].strip()
    chance = random.Random(7)
    with Server(tmp_path / "quiz_data") as server:
        http = HTTP(server.url)
        player = Player(http, link)
        player.begin()
        played = player.play(lambda trial: chance.randint(1, 5))
        http.close()
    scored = {Path(trial["image"]).stem: rating for trial, rating in played if trial["kind"] == "scored"}
    assert len(scored) == 200

    command("export", "whole", "--out", tmp_path / "out")
    protocol = json.loads((tmp_path / "out" / "protocol.json").read_text())
    truth = {image["name"]: image["truth"] for image in protocol["images"]}
    assert sorted(truth.values()) == ["real"] * 100 + ["synthetic"] * 100
    with (tmp_path / "out" / "confusion.csv").open(newline="") as file:
        row = next(csv.DictReader(file))
    counted = {
        "tp": sum(truth[image] == "synthetic" and rating in (4, 5) for image, rating in scored.items()),
        "tn": sum(truth[image] == "real" and rating in (1, 2) for image, rating in scored.items()),
        "fp": sum(truth[image] == "real" and rating in (4, 5) for image, rating in scored.items()),
        "fn": sum(truth[image] == "synthetic" and rating in (1, 2) for image, rating in scored.items()),
        "unsure": sum(rating == 3 for rating in scored.values()),
    }
    assert {name: int(row[name]) for name in counted} == counted
    right = counted["tp"] + counted["tn"]
    assert float(row["accuracy_unsure_counted_wrong"]) == pytest.approx(right / 200)
    assert float(row["sensitivity"]) == pytest.approx(counted["tp"] / (counted["tp"] + counted["fn"]))
