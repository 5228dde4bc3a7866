"""A data set is fetched after its licence was shown: in pieces, over a broken line, and checked."""

import hashlib
import json
import random
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from generator.prepare import PrepareError
from generator.prepare.download import ATTEMPTS, DATA_SETS, download, read_record

FILES = {name: random.Random(name).randbytes(size) for name, size in (("training.zip", 300_000), ("validation.zip", 7))}


class Zenodo(ThreadingHTTPServer):
    """As much of Zenodo as is needed. Each connection breaks after `patience` bytes of a file, if that is set."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.patience = None
        self.ranges = True
        self.files = dict(FILES)
        self.asked = []  # (file, Range header or None)
        self.failures = []  # statuses to answer with first

    def record(self):
        files = [
            {
                "id": f"00000000-{i}",
                "key": name,
                "size": len(content),
                "checksum": f"md5:{hashlib.md5(content).hexdigest()}",
                "links": {"self": f"https://zenodo.example/api/records/7812323/files/{name}/content"},
            }
            for i, (name, content) in enumerate(FILES.items())
        ]
        return {"id": 7812323, "metadata": {"title": "A challenge", "license": {"id": "cc-by-4.0"}}, "files": files}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/api/records/7812323":
            return self.answer(200, json.dumps(self.server.record()).encode())
        name = self.path.split("/")[-2]
        assert self.path == f"/api/records/7812323/files/{name}/content", self.path
        asked = self.headers["Range"]
        self.server.asked.append((name, asked))
        if self.server.failures:
            return self.answer(self.server.failures.pop(0), b"")
        content = self.server.files[name]
        if not (asked and self.server.ranges):
            return self.answer(200, content, self.server.patience)
        start = int(asked.removeprefix("bytes=").removesuffix("-"))
        span = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        return self.answer(206, content[start:], self.server.patience, span)

    def answer(self, status, body, patience=None, headers=()):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[:patience])
        self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def zenodo():
    with Zenodo() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def record(zenodo):
    return read_record(DATA_SETS["dentex"], zenodo.url)


def fetched(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_licence_is_shown_first_and_nothing_is_fetched_unless_it_is_accepted(flask, app, data, zenodo, monkeypatch):
    monkeypatch.setenv("ZENODO_URL", zenodo.url)
    declined = app.test_cli_runner().invoke(args=["download-data", "dentex"], input="n\n")
    assert declined.exit_code != 0
    assert "CC BY-NC-SA 4.0" in declined.output
    assert "cc-by-4.0" in declined.output
    assert zenodo.asked == []
    assert not (data / "downloads").exists()
    accepted = app.test_cli_runner().invoke(args=["download-data", "dentex"], input="y\n")
    assert accepted.exit_code == 0, accepted.output
    assert fetched(data / "downloads" / "dentex") == FILES


def test_the_licence_may_be_accepted_on_the_command_line(flask, data, zenodo):
    done = flask("download-data", "dentex", "--accept-licence", "--base-url", zenodo.url + "/")
    assert done.exit_code == 0, done.output
    assert done.output.index("CC BY-NC-SA 4.0") < done.output.index("MD5 as stated")
    assert "--recipe dentex" in done.output
    assert fetched(data / "downloads" / "dentex") == FILES


def test_a_line_that_breaks_again_and_again_is_gone_on_with(zenodo, record, tmp_path):
    zenodo.patience = 70_000
    counted = []
    download(record, tmp_path, counted.append, pause=0)
    assert fetched(tmp_path) == FILES
    starts = [asked for name, asked in zenodo.asked if name == "training.zip"]
    assert starts[0] is None
    assert len(starts) == 5
    assert all(asked.startswith("bytes=") for asked in starts[1:])
    assert sum(counted) == sum(map(len, FILES.values()))


def test_started_again_only_what_is_missing_is_asked_for(zenodo, record, tmp_path):
    (tmp_path / "training.zip.part").write_bytes(FILES["training.zip"][:123_456])
    (tmp_path / "validation.zip").write_bytes(FILES["validation.zip"])
    counted = []
    download(record, tmp_path, counted.append)
    assert fetched(tmp_path) == FILES
    assert zenodo.asked == [("training.zip", "bytes=123456-")]
    assert counted[0] == 123_456 + len(FILES["validation.zip"])  # which no time is left for
    assert sum(counted) == sum(map(len, FILES.values()))


def test_a_server_without_ranges_sends_the_file_again(zenodo, record, tmp_path):
    zenodo.ranges = False
    (tmp_path / "training.zip.part").write_bytes(b"?" * 1000)
    counted = []
    download(record, tmp_path, counted.append)
    assert fetched(tmp_path) == FILES
    assert sum(counted) == sum(map(len, FILES.values()))


def test_a_busy_server_is_asked_again(zenodo, record, tmp_path):
    zenodo.failures = [503, 429]
    download(record, tmp_path, pause=0)
    assert fetched(tmp_path) == FILES


@pytest.mark.parametrize("there", [b"", FILES["training.zip"][:-1] + b"?"], ids=["nothing", "a damaged file"])
def test_a_damaged_file_is_told_and_never_gets_the_name(zenodo, record, tmp_path, there):
    if there:
        (tmp_path / "training.zip").write_bytes(there)
    zenodo.files["training.zip"] = bytes(len(FILES["training.zip"]))
    with pytest.raises(PrepareError, match="arrived damaged"):
        download(record, tmp_path)
    assert fetched(tmp_path) == {}
    zenodo.files = dict(FILES)
    download(record, tmp_path)
    assert fetched(tmp_path) == FILES


def test_a_network_that_stays_away_is_told_and_what_came_is_kept(zenodo, record, tmp_path):
    (tmp_path / "training.zip.part").write_bytes(FILES["training.zip"][:1000])
    zenodo.failures = [500] * ATTEMPTS
    with pytest.raises(PrepareError, match=r"answers 500.*goes on where it was"):
        download(record, tmp_path, pause=0)
    assert fetched(tmp_path) == {"training.zip.part": FILES["training.zip"][:1000]}


def test_a_file_that_is_gone_is_not_asked_for_again(zenodo, record, tmp_path):
    zenodo.failures = [404] * ATTEMPTS
    with pytest.raises(PrepareError, match="answers 404"):
        download(record, tmp_path)
    assert len(zenodo.asked) == 1


def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(zenodo, record, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 1000}))
    with pytest.raises(PrepareError, match="GB are needed"):
        download(record, tmp_path)
    assert zenodo.asked == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["dentex", "--base-url", "http://127.0.0.1:9"], "check the network"),
        (["dentex", "--base-url", "nonsense"], "cannot be fetched"),
        (["tufts"], "docs/data.md"),
    ],
)
def test_what_cannot_be_fetched_is_told_in_one_line(flask, arguments, sentence):
    done = flask("download-data", *arguments, "--accept-licence")
    assert done.exit_code != 0
    assert any(line.startswith("Error: ") and sentence in line for line in done.output.splitlines())
    assert "Traceback" not in done.output


@pytest.mark.parametrize("change", [{"files": None}, {"files": [{"key": "../up", "size": 1, "checksum": "0" * 32}]}])
def test_an_odd_record_is_refused(zenodo, monkeypatch, change):
    odd = zenodo.record() | change
    monkeypatch.setattr(Zenodo, "record", lambda self: odd)
    with pytest.raises(PrepareError, match="no Zenodo record"):
        read_record(DATA_SETS["dentex"], zenodo.url)
