"""The images of a study as an observer's browser gets them: asked for one by one, through the application itself."""

from collections.abc import Iterator

from flask import Flask

from ..records import Study
from ..study import StudyError
from .served import ServedImage


def served_images(app: Flask, study: Study) -> Iterator[ServedImage]:
    """Every scored image, in the frozen order. Raises StudyError for a study without images, or one that is missing."""
    if not study.folder:
        raise StudyError(f"The study {study.name} was imported: it has no images to audit.")
    return (_ask(app, study.folder, name) for name in study.images)


def _ask(app: Flask, folder: str, name: str) -> ServedImage:
    file = app.config["QUIZ_DATA"] / "studies" / folder / f"{name}.webp"
    with app.test_client().get(f"/images/{folder}/{name}.webp") as answer:
        if answer.status_code != 200:
            raise StudyError(f"The image {file.name} of the study is not served: restore it from a backup.")
        status = file.stat()
        return ServedImage(name, answer.data, dict(answer.headers), int(status.st_mtime), status.st_mode)
