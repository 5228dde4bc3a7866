"""The Dockerfile, as far as it can be checked without an engine that builds it."""

import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from live import ROOT, START_SECONDS, free_port

TEXT = (ROOT / "Dockerfile").read_text()
LINES = [line.split(maxsplit=1) for line in TEXT.replace("\\\n", " ").splitlines() if line and line[0] != "#"]
BIN = Path(sys.executable).parent


def given(instruction: str) -> list[str]:
    return [rest for name, rest in LINES if name == instruction]


def copied() -> list[tuple[str, str]]:
    """(source in the checkout, place in the image) of every COPY from the checkout."""
    pairs = []
    for rest in given("COPY"):
        *sources, place = rest.split()
        if not rest.startswith("--from"):
            pairs += [(source, place) for source in sources]
    return pairs


def ignored(path: str) -> bool:
    """By .dockerignore: the last rule that fits the path or a folder above it decides."""
    result = False
    for rule in (ROOT / ".dockerignore").read_text().split("\n"):
        if not rule or rule.startswith("#"):
            continue
        pattern, keep = rule.removeprefix("!"), rule.startswith("!")
        parts = path.split("/")
        above = ["/".join(parts[: i + 1]) for i in range(len(parts))]
        names = [pattern, pattern.removeprefix("**/")]
        if any(fnmatch.fnmatchcase(each, name) for each in above for name in names) or (
            pattern.startswith("**/") and any(fnmatch.fnmatchcase(part, names[1]) for part in parts)
        ):
            result = not keep
    return result


def test_the_base_is_pinned_and_slim_and_compilers_stay_behind():
    bases = given("FROM")
    assert len(bases) == 2
    assert all(re.match(r"python:3\.\d+\.\d+-slim-\w+( |$)", base) for base in bases)
    assert not re.search(r"\b(apt-get|apk|curl|wget|git)\b", TEXT)
    assert re.findall(r"-r (\S+)", TEXT) == ["/requirements/web.txt"]


def test_it_runs_as_nobody_special_and_listens_where_it_is_told():
    users = [i for i, (name, _) in enumerate(LINES) if name == "USER"]
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", LINES[users[-1]][1])
    assert [name for name, _ in LINES[users[-1] :] if name in ("RUN", "COPY", "ADD")] == []
    assert given("ADD") == []
    assert "PORT=8080" in given("ENV")[0]
    assert len(given("HEALTHCHECK")) == len(given("CMD")) == 1


def test_nothing_is_copied_but_the_web_application(tmp_path):
    assert {source.split("/")[0] for source, _ in copied()} == {
        "app",
        "static",
        "templates",
        "wsgi.py",
        "gunicorn.conf.py",
        "quiz_data",
        "requirements",
    }
    assert [source for source, _ in copied() if source.startswith("quiz_data")] == ["quiz_data/pools/warm-up"]
    for source, _ in copied():
        assert (ROOT / source).exists()
        assert not ignored(source)


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".git/config",
        ".venv/bin/python",
        "key.json",
        "service-account.json",
        "quiz_data/secrets.json",
        "quiz_data/quiz.sqlite3",
        "quiz_data/studies/0123456789abcdef/a.webp",
        "quiz_data/pools/hospital/a.png",
        "quiz_data/pools/demo-real/pool.json",
        "generator/diffusion/train.py",
        "tests/conftest.py",
        "app/__pycache__/web.cpython-311.pyc",
    ],
)
def test_secrets_studies_and_everything_else_stay_out(path):
    assert ignored(path)


def test_what_is_copied_starts_as_the_last_lines_say_and_is_found_healthy(tmp_path):
    for source, place in copied():
        target = tmp_path / "quiz" / place / (Path(source).name if place.endswith("/") else "")
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
        copy(ROOT / source, target)
    environment = {"PATH": f"{BIN}:/usr/bin:/bin", "PORT": str(free_port()), "QUIZ_DATA": str(tmp_path / "data")}
    environment |= {"PYTHONDONTWRITEBYTECODE": "1", "LOG_LEVEL": "warning"}
    check = json.loads(given("HEALTHCHECK")[0].partition("CMD ")[2])
    with subprocess.Popen(json.loads(given("CMD")[0]), cwd=tmp_path / "quiz", env=environment) as server:
        try:
            end = time.monotonic() + START_SECONDS
            while subprocess.run(check, env=environment, stderr=subprocess.DEVNULL).returncode != 0:
                assert server.poll() is None
                assert time.monotonic() < end
            # On every address, because the platform's proxy comes from outside the container.
            hexadecimal = f"00000000:{int(environment['PORT']):04X}"
            assert not os.path.exists("/proc/net/tcp") or hexadecimal in Path("/proc/net/tcp").read_text()
            ready = requests.get(f"http://127.0.0.1:{environment['PORT']}/health/ready")
            assert ready.json() == {"ready": True}
        finally:
            server.terminate()
    assert server.returncode == 0
    command = [f"{BIN}/flask", "export", "none", "--out", tmp_path / "out"]
    done = subprocess.run(command, cwd=tmp_path / "quiz", env=environment, capture_output=True, text=True)
    assert done.stderr.startswith("Error: There is no study"), done.stderr  # and needs no generator to say so
