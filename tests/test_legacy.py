"""The original quiz's two files give the published counts, and what is wrong in them is said."""

import json
from collections import Counter
from pathlib import Path

import pytest

from app.analysis.confusion import confusion_by_observer
from app.analysis.legacy import LegacyError, read_legacy

LEGACY = Path(__file__).parent / "fixtures" / "legacy"
EXPECTED = json.loads((LEGACY / "expected.json").read_text())
HEADER = "User Name,Folder,File,Zoom Value,Confidence Value,Real/Fake Value,Progress Value,RealFakeValueSlider"
LABELS = "Filename,Label\na.png,Real\nb.png,Fake\nc.png,Real\nd.png,Fake\n"


@pytest.fixture(scope="module")
def legacy():
    return read_legacy(LEGACY / "submissions.csv", LEGACY / "image_labels.csv")


@pytest.fixture
def read(tmp_path):
    """Reads files made of the given text."""

    def read_texts(answers, labels=LABELS):
        for name, text in (("answers.csv", answers), ("labels.csv", labels)):
            (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_legacy(tmp_path / "answers.csv", tmp_path / "labels.csv")

    return read_texts


def submissions(*lines):
    """A submissions file of (name, file, progress, words)."""
    return "\n".join([HEADER, *(f"{name},,{file},,,,{progress},{words}" for name, file, progress, words in lines)])


# expected.json's words for what Confusion calls otherwise; the rest differs in case and spaces alone.
NAMES = {"recall": "sensitivity"}


@pytest.mark.parametrize("observer", EXPECTED)
def test_every_published_number_is_reproduced(legacy, observer):
    confusion = confusion_by_observer(legacy.rows)[observer]
    expected = dict(EXPECTED[observer])
    assert sum(duplicate.observer == observer for duplicate in legacy.report.duplicates) == expected.pop("duplicates")
    assert legacy.report.answered[observer] == expected["answered"]
    for name, value in expected.items():
        assert getattr(confusion, NAMES.get(name, name).lower().replace(" ", "_")) == value, name


def test_no_observer_is_missing_or_invented(legacy):
    assert set(legacy.report.answered) == set(EXPECTED) == {row["observer"] for row in legacy.rows}


def test_the_answer_key_is_read_whole_and_in_order(legacy):
    lines = (LEGACY / "image_labels.csv").read_text().split()[1:]
    assert [f"{image},{'Real' if truth == 'real' else 'Fake'}" for image, truth in legacy.images.items()] == lines


def test_positions_come_from_the_progress(legacy):
    # In the original quiz all observers saw the images in the order of the answer key.
    places = {image: place for place, image in enumerate(legacy.images, 1)}
    assert all(row["number"] == places[row["image"]] for row in legacy.rows)
    assert legacy.report.renumbered == []


def test_rows_are_ready_to_store(legacy):
    row = next(row for row in legacy.rows if row["observer"] == "Observer C" and row["image"] == "MATgMcxZ.png")
    assert row == {
        "observer": "Observer C",
        "kind": "scored",
        "number": 109,
        "image": "MATgMcxZ.png",
        "truth": "synthetic",
        "rating": 4,
    }
    assert max(Counter((row["observer"], row["number"]) for row in legacy.rows).values()) == 1


def test_unknown_files_are_reported_with_their_line_and_left_out(legacy):
    assert legacy.report.unknown == [(9, "Observer A", "notinthelabels.png")]
    assert "line 9: notinthelabels.png of Observer A is not in the labels; left out" in legacy.report.lines()


def test_the_first_of_several_answers_counts_and_the_others_are_reported(read):
    legacy = read(
        submissions(
            ("A", "a.png", "Progress: 25.000%", "Unsure"),
            ("A", "a.png", "Progress: 25.000%", "Unsure"),
            ("A", "a.png", "Progress: 25.000%", "Definitely Real"),
        )
    )
    assert [row["rating"] for row in legacy.rows] == [3]
    assert [(duplicate.line, duplicate.rating, duplicate.kept) for duplicate in legacy.report.duplicates] == [
        (3, 3, 3),
        (4, 1, 3),
    ]
    assert legacy.report.lines() == [
        "A: 1 images answered, 2 duplicates",
        "line 3: a.png was answered by A before, with the same rating; left out",
        "line 4: a.png was answered by A before, as 'Unsure'; the later 'Definitely real' is left out",
    ]


def test_unreadable_lines_are_reported_with_their_numbers_and_left_out(read):
    legacy = read(
        submissions(
            ("A", "a.png", "Progress: 25%", "Maybe"),
            ("", "a.png", "Progress: 25%", "Unsure"),
            ("A", "", "Progress: 25%", "Unsure"),
            ("A", "b.png", "Progress: 50%", "Unsure"),
        )
        + "\nA,,c.png\n\n"
    )
    assert legacy.report.bad_lines == [
        (2, "'Maybe' is not a rating"),
        (3, "no user name"),
        (4, "no file name"),
        (6, "'' is not a rating"),
    ]
    assert "line 2: 'Maybe' is not a rating; left out" in legacy.report.lines()
    assert [row["image"] for row in legacy.rows] == ["b.png"]


def test_case_spaces_byte_order_mark_and_line_ends_do_not_matter(read):
    answers = submissions(
        (" Żółć  Ä ", " A.PNG ", "progress: 25.000 %", " definitely   FAKE "),
        ("żółć ä", "b.png", "Progress: 50.000%", "unsure"),
    )
    answers = answers.replace("User Name", " user name").replace("\n", "\r\n")
    legacy = read(b"\xef\xbb\xbf" + answers.encode(), b"\xef\xbb\xbf" + LABELS.replace("Real", " REAL ").encode())
    assert [(row["observer"], row["image"], row["rating"], row["number"]) for row in legacy.rows] == [
        ("Żółć Ä", "a.png", 5, 1),
        ("Żółć Ä", "b.png", 3, 2),
    ]


@pytest.mark.parametrize("progress", ["", "Progress: ?", "Progress: 0.000%", "Progress: 300%", "Progress: 75.000%"])
def test_an_answer_without_a_usable_position_is_kept_and_numbered(read, progress):
    legacy = read(submissions(("A", "c.png", "Progress: 75.000%", "Unsure"), ("A", "b.png", progress, "Unsure")))
    assert [(row["image"], row["number"]) for row in legacy.rows] == [("b.png", 1), ("c.png", 3)]
    assert legacy.report.renumbered == [("A", "b.png", 1)]
    assert "A, b.png: no usable position; numbered 1" in legacy.report.lines()


GOOD = submissions(("A", "a.png", "Progress: 25%", "Unsure"))


@pytest.mark.parametrize(
    ("answers", "labels", "says"),
    [
        (LABELS, GOOD, "swap answers"),
        (GOOD, GOOD, "swap answers"),
        (LABELS, LABELS, "swap answers"),
        ("", LABELS, "is empty"),
        (GOOD, "", "is empty"),
        (GOOD, "\n\n", "is empty"),
        (HEADER, LABELS, "answers no image of"),
        (submissions(("A", "z.png", "", "Unsure")), LABELS, "answers no image of"),
        (GOOD, "Filename,Label\n", "lists no images"),
        (GOOD.replace("RealFakeValueSlider", "Slider"), LABELS, "no column 'RealFakeValueSlider'"),
        (GOOD, LABELS.replace("Label", "Kind"), "no column 'Label'"),
        (GOOD, LABELS.replace(",", ";"), "no column 'Filename', but 'Filename;Label'"),
        (GOOD, LABELS + "e.png,Perhaps\n", "line 6: 'e.png', 'Perhaps' is no file with Real or Fake"),
        (GOOD, LABELS + "A.png,Fake\n", "line 6: A.png is in line 2 too"),
        (b"PK\x03\x04\xff\xfe", LABELS, "is not a CSV file in UTF-8"),
        (GOOD + "\n" + "x" * 200_000, LABELS, "is not a CSV file in UTF-8"),
        (GOOD.replace("A,", "Ä,").encode("latin-1"), LABELS, "is not a CSV file in UTF-8"),
    ],
)
def test_files_that_are_not_the_original_quizs_are_refused_in_one_line(read, answers, labels, says):
    with pytest.raises(LegacyError) as error:
        read(answers, labels)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_refused_in_one_line(tmp_path):
    with pytest.raises(LegacyError, match=r"Cannot read .*nowhere.csv: No such file or directory"):
        read_legacy(LEGACY / "submissions.csv", tmp_path / "nowhere.csv")
