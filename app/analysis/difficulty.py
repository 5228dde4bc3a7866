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


@dataclass(frozen=True)
class ImageResult:
    """One image: `n` observers rated it, `fooled` of them called it wrongly. `sheet` is one of SHEETS, or None
    without a majority."""

    image: str
    truth: str
    pool: str | None
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
        _image(name, bool(synthetic[i]), scored.pools[name], counts[i].tolist()) for i, name in enumerate(scored.images)
    ]
    return sorted(results, key=lambda each: (-each.fooled / each.n, -each.unsure / each.n, each.image))


def _image(name: str, synthetic: bool, pool: str | None, counts: list[int]) -> ImageResult:
    n = sum(counts)
    mean = sum(rating * count for rating, count in enumerate(counts)) / n
    fooled = counts[1] + counts[2] if synthetic else counts[4] + counts[5]
    truth = "synthetic" if synthetic else "real"
    return ImageResult(name, truth, pool, n, fooled, counts[3], mean, _sheet(synthetic, counts))


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
    import numpy as np

    pools = np.array([scored.pools[image] or "" for image in scored.images], str)
    calls: dict[str, list[int]] = {}
    own = pools[scored.image] if len(scored.images) else pools
    for pool in sorted(set(pools.tolist()) - {""}):
        right = scored.right[(own == pool) & (scored.rating != 3)]
        calls[pool] = [int(right.sum()), len(right)]
    return {pool: wilson(*counts) for pool, counts in calls.items()}
