"""One image file, whatever its format, to 8-bit grey pixels and a record of where they came from.

Grey values. 8-bit pictures keep theirs; colour goes through ITU-R 601 luma; transparency is laid over black. Deeper
pictures (16-bit PNG and TIFF, float TIFF) are scaled linearly from the picture's own minimum..maximum to 0..255. DICOM
is shown as its file says: see `app/dicom.py`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from .pixels import MAX_PIXELS, RadiographError, check_pixel_count, stretch

if TYPE_CHECKING:
    from PIL.Image import Image

MIN_WIDTH, MIN_HEIGHT = 256, 128  # pixels
MIN_ASPECT, MAX_ASPECT = 1.4, 3.2  # width / height of a panoramic radiograph

READABLE = "PNG, JPEG, TIFF, WebP or DICOM"
FORMATS = ("PNG", "JPEG", "TIFF", "WEBP")
READ_SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".tif", ".tiff", ".webp", ".dcm", ".dicom", ".dic")
# So that a folder of BMP files is reported rather than passed over.
UNREAD_SUFFIXES = (".bmp", ".gif", ".jp2", ".j2k", ".jxl", ".heic", ".heif", ".avif")
HEAD_BYTES = 132
DEEP_MODES = ("I;16", "I;16L", "I;16B", "I", "F")
SHALLOW_MODES = ("1", "L", "P", "RGB", "CMYK", "YCbCr")
ALPHA_MODES = ("LA", "PA", "RGBA")
TIFF_BITS_PER_SAMPLE, TIFF_PHOTOMETRIC, TIFF_WHITE_IS_ZERO = 258, 262, 0


def looks_like_image(path: Path) -> bool:
    """True if the name or the first bytes of the file say that it is an image, readable here or not."""
    if path.suffix.lower() in READ_SUFFIXES + UNREAD_SUFFIXES:
        return True
    try:
        return _has_signature(_read_head(path))
    except RadiographError:
        return False


def read_radiograph(path: Path) -> tuple["Image", dict]:
    """The picture in an image file, upright, as an 8-bit grey Pillow image without metadata, and its provenance.

    Provenance is a dict fit for JSON: `format`, `mode` (colour mode or photometric interpretation), `bits` per sample,
    `grey` (how the file's values became 0..255) and, where there is something to say, `notes` (a list of sentences).
    Nothing else of the file's metadata is kept; of a DICOM file no patient's, no date's and no institution's tag.

    Raises RadiographError for whatever cannot be used: empty, corrupt, truncated, animated or not an image, more than
    MAX_PIXELS (said before anything is decoded), too small, of no panoramic format, or of one grey value only.
    """
    path = Path(path)
    head = _read_head(path)
    if not head:
        raise RadiographError("is an empty file: copy it again from its source")
    try:
        if is_dicom(head):
            from .dicom import read_dicom  # needs numpy and pydicom, which a web server never loads

            image, provenance = read_dicom(path)
        else:
            image, provenance = _read_picture(path, head)
    except RadiographError:
        raise
    except Exception as error:  # decoders fail in every way there is, from struct.error to SyntaxError
        detail = (str(error).splitlines() or [type(error).__name__])[0]
        raise RadiographError(f"is corrupt or truncated ({detail}): export it again from its source") from error
    _check_shape(image)
    return _pixels_only(image), provenance


def is_dicom(head: bytes) -> bool:
    """True if a file that begins with these bytes is DICOM, whatever its name."""
    return head[128:132] == b"DICM"


def _read_head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError as error:
        raise RadiographError(f"cannot be opened ({error.strerror}): check the file and its permissions") from error


def _has_signature(head: bytes) -> bool:
    return (
        is_dicom(head)
        or head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"))
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
    )


def _read_picture(path: Path, head: bytes) -> tuple["Image", dict]:
    from PIL import ImageOps

    with path.open("rb") as file:
        provenance = _examine(_open_picture(file, head), head)
    # As a file, not a path: Pillow maps uncompressed TIFF into memory by its path, and scrambles what lies on its side.
    with path.open("rb") as file:
        image = _open_picture(file, head)
        grey = _to_grey(ImageOps.exif_transpose(image))
        if _is_inverted(image):
            grey = ImageOps.invert(grey)
    return grey, provenance


def _examine(image: "Image", head: bytes) -> dict:
    """Provenance of an opened picture, before any pixel is decoded. The file has to be opened anew afterwards."""
    check_pixel_count(*image.size)
    notes = _pages(image)
    deep = image.mode in DEEP_MODES
    provenance = {
        "format": image.format,
        "mode": image.mode,
        "bits": _bits(image, head),
        "grey": "own range" if deep else "unchanged" if image.mode == "L" else "luma",
    }
    if image.format == "PNG":
        image.verify()  # checksums, which decoding does not look at
    return provenance | ({"notes": notes} if notes else {})


def _open_picture(file: BinaryIO, head: bytes) -> "Image":
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # Pillow's own limit, below ours, would warn of files that are welcome here
    try:
        return Image.open(file, formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise RadiographError(
            f"is enormous (more than {MAX_PIXELS // 1_000_000} megapixels): reduce it first"
        ) from error
    except Image.UnidentifiedImageError as error:
        if _has_signature(head):
            raise RadiographError("is corrupt or truncated: export it again from its source") from error
        raise RadiographError(f"is not an image that can be read here: convert it to {READABLE}") from error


def _pages(image: "Image") -> list[str]:
    """Notes on the pictures behind the first one. RadiographError if they are an animation."""
    count = getattr(image, "n_frames", 1)
    if count == 1:
        return []
    if image.format in ("PNG", "WEBP"):
        raise RadiographError(f"is animated ({count} frames): export one frame as a still image")
    return [f"first of {count} pages"]


def _bits(image: "Image", head: bytes) -> int:
    """Bits per sample in the file; Pillow's mode does not always tell."""
    if image.format == "PNG":
        return head[24]
    if image.format == "TIFF":
        return image.tag_v2.get(TIFF_BITS_PER_SAMPLE, (1,))[0]
    return 8


def _is_inverted(image: "Image") -> bool:
    """True for a 16-bit TIFF whose zero is white; Pillow inverts shallower pictures by itself."""
    if image.format != "TIFF" or not image.mode.startswith("I;16"):
        return False
    return image.tag_v2.get(TIFF_PHOTOMETRIC) == TIFF_WHITE_IS_ZERO


def _to_grey(image: "Image") -> "Image":
    from PIL import Image

    if image.mode in DEEP_MODES:
        return Image.fromarray(stretch(image))
    if image.mode in ALPHA_MODES or (image.mode == "P" and "transparency" in image.info):
        black = Image.new("RGBA", image.size, "black")
        return Image.alpha_composite(black, image.convert("RGBA")).convert("L")
    if image.mode not in SHALLOW_MODES:
        raise RadiographError(f"has colours of an unusual kind ({image.mode}): convert it to grey first")
    return image.convert("L") if image.mode in ("1", "L") else image.convert("RGB").convert("L")


def _check_shape(image: "Image") -> None:
    width, height = image.size
    if width < MIN_WIDTH or height < MIN_HEIGHT:
        raise RadiographError(
            f"is tiny ({width}x{height} pixels, at least {MIN_WIDTH}x{MIN_HEIGHT}): use the original, not a thumbnail"
        )
    if not MIN_ASPECT <= width / height <= MAX_ASPECT:
        raise RadiographError(
            f"is not of panoramic format ({width}x{height} pixels; width/height has to be "
            f"{MIN_ASPECT} to {MAX_ASPECT}): crop it first"
        )
    low, high = image.getextrema()
    if low == high:
        raise RadiographError("is flat (one grey value only): not a radiograph, or a failed export")


def _pixels_only(image: "Image") -> "Image":
    """A copy that carries no EXIF, ICC profile, text or palette which an encoder might write out again."""
    from PIL import Image

    return Image.frombytes("L", image.size, image.tobytes())
