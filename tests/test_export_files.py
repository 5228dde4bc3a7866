"""An export's files hold what was answered, are read back as such, and never replace what is not an export."""

import csv
import io
import json
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import openpyxl
import pytest

from app.analysis import export, workbook
from app.analysis.export import EXPORT_FILES, ExportError, export_files, write_export, zip_export
from app.analysis.legacy import read_legacy
from app.analysis.table import ALL_OBSERVERS, COLUMNS, confusion_table
from app.fields import FIELDS

LEGACY = Path(__file__).parent / "fixtures" / "legacy"
EXPECTED = json.loads((LEGACY / "expected.json").read_text())
PROTOCOL = {"name": "trial", "images": 200, "viewing_seconds": 13, "texts": {"welcome": "Grüß Gott"}}
AWKWARD = ["=cmd()|'/C calc'!A0", "Łukasz 歯科 🦷", "x" * 60, "x" * 61, "a/b", "a:b", "'", "History", "Summary", "#N/A"]


def answer(observer="A", number=1, truth="real", rating=1, **more):
    common = {"study": "trial", "observer": observer, "kind": "scored", "number": number, "simulated": False}
    return {**common, "truth": truth, "rating": rating, **more}


@pytest.fixture(scope="module")
def legacy_rows():
    return read_legacy(LEGACY / "submissions.csv", LEGACY / "image_labels.csv").rows


def csv_rows(content):
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def open_workbook(rows, finished=None):
    return openpyxl.load_workbook(io.BytesIO(export_files(PROTOCOL, rows, finished or {})["confusion.xlsx"]))


def beside(sheet, label):
    """The values right of the first cell of column A that holds the label."""
    line = next(line for line in sheet.iter_rows(values_only=True) if line[0] == label)
    return [value for value in line[1:] if value is not None]


def in_a_cell(value):
    """A workbook keeps 15 to 16 digits."""
    return pytest.approx(value, rel=1e-15, abs=0)


def headed(sheet, label):
    """Of the summary's two lines of heads, the value under each (group, title) in the label's line."""
    groups, titles = ([cell.value for cell in sheet[line]] for line in (4, 5))
    for place in range(1, len(groups)):
        if groups[place] is None and titles[place] != "Answered" and groups[place - 1]:
            groups[place] = groups[place - 1]
    line = next(line for line in sheet.iter_rows(min_row=6, values_only=True) if line[0] == label)
    return dict(zip(zip(groups, titles, strict=True), line, strict=True))


# answers.csv


def test_answers_hold_every_field_in_its_order_and_its_type():
    row = answer(
        observer="Zoë",
        truth="synthetic",
        rating=4,
        late=False,
        received_at=1_790_000_000_123,
        painted_at=0,
        response_ms=812.5,
        viewing_ms=13000,
        screen_width=1440.0,
        years=7,
        role=None,
    )
    content = export_files(PROTOCOL, [row], {})["answers.csv"]
    assert content.decode().splitlines()[0] == ",".join(field.name for field in FIELDS)
    (read,) = csv_rows(content)
    assert {name: value for name, value in read.items() if value} == {
        "study": "trial",
        "observer": "Zoë",
        "simulated": "false",
        "kind": "scored",
        "number": "1",
        "truth": "synthetic",
        "rating": "4",
        "label": "Probably fake",
        "outcome": "TP",
        "certainty": "partially",
        "viewing_ms": "13000",
        "late": "false",
        "received_at": "2026-09-21T14:13:20.123Z",
        "painted_at": "1970-01-01T00:00:00.000Z",
        "response_ms": "812.5",
        "screen_width": "1440",
        "years": "7",
    }


def test_answers_keep_the_warm_up_and_the_simulated_that_the_table_leaves_out():
    rows = [answer(), answer(kind="practice"), answer(observer="Robot", simulated=True)]
    files = export_files(PROTOCOL, rows, {})
    assert [(row["kind"], row["simulated"]) for row in csv_rows(files["answers.csv"])] == [
        ("scored", "false"),
        ("practice", "false"),
        ("scored", "true"),
    ]
    assert [(row["observer"], row["answered"]) for row in csv_rows(files["confusion.csv"])] == [
        ("A", "1"),
        (ALL_OBSERVERS, "1"),
    ]


def test_simulated_observers_are_in_every_table_if_asked_for():
    rows = [answer(observer="Robot", simulated=True)]
    files = export_files(PROTOCOL, rows, {}, include_simulated=True)
    assert csv_rows(files["confusion.csv"])[0]["observer"] == "Robot"
    assert "Robot" in openpyxl.load_workbook(io.BytesIO(files["confusion.xlsx"])).sheetnames


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_from_people_is_a_formula_to_a_spreadsheet(start):
    row = answer(observer=f"{start}cmd()", role=f"{start}1", specialty=f"{start}1", source=f"{start}1")
    files = export_files(PROTOCOL, [row], {})
    (read,) = csv_rows(files["answers.csv"])
    assert read["observer"] == f"'{start}cmd()"
    assert read["role"] == read["specialty"] == read["source"] == f"'{start}1"
    assert csv_rows(files["confusion.csv"])[0]["observer"] == f"'{start}cmd()"


def test_negative_numbers_stay_numbers():
    assert csv_rows(export_files(PROTOCOL, [answer(response_ms=-1.5)], {})["answers.csv"])[0]["response_ms"] == "-1.5"


def test_line_breaks_commas_and_quotes_survive():
    name = 'A, "B"\nC'
    assert csv_rows(export_files(PROTOCOL, [answer(observer=name)], {})["answers.csv"])[0]["observer"] == name


# Dictionary, protocol, confusion.csv


def test_every_column_of_every_table_is_described_and_nothing_else():
    files = export_files(PROTOCOL, [answer()], {})
    described = csv_rows(files["data_dictionary.csv"])
    for name in ("answers.csv", "confusion.csv", "images.csv", "statistics.csv", "ratings.csv"):
        header = files[name].decode().splitlines()[0].split(",")
        assert [row["name"] for row in described if row["file"] == name] == header
    assert all(row["type"] and row["known_by"] and row["description"] for row in described)


def test_the_readable_dictionary_says_the_same():
    markdown = export_files(PROTOCOL, [], {})["data_dictionary.md"].decode()
    for described in [*FIELDS, *COLUMNS]:
        assert f"| {described.name} | {described.kind} |" in markdown
        assert described.description in markdown


def test_the_apostrophe_is_in_both_dictionaries():
    files = export_files(PROTOCOL, [], {})
    observer = next(row for row in csv_rows(files["data_dictionary.csv"]) if row["name"] == "observer")
    assert "preceded by an apostrophe" in observer["description"]
    assert "preceded by an apostrophe" in files["data_dictionary.md"].decode()


def test_the_protocol_is_exported_whole():
    assert json.loads(export_files(PROTOCOL, [], {})["protocol.json"]) == PROTOCOL


def test_the_published_numbers_are_in_confusion_csv(legacy_rows):
    table = {row["observer"]: row for row in csv_rows(export_files(PROTOCOL, legacy_rows, {})["confusion.csv"])}
    for observer, expected in EXPECTED.items():
        for name in (
            "TP",
            "TN",
            "FP",
            "FN",
            "Unsure",
            "TP fully certain",
            "Unsure Fake",
            "precision",
            "accuracy_excluding_unsure",
            "accuracy_unsure_counted_wrong",
        ):
            assert float(table[observer][name.lower().replace(" ", "_")]) == expected[name]
    assert int(table[ALL_OBSERVERS]["tp"]) == sum(expected["TP"] for expected in EXPECTED.values())


def test_confusion_csv_is_the_table_that_pages_show(legacy_rows):
    read = csv_rows(export_files(PROTOCOL, legacy_rows, {"Observer A": True})["confusion.csv"])
    shown = confusion_table(legacy_rows, {"Observer A": True})
    words = {None: "", True: "true", False: "false"}
    assert read == [
        {
            name: words.get(value, str(value)) if value is None or isinstance(value, bool) else str(value)
            for name, value in row.items()
        }
        for row in shown
    ]


def test_what_is_not_estimable_is_an_empty_cell():
    (own, together) = csv_rows(export_files(PROTOCOL, [answer(rating=3)], {})["confusion.csv"])
    assert (own["sensitivity"], own["sensitivity_n"], own["accuracy_unsure_counted_wrong"]) == ("", "0", "0.0")
    assert together["specificity"] == ""


# confusion.xlsx


def test_the_summary_shows_the_published_numbers(legacy_rows):
    sheet = open_workbook(legacy_rows, {"Observer A": True, "Observer B": True, "Observer C": False})["Summary"]
    for observer, expected in EXPECTED.items():
        shown = headed(sheet, observer)
        assert shown[None, "Finished"] == ("no" if observer == "Observer C" else "yes")
        assert shown[None, "Answered"] == expected["answered"]
        assert [shown[name, "Total"] for name in ("TP", "TN", "FP", "FN", "Unsure")] == [
            expected[name] for name in ("TP", "TN", "FP", "FN", "Unsure")
        ]
        assert shown["Sensitivity (recall)", "Value"] == in_a_cell(expected["recall"])
        assert shown["Sensitivity (recall)", "n"] == expected["TP"] + expected["FN"]
        assert shown["Precision", "Value"] == in_a_cell(expected["precision"])
        assert shown["Accuracy, Unsure left out", "Value"] == in_a_cell(expected["accuracy_excluding_unsure"])
        assert shown["Accuracy, Unsure counted wrong", "Value"] == in_a_cell(expected["accuracy_unsure_counted_wrong"])


def test_the_split_by_certainty_shows_the_published_numbers(legacy_rows):
    sheet = open_workbook(legacy_rows)["By certainty"]
    for observer, expected in EXPECTED.items():
        shown = headed(sheet, observer)
        for name in ("TP", "TN", "FP", "FN"):
            for certainty in ("fully certain", "partially certain"):
                assert shown[name, certainty.capitalize()] == expected[f"{name} {certainty}"]
        assert (shown["Unsure", "Real"], shown["Unsure", "Fake"]) == (expected["Unsure Real"], expected["Unsure Fake"])


def test_each_observers_sheet_shows_ratings_by_truth_outcomes_by_certainty_and_shares(legacy_rows):
    book = open_workbook(legacy_rows)
    for observer, expected in EXPECTED.items():
        sheet = book[observer]
        truth = {
            "TP": "synthetic images called fake",
            "TN": "real images called real",
            "FP": "real images called fake",
            "FN": "synthetic images called real",
        }
        for name, meaning in truth.items():
            assert beside(sheet, f"{name}: {meaning}") == [
                expected[f"{name} fully certain"],
                expected[f"{name} partially certain"],
                expected[name],
            ]
        real = [
            expected[name]
            for name in (
                "TN fully certain",
                "TN partially certain",
                "Unsure Real",
                "FP partially certain",
                "FP fully certain",
            )
        ]
        synthetic = [
            expected[name]
            for name in (
                "FN fully certain",
                "FN partially certain",
                "Unsure Fake",
                "TP partially certain",
                "TP fully certain",
            )
        ]
        assert beside(sheet, "Image is") == [
            "Definitely real",
            "Probably real",
            "Unsure",
            "Probably fake",
            "Definitely fake",
            "Total",
        ]
        assert beside(sheet, "Real") == [*real, sum(real)]
        assert beside(sheet, "Synthetic") == [*synthetic, sum(synthetic)]
        assert beside(sheet, "Total")[-1] == expected["answered"]
        assert beside(sheet, "Unsure") == [expected["Unsure Real"], expected["Unsure Fake"], expected["Unsure"]]
        assert beside(sheet, "Sensitivity (recall)") == [in_a_cell(expected["recall"]), expected["TP"] + expected["FN"]]


def test_all_observers_have_a_sheet_of_their_own(legacy_rows):
    sheet = open_workbook(legacy_rows)[ALL_OBSERVERS]
    assert beside(sheet, "Total")[-1] == sum(expected["answered"] for expected in EXPECTED.values())


def test_totals_are_bold_heads_are_frozen_and_shares_are_percentages(legacy_rows):
    book = open_workbook(legacy_rows)
    sheet = book["Summary"]
    assert all(cell.font.bold for cell in sheet[sheet.max_row])
    assert sheet.freeze_panes == "B6"
    assert sheet["I6"].number_format == "0.0%"
    assert all(sheet.column_dimensions[letter].width >= 10 for letter in "ABCDEFG")


def test_every_metric_is_described(legacy_rows):
    sheet = open_workbook(legacy_rows)["What the numbers mean"]
    assert beside(sheet, "Specificity")[0] == "TN / (TN + FP)"
    assert beside(sheet, "Accuracy, Unsure counted wrong")[0] == "(TP + TN) / (TP + TN + FP + FN + Unsure)"
    described = {line[0] for line in sheet.iter_rows(min_row=4, values_only=True)}
    with_intervals = {
        line[1] for line in open_workbook(legacy_rows)["Intervals"].iter_rows(min_row=4, values_only=True)
    }
    assert {f"{name} (sheet Intervals)" for name in with_intervals} <= described


def test_what_is_not_estimable_is_said():
    book = open_workbook([answer(rating=3)])
    assert headed(book["Summary"], "A")["Specificity", "Value"] == "not estimable"
    assert beside(book["A"], "Precision") == ["not estimable", 0]


def test_an_export_without_answers_is_whole():
    files = export_files(PROTOCOL, [], {})
    assert sorted(files) == sorted(EXPORT_FILES)
    assert csv_rows(files["answers.csv"]) == []
    assert headed(open_workbook([])["Summary"], ALL_OBSERVERS)["TP", "Total"] == 0


def test_awkward_names_stay_what_they_are_on_sheets_that_excel_accepts():
    rows = [answer(observer=name) for name in AWKWARD]
    book = open_workbook(rows)
    assert [cell.value for cell in book["Summary"]["A"][5:]] == [*AWKWARD, ALL_OBSERVERS]
    assert {cell.data_type for cell in book["Summary"]["A"][5:]} == {"s"}
    titles = book.sheetnames[2:-2]
    assert len({title.casefold() for title in book.sheetnames}) == len(AWKWARD) + 5
    for title, name in zip(titles, [*AWKWARD, ALL_OBSERVERS], strict=True):
        assert 1 <= len(title.encode("utf-16-le")) // 2 <= 31
        assert not set(title) & set("[]:*?/\\")
        assert title.strip("'") == title
        assert book[title]["A1"].value == f"{name} (trial)"
        assert book[title]["A1"].data_type == "s"


@pytest.mark.parametrize(
    ("names", "titles"),
    [
        (["a/b", "A:B"], ["a_b", "A_B (2)"]),
        (["x" * 40, "x" * 50], ["x" * 31, "x" * 27 + " (2)"]),
        (["🦷" * 20], ["🦷" * 15]),
        (["history", "summary"], ["history (2)", "summary (2)"]),
        (["'", "  "], ["Observer", "Observer (2)"]),
        (["a" * 30 + "'b"], ["a" * 30]),
    ],
)
def test_sheet_names_follow_excels_rules(names, titles):
    assert workbook.sheet_names(names, taken=["Summary"]) == titles


def test_characters_that_a_workbook_cannot_hold_are_replaced():
    assert open_workbook([answer(observer="a\x01b")])["Summary"]["A6"].value == "a\ufffdb"


# Folder and zip


def test_the_folder_holds_the_files_and_nothing_else(tmp_path):
    written = write_export(tmp_path / "new" / "out", PROTOCOL, [answer()], {"A": True})
    assert sorted(path.name for path in written.iterdir()) == sorted(EXPORT_FILES)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out"]
    files = export_files(PROTOCOL, [answer()], {"A": True})
    assert all((written / name).read_bytes() == files[name] for name in files)


def test_the_zip_holds_the_same_files():
    archive = zipfile.ZipFile(io.BytesIO(zip_export(PROTOCOL, [answer()], {})))
    assert sorted(archive.namelist()) == sorted(EXPORT_FILES)
    assert archive.read("answers.csv") == export_files(PROTOCOL, [answer()], {})["answers.csv"]


def test_the_same_answers_make_the_same_files_whenever(monkeypatch):
    first = zip_export(PROTOCOL, [answer(), answer(number=2, rating=4)], {})
    monkeypatch.setattr(time, "time", lambda: 4_000_000_000.0)
    monkeypatch.setattr(time, "localtime", lambda *_: time.gmtime(4_000_000_000))
    assert zip_export(PROTOCOL, [answer(), answer(number=2, rating=4)], {}) == first


def test_an_empty_folder_is_filled_and_an_earlier_export_replaced_whole(tmp_path):
    write_export(tmp_path, PROTOCOL, [answer(observer="Earlier")], {})
    (tmp_path / "confusion.xlsx").unlink()
    (tmp_path / ".DS_Store").touch()
    write_export(tmp_path, PROTOCOL, [answer(observer="Later")], {})
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(EXPORT_FILES)
    assert "Earlier" not in (tmp_path / "answers.csv").read_text()


@pytest.mark.parametrize("strange", [["notes.txt"], [*EXPORT_FILES, "notes.txt"], ["answers.csv"], ["protocol.json"]])
def test_a_folder_with_anything_else_is_refused_and_left_alone(tmp_path, strange):
    for name in strange:
        (tmp_path / name).write_text("mine")
    with pytest.raises(ExportError, match="choose a new or an empty folder"):
        write_export(tmp_path, PROTOCOL, [answer()], {})
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(strange, "mine")


def test_a_file_in_the_folders_place_is_refused(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(ExportError, match="is a file"):
        write_export(tmp_path / "out", PROTOCOL, [answer()], {})
    with pytest.raises(ExportError, match="Cannot write the export"):
        write_export(tmp_path / "out" / "deeper", PROTOCOL, [answer()], {})


@pytest.mark.parametrize("failing", ["write_bytes", "rename"])
def test_a_failure_halfway_leaves_the_earlier_export_as_it_was(tmp_path, monkeypatch, failing):
    out = tmp_path / "out"
    write_export(out, PROTOCOL, [answer(observer="Earlier")], {})
    original = getattr(Path, failing)

    def fail(path, *arguments):
        if path.name == "protocol.json" or path.name.endswith(".new"):
            raise OSError(28, "No space left on device")
        return original(path, *arguments)

    monkeypatch.setattr(Path, failing, fail)
    with pytest.raises(ExportError, match="No space left on device"):
        write_export(out, PROTOCOL, [answer(observer="Later")], {})
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert "Earlier" in (out / "answers.csv").read_text()


def test_a_scored_rating_without_a_truth_writes_nothing(tmp_path):
    with pytest.raises(ValueError, match="truth None"):
        write_export(tmp_path / "out", PROTOCOL, [answer(truth=None)], {})
    assert list(tmp_path.iterdir()) == []


def test_the_application_starts_without_the_workbook_library():
    code = f"import sys, {export.__name__}; sys.exit('openpyxl' in sys.modules)"
    root = Path(__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
