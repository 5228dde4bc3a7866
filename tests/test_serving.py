"""The real server: its log, its health, and stops and restarts under load."""

import contextlib
import io
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests
from live import ROOT, START_SECONDS, Server
from player import Player

from app import create_app
from app.logs import JsonLines

pytest_plugins = ["emulator"]
NAME, ADDRESS = "Ada Lovelace", "203.0.113.9"
linux = pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc to see a server's workers")


class Http(requests.Session):
    """What a `Player` takes for its client, over the network."""

    def __init__(self, base: str):
        super().__init__()
        self.base = base

    def request(self, method, path, **options):
        options |= {"timeout": START_SECONDS, "allow_redirects": False}
        reply = super().request(method, self.base + path, **options)
        reply.get_json = reply.json
        return reply


def log_lines(said: str) -> list[dict]:
    return [json.loads(line) for line in said.splitlines()]


def test_a_whole_session_leaves_no_token_name_or_address_in_the_log(data, records, invite, capfd, monkeypatch):
    """Refused, malformed and failing requests too."""
    monkeypatch.setenv("TRUSTED_PROXIES", "1")
    url = invite(NAME)
    token = url.rsplit("/", 1)[1]
    with Server(data) as server:
        client = Http(server.url)
        client.headers["X-Forwarded-For"] = ADDRESS
        player = Player(client, url)
        client.get(url)
        player.begin()
        player.rate(9)
        player.play(lambda trial: 3)
        client.get(f"{url}/nowhere")
        client.get(f"/quiz/{token}x")
        client.post("/research/sign-in", data={"password": NAME})
        client.get("/research/", headers={"Host": "exa mple"})
        for request in (f"GET {url} HTTP/9.9", f"GET {url} HTTP/1.1\r\n{NAME}: x", f"{token} / HTTP/1.1"):
            with socket.create_connection(("127.0.0.1", server.port)) as line:
                line.sendall(f"{request}\r\n\r\n".encode())
                line.recv(1000)
        session = records.sessions("small")[0]["id"]
        records.store.update("answer", f"{session}/00008", lambda old: {NAME: NAME})
        assert client.get(url).status_code == 500
        heard = []
        wait_until(lambda: heard.append(capfd.readouterr().err) or '"status": 500' in "".join(heard))
    said = "".join(heard)
    lines = log_lines(said)
    for secret in (token, token[:12], NAME, "Ada", ADDRESS, "Endodontics", session):
        assert secret not in said
    assert not [line for line in lines if "127.0.0.1" in str(line) and "Listening" not in line.get("message", "")]

    ratings = [line for line in lines if line.get("route") == "/quiz/<token>/trials/<int:index>" and "status" in line]
    assert [line["status"] for line in ratings] == [400] + [200] * 9
    assert {line["method"] for line in ratings} == {"PUT"}
    assert all(0 < line["ms"] < 60_000 and line["level"] == "info" for line in ratings)
    assert len({line["request"] for line in ratings}) == 10
    assert not [line for line in lines if "/health" in str(line.get("route"))]
    (error,) = [line for line in lines if "error" in line]
    assert (error["level"], error["route"], error["error"]) == ("error", "/quiz/<token>", "KeyError")
    assert any("app/records.py" in place for place in error["traceback"])
    (request,) = [line for line in lines if line.get("status") == 500]
    assert (request["request"], request["level"]) == (error["request"], "error")


def test_an_errors_words_stay_out_of_the_log_and_its_causes_are_told(app):
    @app.get("/break/<name>")
    def fail(name):
        try:
            int(name)
        except ValueError as error:
            raise RuntimeError(f"no number: {name}") from error

    said = io.StringIO()
    handler = logging.StreamHandler(said)
    handler.setFormatter(JsonLines())
    app.logger.addHandler(handler)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    try:
        assert app.test_client().get("/break/Lovelace").status_code == 500
    finally:
        app.logger.removeHandler(handler)
    (line,) = log_lines(said.getvalue())
    assert "Lovelace" not in said.getvalue()
    assert [place for place in line["traceback"] if place.endswith("Error")] == ["ValueError", "RuntimeError"]
    assert line["traceback"][-2].endswith(" fail")
    assert (line["error"], line["route"], line["method"]) == ("RuntimeError", "/break/<name>", "GET")


def test_a_store_that_is_away_makes_the_server_unready_and_leaves_it_alive(data):
    with Server(data) as server:
        store = data / "quiz.sqlite3"
        store.rename(data / "away")
        store.mkdir()  # cannot be opened as a file, by nobody
        reply = requests.get(f"{server.url}/health/ready")
        assert (reply.status_code, reply.json()["error"], reply.json()["ready"]) == (503, "store-away", False)
        assert "sqlite" not in reply.text
        assert requests.get(f"{server.url}/health/live").status_code == 200
        store.rmdir()
        (data / "away").rename(store)
        assert requests.get(f"{server.url}/health/ready").status_code == 200


def test_a_store_that_hangs_is_given_a_short_time_and_asked_by_one_thread(data, firestore, monkeypatch):
    monkeypatch.setattr("app.health.PROBE_SECONDS", 0.3)
    client = create_app(data).test_client()
    assert client.get("/health/ready").status_code == 200
    firestore.freeze()
    try:
        threads = []
        for _ in range(4):
            reply = client.get("/health/ready")
            assert (reply.status_code, reply.get_json()["error"]) == (503, "store-away")
            threads.append(threading.active_count())
        assert client.get("/health/live").status_code == 200
        assert max(threads) == threads[0]
    finally:
        firestore.thaw()
    end = time.monotonic() + 30
    while client.get("/health/ready").status_code != 200:
        assert time.monotonic() < end


class Load:
    """Observers who play their sessions and look at images without pause, and count what goes wrong."""

    def __init__(self, base: str, urls: list[str]):
        self.done, self.failed, self.confirmed = 0, [], dict.fromkeys(urls, 0)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._play, args=(base, url)) for url in urls]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def more(self, count: int) -> None:
        enough, end = self.done + count, time.monotonic() + START_SECONDS
        while self.done < enough and not self.failed:
            assert time.monotonic() < end, "nothing happens any more"
            time.sleep(0.01)

    def _play(self, base: str, url: str) -> None:
        client = Http(base)
        player = Player(client, url)
        try:
            image = player.begin()["current"]["image"]
            for turn in range(10**6):
                if self._stop.is_set():
                    return
                if turn % 30 == 29 and player.current:
                    assert player.rate(3).status_code == 200
                    self.confirmed[url] += 1
                elif turn % 3 == 1:
                    assert client.get(url).status_code == 200
                else:
                    assert client.get(image).status_code == 200
                self.done += 1
        except Exception as error:
            self.failed.append(repr(error))


def workers(master: int) -> set[int]:
    return {int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()}


def wait_until(condition) -> None:
    end = time.monotonic() + START_SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@linux
def test_a_reload_under_load_fails_no_request(data, invite, records):
    urls = [invite(name) for name in ("Ada", "Grace", "Emmy", "Lise")]
    with Server(data) as server, Load(server.url, urls) as load:
        for _ in range(2):
            load.more(50)
            old = workers(server.process.pid)
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda old=old: not old & workers(server.process.pid))
            load.more(50)
    assert load.failed == []
    assert records.store.count("answer") == sum(load.confirmed.values())


def gunicorn(data: Path, listener: socket.socket) -> subprocess.Popen:
    """Start the server on a socket that somebody else holds open, as systemd does."""
    hand_over = """import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
os.execv(sys.executable, [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "wsgi:app"])
"""
    return subprocess.Popen(
        [sys.executable, "-c", hand_over, str(listener.fileno())],
        cwd=ROOT,
        env={**os.environ, "QUIZ_DATA": str(data), "LOG_LEVEL": "warning"},
        pass_fds=[listener.fileno()],
    )


def test_a_new_process_on_a_socket_that_stays_open_takes_over_without_a_failed_request(data, invite, records):
    urls = [invite(name) for name in ("Ada", "Grace", "Emmy", "Lise")]
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        server = gunicorn(data, listener)
        try:
            with Load(f"http://127.0.0.1:{listener.getsockname()[1]}", urls) as load:
                for _ in range(2):
                    load.more(50)
                    server.terminate()
                    assert server.wait(timeout=START_SECONDS) == 0
                    server = gunicorn(data, listener)
                load.more(50)
        finally:
            server.terminate()
            server.wait(timeout=START_SECONDS)
    assert load.failed == []
    assert records.store.count("answer") == sum(load.confirmed.values())


def half_sent(port: int, request: bytes) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port), timeout=START_SECONDS)
    line.sendall(request[:-9])
    return line


def test_what_was_accepted_before_a_stop_is_answered_and_a_new_process_goes_on(player, data, records):
    """The rating is on its way when the stop comes: half of it has arrived, the other half comes afterwards."""
    body = json.dumps({"ticket": player.current["ticket"], "rating": 4}).encode()
    head = f"PUT {player.url}/trials/0 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    with Server(data) as server:
        with half_sent(server.port, request) as line, contextlib.suppress(OSError):
            time.sleep(0.3)  # until a thread has it
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            line.sendall(request[-9:])
            reply = b"".join(iter(lambda: line.recv(65_536), b""))
            assert reply.startswith(b"HTTP/1.1 200")
            assert json.loads(reply.partition(b"\r\n\r\n")[2])["saved"] == 0
        assert server.process.wait(timeout=START_SECONDS) == 0
        server.start()
        there = Player(Http(server.url), player.url)
        assert there.load()["current"]["trial"] == 1
    assert records.store.count("answer") == 1


def test_a_wrong_setting_is_told_in_one_line(data):
    environment = {**os.environ, "QUIZ_DATA": str(data), "TRUSTED_PROXIES": "all"}
    done = subprocess.run(
        [sys.executable, "-m", "flask", "audit-log"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("The quiz can't start: TRUSTED_PROXIES=all is not known: give the number")
    assert done.stderr.count("\n") == 1
