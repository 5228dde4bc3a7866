"""`flask serve --public`, as a process of its own, with a stand-in for ngrok's agent."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
import requests
from live import ROOT, free_port

from app.tunnel import Tunnel, TunnelError

SECONDS = 40
TOKEN = "2secretTokenOfNobody_4U"


class Public:
    """`flask serve --public` over a data folder, and what its agent is to do."""

    def __init__(self, data: Path, folder: Path):
        self.folder, self.port = folder, free_port()
        folder.mkdir()
        agent = folder / "ngrok"
        script = shlex.quote(str(Path(__file__).with_name("standin_agent.py")))
        agent.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {script} "$@"\n')
        agent.chmod(0o700)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")},
            "QUIZ_DATA": str(data),
            "HOME": str(folder),
            "NGROK_AUTHTOKEN": TOKEN,
            "PYNGROK_NGROK_PATH": str(agent),
            "STANDIN_FOLDER": str(folder),
        }
        self.process = None

    def start(self) -> None:
        command = [sys.executable, "-m", "flask", "serve", "--public", "--port", str(self.port)]
        with (self.folder / "said").open("w") as said, (self.folder / "errors").open("w") as errors:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment,
                stdout=said,
                stderr=errors,
                # As a terminal starts it: a shell that runs the tests in the background has Ctrl-C ignored.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            )

    @property
    def said(self) -> str:
        return (self.folder / "said").read_text()

    @property
    def errors(self) -> str:
        return (self.folder / "errors").read_text()

    def wait_for(self, words: str, times: int = 1) -> None:
        end = time.monotonic() + SECONDS
        while self.said.count(words) < times:
            assert self.process.poll() is None, self.said + self.errors
            assert time.monotonic() < end, self.said + self.errors
            time.sleep(0.05)

    def links(self) -> list[str]:
        """The links of the last announcement."""
        return re.findall(r"^small\t\w+\t(\S+)$", self.said.rpartition("The quiz is public")[2], re.MULTILINE)

    def tell(self, name: str, what: object) -> None:
        (self.folder / name).write_text(str(what))

    def ask(self, name: str) -> str:
        return (self.folder / name).read_text()

    def agent_runs(self) -> bool:
        return runs(int(self.ask("pid")))


def runs(process: int) -> bool:
    """Whether there is such a process, and not only what is left of one until somebody takes note of its end."""
    with suppress(ProcessLookupError):
        os.kill(process, 0)
        status = Path(f"/proc/{process}/stat")
        return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.fixture
def public(data, tmp_path):
    public = Public(data, tmp_path / "standin")
    yield public
    if public.process and public.process.poll() is None:
        public.process.terminate()
        public.process.wait(timeout=SECONDS)


def answers(address: str) -> bool:
    with suppress(requests.ConnectionError):
        return requests.get(f"{address}/health/live").ok
    return False


def test_links_lead_through_the_tunnel_and_follow_it_to_another_address(public, invite, records, app):
    invite("Ada")
    invite("Grace")
    records.invite(records.study("small"), "Robot", 0, simulated=True)
    public.start()
    public.wait_for("/research/")
    first = public.links()
    assert len(first) == 2
    assert TOKEN in public.ask("token")
    assert TOKEN not in public.ask("arguments")
    session = requests.Session()
    assert "consent" in session.get(first[0]).text
    address = first[0].split("/quiz/")[0]
    reply = session.post(
        f"{address}/research/sign-in",
        data={"password": app.config["RESEARCH_PASSWORD"]},
        headers={"Origin": address.replace("http:", "https:")},
        allow_redirects=False,
    )
    assert (reply.status_code, "Secure" in reply.headers["Set-Cookie"]) == (303, True)

    os.kill(int(public.ask("pid")), signal.SIGKILL)
    public.wait_for("The quiz is public", 2)
    public.wait_for("/research/", 2)
    second = public.links()
    assert [link.partition("/quiz/")[2] for link in second] == [link.partition("/quiz/")[2] for link in first]
    assert not set(second) & set(first)
    assert "consent" in requests.get(second[0]).text
    # The researcher, on this machine, sees the links under the new address.
    here = f"http://127.0.0.1:{public.port}"
    session.post(f"{here}/research/sign-in", data={"password": app.config["RESEARCH_PASSWORD"]})
    assert set(second) <= set(re.findall(r'value="(\S+)"', session.get(f"{here}/research/small").text))

    public.process.send_signal(signal.SIGTERM)
    assert public.process.wait(timeout=SECONDS) == 0
    assert not public.agent_runs()
    assert not answers(here)
    assert second[0].split("/quiz/")[0] in public.ask("closed")
    assert TOKEN not in public.said + public.errors


def test_a_fallen_tunnel_is_opened_anew_until_it_stands_and_the_server_goes_on(public, invite):
    invite("Ada")
    public.tell("port", free_port())
    public.start()
    public.wait_for("/research/")
    link = public.links()[0]
    address = link.split("/quiz/")[0]
    public.tell("trouble", "network")
    public.tell("once", "")
    tunnel = requests.get(f"{public.ask('api')}/api/endpoints").json()["endpoints"][0]
    requests.delete(f"{public.ask('api')}/api/endpoints/{tunnel['name']}")
    public.wait_for("The tunnel fell")
    public.wait_for("connect this machine to the network")
    assert answers(f"http://127.0.0.1:{public.port}")
    public.wait_for("open again, at the same address")
    assert answers(address)
    assert public.said.count(link) == 1
    public.process.send_signal(signal.SIGINT)
    assert public.process.wait(timeout=SECONDS) == 0
    assert not public.agent_runs()


TROUBLES = {
    "token": "refuses the token in NGROK_AUTHTOKEN (ERR_NGROK_107)",
    "network": "can't be reached: connect this machine to the network",
    "limit": "Your account is limited to 1 agent, … has one.",
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_what_keeps_the_tunnel_from_opening_is_told_in_one_line(public, trouble):
    public.tell("trouble", trouble)
    public.start()
    assert public.process.wait(timeout=SECONDS) == 1
    assert TROUBLES[trouble] in public.errors
    assert (public.errors.count("\n"), TOKEN in public.errors) == (1, False)
    assert not public.agent_runs()
    assert not answers(f"http://127.0.0.1:{public.port}")


def test_a_missing_token_and_a_missing_agent_are_told_in_one_line(public, tmp_path):
    del public.environment["NGROK_AUTHTOKEN"]
    public.start()
    assert public.process.wait(timeout=SECONDS) == 1
    assert "set NGROK_AUTHTOKEN" in public.errors
    public.environment |= {
        "NGROK_AUTHTOKEN": TOKEN,
        "PYNGROK_NGROK_PATH": str(tmp_path / "none" / "ngrok"),
        "https_proxy": "http://127.0.0.1:9",  # nobody listens there
    }
    public.start()
    assert public.process.wait(timeout=SECONDS) == 1
    assert "install it from https://ngrok.com/download" in public.errors
    assert public.errors.count("\n") == 1


def test_an_agent_that_says_nothing_is_given_up(monkeypatch, public):
    for name in ("NGROK_AUTHTOKEN", "PYNGROK_NGROK_PATH", "STANDIN_FOLDER"):
        monkeypatch.setenv(name, public.environment[name])
    monkeypatch.setattr("app.tunnel.START_SECONDS", 1)
    monkeypatch.setattr("pyngrok.conf.DEFAULT_NGROK_CONFIG_PATH", str(public.folder / "ngrok.yml"))
    public.tell("trouble", "silence")
    with pytest.raises(TunnelError, match="said nothing"):
        Tunnel(public.port).open()
    assert not public.agent_runs()


def test_a_signal_before_the_tunnel_stands_ends_everything(public):
    public.tell("trouble", "silence")
    public.start()
    end = time.monotonic() + SECONDS
    while not (public.folder / "pid").exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    public.process.send_signal(signal.SIGTERM)
    assert public.process.wait(timeout=SECONDS) == 0
    assert not public.agent_runs()


def until(true) -> None:
    end = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, what was killed outright cannot clear up")
@pytest.mark.parametrize("moment", ["serving", "starting"])
def test_killed_outright_it_leaves_neither_server_nor_agent_nor_watcher(public, moment):
    if moment == "starting":  # the agent runs, and has not said yet that it does
        public.tell("trouble", "silence")
    public.start()
    if moment == "serving":
        public.wait_for("/research/")
        assert answers(f"http://127.0.0.1:{public.port}")
    until((public.folder / "pid").exists)
    until(lambda: public.ask("pid"))
    children = Path(f"/proc/{public.process.pid}/task/{public.process.pid}/children").read_text().split()
    assert len(children) == {"serving": 3, "starting": 2}[moment]
    public.process.kill()
    public.process.wait()
    until(lambda: not any(runs(int(child)) for child in children))
    assert not answers(f"http://127.0.0.1:{public.port}")
    assert not public.agent_runs()


def test_the_port_is_looked_at_before_anything_is_opened(public):
    with socket.create_server(("127.0.0.1", public.port)):
        public.start()
        assert public.process.wait(timeout=SECONDS) == 1
    assert f"Port {public.port} can't be used" in public.errors
    assert not (public.folder / "pid").exists()
