"""New studies: from two pools, or from the original quiz's result files."""

import fcntl
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from . import ROOT
from .analysis.legacy import LegacyAnswers, read_legacy
from .blinding.preparation import Preparation, Recipe
from .interruption import ending_in_order
from .pools import Pool, find_pool
from .records import Records, Study
from .study import Protocol, StudyError, check_name
from .study_images import PLAIN, build_images, choose, recipe_for

DAY_SECONDS = 24 * 3600
WARM_UP_POOL = "warm-up"  # shipped with the project
AS_THEY_ARE = Preparation()


def pool_folders(quiz_data: Path) -> list[Path]:
    """Where pools are looked for: the data folder's own, then those shipped with the project."""
    return [quiz_data / "pools", ROOT / "quiz_data" / "pools"]


def create_study(
    records: Records,
    quiz_data: Path,
    protocol: Protocol,
    real: str,
    synthetic: str,
    now: int,
    progress: Callable[[], None],
    wanted: Preparation = AS_THEY_ARE,
) -> Study:
    """Choose the images, make them alike, re-encode them under random names and add the study.

    Nothing is left of one that fails. `progress` is called after each image, and before that once an image for each
    of `wanted.passes`. Raises StudyError or PoolError.
    """
    with ending_in_order(), _sole_maker(records, quiz_data, protocol.name):
        return _create(records, quiz_data, protocol, real, synthetic, now, progress, wanted)


def _create(records, quiz_data, protocol, real, synthetic, now, progress, wanted) -> Study:
    folders = pool_folders(quiz_data)
    pools = [find_pool(folders, name) for name in (real, synthetic)]
    chosen = choose(*pools, protocol.images, protocol.seed)
    warm_up = find_pool(folders, WARM_UP_POOL)
    practice = [(warm_up, warm_up.images[0]), *_choose_practice(protocol, pools, chosen)]
    _clear_leftovers(quiz_data / "studies")
    folder = secrets.token_hex(8)
    names = [secrets.token_hex(16) for _ in chosen + practice]
    recipe = recipe_for(wanted, chosen + practice, progress)
    built = build_images(chosen + practice, quiz_data / "studies" / folder, names, progress, recipe)
    images, practised = _by_name(built[: len(chosen)]), _by_name(built[len(chosen) :])
    about = {pool.name: _about(pool, recipe) for pool in pools}
    study = Study(protocol, folder, images, practised, now, pools=about)
    try:
        records.add_study(study)
    except StudyError:
        # After any other error the study may have been stored all the same, and need its images.
        shutil.rmtree(quiz_data / "studies" / folder)
        raise
    return study


@contextmanager
def _sole_maker(records: Records, quiz_data: Path, name: str) -> Iterator[None]:
    """Keep the name of a study for this process while it makes it, and clear away what a killed one left under it.

    The lock is the operating system's: it ends with the process, however that ends. Raises StudyError if the name is
    taken, or another process on this machine is making a study of that name.
    """
    records.require_free(name)
    with (quiz_data / f".making-{name}").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StudyError(f"Another command is making the study {name} just now: wait for it to end.") from error
        records.require_free(name)
        records.clear_unfinished(name)
        yield
        Path(lock.name).unlink()


def _clear_leftovers(studies: Path) -> None:
    """Remove what a killed `create-study` left behind: hidden folders that nobody has written to for a day."""
    for folder in studies.glob(".*"):
        if time.time() - folder.stat().st_mtime > DAY_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def _choose_practice(protocol: Protocol, pools: list[Pool], chosen: list) -> list:
    """Practice images: what a larger study of the same seed would have chosen besides the study's own images."""
    if not protocol.practice:
        return []
    taken = {image.pixels_sha256 for _, image in chosen}
    more = choose(*pools, protocol.images + protocol.practice, protocol.seed)
    return [(pool, image) for pool, image in more if image.pixels_sha256 not in taken]


def import_answers(
    records: Records, quiz_data: Path, name: str, answers_file: Path, labels_file: Path, now: int
) -> LegacyAnswers:
    """Make a finished study out of the original quiz's two files. Raises StudyError or LegacyError."""
    check_name(name)
    records.require_free(name)
    legacy = read_legacy(answers_file, labels_file)
    protocol = Protocol(name=name, title=f"Imported: {name}", images=len(legacy.images), profile=False)
    images = {file: {"truth": truth, "pool": "imported", "source": file} for file, truth in legacy.images.items()}
    study = Study(protocol, "", images, {}, now, frozen_at=now, imported=True)
    by_observer: dict[str, list[dict]] = {}
    for row in legacy.rows:
        by_observer.setdefault(row["observer"], []).append(_imported_answer(row, protocol))
    with _sole_maker(records, quiz_data, name):
        records.add_imported(study, by_observer, now)
    return legacy


def _imported_answer(row: dict, protocol: Protocol) -> dict:
    times = {"released_at": None, "received_at": None, "next_shown": False, "measures": {}}
    viewing_ms = round(protocol.viewing_seconds * 1000)
    return {
        "kind": "scored",
        "number": row["number"],
        "image": row["image"],
        "repeat": False,
        "rating": row["rating"],
        "viewing_ms": viewing_ms,
        **times,
    }


def _by_name(images: list[dict]) -> dict[str, dict]:
    return {image["name"]: {key: value for key, value in image.items() if key != "name"} for image in images}


def _about(pool: Pool, recipe: Recipe) -> dict:
    about = {"truth": pool.truth, "about": pool.about, "images": len(pool.images)}
    return about if recipe.as_dict() == PLAIN.as_dict() else {**about, "preparation": recipe.as_dict()}
