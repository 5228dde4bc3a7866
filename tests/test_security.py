"""What observers, other sites and strangers must not get."""

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.credentials import load_secrets


def test_a_link_carries_256_bits_and_the_store_holds_only_its_hash(invite, data):
    token = invite().rsplit("/", 1)[1]
    assert re.fullmatch(r"[\w-]{43}", token)
    kept = b"".join(path.read_bytes() for path in data.rglob("quiz.sqlite3*"))
    assert token.encode() not in kept


@pytest.mark.parametrize("token", ["x", "A" * 43, "%00", "..%2f..", "é" * 20, "a" * 5000])
@pytest.mark.parametrize("path", ["", "/state", "/trials/0/shown"])
def test_a_made_up_link_opens_nothing(client, token, path):
    reply = client.get(f"/quiz/{token}{path}")
    assert reply.status_code in (404, 405)
    assert "Traceback" not in reply.text


def test_a_replaced_link_stops_working_and_the_new_one_goes_on(player, records, invite):
    player.rate(3)
    session = records.sessions("small")[0]
    records.replace_link("small", session["id"])
    assert player.client.get(player.url).status_code == 404
    assert player.client.get(f"{invite()}/state").get_json()["current"]["trial"] == 1


def test_nothing_an_observer_receives_tells_the_truth(player, data, records):
    """Every response of a whole session is searched for truth, pools, sources and original names."""
    received = []
    observed = player.client.open

    def recording(*args, **kwargs):
        response = observed(*args, **kwargs)
        received.append((args, str(response.headers) + response.get_data().decode("latin-1")))
        response.close()
        return response

    player.client.open = recording
    player.client.get(player.url)
    for trial, _ in player.play(lambda trial: 2):
        player.client.get(trial["image"])
    player.client.get(player.url)
    study = records.study("small")
    secrets = {"synthetic", "truth", "cases", "fakes", *(image["source"] for image in study.images.values())}
    # The page's own words name both sides; the calls and images may not.
    for args, body in received:
        words = secrets - {"synthetic"} if args == (player.url,) else secrets
        assert not [secret for secret in words if secret in body], args


def test_study_images_are_alike_but_for_their_pixels(data, client, player, truths):
    replies = [client.get(address, buffered=True) for address in truths]
    assert {reply.status_code for reply in replies} == {200}
    headers = [
        {
            name: value
            for name, value in reply.headers
            if name not in ("Content-Length", "Content-Disposition", "ETag", "Date")
        }
        for reply in replies
    ]
    assert all(header == headers[0] for header in headers)
    assert "immutable" in headers[0]["Cache-Control"]


@pytest.mark.parametrize(
    "address",
    [
        "/images/../quiz.sqlite3",
        "/images/0123456789abcdef/..%2f..%2fsecrets.json",
        "/images/%2e%2e/secrets.json",
        "/static/../wsgi.py",
    ],
)
def test_nothing_but_images_is_served(client, address):
    assert client.get(address).status_code == 404


def test_every_page_forbids_foreign_content_and_framing(client, player):
    for address in ("/", player.url, f"{player.url}/state", "/research/sign-in", "/nowhere"):
        headers = client.get(address).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
    ],
)
def test_a_write_from_another_site_is_refused(client, invite, headers):
    url = invite()
    reply = client.post(f"{url}/consent", data={"agree": "yes"}, headers=headers)
    assert reply.status_code == 403
    assert "consent" in client.get(url).text


def test_a_write_from_the_own_page_is_taken(client, invite):
    url = invite()
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}):
        assert client.post(f"{url}/consent", data={"agree": "yes"}, headers=headers).status_code == 303


def test_an_error_shows_no_trace(app):
    @app.get("/break")
    def fail():
        raise RuntimeError("inner secret")

    app.config["PROPAGATE_EXCEPTIONS"] = False
    reply = app.test_client().get("/break")
    assert reply.status_code == 500
    assert "inner secret" not in reply.text
    assert "Traceback" not in reply.text


def test_secrets_are_made_once_and_only_their_owner_can_read_them(data):
    from app.credentials import load_secrets

    first = load_secrets(data)
    assert load_secrets(data) == first
    assert (data / "secrets.json").stat().st_mode & 0o077 == 0
    assert len(first.research_password) >= 16


def test_the_web_application_starts_without_torch_and_other_heavy_packages(data):
    code = "import sys; from app import create_app; create_app(); print({'torch', 'numpy', 'PIL'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "QUIZ_DATA": str(data)},
        check=True,
    )
    assert done.stdout.strip() == "set()"


def test_of_links_replaced_at_the_same_time_one_opens_the_session(invite, records, client):
    invite()
    session = records.sessions("small")[0]
    threads = [threading.Thread(target=records.replace_link, args=("small", session["id"])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    newest = records.sessions("small")[0]
    tokens = [records.token({**newest, "generation": generation}) for generation in range(newest["generation"] + 1)]
    assert newest["generation"] == 8
    assert [client.get(f"/quiz/{token}").status_code for token in tokens] == [404] * 8 + [200]


@pytest.mark.parametrize("origin", ["http://[", "http://[::", "\x00", "//"])
def test_an_impossible_origin_is_foreign(client, invite, origin):
    assert client.post(f"{invite()}/consent", data={"agree": "yes"}, headers={"Origin": origin}).status_code == 403


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "exa mple", "[::1", "x/y", ""])
def test_an_impossible_host_is_refused(client, host):
    assert client.get("/", headers={"Host": host}).status_code == 400


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc to see the open files")
def test_a_server_forks_without_an_open_store(data):
    """A connection carried into forked workers shares SQLite's lock table with its parent, and answers get lost."""
    code = """
import os
from app.credentials import load_secrets
from app import create_app
create_app()
print([path for fd in os.listdir("/proc/self/fd") if os.path.exists(path := f"/proc/self/fd/{fd}")
       and "sqlite" in os.readlink(path)])
"""
    environment = {**os.environ, "QUIZ_DATA": str(data)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("folder", ["/dev/null", "/proc/nowhere"])
def test_a_data_folder_that_cannot_be_used_is_told_in_one_line(folder):
    environment = {**os.environ, "QUIZ_DATA": folder}
    command = [sys.executable, "-m", "flask", "invite", "small", "--observer", "Ada"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("The quiz can't start:")
    assert done.stderr.count("\n") == 1


def test_secrets_from_the_environment_need_no_file(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "k" * 64)
    assert load_secrets(tmp_path).secret_key == "k" * 64
    made = (tmp_path / "secrets.json").read_bytes()
    assert b"k" * 64 not in made
    monkeypatch.setenv("RESEARCH_PASSWORD", "open sesame")
    assert load_secrets(tmp_path / "not-there").research_password == "open sesame"
    assert not (tmp_path / "not-there").exists()
