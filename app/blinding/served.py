"""What a file tells besides its pixels, checked exactly: every image of a study has to be like every other."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from ..study import StudyError

if TYPE_CHECKING:
    import numpy as np

ANEW = "create the study anew"
# Headers that say when an answer was given, its length and random name, and a tag of the file's time, length and name.
OWN_HEADERS = ("date", "expires", "content-length", "content-disposition", "etag", "x-request-id")
METADATA = ("exif", "icc_profile", "xmp", "comment")  # as Pillow calls them


@dataclass(frozen=True)
class ServedImage:
    """One study image as the server sends it; `modified` is the time of its file, in whole seconds since 1970 UTC."""

    name: str
    data: bytes
    headers: Mapping[str, str]
    modified: int
    mode: int


@dataclass(frozen=True)
class Check:
    """One exact check of all images: what was held against what, and what differs (empty: nothing)."""

    name: str
    what: str
    differing: str = ""
    remedy: str = ANEW


@dataclass(frozen=True)
class Opened:
    """What became of one image: its length in bytes and the facts that have to be the same for all."""

    size: int
    facts: Mapping[str, object]
    as_encoded: bool


def open_served(image: ServedImage, recorded_sha256: str) -> tuple[np.ndarray, Opened]:
    """The 8-bit grey pixels of one served file, and what else it holds. Raises StudyError for what is no picture."""
    import numpy as np
    from PIL import Image

    from ..study_images import encode

    try:
        with Image.open(BytesIO(image.data), formats=("WEBP",)) as opened:
            metadata = [kind for kind in METADATA if opened.info.get(kind)]
            colours = np.asarray(opened.convert("RGB"))
            mode = opened.mode
    except Exception as error:  # decoders fail in every way there is
        raise StudyError(f"The image {image.name} cannot be decoded: restore the study from a backup.") from error
    grey = colours[..., 0]
    facts = {
        "names": bool(re.fullmatch(r"[0-9a-f]{32}", image.name)),
        "recorded": hashlib.sha256(image.data).hexdigest() == recorded_sha256,
        "format": (image.data[:4], *chunks(image.data)),
        "metadata": tuple(metadata),
        "picture": (mode, grey.shape[1], grey.shape[0], bool((colours == grey[..., None]).all())),
        "file times": (image.modified, image.mode),
        "answer": tuple(sorted((k, v) for k, v in image.headers.items() if k.lower() not in OWN_HEADERS)),
    }
    return grey, Opened(len(image.data), facts, encode(Image.fromarray(grey)) == image.data)


def chunks(data: bytes) -> list[str]:
    """The names of the parts of a WebP file, and what follows its end."""
    names, place = [], 12
    end = min(len(data), int.from_bytes(data[4:8], "little") + 8)
    while place + 8 <= end:
        names.append(data[place : place + 4].decode("latin-1"))
        place += 8 + (length := int.from_bytes(data[place + 4 : place + 8], "little")) + length % 2
    return [*names, *(["bytes after the end"] if len(data) > end else [])]


def exact_checks(opened: Mapping[str, Opened]) -> list[Check]:
    """The checks, in the order of the report, of all images by name."""

    def held(fact: str, fits: Callable[[object], bool]) -> str:
        return _some(name for name, each in opened.items() if not fits(each.facts[fact]))

    first = next(iter(opened.values())).facts
    same = {fact: held(fact, lambda value, fact=fact: value == first[fact]) for fact in first}
    return [
        Check("names", "32 random hexadecimal digits each", held("names", bool)),
        Check("content", "every file is the one that was recorded", held("recorded", bool)),
        Check("format", "lossless WebP, one part and nothing else", held("format", lambda v: v == (b"RIFF", "VP8L"))),
        Check("metadata", "no EXIF, XMP, colour profile or date", held("metadata", lambda value: not value)),
        Check("picture", "one mode and size, red = green = blue", same["picture"] or held("picture", lambda v: v[3])),
        Check("encoder", "encoding the pixels again gives the same bytes", _not_as_encoded(opened)),
        Check("file times", "one time and one mode for all files", same["file times"]),
        Check("answer", "the server sends the same headers with all", same["answer"]),
    ]


def _not_as_encoded(opened: Mapping[str, Opened]) -> str:
    return _some(name for name, each in opened.items() if not each.as_encoded)


def _some(names: Iterable[str]) -> str:
    names = sorted(names)
    return f"{len(names)} images differ, such as {names[0]}" if names else ""
