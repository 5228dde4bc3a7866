"""The researcher's pages."""

import csv
import io
import re
import threading
import zipfile
from html import unescape

import pytest
from player import Player

from app.analysis import report


@pytest.fixture
def researcher(app):
    client = app.test_client()
    reply = client.post("/research/sign-in", data={"password": app.config["RESEARCH_PASSWORD"]})
    assert reply.status_code == 303
    return client


@pytest.mark.parametrize(
    "address", ["/research/", "/research/small", "/research/small/progress", "/research/small/export.zip"]
)
def test_every_page_asks_for_the_password_first(client, address):
    reply = client.get(address)
    assert reply.status_code == 302
    assert reply.location == f"/research/sign-in?next={address}"


@pytest.mark.parametrize("address", ["/research/small/invite", "/research/small/sessions/x/new-link"])
def test_nothing_can_be_changed_without_the_password(client, records, address):
    assert client.post(address, data={"observers": "Eve"}).status_code == 302
    assert records.sessions("small") == []


def test_wrong_passwords_slow_the_next_try_down(client, app, clock):
    def sign_in(password):
        return client.post("/research/sign-in", data={"password": password}).status_code

    assert [sign_in("wrong") for _ in range(4)] == [403, 403, 403, 429]
    assert sign_in(app.config["RESEARCH_PASSWORD"]) == 429
    clock.move(2)
    assert sign_in("wrong") == 403
    clock.move(2)
    assert sign_in("wrong") == 429
    clock.move(60)
    assert sign_in(app.config["RESEARCH_PASSWORD"]) == 303


def test_signing_in_leads_to_the_page_asked_for_and_nowhere_else(client, app):
    for wanted, place in [
        ("/research/small", "/research/small"),
        ("https://elsewhere.example/", "/research/"),
        ("//elsewhere.example", "/research/"),
    ]:
        reply = client.post(
            "/research/sign-in", query_string={"next": wanted}, data={"password": app.config["RESEARCH_PASSWORD"]}
        )
        assert reply.location == place


def test_the_cookie_is_kept_from_scripts_and_ends_with_sign_out(researcher, app):
    client = app.test_client()
    reply = client.post(
        "/research/sign-in", data={"password": app.config["RESEARCH_PASSWORD"]}, base_url="https://localhost"
    )
    for mark in ("HttpOnly", "SameSite=Lax", "Secure"):
        assert mark in reply.headers["Set-Cookie"]
    researcher.post("/research/sign-out")
    assert researcher.get("/research/").status_code == 302


def test_a_new_password_ends_every_sign_in(researcher, app):
    app.config["RESEARCH_PASSWORD"] = "another one"
    assert researcher.get("/research/").status_code == 302


def test_studies_are_listed_with_their_progress(researcher, player):
    player.play(lambda trial: 4)
    page = researcher.get("/research/").text
    assert "small" in page
    assert "frozen" in page


def test_observers_are_invited_and_their_links_shown_to_copy(researcher, invite):
    reply = researcher.post("/research/small/invite", data={"observers": "Ada\n\n Grace  Hopper \n"})
    assert reply.status_code == 303
    page = researcher.get("/research/small").text
    assert f"http://localhost{invite('Ada')}" in page
    assert f"http://localhost{invite('Grace Hopper')}" in page


def test_an_impossible_observer_s_name_is_told_on_the_page(researcher):
    reply = researcher.post("/research/small/invite", data={"observers": "x" * 100})
    assert reply.status_code == 400
    assert "1 to 80" in reply.text


def test_a_new_link_replaces_the_old_one(researcher, invite, records, client):
    old = invite()
    session = records.sessions("small")[0]
    assert researcher.post(f"/research/small/sessions/{session['id']}/new-link").status_code == 303
    assert client.get(old).status_code == 404
    assert client.get(invite()).status_code == 200
    assert researcher.post("/research/small/sessions/0000/new-link").status_code == 404


def test_live_progress_and_counts_follow_the_ratings(researcher, player, truths):
    player.show()
    player.rate(3)
    for _ in range(2):
        player.rate(5 if truths[player.current["image"]] == "synthetic" else 1)
    assert "2 of 8" in researcher.get("/research/small/progress").text
    assert "100.0" in researcher.get("/research/small").text


def test_an_unknown_study_is_told(researcher):
    reply = researcher.get("/research/none")
    assert reply.status_code == 404
    assert "small" in reply.text


def test_the_download_holds_the_whole_export(researcher, player):
    player.play(lambda trial: 2)
    reply = researcher.get("/research/small/export.zip")
    archive = zipfile.ZipFile(io.BytesIO(reply.data))
    answers = list(csv.DictReader(io.StringIO(archive.read("answers.csv").decode())))
    assert len(answers) == 9
    assert {"confusion.csv", "confusion.xlsx", "data_dictionary.md", "protocol.json"} <= set(archive.namelist())
    assert 'filename="small.zip"' in reply.headers["Content-Disposition"]


def test_wrong_passwords_sent_at_the_same_time_count_each(app):
    replies = []
    tries = [
        threading.Thread(
            target=lambda: replies.append(
                app.test_client().post("/research/sign-in", data={"password": "x"}).status_code
            )
        )
        for _ in range(12)
    ]
    for thread in tries:
        thread.start()
    for thread in tries:
        thread.join()
    assert sorted(replies) == [403] * 3 + [429] * 9


def test_a_torn_address_to_go_on_to_is_ignored(client, app):
    reply = client.post("/research/sign-in?next=/research/%0d%0aX", data={"password": app.config["RESEARCH_PASSWORD"]})
    assert reply.location == "/research/"


def test_a_message_of_scripts_stays_text(researcher, records, invite):
    records.edit_study("small", {"title": "<script>alert(1)</script>"})
    invite("<img src=x onerror=alert(1)>")
    page = researcher.get("/research/small").text
    assert "<script>alert" not in page
    assert "<img" not in page


def test_links_carry_the_public_address(researcher, invite, app):
    app.config["PUBLIC_URL"] = "https://quiz.example/"
    url = invite()
    assert f"https://quiz.example{url}" in researcher.get("/research/small").text


# Pace


def lines(page, caption):
    """The lines of the table that follows a heading or a caption, each a list of the cells' texts."""
    found = re.search(rf"{caption}.*?</table>", page, re.DOTALL)[0]
    rows = re.findall(r"<tr.*?</tr>", found, re.DOTALL)
    return [[cell_text(cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)] for row in rows]


def table(page, caption):
    """The same, by the text of the first cell."""
    return {line[0]: line[1:] for line in lines(page, caption)}


def cell_text(cell):
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", cell)).split())


def rate_every(player, clock, seconds, count):
    for _ in range(count):
        clock.move(seconds)
        player.rate(4)


def test_pace_and_expected_end_follow_the_last_ratings(researcher, player, clock):
    rate_every(player, clock, 60, 4)  # the warm-up, which is no part of the pace, and three
    assert "Expected end" in researcher.get("/research/small/progress").text
    assert "in 4 min" not in researcher.get("/research/small/progress").text
    rate_every(player, clock, 60, 1)
    observer = table(researcher.get("/research/small/progress").text, "<h2>Observers")["Ada"]
    assert observer[:2] == ["rating", "4 of 8"]
    assert observer[3:5] == ["60.0", "in 4 min"]
    assert "At this pace the session ends in 4 min." in cell_text(researcher.get("/research/small/progress").text)
    rate_every(player, clock, 5, 3)
    assert table(researcher.get("/research/small/progress").text, "<h2>Observers")["Ada"][4] == "within a minute"


def test_who_has_paused_has_no_expected_end_until_the_pace_is_known_again(researcher, player, clock):
    rate_every(player, clock, 10, 6)
    clock.move(16 * 60)
    observer = table(researcher.get("/research/small/progress").text, "<h2>Observers")["Ada"]
    assert (observer[0], observer[3:5]) == ("paused", ["", ""])
    rate_every(player, clock, 10, 1)
    observer = table(researcher.get("/research/small/progress").text, "<h2>Observers")["Ada"]
    assert (observer[0], observer[3:5]) == ("rating", ["", ""])


def test_who_has_finished_is_counted_and_has_no_pace(researcher, player, clock):
    rate_every(player, clock, 10, 9)
    page = researcher.get("/research/small/progress").text
    assert table(page, "<h2>Observers")["Ada"][3:5] == ["", ""]
    assert "1 of 1 has finished" in cell_text(page)


# Results


@pytest.fixture
def mixed_players(app, invite):
    """Two who have finished, with Unsure among their ratings, and one who has not."""
    for seed, name in enumerate(["Ada", "Grace", "Mary"]):
        player = Player(app.test_client(), invite(name))
        player.begin()
        if name == "Mary":
            for rating in (1, 2, 3, 4):
                player.rate(rating)
        else:
            player.play(lambda trial, seed=seed: (trial["trial"] * 2 + seed) % 5 + 1)


def test_the_pages_show_the_reports_numbers(researcher, mixed_players, monkeypatch):
    monkeypatch.setattr(report, "draw", lambda *_: {})
    shown = table(researcher.get("/research/small").text, "<h2>Counts")
    page = researcher.get("/research/small/report").text
    counts = table(page, "Counts, area under the ROC curve")
    left_out, wrong = (table(page, f"Shares in %, Unsure {rule}") for rule in ("left out", "wrong"))
    assert list(shown)[1:] == list(counts)[1:] == ["Ada", "Grace", "Mary", "All observers"]
    for observer in list(shown)[1:]:
        answered, *outcomes = counts[observer][1:7]
        assert shown[observer][:6] == [answered, *outcomes]
        accuracy, _, *others = left_out[observer]
        expected = [*others[:3], accuracy, wrong[observer][0]]
        assert [value_and_n(cell) for cell in shown[observer][6:]] == [value_and_n(cell) for cell in expected]


def value_and_n(cell):
    """ "66.7 % n 6" and "66.7 (30.0 to 90.3) n 6" alike."""
    return re.match(r"[\d.]+|–", cell)[0], re.search(r"n (\d+)", cell)[1] if "n" in cell else None


def test_there_is_no_leaderboard_unless_the_study_wants_one(researcher, mixed_players):
    assert "Leaderboard" not in researcher.get("/research/small").text


def test_the_leaderboard_ranks_the_finished_by_the_reports_numbers(researcher, flask, app, invite, truths, monkeypatch):
    monkeypatch.setattr(report, "draw", lambda *_: {})
    assert flask("edit-study", "small", "--leaderboard").exit_code == 0
    assert "Nobody has finished yet" in researcher.get("/research/small").text
    rights = {"Ada": 2, "Grace": 6, "Mary": 2, "Zoe": 8}
    for name, right in rights.items():
        player = Player(app.test_client(), invite(name))
        player.begin()
        for number in range(8 if name == "Zoe" else 9):
            synthetic = truths[player.current["image"]] == "synthetic"
            assert player.rate((5 if synthetic else 1) if number <= right else 3).status_code == 200
        page = player.client.get(player.url).text + player.client.get(f"{player.url}/state").text
        assert "leaderboard" not in page.casefold()
        assert not any(other in page for other in rights if other != name)
    found = lines(researcher.get("/research/small").text, "<h2>Leaderboard")[1:]
    assert [line[:3] for line in found] == [["1", "Grace", "6 of 8"], ["2", "Ada", "2 of 8"], ["2", "Mary", "2 of 8"]]
    reported = table(researcher.get("/research/small/report").text, "Shares in %, Unsure wrong")
    for _, name, _, share in found:
        assert share.replace(" %", "") == reported[name][0]
