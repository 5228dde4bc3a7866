"""A study's report, from the records and the study's images."""

import io
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from .analysis.ratings import Ratings, RatingsError
from .answers import export_parts
from .records import Records, Study

THUMBNAIL = (256, 128)
THUMBNAIL_QUALITY = 70


def report_parts(records: Records, study: Study, data: Path, at: int, include_simulated: bool = False) -> tuple:
    """(results, about, thumbnails) of a study, as `analysis.report` takes them.

    `data` is the data folder, `at` the time in milliseconds since 1970. Simulated observers are left out unless asked
    for.
    """
    from .analysis.results import study_results

    _, rows, finished = export_parts(records, study, include_simulated)
    results = study_results(rows, finished, include_simulated=include_simulated)
    about = {
        "study": study.name,
        "title": study.protocol.title,
        "made_at": f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M} UTC",
        "viewing_seconds": None if study.imported else study.protocol.viewing_seconds,
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
