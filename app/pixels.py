"""What every reader of images needs to know of pixels: when a picture cannot be used, its grey values and its hash."""

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

MAX_PIXELS = 100_000_000


class RadiographError(ValueError):
    """One line: what is wrong with the file, and what to do. It does not name the file; the caller knows it."""


def pixels_sha256(image: "Image") -> str:
    """Hexadecimal SHA-256 of an 8-bit grey Pillow image's pixels: equal pictures, equal values, whatever the encoding.

    Of the text `WIDTHxHEIGHT:` and the pixels, row by row. Raises ValueError for an image of another mode than L.
    """
    if image.mode != "L":
        raise ValueError(f"pixels_sha256 is defined for 8-bit grey images, not for mode {image.mode}")
    return hashlib.sha256(f"{image.width}x{image.height}:".encode() + image.tobytes()).hexdigest()


def check_pixel_count(width: int, height: int) -> None:
    """Raise RadiographError for a picture that is too large to be decoded."""
    if width * height > MAX_PIXELS:
        raise RadiographError(
            f"is enormous ({width}x{height} pixels, at most {MAX_PIXELS // 1_000_000} megapixels): reduce it first"
        )


def stretch(values: "np.ndarray | Image") -> "np.ndarray":
    """A 2-D array's own minimum..maximum scaled linearly to 0..255, as uint8. RadiographError if there is no range."""
    import numpy as np

    values = np.asarray(values, dtype=np.float64)
    if not np.isfinite(values).all():
        raise RadiographError("has pixels that are not numbers: export it again as a 16-bit TIFF or PNG")
    low, high = values.min(), values.max()
    if low == high:
        raise RadiographError("is flat (one grey value only): not a radiograph, or a failed export")
    return np.rint((values - low) / (high - low) * 255).astype(np.uint8)
