"""Reading the original quiz's two files: submissions.csv (who rated what) and image_labels.csv (the answer key).

Of the columns in submissions.csv four are used: `User Name`, `File`, `RealFakeValueSlider` (the rating in words) and
`Progress Value` ("Progress: 54.229%": the image's position, in percent of the number of images). The others were
written by earlier versions of that quiz and are empty.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..study import RATINGS

ANSWER_COLUMNS = ("User Name", "File", "RealFakeValueSlider", "Progress Value")
LABEL_COLUMNS = ("Filename", "Label")
TRUTH_BY_LABEL = {"real": "real", "fake": "synthetic"}
RATING_BY_WORDS = {words.casefold(): rating for rating, words in RATINGS.items()}
PERCENT = re.compile(r"(\d{1,3}(?:\.\d+)?)\s*%")


class LegacyError(ValueError):
    """The files cannot be read as the original quiz's: one sentence that says what to do."""


@dataclass(frozen=True)
class Duplicate:
    """A line that rates an image the same observer had rated in an earlier line. `kept` is the rating that counts."""

    line: int
    observer: str
    image: str
    rating: int
    kept: int


@dataclass
class LegacyReport:
    """What was read and what was left out. Lines are numbered from 1, the header's."""

    answered: dict[str, int] = field(default_factory=dict)
    duplicates: list[Duplicate] = field(default_factory=list)
    unknown: list[tuple[int, str, str]] = field(default_factory=list)  # line, observer, file
    bad_lines: list[tuple[int, str]] = field(default_factory=list)  # line, reason
    renumbered: list[tuple[str, str, int]] = field(default_factory=list)  # observer, image, number given

    def lines(self) -> list[str]:
        """The report to print, a line each."""
        repeats = Counter(duplicate.observer for duplicate in self.duplicates)
        return [
            *(f"{name}: {count} images answered, {repeats[name]} duplicates" for name, count in self.answered.items()),
            *(_duplicate_line(duplicate) for duplicate in self.duplicates),
            *(f"line {line}: {file} of {name} is not in the labels; left out" for line, name, file in self.unknown),
            *(f"line {line}: {reason}; left out" for line, reason in self.bad_lines),
            *(f"{name}, {image}: no usable position; numbered {number}" for name, image, number in self.renumbered),
        ]


def _duplicate_line(duplicate: Duplicate) -> str:
    start = f"line {duplicate.line}: {duplicate.image} was answered by {duplicate.observer} before"
    if duplicate.rating == duplicate.kept:
        return f"{start}, with the same rating; left out"
    return f"{start}, as {RATINGS[duplicate.kept]!r}; the later {RATINGS[duplicate.rating]!r} is left out"


@dataclass(frozen=True)
class LegacyAnswers:
    """`images` maps each image to its truth, in the key's order. `rows` is a table of answers with the fields observer,
    kind, number, image, truth and rating, by observer (in the order of first appearance) and number."""

    images: Mapping[str, str]
    rows: list[dict]
    report: LegacyReport


def read_legacy(answers_path: Path, labels_path: Path) -> LegacyAnswers:
    """Read the two files. Raises LegacyError if one is missing, empty, not UTF-8 text, or not such a file.

    Names and words are compared without regard to case and needless spaces. Of several answers of one observer to one
    image the first in the file counts, as everywhere in this application: an answer that has been given stands. (In the
    published layout's example first and last give the same counts, and lines are in no order of time: the position
    belongs to the image and the lines are shuffled, so a duplicate with another rating is reported with both.)
    An unknown file or an unreadable line is reported and left out.
    """
    images = _read_labels(labels_path)
    reader = _AnswerReader(images)
    for line, cells in _records(answers_path, ANSWER_COLUMNS):
        reader.read(line, *cells)
    rows = reader.rows()
    if not rows:
        raise LegacyError(f"{answers_path} answers no image of {labels_path}: give two files that belong together.")
    return LegacyAnswers(images, rows, reader.report)


def _read_labels(path: Path) -> dict[str, str]:
    """Image -> truth. An answer key has to be right, so any doubt about it is an error."""
    images: dict[str, str] = {}
    lines: dict[str, int] = {}
    for line, (file, label) in _records(path, LABEL_COLUMNS):
        truth = TRUTH_BY_LABEL.get(label.casefold())
        if not file or truth is None:
            raise LegacyError(f"{path}, line {line}: {file!r}, {label!r} is no file with Real or Fake: correct it.")
        name = file.casefold()
        if name in lines:
            raise LegacyError(f"{path}, line {line}: {file} is in line {lines[name]} too: remove one of the two.")
        images[file] = truth
        lines[name] = line
    if not images:
        raise LegacyError(f"{path} lists no images: give the answer key (image_labels.csv).")
    return images


class _AnswerReader:
    """Takes the answers line by line and keeps what counts."""

    def __init__(self, images: Mapping[str, str]):
        self.images = images
        self.report = LegacyReport()
        self._image_by_name = {image.casefold(): image for image in images}
        self._observer_by_name: dict[str, str] = {}
        self._answers: dict[str, dict[str, tuple[int, int | None]]] = {}  # observer -> image -> rating, position

    def read(self, line: int, name: str, file: str, words: str, progress: str) -> None:
        rating = RATING_BY_WORDS.get(words.casefold())
        if not name or not file or rating is None:
            self.report.bad_lines.append((line, _bad_line(name, file, words)))
            return
        observer = self._observer_by_name.setdefault(name.casefold(), name)
        image = self._image_by_name.get(file.casefold())
        if image is None:
            self.report.unknown.append((line, observer, file))
            return
        answers = self._answers.setdefault(observer, {})
        if image in answers:
            self.report.duplicates.append(Duplicate(line, observer, image, rating, kept=answers[image][0]))
            return
        answers[image] = (rating, _position(progress, len(self.images)))

    def rows(self) -> list[dict]:
        """The answers kept, numbered and in order; fills in the report's counts."""
        rows = []
        for observer, answers in self._answers.items():
            self.report.answered[observer] = len(answers)
            numbers = self._numbers(observer)
            rows += [self._row(observer, image, numbers[image]) for image in sorted(numbers, key=numbers.__getitem__)]
        return rows

    def _row(self, observer: str, image: str, number: int) -> dict:
        rating, _ = self._answers[observer][image]
        return {
            "observer": observer,
            "kind": "scored",
            "number": number,
            "image": image,
            "truth": self.images[image],
            "rating": rating,
        }

    def _numbers(self, observer: str) -> dict[str, int]:
        """Image -> number, from 1, each once. For a position missing or taken, the lowest free number stands in."""
        numbers: dict[str, int] = {}
        taken: set[int] = set()
        homeless = []
        for image, (_, position) in self._answers[observer].items():
            if position is None or position in taken:
                homeless.append(image)
            else:
                numbers[image] = position
                taken.add(position)
        free = (number for number in range(1, len(self.images) + 1) if number not in taken)
        for image, number in zip(homeless, free, strict=False):
            numbers[image] = number
            self.report.renumbered.append((observer, image, number))
        return numbers


def _bad_line(name: str, file: str, words: str) -> str:
    if not name:
        return "no user name"
    if not file:
        return "no file name"
    return f"{words!r} is not a rating"


def _position(progress: str, images: int) -> int | None:
    """The position, from 1, that "Progress: 54.229%" of `images` images means; None if it means none."""
    found = PERCENT.search(progress)
    position = round(float(found[1]) / 100 * images) if found else 0
    return position if 1 <= position <= images else None


def _records(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, list[str]]]:
    """(line number, the columns' cells with needless spaces removed) of each line that is not blank."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            places = _places(path, next(reader, []), columns)
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield reader.line_num, [_tidy(cells[place]) if place < len(cells) else "" for place in places]
    except OSError as error:
        raise LegacyError(f"Cannot read {path}: {error.strerror}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise LegacyError(f"{path} is not a CSV file in UTF-8: save it as 'CSV UTF-8'.") from error


def _places(path: Path, header: list[str], columns: tuple[str, ...]) -> list[int]:
    names = [_tidy(name).casefold() for name in header]
    missing = [column for column in columns if column.casefold() not in names]
    if not missing:
        return [names.index(column.casefold()) for column in columns]
    if not any(names):
        raise LegacyError(f"{path} is empty: give the file as the original quiz wrote it.")
    other = LABEL_COLUMNS if columns == ANSWER_COLUMNS else ANSWER_COLUMNS
    if all(column.casefold() in names for column in other):
        raise LegacyError(f"{path} is the other file: swap answers (submissions.csv) and labels (image_labels.csv).")
    found = ", ".join(repr(name) for name in header[:10])
    raise LegacyError(f"{path} has no column {missing[0]!r}, but {found}: give the file as the original quiz wrote it.")


def _tidy(text: str) -> str:
    return " ".join(text.split())
