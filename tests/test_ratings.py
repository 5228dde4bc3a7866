"""Ratings: stored once, in turn, with the value that was confirmed."""

import json

import pytest


def stored(records):
    return {key.split("/")[1]: answer["rating"] for key, answer in records.store.scan("answer")}


def test_the_same_rating_sent_twice_is_one_answer(player, records):
    player.show()
    ticket = player.current["ticket"]
    first = player.rate(4)
    again = player.client.put(f"{player.url}/trials/0", json={"ticket": ticket, "rating": 4})
    assert again.status_code == 200
    assert again.get_json()["current"] == first.get_json()["current"]
    assert stored(records) == {"00000": 4}


def test_a_second_different_rating_is_refused_and_the_first_stands(player, records):
    ticket = player.current["ticket"]
    player.rate(4)
    reply = player.client.put(f"{player.url}/trials/0", json={"ticket": ticket, "rating": 5})
    assert (reply.status_code, reply.get_json()["error"]) == (409, "already-rated")
    assert stored(records) == {"00000": 4}


def test_a_lost_reply_can_be_made_up_for_without_the_ticket(player):
    player.rate(4)
    assert player.client.put(f"{player.url}/trials/0", json={"ticket": None, "rating": 4}).status_code == 200


@pytest.mark.parametrize("rating", [0, 6, 7, -1, 3.5, "4", None, True, [4], 10**400])
def test_a_rating_outside_the_scale_is_refused_and_changes_nothing(player, records, rating):
    reply = player.rate(rating)
    assert (reply.status_code, reply.get_json()["error"]) == (400, "bad-rating")
    assert stored(records) == {}


def test_a_trial_out_of_turn_is_refused(player, records):
    reply = player.rate(3, trial=2)
    assert (reply.status_code, reply.get_json()["error"]) == (409, "out-of-turn")
    assert player.rate(3, trial=999).status_code == 404
    assert stored(records) == {}


def test_another_observer_s_ticket_does_not_count(player, client, invite):
    from player import Player

    other = Player(client, invite("Grace"))
    other.begin()
    reply = other.client.put(f"{other.url}/trials/0", json={"ticket": player.current["ticket"], "rating": 2})
    assert reply.status_code == 409


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"rating": 3', b'"x"'])
def test_malformed_json_is_refused_with_a_sentence(player, records, body):
    reply = player.client.put(f"{player.url}/trials/0", data=body, content_type="application/json")
    assert (reply.status_code, reply.get_json()["error"]) == (400, "malformed")
    assert reply.get_json()["message"].endswith(".")
    assert stored(records) == {}


def test_an_enormous_body_is_refused(player, records):
    reply = player.client.put(f"{player.url}/trials/0", data=b" " * 70_000 + b"{}", content_type="application/json")
    assert (reply.status_code, reply.get_json()["error"]) == (413, "too-large")
    assert stored(records) == {}


def test_impossible_measures_are_left_out_and_the_rating_is_kept(player, records):
    sent = {
        "visible_ms": float("nan"),
        "response_ms": -5,
        "submitted_ms": 900.5,
        "zoom_changes": 2.5,
        "resumed": 1,
        "truth": "real",
        "max_zoom": 10**400,
    }
    reply = player.client.put(
        f"{player.url}/trials/0",
        data=json.dumps({"ticket": player.current["ticket"], "rating": 3, "measures": sent}),
        content_type="application/json",
    )
    assert reply.status_code == 200
    [(_, answer)] = records.store.scan("answer")
    assert answer["measures"] == {"submitted_ms": 900.5}


def test_the_server_records_when_it_released_showed_and_got_each_trial(player, clock, records):
    start = clock.ms
    clock.move(2)
    player.show()
    clock.move(7)
    player.rate(1)
    [row] = records.rows(records.study("small"))
    assert (row["released_at"], row["shown_at"], row["received_at"]) == (start, start + 2000, start + 9000)


@pytest.mark.parametrize(
    ("measured", "late"), [({"submitted_ms": 12_999.0}, False), ({"submitted_ms": 13_001.0}, True), ({}, True)]
)
def test_late_ratings_are_marked(player, clock, records, measured, late):
    player.rate(3)
    player.show()
    clock.move(20)
    player.rate(2, measures=measured)
    assert [row["late"] for row in records.rows(records.study("small")) if row["kind"] == "scored"] == [late]


def test_a_showing_told_after_the_rating_changes_nothing(player, clock, records):
    ticket = player.current["ticket"]
    player.rate(3)
    clock.move(1)
    reply = player.client.post(f"{player.url}/trials/0/shown", json={"ticket": ticket})
    assert reply.status_code == 200
    assert [row["shown_at"] for row in records.rows(records.study("small"))] == [None]


def test_a_clock_set_back_gives_no_negative_time(player, clock):
    player.show()
    clock.move(-3600)
    assert player.show().get_json()["elapsed_ms"] == 0


@pytest.mark.parametrize("body", ["[" * 60_000, '{"a":' * 10_000, '{"ticket":' + "[" * 20_000 + "}"])
def test_bottomless_json_is_refused_with_a_sentence(player, records, body):
    for call in (player.client.put, player.client.post):
        path = "" if call == player.client.put else "/shown"
        reply = call(f"{player.url}/trials/0{path}", data=body, content_type="application/json")
        assert (reply.status_code, reply.get_json()["error"]) == (400, "malformed")
    assert stored(records) == {}
