"""All results together, the report with its figures, and the commands that make them."""

import io
import json
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import noise_images
from PIL import Image
from player import Player

from app.analysis import report
from app.analysis.difficulty import SHEETS
from app.analysis.estimate import Estimate, count
from app.analysis.export import export_files
from app.analysis.figures import FIGURES, draw
from app.analysis.legacy import read_legacy
from app.analysis.methods import methods
from app.analysis.mrmc_text import ratings_document
from app.analysis.ratings import read_ratings
from app.analysis.report import bounds, number, p_value, report_page
from app.analysis.results import study_results
from app.analysis.statistics_table import statistics_table
from app.analysis.table import confusion_table

FIXTURES = Path(__file__).parent / "fixtures"
FINISHED = {"O0": True, "O1": True, "O2": False}
ABOUT = {
    "study": "trial",
    "title": "Real or synthetic?",
    "answers_until": "2026-01-01",
    "viewing_seconds": 13,
    "order": "random",
    "images": 24,
    "simulated": 0,
}


def answer(observer, i, rating, **more):
    row = {
        "study": "trial",
        "observer": observer,
        "kind": "scored",
        "number": i + 1,
        "image": f"i{i}",
        "rating": rating,
    }
    return row | {"truth": "synthetic" if i % 2 else "real", "response_ms": 1000.0 * (i % 7 + 1), "pool": "p"} | more


def study(observers=3, images=24):
    draw_rating = random.Random(4)
    return [
        answer(f"O{o}", i, draw_rating.randint(1, 5), years=3 * o, role="general")
        for o in range(observers)
        for i in range(images)
    ]


@pytest.fixture
def no_figures(monkeypatch):
    """Pages without figures, whose drawing takes a second."""
    monkeypatch.setattr(report, "draw", lambda *_: {})


def test_counts_are_those_of_the_confusion_table():
    rows = read_legacy(FIXTURES / "legacy" / "submissions.csv", FIXTURES / "legacy" / "image_labels.csv").rows
    results = study_results(rows)
    table = confusion_table(rows)
    for result, row in zip([*results.observers, results.everyone], table, strict=True):
        assert result.observer == row["observer"]
        assert {name: getattr(result.confusion, name) for name in ("tp", "tn", "fp", "fn", "unsure")} == {
            name: row[name] for name in ("tp", "tn", "fp", "fn", "unsure")
        }
        assert result.shares["left out"]["accuracy"].value == row["accuracy_excluding_unsure"]
        assert result.shares["wrong"]["accuracy"].value == row["accuracy_unsure_counted_wrong"]


def test_unfinished_sessions_are_left_out_of_the_multi_reader_analysis_alone(no_figures):
    rows = [row for row in study() if row["observer"] != "O2" or row["number"] < 6]
    results = study_results(rows, FINISHED)
    assert [each.observer for each in results.observers] == ["O0", "O1", "O2"]
    assert results.mrmc_observers == ["O0", "O1"]
    assert (results.mrmc["jackknife"].cases, results.mrmc["jackknife"].left_out) == (24, 0)
    page = report_page(results, ABOUT, {})
    assert "1 observer was left out of it and of all means over observers" in page
    nobody = study_results(rows, dict.fromkeys(["O0", "O1", "O2"], False))
    assert nobody.mrmc is None
    assert "no observer has finished" in report_page(nobody, ABOUT, {})


def test_the_report_is_one_file_that_asks_for_nothing():
    page = report_page(study_results(study()), ABOUT, {"i1": b"RIFF"})
    assert set(re.findall(r'(?:src|href)="([^"]{5})', page)) == {"data:"}
    assert "<script" not in page
    assert page.count("<img") >= len(FIGURES)


def test_an_observers_name_is_no_markup(no_figures):
    rows = [row | {"observer": "<b>Eve</b>"} for row in study(1)]
    assert "<b>Eve" not in report_page(study_results(rows), ABOUT, {})


def test_figures_are_pictures_and_the_same_each_time():
    results = study_results(study())
    first, second = draw(results), draw(results, ["svg"])
    assert list(first) == list(FIGURES)
    for name, kinds in first.items():
        assert kinds["svg"] == second[name]["svg"]
        assert Image.open(io.BytesIO(kinds["png"])).width == 1440


def test_a_large_study_has_figures_without_names():
    rows = [answer(f"O{o}", i, 1 + (o * i) % 5) for o in range(60) for i in range(6)]
    assert set(draw(study_results(rows), ["svg"])) == set(FIGURES)


def test_numbers_are_printed_as_papers_do():
    assert number(Estimate(-0.1234)) == "−0.123"
    assert number(Estimate(-0.004), 2) == "0.00"
    assert bounds(Estimate(0.5, -0.25, 0.75), 2) == "(−0.25 to 0.75)"
    assert bounds(Estimate(0.5)) == "(no interval)"
    assert [count(n) for n in (1_000_000, 154.0, 154.5)] == ["1000000", "154", "154.5"]
    assert [p_value(p) for p in (0.0004, 0.0123, None)] == ["< 0.001", "0.012", "–"]


def test_exported_ratings_are_read_back_and_analysed(tmp_path):
    rows = [*study(), answer("O1", 3, 5, repeat=True), answer("O1", 3, 5, kind="practice")]
    files = export_files({}, rows, {})
    (tmp_path / "ratings.csv").write_bytes(files["ratings.csv"])
    read = read_ratings(tmp_path / "ratings.csv")
    assert (read.readers, read.treatments, len(read.cases)) == (["O0", "O1", "O2"], ["trial"], 24)
    mean = ratings_document(read)["jackknife"].treatments[0].mean
    assert mean == pytest.approx(json.loads(files["results.json"])["mrmc"]["jackknife"]["treatments"][0]["mean"])


def test_imrmcs_input_has_a_heading_the_truths_and_the_scores():
    rows = [answer("Ada, B.", 0, 2), answer("Ada, B.", 1, 5), answer("Grace", 1, 4)]
    lines = export_files({}, rows, {})["ratings.imrmc"].decode().splitlines()
    assert lines[1:] == [
        "N0: 1", "N1: 1", "NR: 2", "NM: 1", "BEGIN DATA:",
        "-1,i0,0,0", "-1,i1,0,1", "Ada B.,i0,trial,2", "Ada B.,i1,trial,5", "Grace,i1,trial,4",
    ]  # fmt: skip


# Commands and the research page


def test_analyse_ratings_prints_the_published_figures(flask):
    done = flask("analyse-ratings", FIXTURES / "van_dyke" / "ratings.csv")
    assert done.exit_code == 0
    for published in ("0.82522360 to 0.96885048", "0.89413783 to 0.98753689", "F 4.456319  df 1, 15.26  p 0.0517"):
        assert published in done.output


def test_analyse_ratings_gives_json(flask, tmp_path):
    done = flask("analyse-ratings", FIXTURES / "van_dyke" / "ratings.csv", "--json")
    found = json.loads(done.output)
    assert found["jackknife"]["comparison"]["tests"]["fixed readers"]["df2"] == "infinite"
    assert found["readers"]["0"]["0"]["n"] == 114
    (tmp_path / "no.csv").write_text("a,b\n")
    assert "Error: " in flask("analyse-ratings", tmp_path / "no.csv").output


def test_plan_study_says_width_and_power(flask):
    done = flask("plan-study", "--observers", 3, "--images", 20, "--auc", 0.7, "--simulations", 5)
    assert "random readers and cases" in done.output
    assert "Error: 7 images" in flask("plan-study", "--observers", 3, "--images", 7, "--auc", 0.7).output


@pytest.fixture
def played(app, invite):
    """Two finished sessions of the small study."""
    for seed, name in enumerate(["Ada", "Grace"]):
        player = Player(app.test_client(), invite(name))
        player.begin()
        player.play(lambda trial, seed=seed: (trial["trial"] * 3 + seed) % 5 + 1)


def test_the_report_command_writes_a_folder_and_replaces_it(flask, played, tmp_path, no_figures):
    for _ in range(2):
        done = flask("report", "small", "--out", tmp_path / "report")
        assert done.exit_code == 0, done.output
    page = (tmp_path / "report" / "report.html").read_text()
    assert "2 observers, 8 images, 16 ratings" in page
    assert page.count("data:image/webp") >= 8
    (tmp_path / "report" / "mine.txt").touch()
    assert "which no report wrote" in flask("report", "small", "--out", tmp_path / "report").output


def test_images_are_exported_sorted_by_outcome_if_asked_for(flask, played, records, tmp_path):
    for _ in range(2):
        assert flask("export", "small", "--images", "--out", tmp_path / "out").exit_code == 0
    found = {path.stem: path.parent.name for path in (tmp_path / "out" / "images").rglob("*.webp")}
    assert set(found) == set(records.study("small").images)
    assert set(found.values()) <= {*SHEETS, "no majority"}
    assert flask("export", "small", "--out", tmp_path / "out").exit_code == 0
    assert not (tmp_path / "out" / "images").exists()


def test_the_research_pages_show_the_same_report_to_researchers_alone(client, played, app, no_figures):
    assert client.get("/research/small/report").status_code == 302
    client.post("/research/sign-in", data={"password": app.config["RESEARCH_PASSWORD"]})
    page = client.get("/research/small/report")
    assert "2 observers, 8 images, 16 ratings" in page.text
    assert "script-src" not in page.headers["Content-Security-Policy"]
    assert "/research/small/report" in client.get("/research/small").text


def test_two_studies_are_compared_over_the_observers_of_both(flask, app, played, records, invite):
    created = flask("create-study", "again", "--real", "cases", "--synthetic", "fakes", "--images", 8, "--seed", 9)
    assert created.exit_code == 0, created.output
    assert "Error: No observer has finished all" in flask("compare-studies", "small", "again").output
    for name in ("Ada", "Grace", "Mary"):
        player = Player(app.test_client(), invite(name, "again"))
        player.begin()
        player.play(lambda trial: trial["trial"] % 4 + 1)
    done = flask("compare-studies", "small", "again")
    # Some files are in both studies, under other random names: 12 different ones instead of 16.
    assert "2 readers, 12 cases, cases partly shared by treatments; 0 cases left out." in done.output
    assert "Treatment again minus small" in done.output


@pytest.fixture
def two_formats(flask, tmp_path):
    """A pool of real images, half of them JPEG, and the study `formats` of it."""
    noise_images(tmp_path / "mixed", 8, 7)
    for path in sorted((tmp_path / "mixed").iterdir())[:4]:
        Image.open(path).save(path.with_suffix(".jpg"), quality=95)
        path.unlink()
    for command in (
        ["import-pool", "mixed", tmp_path / "mixed", "--truth", "real"],
        ["create-study", "formats", "--real", "mixed", "--synthetic", "fakes", "--images", 16],
    ):
        done = flask(*command)
        assert done.exit_code == 0, done.output


def play_formats(app, invite, records):
    """Right on all real images that were PNG, wrong on those that were JPEG, Unsure on the synthetic ones."""
    images = records.study("formats").images
    player = Player(app.test_client(), invite("Ada", "formats"))
    player.begin()
    rating_of = {"jpg": 5, "png": 1}
    player.play(
        lambda trial: 3 if (image := images.get(Path(trial["image"]).stem, {})).get("truth") != "real"
        else rating_of[image["source"][-3:]]
    )  # fmt: skip


def exported_settings(flask, folder):
    assert flask("export", "formats", "--out", folder).exit_code == 0
    results = json.loads((folder / "results.json").read_text())
    return {key: (each["value"], each["n"]) for key, each in results["settings"].items()}


def test_results_by_setting_come_from_the_pools_manifests(
    app, clock, flask, invite, records, tmp_path, request, no_figures
):
    clock.ms = round(time.time() * 1000) + 60_000  # pools are dated by the machine's clock
    request.getfixturevalue("two_formats")
    play_formats(app, invite, records)
    settings = exported_settings(flask, tmp_path / "out")
    assert (settings["mixed - format - JPEG"], settings["mixed - format - PNG"]) == ((0, 4), (1, 4))
    assert not any("bits" in key for key in settings), "what does not differ is no setting to compare"
    assert flask("report", "formats", "--out", tmp_path / "report").exit_code == 0
    assert "Right calls by setting" in (tmp_path / "report" / "report.html").read_text()


def test_settings_of_a_pool_that_was_made_anew_are_not_used(app, flask, two_formats, invite, records, tmp_path):
    """The tests' clock stands before the pool was made, as if it had taken the place of the study's own."""
    play_formats(app, invite, records)
    assert exported_settings(flask, tmp_path / "out") == {}


def test_the_same_answers_make_the_same_report(flask, played, clock, tmp_path, no_figures):
    assert flask("report", "small", "--out", tmp_path / "one").exit_code == 0
    clock.move(100_000)
    assert flask("report", "small", "--out", tmp_path / "two").exit_code == 0
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two


def test_simulated_observers_are_said_to_be(flask, data, no_figures, records, clock, tmp_path):
    session, _ = records.invite(records.study("small"), "Robot", clock.ms, simulated=True)
    study = records.study("small")
    for trial in study.trials(session["id"]):
        given = {"kind": trial.kind, "number": trial.number, "repeat": False, "image": trial.image, "rating": 4}
        times = {"released_at": clock.ms, "received_at": clock.ms, "next_shown": False, "viewing_ms": 13_000}
        records.add_answer(session["id"], trial.index, {**given, **times, "measures": {}})
    assert flask("report", "small", "--include-simulated", "--out", tmp_path / "out").exit_code == 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert "1 observer simulated: a rehearsal, no result about people." in page
    assert "1 observer was simulated." in page


def test_no_p_value_is_0():
    """2,000 right calls of 2,000: 2 / 2^2000 is less than a machine's smallest number."""
    results = study_results([answer("A", i, 5 if i % 2 else 1) for i in range(2000)])
    p = results.everyone.guessing["p"]
    assert 0 < p < 1e-300
    assert "p < 0.0001 against guessing" in {row["note"] for row in statistics_table(results)}


def test_methods_cite_in_order_and_tell_what_was_done():
    results = study_results([row for row in study() if row["observer"] != "O2" or row["number"] < 6], FINISHED)
    paragraphs, references = methods(results, ABOUT | {"simulated": 1})
    cited = [int(number) for number in re.findall(r"\[(\d+)\]", " ".join(paragraphs))]
    assert list(dict.fromkeys(cited)) == list(range(1, len(references) + 1))
    assert "3 observers rated 12 real and 12 synthetic panoramic radiographs, in an order drawn anew" in paragraphs[0]
    assert "53 ratings were analysed. 1 observer was simulated." in paragraphs[0]
    assert "The mean AUC of 2 observers over 24 images" in paragraphs[2]
    one, _ = methods(study_results(study(1)), ABOUT)
    assert one[2].endswith("A multi-reader multi-case analysis was not possible.")
    assert "Agreement between observers" not in one[3]


def test_the_application_starts_without_any_statistics_package(data):
    heavy = "{'numpy', 'scipy', 'matplotlib'} & set(sys.modules)"
    code = f"import sys; from app import create_app; create_app(); print({heavy})"
    settings = {"env": {**os.environ, "QUIZ_DATA": str(data)}, "cwd": FIXTURES.parents[1]}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, **settings)
    assert done.stdout.strip() == "set()"
