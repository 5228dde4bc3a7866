"""Data sets → corpus: cropped, brought to one size, near-duplicates kept together, split once and for all."""

from .build import Report, prepare
from .errors import PrepareError
from .recipes import RECIPES

__all__ = ["RECIPES", "PrepareError", "Report", "prepare"]
