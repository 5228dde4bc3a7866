"""The study image by image: how hard each was, which fooled most, and the gallery sheets of the outcomes."""

from __future__ import annotations

from dataclasses import dataclass

from .estimate import Estimate
from .intervals import wilson
from .scored import Scored

GALLERY_RULE = (
    "An image belongs to the outcome that more than half of the observers who rated it chose (Unsure is neither), "
    "and is fully certain if more than half of those were fully certain. Without such a majority it is on no sheet."
)
SHEETS = tuple(f"{outcome} {certainty}" for outcome in ("TP", "TN", "FP", "FN") for certainty in ("fully", "partially"))
MOST_VALUES = 12  # of a setting: more make a table that says nothing


@dataclass(frozen=True)
class ImageResult:
    """One image: `n` observers rated it, `fooled` of them called it wrongly. `sheet` is one of SHEETS, or None
    without a majority."""

    image: str
    truth: str
    pool: str | None
    source: str | None
    n: int
    fooled: int
    unsure: int
    mean_rating: float
    sheet: str | None


def by_image(scored: Scored) -> list[ImageResult]:
    """Every image, the hardest first: by the share of wrong calls, then of Unsure, then by name."""
    import numpy as np

    counts = np.zeros((len(scored.images), 6), int)
    np.add.at(counts, (scored.image, scored.rating), 1)
    synthetic = scored.image_is_synthetic()
    results = [
        _image(name, bool(synthetic[i]), (scored.pools[name], scored.sources[name]), counts[i].tolist())
        for i, name in enumerate(scored.images)
    ]
    return sorted(results, key=lambda each: (-each.fooled / each.n, -each.unsure / each.n, each.image))


def _image(name: str, synthetic: bool, origin: tuple[str | None, str | None], counts: list[int]) -> ImageResult:
    n = sum(counts)
    mean = sum(rating * count for rating, count in enumerate(counts)) / n
    fooled = counts[1] + counts[2] if synthetic else counts[4] + counts[5]
    truth = "synthetic" if synthetic else "real"
    return ImageResult(name, truth, *origin, n, fooled, counts[3], mean, _sheet(synthetic, counts))


def _sheet(synthetic: bool, counts: list[int]) -> str | None:
    """The gallery sheet, as GALLERY_RULE says; `counts` by rating, from 0."""
    for fully, partially, fake in ((counts[5], counts[4], True), (counts[1], counts[2], False)):
        if 2 * (fully + partially) > sum(counts):
            outcome = ("TP" if fake else "FN") if synthetic else ("FP" if fake else "TN")
            return f"{outcome} {'fully' if 2 * fully > fully + partially else 'partially'}"
    return None


def most_convincing(images: list[ImageResult], count: int = 10) -> list[ImageResult]:
    """The synthetic images with the lowest mean ratings."""
    return sorted((each for each in images if each.truth == "synthetic"), key=lambda each: each.mean_rating)[:count]


def most_doubted(images: list[ImageResult], count: int = 10) -> list[ImageResult]:
    """The real images with the highest mean ratings."""
    return sorted((each for each in images if each.truth == "real"), key=lambda each: -each.mean_rating)[:count]


def by_pool(scored: Scored) -> dict[str, Estimate]:
    """Pool -> share of right calls of its images, Unsure left out, all observers together, with Wilson's interval."""
    return {pool: _share_right(scored, images) for pool, images in sorted(_pools(scored).items())}


def by_setting(scored: Scored) -> dict[tuple[str, str, str], Estimate]:
    """(pool, setting, value) -> the share that `by_pool` gives, of the pool's images that were made with that value.

    Only settings that differ within a pool and can be compared: of 2 to MOST_VALUES values, with two images each on
    average. That leaves out what is different for each image, such as its seed.
    """
    found = {}
    for pool, images in sorted(_pools(scored).items()):
        for name in sorted({name for image in images for name in scored.settings[image] or ()}):
            values: dict[object, list[str]] = {}
            for image in images:
                if name in (scored.settings[image] or ()):
                    values.setdefault(scored.settings[image][name], []).append(image)
            if 2 <= len(values) <= min(MOST_VALUES, sum(map(len, values.values())) // 2):
                for value in sorted(values, key=_in_order):
                    found[pool, name, str(value)] = _share_right(scored, values[value])
    return found


def _in_order(value: object) -> tuple:
    """Numbers before texts, each in their order."""
    return (0, value, "") if isinstance(value, int | float) else (1, 0, str(value))


def _pools(scored: Scored) -> dict[str, list[str]]:
    """Pool -> its images, without those of no known pool."""
    pools: dict[str, list[str]] = {}
    for image in scored.images:
        if scored.pools[image]:
            pools.setdefault(scored.pools[image], []).append(image)
    return pools


def _share_right(scored: Scored, images: list[str]) -> Estimate:
    import numpy as np

    wanted = set(images)
    own = np.array([image in wanted for image in scored.images], bool)[scored.image]
    right = scored.right[own & (scored.rating != 3)]
    return wilson(int(right.sum()), len(right))
