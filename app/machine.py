"""The machine observer of a study: what `flask machine-observer` left, read for results and reports. No torch here.

It is one more observer beside the people, never one of them: its answers stand in a table of their own.
"""

from __future__ import annotations

import json
from pathlib import Path

from .records import Study
from .study import RATINGS, StudyError

FILE = "observer.json"
ATTENTION = "attention.png"


def machine_folder(data: Path, study: Study) -> Path:
    """Where the machine observer's files of a study are, in the data folder. Not among the study's images, which are
    served."""
    return data / "machine_observers" / study.folder


def machine_rows(data: Path, study: Study) -> list[dict]:
    """The machine observer's answers as rows of a table of answers; empty if it has not taken this study.

    Raises StudyError for a file that does not fit the study.
    """
    file = machine_folder(data, study) / FILE
    try:
        content = json.loads(file.read_text("utf-8"))
        ratings = content["ratings"]
        if ratings.keys() != study.images.keys() or not all(rating in RATINGS for rating in ratings.values()):
            raise ValueError("ratings of other images")
        name = f"Machine (ViT {content['preset']}, seed {content['seed']})"
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StudyError(f"{file} does not fit the study: run flask machine-observer {study.name} again.") from error
    return [
        {
            "study": study.name,
            "observer": name,
            "simulated": False,
            "kind": "scored",
            "image": image,
            **{field: known.get(field) for field in ("truth", "pool", "source")},
            "rating": ratings[image],
        }
        for image, known in study.images.items()
    ]


def machine_attention(data: Path, study: Study) -> bytes | None:
    """The figure of where it looked (PNG), if there is one."""
    file = machine_folder(data, study) / ATTENTION
    return file.read_bytes() if file.is_file() else None
