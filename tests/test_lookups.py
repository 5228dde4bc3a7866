"""What is remembered between requests, and when it is forgotten: two workers are two applications on one folder."""

import pytest
from conftest import Clock
from player import Player

from app import create_app
from app.lookups import Lookups


@pytest.fixture
def other(data, clock):
    """Another worker on this machine."""
    other = create_app(data)
    other.config["CLOCK"] = clock
    return other


@pytest.fixture
def elsewhere(data, clock, tmp_path):
    """A server on another machine: it hears no news of this one. Its seconds pass by `elsewhere.wait(seconds)`."""
    elsewhere = create_app(data)
    elsewhere.config["CLOCK"] = clock
    seconds = Clock()
    elsewhere.extensions["records"].lookups = Lookups(tmp_path / "other-machine", lambda: seconds.ms / 1000)
    elsewhere.wait = seconds.move
    return elsewhere


def test_a_replaced_link_is_dead_at_once_in_every_worker(player, records, other, flask):
    assert other.test_client().get(f"{player.url}/state").status_code == 200
    session = records.sessions("small")[0]
    new = records.replace_link("small", session["id"])
    assert other.test_client().get(f"{player.url}/state").status_code == 404
    assert player.rate(3).status_code == 404
    assert other.test_client().get(f"/quiz/{records.token(new)}/state").status_code == 200
    flask("invite", "small", "--observer", "Ada", "--new-link")
    assert other.test_client().get(f"/quiz/{records.token(new)}/state").status_code == 404


def test_on_another_machine_a_replaced_link_dies_after_its_seconds(player, records, elsewhere):
    client = elsewhere.test_client()
    assert client.get(f"{player.url}/state").status_code == 200
    records.replace_link("small", records.sessions("small")[0]["id"])
    elsewhere.wait(599)
    assert client.get(f"{player.url}/state").status_code == 200
    elsewhere.wait(1)
    assert client.get(f"{player.url}/state").status_code == 404


def test_a_session_never_goes_back_a_stage_whichever_server_is_asked(app, elsewhere, invite):
    url = invite()
    form = {"agree": "yes", "role": "general", "specialty": "Endodontics", "years": "12"}
    servers = [app.test_client(), elsewhere.test_client()]
    for action, next_page in [("consent", f"{url}/profile"), ("profile", f"{url}/start"), ("start", 'id="quiz"')]:
        for server in servers:
            assert f"{url}/{action}" in server.get(url).get_data(as_text=True)
        servers[0].post(f"{url}/{action}", data=form)
        for server in servers:
            assert next_page in server.get(url).get_data(as_text=True)
        servers.reverse()


def test_a_link_replaced_twice_by_different_workers_leaves_one_that_works(player, records, other):
    session = records.sessions("small")[0]
    links = [player.url]
    for worker in (records, other.extensions["records"], records):
        worker.session("small", session["id"])
        links.append(f"/quiz/{worker.token(worker.replace_link('small', session['id']))}")
    answers = [other.test_client().get(f"{link}/state").status_code for link in links]
    assert answers == [404, 404, 404, 200]


def test_ratings_alternate_between_workers_and_every_one_counts_once(player, app, other, records):
    clients = [app.test_client(), other.test_client()]
    while player.current:
        player.client = clients[player.current["trial"] % 2]
        assert player.rate(1 + player.current["trial"] % 5, next_shown=True).status_code == 200
    assert records.store.count("answer") == 9
    assert Player(clients[0], player.url).load()["finished"]
    assert Player(clients[1], player.url).load()["finished"]
