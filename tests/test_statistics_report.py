"""All results together, the report with its figures, and the commands that make them."""

import csv
import io
import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from player import Player

from app.analysis import report
from app.analysis.difficulty import SHEETS
from app.analysis.estimate import Estimate
from app.analysis.export import export_files
from app.analysis.figures import FIGURES, draw
from app.analysis.legacy import read_legacy
from app.analysis.mrmc_text import ratings_document
from app.analysis.ratings import read_ratings
from app.analysis.report import bounds, number, p_value, report_page
from app.analysis.results import study_results
from app.analysis.table import confusion_table

FIXTURES = Path(__file__).parent / "fixtures"
ABOUT = {"study": "trial", "title": "Real or synthetic?", "made_at": "2026-01-01", "viewing_seconds": 13}


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


DEGENERATE = {
    "nobody": [],
    "one observer": study(1),
    "one answer": [answer("A", 0, 2)],
    "all right": [answer(f"O{o}", i, 5 if i % 2 else 1) for o in range(3) for i in range(8)],
    "all Unsure": [answer(f"O{o}", i, 3) for o in range(3) for i in range(8)],
    "one class": [answer(f"O{o}", 2 * i, 1 + (i + o) % 5) for o in range(3) for i in range(8)],
    "equal observers": [answer(f"O{o}", i, 1 + i % 5) for o in range(3) for i in range(8)],
    "no image in common": [answer(f"O{o}", i + 8 * o, 1 + i % 5) for o in range(3) for i in range(8)],
    "no times": [row | {"response_ms": None, "number": None} for row in study()],
    "repeats": [*study(), answer("O1", 3, 5, repeat=True), answer("O1", 4, 1, repeat=True)],
}


@pytest.fixture
def no_figures(monkeypatch):
    """Pages without figures, whose drawing takes a second."""
    monkeypatch.setattr(report, "draw", lambda *_: {})


@pytest.mark.parametrize("case", DEGENERATE)
def test_every_degenerate_study_has_results_a_report_and_an_export(case, no_figures):
    """Numbers or reasons, never NaN: JSON is written without it."""
    rows = DEGENERATE[case]
    results = study_results(rows)
    json.dumps(results.as_dict(), allow_nan=False)
    page = report_page(results, ABOUT, {})
    assert "nan" not in re.sub(r"base64,[^\"]*", "", page).lower().split()
    assert "None" not in re.sub(r"base64,[^\"]*", "", page)
    statistics = csv.DictReader(io.StringIO(export_files({}, rows, {})["statistics.csv"].decode()))
    assert all(row["value"] or row["note"] for row in statistics)


@pytest.mark.parametrize(
    ("case", "missing"),
    [
        ("nobody", set(FIGURES)),
        ("one class", {"roc", "forest"}),
        ("all right", set()),
        ("no times", {"response_times"}),
    ],
)
def test_a_figure_that_there_is_nothing_to_draw_in_is_left_out(case, missing):
    assert set(FIGURES) - set(draw(study_results(DEGENERATE[case]), ["svg"])) == missing


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
    results = study_results(rows, {"O0": True, "O1": True, "O2": False})
    assert [each.observer for each in results.observers] == ["O0", "O1", "O2"]
    assert results.mrmc_observers == ["O0", "O1"]
    assert (results.mrmc["jackknife"].cases, results.mrmc["jackknife"].left_out) == (24, 0)
    page = report_page(results, ABOUT, {})
    assert "1 observers with unfinished sessions were left out" in page
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
    assert bounds(Estimate(0.5, -0.25, 0.75), 2) == "(−0.25 to 0.75)"
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


def test_the_application_starts_without_any_statistics_package(data):
    heavy = "{'numpy', 'scipy', 'matplotlib'} & set(sys.modules)"
    code = f"import sys; from app import create_app; create_app(); print({heavy})"
    settings = {"env": {**os.environ, "QUIZ_DATA": str(data)}, "cwd": FIXTURES.parents[1]}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, **settings)
    assert done.stdout.strip() == "set()"
