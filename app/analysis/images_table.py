"""The study's images as a table, a row an image: what images.csv holds."""

from .results import StudyResults
from .table import Column

IMAGE_COLUMNS = [
    Column("image", "", "Image", "text", "Random name of the study image."),
    Column("truth", "", "Truth", "text", "real or synthetic."),
    Column("pool", "", "Pool", "text", "Pool that the image came from."),
    Column("source", "", "Source", "text", "The image's source as the pool's manifest gives it."),
    Column("n", "", "n", "integer", "How many observers rated it."),
    Column(
        "fooled", "", "Fooled", "integer", "How many of them called it wrongly: a synthetic one real, a real one fake."
    ),
    Column("unsure", "", "Unsure", "integer", "How many of them were unsure."),
    Column(
        "mean_rating", "", "Mean rating", "number", "Mean of their ratings, 1 Definitely real to 5 Definitely fake."
    ),
    Column(
        "sheet",
        "",
        "Sheet",
        "text",
        "Outcome and certainty by the majority of observers, as on the report's gallery sheets; empty without one.",
    ),
]


def images_table(results: StudyResults) -> list[dict]:
    """A dict an image with the names of IMAGE_COLUMNS, the hardest first."""
    return [vars(image) for image in results.images]
