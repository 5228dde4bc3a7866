"""A session from the link to the thank-you page."""

import json

import pytest


def test_the_link_leads_from_welcome_through_profile_and_instructions_to_the_trials(client, invite):
    url = invite()
    assert "consent" in client.get(url).text
    client.post(f"{url}/consent", data={"agree": "yes"})
    assert 'name="years"' in client.get(url).text
    client.post(f"{url}/profile", data={"role": "general", "specialty": "", "years": "3,5"})
    assert "/start" in client.get(url).text
    client.post(f"{url}/start")
    assert 'id="quiz"' in client.get(url).text


def test_without_consent_nothing_begins(client, invite):
    url = invite()
    reply = client.post(f"{url}/consent", data={})
    assert reply.status_code == 400
    assert "tick the box" in reply.text
    client.post(f"{url}/start")
    assert client.get(f"{url}/state").status_code == 409


@pytest.mark.parametrize(
    "form",
    [
        {"role": "king", "years": "3"},
        {"role": "general", "years": "many"},
        {"role": "general", "years": "-1"},
        {"role": "other", "years": "nan"},
    ],
)
def test_an_impossible_profile_is_refused_and_asked_for_again(client, invite, form):
    url = invite()
    client.post(f"{url}/consent", data={"agree": "yes"})
    assert client.post(f"{url}/profile", data=form).status_code == 400
    assert 'name="years"' in client.get(url).text


def test_a_study_may_leave_the_profile_out(client, invite, records):
    records.edit_study("small", {"profile": False})
    url = invite()
    client.post(f"{url}/consent", data={"agree": "yes"})
    assert "/start" in client.get(url).text


def test_the_warm_up_comes_first_without_time_pressure_and_is_not_counted(player):
    assert player.current["kind"] == "practice"
    assert player.current["viewing_ms"] == 600_000
    player.show()
    player.rate(3)
    assert player.current["kind"] == "scored"
    assert player.current["number"] == 1
    assert player.current["viewing_ms"] == 13_000


def test_every_image_comes_exactly_once(player, truths):
    played = player.play(lambda trial: 1)
    shown = [trial["image"] for trial, _ in played]
    assert sorted(shown) == sorted(truths)
    assert player.state["finished"] is True


def test_breaks_come_every_so_many_images_and_a_longer_one_halfway(player):
    breaks = {
        trial["number"]: trial["break_before"] for trial, _ in player.play(lambda trial: 1) if trial["break_before"]
    }
    assert breaks == {
        4: {"kind": "short", "seconds": 30},
        5: {"kind": "long", "seconds": 120},
        7: {"kind": "short", "seconds": 30},
    }


def test_a_session_resumes_at_the_same_trial(player):
    for _ in range(4):
        player.show()
        player.rate(2)
    before = player.current
    assert player.load()["current"] == before | {"elapsed_ms": None}


def test_the_viewing_clock_of_a_shown_image_does_not_start_anew(player, clock):
    player.show()
    clock.move(5)
    assert player.load()["current"]["elapsed_ms"] == 5000
    assert player.show().get_json()["elapsed_ms"] == 5000
    clock.move(3600)
    assert player.load()["current"]["elapsed_ms"] == 3_605_000


def test_the_clock_of_an_image_shown_right_after_a_rating_runs_from_that_rating(player, clock):
    player.show()
    player.rate(2, next_shown=True)
    clock.move(4)
    assert player.load()["current"]["elapsed_ms"] == 4000


def test_a_clock_set_back_never_gives_a_negative_time(player, clock):
    player.show()
    clock.move(-100)
    assert player.load()["current"]["elapsed_ms"] == 0


def test_a_session_goes_on_after_a_server_restart(player, app, data):
    from player import Player

    from app import create_app

    player.show()
    player.rate(4)
    again = Player(create_app(data).test_client(), player.url)
    assert again.load()["current"]["trial"] == 1
    assert again.load()["current"]["ticket"] == player.current["ticket"]


def test_random_orders_differ_between_observers_and_can_be_recomputed(records):
    import hashlib

    study = records.study("small")
    orders = [
        [trial.image for trial in study.trials(session) if trial.kind == "scored"] for session in ("a" * 16, "b" * 16)
    ]
    assert orders[0] != orders[1]
    assert orders[0] == sorted(
        study.images, key=lambda name: hashlib.sha256(f"5:{'a' * 16}:{name}".encode()).hexdigest()
    )


def test_a_fixed_order_is_the_same_for_all(records):
    study = records.edit_study("small", {"order": "fixed"})
    assert (
        [trial.image for trial in study.trials("a")][1:]
        == list(study.images)
        == [trial.image for trial in study.trials("b")][1:]
    )


def test_the_thank_you_page_keeps_the_results_unless_the_study_shows_them(player, client, records):
    player.play(lambda trial: 5)
    assert "Thank you" in client.get(player.url).text
    assert "Accuracy" not in client.get(player.url).text
    assert client.get(f"{player.url}/state").get_json()["current"] is None


def test_a_study_may_show_the_observer_the_results(client, invite, records):
    from player import Player

    records.edit_study("small", {"show_results": True})
    player = Player(client, invite())
    player.begin()
    player.play(lambda trial: 5)
    page = client.get(player.url).text
    assert "50" in page
    assert "%" in page


def test_the_study_s_own_texts_are_shown_as_markdown_without_html(client, invite, records):
    records.edit_study(
        "small", {"texts": {"welcome": "A **bold** word <script>alert(1)</script> [x](javascript:alert(1))"}}
    )
    page = client.get(invite()).text
    assert "<strong>bold</strong>" in page
    assert "<script>alert" not in page
    assert 'href="javascript' not in page


@pytest.mark.parametrize(
    "sent", ['{"x": NaN}', '{"x": 1e999}', '{"x": "\\ud800"}', '{"\\udfff": 1}', "[" * 3999, "null", "{"]
)
def test_no_display_check_can_spoil_the_export(client, invite, flask, tmp_path, sent):
    url = invite()
    client.post(f"{url}/consent", data={"agree": "yes"})
    client.post(f"{url}/profile", data={"role": "general", "years": "3"})
    assert client.post(f"{url}/start", data={"display": sent}).status_code == 303
    done = flask("export", "small", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output


def test_the_display_check_is_exported_with_the_session(player, flask, tmp_path):
    flask("export", "small", "--out", tmp_path / "out")
    protocol = json.loads((tmp_path / "out" / "protocol.json").read_text())
    assert protocol["observers"][0]["display"] == {"pixel_ratio": 2}
