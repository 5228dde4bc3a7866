"""Sends hostile requests to a real server and looks whether it bears them."""

import json
import re
import socket
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from conftest import noise_images
from hostile import Hostile, World, hostile_requests
from hypothesis import HealthCheck, Phase, given, seed, settings
from player import Player
from schema import problems

from app import create_app
from app.creation import create_study
from app.pools import import_pool
from app.study import Protocol

WAIT_SECONDS = 30
PRACTICE = 2
# What a server may say to a request that is not good (308: its slashes), whatever the schema says of the address.
ALWAYS = {308, 400, 404, 405, 408, 413, 414, 431}
TRACES = (b"Traceback", b'File "', b"site-packages", b"werkzeug", b"sqlite", b"jinja", b"StudyError")
FEEDBACK = re.compile(rb'"feedback":\s*\{"truth":\s*"(real|synthetic)"\}')


@dataclass
class Target:
    """A data folder with a study, and what nobody may learn of it."""

    data: Path
    world: World
    secrets: list[bytes]


def build_target(folder: Path) -> Target:
    """A study with practice images, observers at every stage, one of them finished, and a signed-in researcher."""
    data = folder / "quiz_data"
    for number, (name, truth) in enumerate([("originals", "real"), ("forgeries", "synthetic")], start=60):
        noise_images(folder / name, 5, number)
        import_pool(data / "pools", f"pool-{name}", folder / name, truth)
    app = create_app(data)
    records = app.extensions["records"]
    protocol = Protocol(name="fuzzed", title="A quiz", images=8, practice=PRACTICE, break_every=3)
    study = create_study(records, data, protocol, "pool-originals", "pool-forgeries", 0, lambda: None)
    sessions = [records.invite(study, f"Observer {i}", i)[0] for i in range(32)]
    client = app.test_client()
    links = [records.token(session) for session in sessions]
    for i, link in enumerate(links[:24]):
        _advance(Player(client, f"/quiz/{link}"), i)
    client.post("/research/sign-in", data={"password": app.config["RESEARCH_PASSWORD"]})
    images = [f"{name}.webp" for name in study.images]
    # Links of the last sessions may be replaced; the others have to go on.
    values = {"link": links[:28], "folder": [study.folder], "name": images, "study": ["fuzzed"]}
    values["session"] = [session["id"] for session in sessions[28:]]
    cookie = f"research={client.get_cookie('research').value}"
    known = [*study.images.values(), *study.practice.values()]
    told = {"pool-originals", "pool-forgeries", app.config["SECRET_KEY"], app.config["RESEARCH_PASSWORD"]}
    told |= {image["source"] for image in known}
    return Target(data, World(values, cookie=cookie), [text.encode() for text in sorted(told)])


def _advance(player: Player, steps: int) -> None:
    """Through the pages, and so many trials; the first one to the end."""
    player.begin()
    for _ in range(99 if steps == 0 else steps % 4):
        if player.current:
            player.show()
            player.rate(3)


class Attack:
    """`statuses` counts the replies; `failures` says what was wrong, with the request."""

    def __init__(self, port: int, target: Target):
        self.port, self.target = port, target
        self.statuses: Counter[int] = Counter()
        self.failures: list[str] = []

    def send(self, hostile: Hostile) -> None:
        link, request = hostile.sent(self.target.world)
        reply = self._exchange(request).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
        head, _, body = reply.partition(b"\r\n\r\n")
        first = head.split(b" ", 2)
        status = int(first[1]) if len(first) > 1 and first[1].isdigit() else 0
        self.statuses[status] += 1
        for wrong in self._wrong(hostile, status, head, body, link):
            self.failures.append(f"{wrong}\n  {request[:600]!r}\n  {head[:300]!r} {body[:300]!r}")

    def _exchange(self, request: bytes) -> bytes:
        received = bytearray()
        with socket.create_connection(("127.0.0.1", self.port), timeout=WAIT_SECONDS) as line:
            try:
                line.sendall(request)
                line.shutdown(socket.SHUT_WR)  # a body shorter than it says ends here
                while part := line.recv(65536):
                    received += part
            except TimeoutError:
                return b"HTTP/1.1 599 no end of the reply"
            except OSError:
                pass  # the server may hang up on what is no HTTP, or on a body too large, having said so or not
        return bytes(received)

    def _wrong(self, hostile: Hostile, status: int, head: bytes, body: bytes, link: str | None):
        # 501 is what RFC 9112 (6.1) asks for when the coding of a body is unknown.
        if status >= 500 and not (status == 501 and "Transfer-Encoding" in dict(hostile.headers)):
            yield f"status {status}"
        if status == 0 and hostile.well_formed and hostile.raw is None:
            yield "no reply"
        text = head + body
        yield from (f"a trace: {trace!r}" for trace in TRACES if trace in text)
        if not hostile.signed_in:
            yield from self._leaks(hostile, text)
        usual = hostile.well_formed and hostile.method == hostile.operation.method
        if usual and status and status not in ALWAYS and str(status) not in hostile.operation.responses:
            yield f"status {status} is not described"
        if b"application/json" in head.lower() and body:
            yield from self._wrong_json(hostile, status, body, link)

    def _leaks(self, hostile: Hostile, text: bytes):
        yield from (f"a leak: {secret!r}" for secret in self.target.secrets if secret in text)
        if hostile.operation.path.startswith("/quiz/") and b"application/json" in text:
            told = FEEDBACK.sub(b"", text)
            # Of a practice image the study tells the truth, once it is rated.
            practised = re.search(rb'"saved":\s*[12][,}]', text)
            if b"synthetic" in told or b"truth" in told or (told != text and not practised):
                yield "the truth"

    def _wrong_json(self, hostile: Hostile, status: int, body: bytes, link: str | None):
        try:
            reply = json.loads(body)
        except ValueError:
            yield "JSON that is none"
            return
        self.target.world.learn(link, reply)
        schema = hostile.operation.reply_schema(status)
        if hostile.method == hostile.operation.method and schema and (status == 200 or "error" in reply):
            yield from problems(reply, schema)


def hail(attack: Attack, requests: int, number: int) -> None:
    """So many requests, the same for the same number."""

    @seed(number)
    @settings(
        max_examples=requests,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(hostile_requests())
    def send(hostile):
        attack.send(hostile)

    send()
