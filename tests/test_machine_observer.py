"""The machine observer takes a study's quiz: it learns, without leakage, and stands beside people, never among them."""

import csv
import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import openpyxl
import pytest

from app.analysis.results import study_results
from generator.evaluate import vit
from generator.evaluate.figures import telling
from generator.evaluate.machine_observer import ObserverError, observe
from generator.evaluate.scoring import accuracy, area

MACHINE = "Machine (ViT small, seed 5)"
TABLES = ("answers.csv", "confusion.csv", "statistics.csv")
TINY = replace(vit.PRESETS["small"], size=(64, 32), stem=(8, 16), width=16, depth=1, heads=2, epochs=2, steps=1)


@pytest.fixture(autouse=True)
def tiny(monkeypatch, one_thread):
    monkeypatch.setitem(vit.PRESETS, "small", TINY)


def pictures(count: int, trace: bool, seed: int = 0) -> tuple[list[np.ndarray], np.ndarray]:
    """Noise, every second picture with stripes, if there is to be a trace."""
    random = np.random.default_rng(seed)
    images = [random.integers(0, 150, (32, 64)) for _ in range(count)]
    for image in images[1::2] if trace else ():
        image[::2] += 100
    return [image.astype(np.uint8) for image in images], np.arange(count) % 2 == 1


def test_it_finds_a_planted_trace(monkeypatch):
    monkeypatch.setitem(vit.PRESETS, "small", replace(TINY, epochs=16, rate=3e-3))
    images, synthetic = pictures(60, trace=True)
    seen = observe(images, synthetic)
    assert area(seen.probabilities[synthetic], seen.probabilities[~synthetic]).value > 0.9


def test_equal_seeds_give_equal_ratings():
    images, synthetic = pictures(60, trace=False)
    told = []
    seen = observe(images, synthetic, seed=3, progress=told.append)
    assert sum(told) == 2 * 5
    assert (observe(images, synthetic, seed=3).probabilities == seen.probabilities).all()
    assert (observe(images, synthetic, seed=4).probabilities != seen.probabilities).any()
    assert seen.maps.shape == (60, 8, 16)
    assert seen.maps.sum((1, 2)) == pytest.approx(np.ones(60), rel=1e-4)


def test_it_cannot_tell_sides_that_are_alike():
    images, synthetic = pictures(80, trace=False)
    seen = observe(images, synthetic)
    found = area(seen.probabilities[synthetic], seen.probabilities[~synthetic])
    assert found.low < 0.5 < found.high


def test_near_duplicates_are_never_split():
    """A picture and its copies carry the answer: were they split, the machine would know it."""
    shapes = [np.kron(np.random.default_rng(i).integers(0, 200, (8, 16)), np.ones((4, 4))) for i in range(40)]
    images = [(shape + noise).astype(np.uint8) for shape in shapes for noise in (0, 3)]
    seen = observe(images, np.repeat(np.arange(40) % 2 == 1, 2))
    assert (seen.folds[::2] == seen.folds[1::2]).all()


def test_too_few_images_are_refused():
    images, synthetic = pictures(12, trace=False)
    with pytest.raises(ObserverError, match="at least 10 different images of each side, not 6"):
        observe(images, synthetic)
    with pytest.raises(ObserverError, match="give one of small, base"):
        observe(images, synthetic, preset="huge")


def test_intervals_are_those_of_the_literature():
    found = accuracy(np.repeat([True, False], [81, 182]))  # Newcombe 1998, table I: Wilson without correction
    assert (found.low, found.high) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    perfect = area(np.array([3.0, 4.0]), np.array([1.0, 2.0]))
    assert perfect.value == perfect.high == 1
    assert 0 < perfect.low < 0.9
    assert area(np.array([1, 2, 3]), np.array([1, 2, 3])).value == 0.5


def test_the_sheet_shows_the_surest_calls_and_half_of_them_wrong():
    images, synthetic = pictures(40, trace=False)
    seen = observe(images, synthetic)
    chosen = telling(seen, synthetic)
    wrong = (seen.probabilities > 0.5) != synthetic
    assert len(set(chosen)) == 12
    assert wrong[chosen].sum() == 6


# In a study.


@pytest.fixture
def study(app, flask, data, tmp_path):
    """A study of 40 images that is big enough for the machine, with an observer who has rated a few."""
    from conftest import noise_images

    for seed, (name, truth) in enumerate([("many-real", "real"), ("many-fake", "synthetic")], start=7):
        noise_images(tmp_path / name, 20, seed)
        assert flask("import-pool", name, tmp_path / name, "--truth", truth).exit_code == 0
    made = flask("create-study", "read", "--real", "many-real", "--synthetic", "many-fake", "--images", 40)
    assert made.exit_code == 0, made.output
    assert flask("simulate", "read", "--observers", 2).exit_code == 0
    return "read"


def test_the_command_rates_every_image_of_a_study_and_the_report_has_it(flask, study, records, data, tmp_path):
    done = flask("machine-observer", study, "--seed", 5)
    assert done.exit_code == 0, done.output
    assert "AUC" in done.output
    found = records.study(study)
    folder = data / "machine_observers" / found.folder
    ratings = json.loads((folder / "observer.json").read_text())["ratings"]
    assert ratings.keys() == found.images.keys()
    assert flask("report", study, "--include-simulated", "--out", tmp_path / "report").exit_code == 0
    page = (tmp_path / "report" / "report.html").read_text()
    assert page.count(MACHINE) >= 5
    assert "All observers" in page
    assert "Where the machine observer looked" in page
    (folder / "observer.json").write_text('{"ratings": {}}')
    spoilt = flask("report", study, "--include-simulated", "--out", tmp_path / "report")
    assert spoilt.exit_code == 1
    assert "run flask machine-observer read again" in spoilt.output


def read_tables(folder):
    return {name: list(csv.DictReader((folder / name).read_text().splitlines())) for name in TABLES}


def test_the_export_has_its_answers_marked_and_in_no_number_of_the_people(
    flask, client, app, records, data, player, tmp_path
):
    player.play(lambda trial: trial["trial"] % 5 + 1)
    assert flask("export", "small", "--out", tmp_path / "people").exit_code == 0
    study = records.study("small")
    folder = data / "machine_observers" / study.folder
    folder.mkdir(parents=True)
    ratings = {name: 1 + place % 5 for place, name in enumerate(study.images)}
    (folder / "observer.json").write_text(json.dumps({"preset": "small", "seed": 5, "ratings": ratings}))
    assert flask("export", "small", "--out", tmp_path / "both").exit_code == 0
    people, both = read_tables(tmp_path / "people"), read_tables(tmp_path / "both")
    ours = {name: both[name][len(people[name]) :] for name in TABLES}
    for name in TABLES:
        assert both[name][: len(people[name])] == people[name]
        assert {row["observer"] for row in ours[name]} == {MACHINE}
    assert {row["image"]: int(row["rating"]) for row in ours["answers.csv"]} == ratings
    assert {(row["kind"], row["study"], row["simulated"]) for row in ours["answers.csv"]} == {
        ("machine", "small", "false")
    }
    assert {row["kind"] for row in people["answers.csv"]} == {"scored", "practice"}
    (counts,) = ours["confusion.csv"]
    for outcome in ("TP", "TN", "FP", "FN", "Unsure"):
        assert int(counts[outcome.lower()]) == sum(row["outcome"] == outcome for row in ours["answers.csv"])
    for name in ("ratings.csv", "ratings.imrmc", "images.csv"):
        assert (tmp_path / "both" / name).read_bytes() == (tmp_path / "people" / name).read_bytes()
    sheet = openpyxl.load_workbook(tmp_path / "both" / "confusion.xlsx")["Summary"]
    assert [(sheet.cell(row, 1).value, sheet.cell(row, 1).font.bold) for row in (6, 7, 8)] == [
        ("Ada", False),
        ("All observers", True),
        (MACHINE, False),
    ]
    client.post("/research/sign-in", data={"password": app.config["RESEARCH_PASSWORD"]})
    archive = zipfile.ZipFile(io.BytesIO(client.get("/research/small/export.zip").data))
    assert archive.read("answers.csv") == (tmp_path / "both" / "answers.csv").read_bytes()


def test_the_machine_changes_no_number_of_the_people():
    def row(observer, image, rating):
        return {
            "observer": observer,
            "kind": "scored",
            "image": str(image),
            "truth": ("real", "synthetic")[image % 2],
            "rating": rating,
        }

    people = [row(name, image, 1 + (image * factor) % 5) for factor, name in enumerate("AB", 1) for image in range(20)]
    machine = [row("Machine", image, 5 if image % 2 else 1) for image in range(20)]
    alone, beside = study_results(people), study_results(people, machine_rows=machine)
    assert [each.observer for each in beside.machines] == ["Machine"]
    assert beside.machines[0].auc.value == 1
    assert beside.machines[0].confusion.tp == 10
    without = {name: value for name, value in beside.as_dict().items() if name != "machines"}
    assert without == {name: value for name, value in alone.as_dict().items() if name != "machines"}


def test_a_study_without_images_and_an_unknown_preset_are_refused(flask, records, data):
    refused = flask("machine-observer", "small", "--preset", "huge")
    assert refused.exit_code != 0
    few = flask("machine-observer", "small")
    assert few.exit_code == 1
    assert "at least 10 different images of each side, not 4" in few.output
