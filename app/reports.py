"""A study's results and report, from the records, the study's images and the manifests of its pools."""

import io
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from .analysis.ratings import Ratings, RatingsError
from .answers import export_parts
from .creation import pool_folders
from .machine import machine_attention, machine_rows
from .pools import PoolError, find_pool
from .records import Records, Study

THUMBNAIL = (256, 128)
THUMBNAIL_QUALITY = 70


# What a study's results are computed from: protocol, table of answers, and who has finished.
Parts = tuple[dict, list[dict], dict[str, bool]]


def study_parts(records: Records, study: Study, data: Path, include_simulated: bool = False) -> Parts:
    """(protocol, rows, finished by observer) of a study, as `analysis.export` takes them: those of `export_parts`, each
    row with the `settings` that its image was made with. `data` is the data folder.

    Simulated observers are left out of all three unless asked for.
    """
    protocol, rows, finished = export_parts(records, study, include_simulated)
    known = {name: image_settings(data, name, study.created_at) for name in study.pools}
    for row in rows:
        row["settings"] = known.get(row.get("pool"), {}).get(row.get("source"))
    return protocol, rows, finished


def image_settings(data: Path, name: str, study_created_at: int) -> dict[str, dict]:
    """Source -> setting -> value, from the manifest of the pool of this name; empty if it is no longer there, or if
    another pool has taken its place since the study was created.

    Settings are what the provenance of an image holds under `settings`, or without that, its plain values.
    """
    try:
        pool = find_pool(pool_folders(data), name)
        created = json.loads((pool.folder / "pool.json").read_text()).get("created", "")
        if datetime.fromisoformat(created).timestamp() * 1000 > study_created_at:
            return {}
    except (PoolError, OSError, ValueError, TypeError):
        return {}
    found = {image.source: image.provenance.get("settings", image.provenance) for image in pool.images}
    return {
        source: {name: value for name, value in given.items() if isinstance(value, str | int | float)}
        for source, given in found.items()
        if isinstance(given, dict)
    }


def report_parts(records: Records, study: Study, data: Path, include_simulated: bool = False) -> tuple:
    """(results, about, thumbnails) of a study, as `analysis.report` takes them. `data` is the data folder.

    Simulated observers are left out unless asked for.
    """
    from .analysis.results import study_results

    _, rows, finished = study_parts(records, study, data, include_simulated)
    machine = machine_rows(data, study)
    results = study_results(rows, finished, include_simulated=include_simulated, machine_rows=machine)
    last = max((row["received_at"] for row in rows if row.get("received_at")), default=None)
    about = {
        "study": study.name,
        "title": study.protocol.title,
        # Not the time of making: the same answers make the same report, to the byte.
        "answers_until": last and f"{datetime.fromtimestamp(last / 1000, UTC):%Y-%m-%d %H:%M} UTC",
        "viewing_seconds": None if study.imported else study.protocol.viewing_seconds,
        "order": None if study.imported else study.protocol.order,
        "images": len(study.images),
        "pools": study.pools,
        "simulated": len({row["observer"] for row in rows if row.get("simulated")}),
        "attention": machine_attention(data, study) if machine else None,
    }
    return results, about, thumbnails(data / "studies" / study.folder, results.scored.images)


def compared_ratings(records: Records, studies: list[Study], include_simulated: bool = False) -> Ratings:
    """The scored ratings of several studies, each a treatment, by the observers who finished all of them.

    Raises RatingsError if nobody did.
    """
    from .analysis.ratings_files import scored_ratings

    parts = [export_parts(records, study, include_simulated)[1:] for study in studies]
    common = set.intersection(*({name for name, done in finished.items() if done} for _, finished in parts))
    if not common:
        raise RatingsError("No observer has finished all of these studies: invite the same names to each.")
    rows = [_as_case(row) for rows, _ in parts for row in rows if row["observer"] in common]
    ratings = scored_ratings(rows, include_simulated=include_simulated)
    entries = map(dict.values, ratings)
    return Ratings.of((reader, study, case, bool(truth), rating) for reader, study, case, truth, rating in entries)


def _as_case(row: dict) -> dict:
    """The row with an image name that is the same in all studies: each study gives its images random names."""
    return row | {"image": f"{row['pool']}/{row['source']}"} if row.get("source") else row


def images_by_outcome(folder: Path, rows: Iterable[dict], include_simulated: bool = False) -> dict[str, bytes]:
    """ "TP fully/NAME.webp" -> content, for the images in `folder`, sorted as the report's gallery sheets; images
    without a majority are in "no majority"."""
    from .analysis.difficulty import by_image
    from .analysis.scored import Scored

    found = by_image(Scored.of(rows, include_simulated=include_simulated))
    paths = {f"{each.sheet or 'no majority'}/{each.image}.webp": folder / f"{each.image}.webp" for each in found}
    return {name: path.read_bytes() for name, path in paths.items() if path.exists()}


def thumbnails(folder: Path, names: Iterable[str]) -> dict[str, bytes]:
    """Image name -> small lossy WebP, for the images that are in the folder; an imported study has none."""
    from PIL import Image

    made = {}
    for name in names:
        path = folder / f"{name}.webp"
        if path.exists():
            buffer = io.BytesIO()
            with Image.open(path) as image:
                image.convert("L").resize(THUMBNAIL, Image.Resampling.BOX).save(
                    buffer, "WEBP", quality=THUMBNAIL_QUALITY
                )
            made[name] = buffer.getvalue()
    return made
