"""What is done to every image of a study, real and synthetic alike, before it is encoded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import ceil, floor
from typing import TYPE_CHECKING

from ..study import StudyError
from .borders import border_widths
from .histogram import histogram, match_histogram

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

SIZE = (1024, 512)  # pixels; as in the original study the whole picture is fitted, stretched if its format is another
WIDEST = 128  # pixels that a trim or a mask may take from one side of the study image
TRIM_RULE = f"trim: give auto, or four lengths from 0 to {WIDEST} pixels: TOP,LEFT,BOTTOM,RIGHT"


@dataclass(frozen=True)
class Preparation:
    """What was asked for. Lengths are pixels of the study image, 1024x512.

    `trim` cuts (top, left, bottom, right) from every image before it is fitted into the study's size; "auto" finds the
    widest black or white border of each side among all images. `mask_margins` blackens that many pixels on all four
    sides. `match_histogram` gives every image the mean histogram of all. Raises StudyError for lengths that cannot be.
    """

    trim: str | tuple[int, int, int, int] = (0, 0, 0, 0)
    mask_margins: int = 0
    match_histogram: bool = False

    def __post_init__(self):
        if self.trim != "auto" and not (len(self.trim) == 4 and all(0 <= side <= WIDEST for side in self.trim)):
            raise StudyError(TRIM_RULE)
        if not 0 <= self.mask_margins <= WIDEST:
            raise StudyError(f"mask-margins: {self.mask_margins} is not between 0 and {WIDEST} pixels")

    @property
    def passes(self) -> int:
        """How often every image has to be looked at before the first can be prepared."""
        return (self.trim == "auto") + self.match_histogram


def read_trim(text: str | None) -> str | tuple[int, ...]:
    """What Preparation takes as `trim`, from a text: "auto" or "TOP,LEFT,BOTTOM,RIGHT"; None is no trim."""
    if text is None or text == "auto":
        return text or (0, 0, 0, 0)
    try:
        return tuple(int(side) for side in text.split(","))
    except ValueError as error:
        raise StudyError(TRIM_RULE) from error


@dataclass(frozen=True, eq=False)
class Recipe:
    """What is done to each image, after all of them were looked at: one picture in, one study picture out."""

    cut: tuple[int, int, int, int] = (0, 0, 0, 0)
    mask: int = 0
    reference: np.ndarray | None = None

    def apply(self, image: Image) -> Image:
        """An 8-bit grey picture of any size as the study shows it, 1024x512."""
        from PIL import Image

        fitted = _fit(image, self.cut)
        if self.reference is None and not self.mask:
            return fitted
        return Image.fromarray(self._finish(fitted))

    def _finish(self, fitted: Image) -> np.ndarray:
        import numpy as np

        finished = np.zeros(fitted.size[::-1], np.uint8)
        inside = _inside(np.asarray(fitted), self.mask)
        _inside(finished, self.mask)[:] = inside if self.reference is None else match_histogram(inside, self.reference)
        return finished

    def as_dict(self) -> dict:
        """For the study's record."""
        return {"trim": list(self.cut), "mask_margins": self.mask, "match_histogram": self.reference is not None}


def find_recipe(wanted: Preparation, look: Callable[[Callable[[Image], object]], Iterable]) -> Recipe:
    """The recipe that fulfils `wanted` for a set of images.

    `look(function)` yields `function(image)` for each image of the study; it is called `wanted.passes` times.
    """
    cut = tuple(wanted.trim) if wanted.trim != "auto" else _widest(look(_borders))
    if not wanted.match_histogram:
        return Recipe(cut, wanted.mask_margins)
    shares = list(look(lambda image: _histogram(image, cut, wanted.mask_margins)))
    return Recipe(cut, wanted.mask_margins, sum(shares) / len(shares))


def _borders(image: Image) -> tuple[int, int, int, int]:
    import numpy as np

    return border_widths(np.asarray(_fit(image, (0, 0, 0, 0))))


def _widest(borders: Iterable[tuple[int, int, int, int]]) -> tuple[int, int, int, int]:
    return tuple(max(widths) for widths in zip(*borders, strict=True))


def _histogram(image: Image, cut: tuple[int, int, int, int], mask: int) -> np.ndarray:
    import numpy as np

    return histogram(_inside(np.asarray(_fit(image, cut)), mask))


def _inside(picture: np.ndarray, mask: int) -> np.ndarray:
    height, width = picture.shape
    return picture[mask : height - mask, mask : width - mask]


def _fit(image: Image, cut: tuple[int, int, int, int]) -> Image:
    """The picture without `cut`, resized. Cropped first, in whole pixels, so that no pixel outside has a part in it."""
    from PIL import Image

    if any(cut):
        top, left, bottom, right = cut
        across, down = image.width / SIZE[0], image.height / SIZE[1]
        start = (ceil(left * across), ceil(top * down))
        image = image.crop((*start, floor((SIZE[0] - right) * across), floor((SIZE[1] - bottom) * down)))
    return image.resize(SIZE, Image.Resampling.LANCZOS)
