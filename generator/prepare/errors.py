"""The errors of this package."""

from __future__ import annotations

from ..errors import GeneratorError


class PrepareError(GeneratorError):
    """Something that was asked for and cannot be done, said in one line."""


class PictureError(Exception):
    """Why one file cannot be used; the others go on. It does not name the file; the caller knows it."""
