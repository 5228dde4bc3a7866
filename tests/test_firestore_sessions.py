"""Whole sessions on Firestore: what they cost, and that nothing is lost or doubled when lines break."""

import random
import threading
import time

import pytest
from conftest import Clock
from line import Line
from player import Player

from app import create_app
from app.copying import copy_documents
from app.records import Study
from app.store import open_store
from app.study import Protocol

pytest_plugins = ["emulator"]


@pytest.fixture
def line(firestore, monkeypatch):
    """The line by which the application reaches Firestore."""
    with Line(firestore.port) as line:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{line.port}")
        yield line


@pytest.fixture
def app(line, data, clock):
    app = create_app(data)
    app.config["CLOCK"] = clock
    return app


@pytest.fixture
def study_of(records):
    """Make a study of so many images, which nobody has to look at."""

    def make(count: int) -> Study:
        known = {"truth": "real", "pool": "cases", "source": "a.png"}
        images = {f"{i:032x}": known for i in range(count)}
        study = Study(Protocol(name="whole", images=count, profile=True), "0" * 16, images, {"f" * 32: known}, 0)
        records.add_study(study)
        return study

    return make


class Counting:
    """A store that counts documents written, and read as Firestore's bill counts: at least one a question."""

    def __init__(self, store):
        self.store, self.reads, self.writes = store, 0, 0

    def get(self, kind, key):
        self.reads += 1
        return self.store.get(kind, key)

    def create(self, kind, key, document):
        self.writes += 1
        return self.store.create(kind, key, document)

    def update(self, kind, key, change):
        self.reads += 1
        self.writes += 1
        return self.store.update(kind, key, change)

    def scan(self, kind, prefix=""):
        found = list(self.store.scan(kind, prefix))
        self.reads += max(1, len(found))
        return iter(found)

    def count(self, kind, prefix=""):
        self.reads += 1  # one for each thousand counted
        return self.store.count(kind, prefix)


def open_every_page(client, url: str) -> Player:
    """Go from the link to the first trial as a browser does, page by page."""
    form = {"agree": "yes", "role": "general", "specialty": "Endodontics", "years": "12"}
    for action in ("consent", "profile", "start"):
        client.get(url)
        client.post(f"{url}/{action}", data=form)
    client.get(url)
    player = Player(client, url)
    player.load()
    return player


def test_a_whole_session_costs_a_write_an_answer_and_a_tenth_of_a_read(records, client, invite, study_of):
    """At ten seconds an answer; one `shown` more for the first image and after each break."""
    study = study_of(200)
    open_every_page(client, invite("First", study.name))  # the study is frozen by now, as for all but one observer
    url, seconds = invite("Ada", study.name), Clock()
    records.lookups.clock = lambda: seconds.ms / 1000
    records.store = counting = Counting(records.store)
    player = open_every_page(client, url)
    setting_out, shown, answers = counting.writes, 0, 0
    while player.current:
        if answers == 0 or player.current["break_before"]:
            player.show()
            shown += 1
        seconds.move(10)
        player.rate(1 + answers % 5, next_shown=True)
        answers += 1
    client.get(url)
    assert (answers, setting_out, shown) == (201, 3, 8)
    assert counting.writes == setting_out + shown + answers
    assert counting.reads <= 0.1 * answers


class Persistent(Player):
    """An observer whose browser sends a rating until it is confirmed."""

    def __init__(self, client, url: str):
        super().__init__(client, url)
        self.confirmed: dict[int, int] = {}
        self.turned_away: list[str] = []

    def play_on(self) -> None:
        draw = random.Random(self.url)
        while self.current:
            trial, rating = self.current["trial"], draw.randint(1, 5)
            while (reply := self.rate(rating, next_shown=True)).status_code != 200:
                self.turned_away.append(reply.get_json()["error"])
                time.sleep(0.02)
            self.confirmed[trial] = rating


def wait_for_more(growing: list, count: int) -> None:
    enough, end = sum(map(len, growing)) + count, time.monotonic() + 60
    while sum(map(len, growing)) < enough:
        assert time.monotonic() < end, "nothing happens any more"
        time.sleep(0.002)


def test_firestore_stopped_and_lines_cut_under_playing_observers_lose_and_double_nothing(
    app, firestore, line, invite, records, study_of
):
    """Four observers; the line is cut five times wherever they are, and once Firestore is started anew meanwhile."""
    study = study_of(50)
    players = [Persistent(app.test_client(), invite(name, study.name)) for name in ("Ada", "Grace", "Emmy", "Lise")]
    for player in players:
        player.begin()
    threads = [threading.Thread(target=player.play_on) for player in players]
    for thread in threads:
        thread.start()
    for cut in range(5):
        wait_for_more([player.confirmed for player in players], 20)
        line.cut()
        if cut == 2:
            firestore.stop()
            firestore.start()
        wait_for_more([player.turned_away for player in players], 1)
        line.mend()
    for thread in threads:
        thread.join()
    assert {code for player in players for code in player.turned_away} == {"store-away"}
    rows = records.rows(study)
    for player in players:
        stored = [row["rating"] for row in rows if row["session"] == player.state["session"]]
        assert stored == [player.confirmed[trial] for trial in range(51)]


def test_requests_doubled_delayed_and_out_of_turn_change_nothing(app, data, clock, invite, records, study_of):
    """Every rating goes out four times at once, one of them a different one, by two servers; all of them again at the
    end, in any order."""
    study, draw = study_of(8), random.Random(8)
    other = create_app(data)
    other.config["CLOCK"] = clock
    player = Player(app.test_client(), invite("Ada", study.name))
    player.begin()
    sent, confirmed = [], {}

    def send(server, trial: int, body: dict, replies: list) -> None:
        replies.append((body["rating"], server.test_client().put(f"{player.url}/trials/{trial}", json=body)))

    while player.current:
        trial, ticket = player.current["trial"], player.current["ticket"]
        right, wrong = draw.sample(range(1, 6), 2)
        bodies = [{"ticket": ticket, "rating": rating, "next_shown": True} for rating in (right, wrong, right, right)]
        replies, early = [], []
        send(app, trial + 1, bodies[0], early)
        threads = [
            threading.Thread(target=send, args=(draw.choice([app, other]), trial, body, replies)) for body in bodies
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert early[0][1].status_code in (404, 409)
        taken = {rating for rating, reply in replies if reply.status_code == 200}
        assert len(taken) == 1
        assert {reply.status_code for rating, reply in replies if rating not in taken} == {409}
        (confirmed[trial],) = taken
        sent += [(trial, body) for body in bodies]
        player.load()
    draw.shuffle(sent)
    for trial, body in sent:
        replies = []
        send(other, trial, body, replies)
        assert replies[0][1].status_code == (200 if body["rating"] == confirmed[trial] else 409)
    assert [row["rating"] for row in records.rows(study)] == [confirmed[trial] for trial in range(9)]


def test_a_server_with_several_workers_plays_whole_sessions(app, flask, data, records):
    """gRPC does not survive a fork: each worker has to connect by itself."""
    copy_documents(open_store(data, "sqlite"), records.store, lambda: None)
    done = flask("simulate", "small", "--observers", 3)
    assert done.exit_code == 0, done.output
    study = records.study("small")
    assert [records.progress(study, session)["finished"] for session in records.sessions("small")] == [True] * 3
    assert len(records.rows(study)) == 3 * 9
