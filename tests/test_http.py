"""HTTP as it leaves the real server: caching, ranges, bodies that are damaged, proxies, health."""

import http.client
import os
import shutil
import socket
import sqlite3

import pytest
import requests
from live import Server

from app import create_app


def study_of(data):
    return create_app(data).extensions["records"].study("small")


@pytest.fixture(scope="module")
def data(built, tmp_path_factory):
    return shutil.copytree(built, tmp_path_factory.mktemp("served") / "quiz_data")


@pytest.fixture(scope="module")
def server(data):
    with Server(data) as server:
        yield server


@pytest.fixture(scope="module")
def behind_a_proxy(data):
    os.environ["TRUSTED_PROXIES"] = "1"
    try:
        server = Server(data)
        server.start()
    finally:
        del os.environ["TRUSTED_PROXIES"]
    yield server
    server.stop()


@pytest.fixture(scope="module")
def image(data, server) -> str:
    study = study_of(data)
    return f"{server.url}/images/{study.folder}/{next(iter(study.images))}.webp"


@pytest.fixture(scope="module")
def static(server) -> str:
    page = requests.get(f"{server.url}/").text
    return server.url + page.split('rel="stylesheet" href="')[1].split('"')[0]


@pytest.fixture(params=["image", "static"])
def file(request) -> str:
    return request.getfixturevalue(request.param)


def test_files_are_cached_for_good_by_name_with_a_strong_tag(file):
    reply = requests.get(file)
    assert reply.status_code == 200
    assert "immutable" in reply.headers["Cache-Control"]
    assert "max-age=31536000" in reply.headers["Cache-Control"]
    assert reply.headers["ETag"].startswith('"')
    assert reply.headers["Accept-Ranges"] == "bytes"
    for known in (reply.headers["ETag"], f'"other", {reply.headers["ETag"]}', f"W/{reply.headers['ETag']}", "*"):
        again = requests.get(file, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == reply.headers["ETag"]
        assert "immutable" in again.headers["Cache-Control"]
    assert requests.get(file, headers={"If-None-Match": '"other"'}).content == reply.content


def test_an_image_sent_before_is_sent_alike_and_not_after_it_is_gone(built, tmp_path):
    data = shutil.copytree(built, tmp_path / "quiz_data")
    study, client = study_of(data), create_app(data).test_client()
    address = f"/images/{study.folder}/{next(iter(study.images))}.webp"
    replies = []
    for _ in range(3):
        with client.get(address) as reply:
            replies.append((reply.status_code, list(reply.headers), reply.data))
    assert replies[0][0] == 200
    assert replies[1:] == replies[:1] * 2
    (data / "studies" / address.removeprefix("/images/")).unlink()
    assert client.get(address).status_code == 404
    assert client.get(f"/images/{study.folder}/../../secrets.json").status_code == 404


def test_a_static_file_has_a_new_address_when_it_changes(static, server):
    fingerprint = static.split("/static/")[1].split("/")[0]
    assert len(fingerprint) == 16
    assert requests.get(static.replace(fingerprint, "0" * 16)).status_code == 404


RANGES = {"bytes=0-9": (0, 10), "bytes=5-": (5, None), "bytes=-7": (-7, None), "bytes=3-99999999": (3, None)}


@pytest.mark.parametrize("asked", RANGES)
def test_one_range_gets_its_bytes(file, asked):
    whole = requests.get(file).content
    first, end = RANGES[asked]
    reply = requests.get(file, headers={"Range": asked})
    assert reply.status_code == 206
    assert reply.content == whole[first:end]
    assert reply.headers["Content-Length"] == str(len(reply.content))
    start = first % len(whole)
    assert reply.headers["Content-Range"] == f"bytes {start}-{start + len(reply.content) - 1}/{len(whole)}"


def test_a_range_beyond_the_end_gets_416_and_the_length(file):
    length = len(requests.get(file).content)
    reply = requests.get(file, headers={"Range": f"bytes={length}-"})
    assert (reply.status_code, reply.headers["Content-Range"]) == (416, f"bytes */{length}")
    assert "immutable" not in reply.headers["Cache-Control"]


@pytest.mark.parametrize(
    "asked", ["lines=0-9", "bytes=9-5", "bytes=a-b", "bytes=0-1,4-5", "bytes=", "0-9", "bytes=--1"]
)
def test_a_range_that_cannot_be_served_is_ignored(file, asked):
    reply = requests.get(file, headers={"Range": asked})
    assert (reply.status_code, reply.content) == (200, requests.get(file).content)


def test_if_range_gives_the_rest_of_the_same_file_and_the_whole_of_another(file):
    whole = requests.get(file)
    same = requests.get(file, headers={"Range": "bytes=10-", "If-Range": whole.headers["ETag"]})
    assert (same.status_code, same.content) == (206, whole.content[10:])
    for other in ('"other"', f"W/{whole.headers['ETag']}", "Tue, 01 Sep 2026 00:00:00 GMT"):
        reply = requests.get(file, headers={"Range": "bytes=10-", "If-Range": other})
        assert (reply.status_code, reply.content) == (200, whole.content), other


def test_head_is_get_without_the_body(file):
    whole = requests.get(file)
    for headers in ({}, {"Range": "bytes=0-9"}):
        head = requests.head(file, headers=headers)
        assert (head.status_code, head.content) == (200, b"")
        for name in ("Content-Length", "ETag", "Cache-Control", "Content-Type"):
            assert head.headers[name] == whole.headers[name]


def send(server, *parts: bytes) -> bytes:
    """Send a request as it stands, end the sending side, and give what comes back."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as line:
        for part in parts:
            line.sendall(part)
        line.shutdown(socket.SHUT_WR)
        received = b""
        while more := line.recv(65_536):
            received += more
    return received


CHUNKED = b" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n"
DAMAGED = [
    b"zz\r\n{}\r\n0\r\n\r\n",
    b"2\r\n{}XX0\r\n\r\n",
    b"2\r\n{",
    b"2;\r\x01=\r\n{}\r\n0\r\n\r\n",
    b"-1\r\n",
    b"0\r\nbad\r\n\r\n",
]


@pytest.fixture(scope="module")
def consent(data) -> bytes:
    """Where an observer's consent goes, as the first line of a request has it."""
    app = create_app(data)
    session, _ = app.extensions["records"].invite(study_of(data), "Chunks", 0)
    return b"POST /quiz/" + app.extensions["records"].token(session).encode() + b"/consent"


@pytest.mark.parametrize("body", DAMAGED)
def test_a_damaged_chunked_body_is_the_senders_fault(server, consent, body):
    for form in (CHUNKED, CHUNKED.replace(b"json", b"x-www-form-urlencoded")):
        assert send(server, consent + form, body).startswith(b"HTTP/1.1 400 ")


def test_a_chunked_body_that_is_whole_is_taken(server, consent):
    form = CHUNKED.replace(b"json", b"x-www-form-urlencoded")
    assert send(server, consent + form, b"a\r\nagree=yes&\r\n0\r\n\r\n").startswith(b"HTTP/1.1 303 ")


FORGED = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "elsewhere.example"}


def redirect(server, headers: dict, path: str = "/research") -> str:
    return requests.get(server.url + path, headers=headers, allow_redirects=False).headers["Location"]


def sign_in(server, headers: dict) -> requests.Response:
    return requests.post(f"{server.url}/research/sign-in", data={"password": "wrong"}, headers=headers)


def callers(data) -> set[str]:
    with sqlite3.connect(data / "quiz.sqlite3") as store:
        return {key for (key,) in store.execute("SELECT key FROM document WHERE kind = 'sign-in'")}


def test_forged_headers_of_a_proxy_change_nothing(server, data):
    app = create_app(data)
    right = {"password": app.config["RESEARCH_PASSWORD"]}
    extra = {**FORGED, "Forwarded": "for=203.0.113.9;proto=https", "X-Forwarded-Ssl": "on", "X-Forwarded-Port": "1"}
    assert redirect(server, extra) == redirect(server, {})
    reply = requests.post(f"{server.url}/research/sign-in", data=right, headers=extra, allow_redirects=False)
    assert "Secure" not in reply.headers["Set-Cookie"]
    foreign = {**extra, "Origin": "https://elsewhere.example"}
    assert requests.post(f"{server.url}/research/sign-in", data=right, headers=foreign).status_code == 403
    replies = [sign_in(server, {**extra, "X-Forwarded-For": f"203.0.113.{i}"}).status_code for i in range(6)]
    assert replies == [403, 403, 403, 429, 429, 429]
    assert callers(data) == {"127.0.0.1"}


def test_behind_a_trusted_proxy_scheme_host_and_client_are_the_real_ones(behind_a_proxy, data):
    server = behind_a_proxy
    right = {"password": create_app(data).config["RESEARCH_PASSWORD"]}
    same = {**FORGED, "Origin": "https://elsewhere.example"}
    reply = requests.post(f"{server.url}/research/sign-in", data=right, headers=same, allow_redirects=False)
    assert (reply.status_code, "Secure" in reply.headers["Set-Cookie"]) == (303, True)
    assert requests.get(f"{server.url}/", headers={"X-Forwarded-Host": "exa mple"}).status_code == 400
    # The proxy adds the client's address at the end; what stands before it, anybody may have written.
    replies = [sign_in(server, {"X-Forwarded-For": f"198.51.100.{i}, 203.0.113.9"}).status_code for i in range(5)]
    assert replies == [403, 403, 403, 429, 429]
    assert sign_in(server, {"X-Forwarded-For": "203.0.113.10"}).status_code == 403
    sign_in(server, {"X-Forwarded-For": "[2001:db8::1]:443"})
    sign_in(server, {"X-Forwarded-For": "203.0.113.11:999"})
    assert {"203.0.113.9", "203.0.113.10", "203.0.113.11", "2001:db8::1"} <= callers(data)
    assert sign_in(server, {"X-Forwarded-For": "nonsense"}).status_code in (403, 429)
    assert "nonsense" not in callers(data)


def test_two_proxies_are_counted_from_the_nearest(data, monkeypatch):
    monkeypatch.setenv("TRUSTED_PROXIES", "2")
    client = create_app(data).test_client()
    forwarded = {"X-Forwarded-For": "192.0.2.1, 192.0.2.2, 192.0.2.3"}
    client.post("/research/sign-in", data={"password": "wrong"}, headers=forwarded)
    assert "192.0.2.2" in callers(data)
    assert not {"192.0.2.1", "192.0.2.3"} & callers(data)


def test_live_and_ready_are_said_without_reading_anything_of_anybody(server):
    for path, said in (("live", {"live": True}), ("ready", {"ready": True})):
        reply = requests.get(f"{server.url}/health/{path}")
        assert (reply.status_code, reply.json()) == (200, said)
        assert reply.headers["Cache-Control"] == "no-store"
        assert requests.head(f"{server.url}/health/{path}").status_code == 200


def test_a_kept_connection_survives_errors(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    for path, status in (("/nowhere", 404), ("/images/x/y", 404), ("/health/live", 200)):
        connection.request("GET", path)
        reply = connection.getresponse()
        reply.read()
        assert reply.status == status
    connection.close()
