"""Studies at the edge of what can be computed: every way out gives a stated result or says "not estimable"."""

import io
import json
import random
import re
from html import unescape

import openpyxl
import pytest

from app.analysis import report
from app.analysis.figures import FIGURES, draw
from app.analysis.results import study_results
from app.records import Study
from app.study import Protocol

OBSERVERS = ["Ada", "Grace", "Mary"]
IMAGES = 16
# What numbers that went wrong look like in a text; "infinite" and "null" are said on purpose.
WRONG = re.compile(r"(?<![\w'])(nan|NaN|-?inf|Infinity|None)(?![\w'])|\{\{|undefined")


def truth(i):
    return "synthetic" if i % 2 else "real"


def study(choose, observers=OBSERVERS, images=range(IMAGES), **more):
    """Answers by `choose(observer's place, image's place, truth)`; where it gives None, there is none."""
    return [
        {"observer": name, "image": f"i{i:02d}", "truth": truth(i), "rating": rating, "number": i + 1} | more
        for o, name in enumerate(observers)
        for i in images
        if (rating := choose(o, i, truth(i))) is not None
    ]


def right(_o, _i, truth):
    return 5 if truth == "synthetic" else 1


def mixed(o, i, _truth):
    return random.Random(f"{o}:{i}").randint(1, 5)


# Case -> (answers, sentences and numbers that the report must hold).
CASES = {
    "nobody": ([], ["There are no answers yet."]),
    "one observer": (
        study(mixed, ["Ada"]),
        ["One observer: the area is this observer's own", "no interval from one reader", "No image was rated by two"],
    ),
    "one trial": (
        study(mixed, ["Ada"], [1]),
        ["Not estimable: in treatment study all readers (1) rated 1 positive and 0 negative cases", "only one class"],
    ),
    "all right": (
        study(right),
        ["1.000 (no interval)", "1.000 (no interval: the ratings leave no variance)", "a rate of 0 or 1 was corrected"],
    ),
    "all wrong": (study(lambda o, i, t: 6 - right(o, i, t)), ["0.000 (no interval)", "0.0 (0.0 to "]),
    "all Unsure": (
        study(lambda *_: 3),
        ["0.500 (no interval)", "Not estimable: no answer to compute it from", "all ratings are alike"],
    ),
    "equal areas": (
        study(lambda _o, i, _t: 1 + i % 5),
        ["random readers and cases", "no interval: the ratings leave no variance", "all observers have the same value"],
    ),
    "two with identical ratings": (study(lambda o, i, t: mixed(min(o, 1), i, t)), ["1.00 n 16"]),
    "no real image": (study(mixed, images=range(1, IMAGES, 2)), ["rated 8 positive and 0 negative cases"]),
    "no synthetic image": (study(mixed, images=range(0, IMAGES, 2)), ["rated 0 positive and 8 negative cases"]),
    "one real image": (
        study(mixed, images=[0, *range(1, IMAGES, 2)]),
        ["no interval: it takes two cases of each class", "rated 8 positive and 1 negative cases"],
    ),
    "unfinished sessions": (
        study(lambda o, i, t: mixed(o, i, t) if i < (16, 16, 1)[o] else None),
        [
            "1 observer not finished: results may change",
            "1 observer was left out of it and of all means over observers",
            "Mean F1, %",
            "2 observers",
        ],
    ),
    "nobody has finished": (
        study(lambda o, i, t: mixed(o, i, t) if i < 12 and (o, i) else None, ["Ada", "Grace"], range(15)),
        ["Not estimable: no observer has finished"],
    ),
    "no image in common": (
        study(lambda o, i, t: mixed(o, i, t) if i % 3 == o else None, images=range(30)),
        ["no observer has finished", "No image was rated by two observers"],
    ),
    "levels never used": (
        study(lambda o, i, t: (2 if mixed(o, i, t) < 3 else 4) if o == 0 else mixed(o, i, t)),
        ["Definitely fake of Ada"],
    ),
    "one level for each truth": (study(lambda o, _i, t: (4 if t == "synthetic" else 2) + (o == 9)), ["1.000"]),
    "no times": (study(mixed, response_ms=None), ["Not estimable: no response time was measured"]),
}
UNFINISHED = {"unfinished sessions": 16, "nobody has finished": 15, "no image in common": 30}  # images of the study


@pytest.fixture
def no_figures(monkeypatch):
    monkeypatch.setattr(report, "draw", lambda *_: {})


@pytest.fixture
def stored(records, clock):
    """Put a case into the store as a study of its own, as if it had been played."""

    def store(case):
        rows, _ = CASES[case]
        names = sorted({row["image"] for row in rows} | {f"i{i:02d}" for i in range(UNFINISHED.get(case, 0))})
        images = {name: {"truth": truth(int(name[1:])), "pool": "p", "source": name} for name in names or ["i00"]}
        protocol = Protocol(name="edge", images=len(images), leaderboard=True)
        records.add_study(Study(protocol, "", images, {}, clock.ms, frozen_at=clock.ms))
        for place, observer in enumerate(dict.fromkeys(row["observer"] for row in rows)):
            session, _ = records.invite(records.study("edge"), observer, clock.ms)
            profile = {"role": "general", "specialty": "", "years": place}
            records.set_once(session, consented_at=clock.ms, profile=profile, started_at=clock.ms)
            for index, row in enumerate(row for row in rows if row["observer"] == observer):
                records.add_answer(session["id"], index, answer(row, clock.ms + 9000 * (index + 1)))

    return store


def answer(row, at):
    measures = {} if "response_ms" in row else {"response_ms": 1000.0 * row["rating"]}
    times = {"released_at": at - 9000, "received_at": at, "next_shown": True, "viewing_ms": 13_000}
    return {"kind": "scored", "repeat": False, "measures": measures, **times} | {
        name: row[name] for name in ("image", "number", "rating")
    }


def wrong_in(text):
    return [text[max(0, found.start() - 60) : found.end() + 20] for found in WRONG.finditer(text)]


def words(page):
    """A page's text: without pictures, style and tags."""
    text = re.sub(r"<style>.*?</style>|<[^>]*>", "", page, flags=re.DOTALL)
    return " ".join(unescape(text).split())


@pytest.mark.parametrize("case", CASES)
def test_every_way_out_of_a_degenerate_study_gives_a_result_or_says_why_not(
    case, stored, flask, client, app, tmp_path, no_figures
):
    stored(case)
    assert flask("report", "edge", "--out", tmp_path / "report").exit_code == 0
    page = words((tmp_path / "report" / "report.html").read_text())
    assert wrong_in(page) == []
    for sentence in CASES[case][1]:
        assert sentence.casefold() in page.casefold(), page

    assert flask("export", "edge", "--out", tmp_path / "export").exit_code == 0
    check_export(tmp_path / "export")

    client.post("/research/sign-in", data={"password": app.config["RESEARCH_PASSWORD"]})
    assert words(client.get("/research/edge/report").text) == page
    for address in ("/research/edge", "/research/edge/progress"):
        reply = client.get(address)
        assert (reply.status_code, wrong_in(words(reply.text))) == (200, [])

    check_analysed_ratings(flask, tmp_path / "export" / "ratings.csv", empty=not CASES[case][0])


def check_export(folder):
    for path in folder.iterdir():
        if path.suffix == ".json":
            json.loads(path.read_text(), parse_constant=pytest.fail)
        elif path.suffix == ".xlsx":
            book = openpyxl.load_workbook(io.BytesIO(path.read_bytes()))
            cells = (str(value) for sheet in book for line in sheet.values for value in line if value is not None)
            assert wrong_in("\n".join(cells)) == []
        else:
            assert wrong_in(path.read_text()) == [], path.name
    lines = (folder / "statistics.csv").read_text().splitlines()[1:]
    assert all(not re.search(r",,,,\d*,$", line) for line in lines), "neither a value nor a note"


def check_analysed_ratings(flask, file, empty):
    text, document = (flask("analyse-ratings", file, *more) for more in ((), ("--json",)))
    assert wrong_in(text.output) == wrong_in(document.output) == []
    if empty:
        assert text.output == "Error: There are no ratings.\n"
    else:
        json.loads(document.output, parse_constant=pytest.fail)
        assert text.exit_code == 0


@pytest.mark.parametrize(
    ("case", "missing"),
    [
        ("nobody", set(FIGURES)),
        ("one trial", {"roc", "forest"}),
        ("all Unsure", set()),
        ("no real image", {"roc", "forest"}),
        ("no times", {"response_times"}),
    ],
)
def test_a_figure_that_there_is_nothing_to_draw_in_is_left_out(case, missing):
    rows = [{"kind": "scored", "response_ms": 1000.0, **row} for row in CASES[case][0]]
    assert set(FIGURES) - set(draw(study_results(rows), ["svg"])) == missing
