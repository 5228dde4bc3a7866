"""How each data set is made into training images; docs/data.md says where to get them and what they look like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .errors import PrepareError

Margins = tuple[int, int, int, int]


@dataclass(frozen=True)
class Recipe:
    """One data set: the margins to cut, and which of its folders hold the radiographs.

    `margins` are (top, left, bottom, right) in pixels of the original; None trims white and black borders. `folders`
    are the names of the folders that hold radiographs, beside others with masks; without any of them, all files count.
    """

    about: str
    margins: Margins | None
    folders: tuple[str, ...] = ()


# The margins are those of the PanoDiff-SR paper (Jain et al., ECAI 2025); it gives none for TSXK.
RECIPES = {
    "adld": Recipe("A dual-labeled dataset (Kaggle)", (90, 30, 30, 170), ("images1",)),
    "dentex": Recipe("DENTEX challenge 2023 (Zenodo 7812323)", (20, 100, 50, 20), ("xrays", "input")),
    "tsxk": Recipe("Teeth Segmentation on dental X-ray images (Kaggle)", (0, 0, 0, 0), ("img",)),
    "tufts": Recipe("Tufts Dental Database (on request)", (20, 30, 100, 100), ("Radiographs",)),
    "uspforp": Recipe("University of São Paulo, Ribeirão Preto (on request)", (30, 30, 165, 30)),
    "generic": Recipe("any radiographs, or a pool of this program", None),
}


def find_recipe(name: str) -> Recipe:
    """The recipe called `name`. Raises PrepareError with the names there are."""
    if name not in RECIPES:
        raise PrepareError(f"There is no recipe {name!r}: choose one of {', '.join(RECIPES)}")
    return RECIPES[name]


def check_margins(margins: Sequence[int]) -> Margins:
    """Four whole numbers of at least 0, or PrepareError."""
    if len(margins) != 4 or any(not isinstance(margin, int) or margin < 0 for margin in margins):
        raise PrepareError("A crop is four whole numbers, top,left,bottom,right in pixels, as in --crop 90,30,30,170")
    return tuple(margins)
