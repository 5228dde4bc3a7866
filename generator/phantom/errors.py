"""The one error of this package."""

from __future__ import annotations

from ..errors import GeneratorError


class PhantomError(GeneratorError, ValueError):
    """An option or a pool that cannot be used, said in one line for the person who asked."""
