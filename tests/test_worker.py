"""What the server's loop answers by itself: the same replies as a thread's, nobody held up, nothing lost."""

import contextlib
import http.client
import json
import re
import shutil
import signal
import socket
import sqlite3
import time

import pytest
from live import START_SECONDS, Server

from app import create_app

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def data(built, tmp_path_factory):
    return shutil.copytree(built, tmp_path_factory.mktemp("looped") / "quiz_data")


@pytest.fixture(scope="module")
def server(data):
    """One worker, so that whatever held its loop up would hold up everybody."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEB_CONCURRENCY", "1")
        server = Server(data)
        server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def app(data):
    return create_app(data)


@pytest.fixture
def url(app, request) -> str:
    """A session of this test's own, that has begun."""
    records, client = app.extensions["records"], app.test_client()
    session, _ = records.invite(records.study("small"), request.node.name[:80], 0)
    url = f"/quiz/{records.token(session)}"
    for page, form in {
        "consent": {"agree": "yes"},
        "profile": {"role": "general", "specialty": "", "years": "3"},
        "start": {},
    }.items():
        assert client.post(f"{url}/{page}", data=form).status_code == 303
    return url


@pytest.fixture
def rating(app, url) -> bytes:
    """The body that rates the first trial."""
    state = app.test_client().get(f"{url}/state").get_json()
    return json.dumps({"ticket": state["current"]["ticket"], "rating": 4}).encode()


@pytest.fixture
def new_line():
    """Opens lines to a server, which are closed when the test is over."""
    with contextlib.ExitStack() as lines:

        def open_line(server) -> http.client.HTTPConnection:
            line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=START_SECONDS)
            lines.callback(line.close)
            line.connect()
            return line

        yield open_line


@pytest.fixture
def kept_line(new_line):
    """A line that has been used before: a thread answers the first request."""

    def open_line(server) -> http.client.HTTPConnection:
        line = new_line(server)
        line.request("GET", "/health/live")
        line.getresponse().read()
        return line

    return open_line


def ask(line: http.client.HTTPConnection, method: str, path: str, body=None, headers=JSON) -> tuple:
    line.request(method, path, body, headers)
    reply = line.getresponse()
    return reply.status, [(name, value) for name, value in reply.getheaders() if name != "Date"], reply.read()


def put(url: str, body: bytes, *, chunked: bool = False) -> bytes:
    """A rating of the first trial as it goes over the line."""
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
    head = f"PUT {url}/trials/0 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{length}\r\n\r\n"
    return head.encode() + (b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if chunked else body)


def received(line: http.client.HTTPConnection) -> tuple[int, dict]:
    with http.client.HTTPResponse(line.sock) as reply:
        reply.begin()
        return reply.status, json.loads(reply.read())


BAD = {
    "cross-site": ("/trials/0", b"{}", {**JSON, "Origin": "https://elsewhere.example"}),
    "malformed": ("/trials/0", b"[]", JSON),
    "bad-rating": ("/trials/0", b'{"rating": 9}', JSON),
    "no-such-trial": ("/trials/99", b'{"rating": 4}', JSON),
    "out-of-turn": ("/trials/3", b'{"rating": 4, "ticket": "1.00"}', JSON),
    "too-large": ("/trials/0", b" " * 70_000, JSON),
    "no-such-link": ("x/trials/0", b"{}", JSON),
}


@pytest.mark.parametrize("code", BAD)
def test_an_error_is_told_alike_on_a_new_line_and_on_a_kept_one(server, new_line, kept_line, url, code):
    path, body, headers = BAD[code]
    first = ask(new_line(server), "PUT", url + path, body, headers)
    assert json.loads(first[2])["error"] == code
    assert first == ask(kept_line(server), "PUT", url + path, body, headers)


def test_a_rating_is_confirmed_alike_on_a_new_line_and_on_a_kept_one(server, new_line, kept_line, url, rating):
    replies = [ask(kept_line(server), "PUT", f"{url}/trials/0", rating) for _ in range(2)]
    replies.append(ask(new_line(server), "PUT", f"{url}/trials/0", rating))
    status, headers, body = replies[0]
    assert (status, json.loads(body)["saved"], json.loads(body)["current"]["trial"]) == (200, 0, 1)
    assert {"Content-Security-Policy", "Cache-Control", "X-Content-Type-Options"} <= dict(headers).keys()
    assert replies[1:] == replies[:1] * 2


def test_ratings_that_come_in_pieces_in_chunks_or_together_are_answered_in_turn(server, kept_line, url, rating):
    other = json.dumps({**json.loads(rating), "rating": 2}).encode()
    line = kept_line(server)
    whole = put(url, rating)
    for piece in (whole[:9], whole[9:90], whole[90:-5], whole[-5:]):
        line.sock.sendall(piece)
        time.sleep(0.05)
    assert received(line)[0] == 200
    line.sock.sendall(put(url, rating, chunked=True))
    assert received(line)[0] == 200
    last = put(url, other).replace(b"Host: x", b"Host: x\r\nConnection: close")
    line.sock.sendall(put(url, other) + whole + last)
    replies = b"".join(iter(lambda: line.sock.recv(65_536), b""))
    assert re.findall(rb"HTTP/1\.1 (\d+)", replies) == [b"409", b"200", b"409"]


def answered(line: http.client.HTTPConnection, within: float) -> bool:
    line.sock.settimeout(within)
    try:
        return bool(line.sock.recv(1, socket.MSG_PEEK))
    except TimeoutError:
        return False
    finally:
        line.sock.settimeout(START_SECONDS)


@pytest.fixture
def lock(data):
    """Another process that writes, and ends when the test says so."""
    store = sqlite3.connect(data / "quiz.sqlite3", isolation_level=None)
    store.execute("BEGIN IMMEDIATE")
    yield store
    store.close()


def image_of(app) -> str:
    study = app.extensions["records"].study("small")
    return f"/images/{study.folder}/{next(iter(study.images))}.webp"


def test_ratings_that_wait_for_the_store_hold_nobody_else_up(server, kept_line, app, url, rating, lock):
    lines = [kept_line(server) for _ in range(40)]  # more than the worker has threads
    other = kept_line(server)
    for line in lines:
        line.sock.sendall(put(url, rating))
    assert not answered(lines[0], within=0.3)
    for _ in range(2):
        assert ask(other, "GET", image_of(app))[0] == 200
    assert ask(other, "GET", f"{url}/state")[0] == 200
    assert not answered(lines[0], within=0.1)
    lock.execute("COMMIT")
    assert {received(line)[1]["saved"] for line in lines} == {0}


def test_lines_that_nobody_closes_hold_nobody_up(server, kept_line, url, rating):
    """A server may wait for the other side to close a line that it has given its last reply."""
    asked = put(url, rating).replace(b"Host: x", b"Host: x\r\nConnection: close")
    lines, other = [kept_line(server) for _ in range(25)], kept_line(server)
    for line in lines:
        line.sock.sendall(asked)
    assert ask(other, "PUT", f"{url}/trials/0", rating)[0] == 200  # would take longer than its line waits
    assert {received(line)[0] for line in lines} == {200}


def test_a_store_that_cannot_write_is_told_to_those_who_wait(server, kept_line, url, rating, lock):
    lock.execute("ROLLBACK")
    lock.execute("CREATE TRIGGER full BEFORE INSERT ON document BEGIN SELECT RAISE(ABORT, 'disk'); END")
    line = kept_line(server)
    status, _, body = ask(line, "PUT", f"{url}/trials/0", rating)
    lock.execute("DROP TRIGGER full")
    assert (status, json.loads(body)["error"]) == (503, "store-away")
    assert ask(line, "PUT", f"{url}/trials/0", rating)[0] == 200


def test_an_image_goes_whole_to_a_line_that_takes_it_slowly(server, new_line, kept_line, app, data):
    address = image_of(app)
    slow = kept_line(server)
    slow.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
    whole = (data / "studies" / address.removeprefix("/images/")).read_bytes()
    slow.request("GET", address)
    time.sleep(0.3)  # until the line is full
    assert ask(kept_line(server), "GET", address)[2] == whole
    assert slow.getresponse().read() == whole
    assert ask(slow, "GET", "/health/live")[0] == 200


def test_a_rating_that_waits_for_the_store_is_answered_before_a_stop(built, kept_line, tmp_path):
    data = shutil.copytree(built, tmp_path / "quiz_data")
    app = create_app(data)
    records, client = app.extensions["records"], app.test_client()
    url = f"/quiz/{records.token(records.invite(records.study('small'), 'Ada', 0)[0])}"
    for page in ("consent", "profile", "start"):
        client.post(f"{url}/{page}", data={"agree": "yes", "role": "general", "years": "3"})
    ticket = client.get(f"{url}/state").get_json()["current"]["ticket"]
    store = sqlite3.connect(data / "quiz.sqlite3", isolation_level=None)
    with Server(data) as server:
        line = kept_line(server)
        store.execute("BEGIN IMMEDIATE")
        line.sock.sendall(put(url, json.dumps({"ticket": ticket, "rating": 1}).encode()))
        time.sleep(0.3)  # until it waits for the store
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        store.execute("COMMIT")
        assert received(line)[0] == 200
        line.close()
        assert server.process.wait(timeout=START_SECONDS) == 0
        server.start()
    assert records.store.count("answer") == 1
    store.close()
