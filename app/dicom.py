"""One DICOM file to 8-bit grey pixels, as a viewer would show them. Numpy and pydicom are loaded by importing this.

Grey values (PS3.3 C.11): stored values → modality LUT or rescale → the first VOI LUT, else the first window → the range
of that transformation to 0..255 → inverted for MONOCHROME1. Without either, 8-bit values are kept and deeper ones are
scaled linearly from the picture's own minimum..maximum.

Of the header only the format, the photometric interpretation, the bit depth and the transfer syntax leave this module.
Names burnt into the picture itself cannot be found by a program: the researcher has to look.
"""

from pathlib import Path

import numpy as np
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.pixels import get_decoder, pixel_array
from pydicom.pixels.processing import apply_rescale, apply_windowing
from pydicom.uid import UID

from .pixels import RadiographError, check_pixel_count, stretch

GREY = ("MONOCHROME1", "MONOCHROME2")
COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")


def read_dicom(path: Path) -> tuple[Image.Image, dict]:
    """Picture and provenance of a DICOM file: `read_radiograph` says how, and which errors."""
    _check_header(dcmread(path, stop_before_pixels=True))
    dataset = dcmread(path)
    stored = pixel_array(dataset)  # YBR comes back as RGB
    if dataset.PhotometricInterpretation in COLOUR:
        grey, how = Image.fromarray(stored).convert("L"), "luma"
    else:
        levels, how = _grey_levels(dataset, stored)
        grey = Image.fromarray(255 - levels if dataset.PhotometricInterpretation == "MONOCHROME1" else levels)
    return grey, _provenance(dataset, how)


def _check_header(dataset: Dataset) -> None:
    """Refuse what cannot be shown, before a pixel is decoded."""
    if not dataset.get("Rows") or not dataset.get("Columns"):
        raise RadiographError("is a DICOM file without a picture: export the radiograph itself")
    check_pixel_count(int(dataset.Columns), int(dataset.Rows))
    frames = int(dataset.get("NumberOfFrames") or 1)
    if frames > 1:
        raise RadiographError(f"is a DICOM file of {frames} frames: export the panoramic radiograph as a single frame")
    colours = dataset.get("PhotometricInterpretation")
    if colours not in GREY + COLOUR or (colours in COLOUR and dataset.BitsAllocated != 8):
        raise RadiographError(f"is a DICOM file of an unusual kind ({colours}): export it as PNG")
    _check_transfer_syntax(dataset.file_meta.TransferSyntaxUID)


def _check_transfer_syntax(uid: UID) -> None:
    try:
        readable = get_decoder(uid).is_available
    except NotImplementedError:
        readable = False
    if not readable:
        raise RadiographError(f"is compressed in a way that is not read here ({uid.name}): export it uncompressed")


def _grey_levels(dataset: Dataset, stored: np.ndarray) -> tuple[np.ndarray, str]:
    """Stored values to shown ones, uint8, and where the grey scale came from. Not yet inverted for MONOCHROME1."""
    values = _modality_values(dataset, stored)
    if dataset.get("VOILUTSequence"):
        table = dataset.VOILUTSequence[0]
        return _to_uint8(_look_up(dataset, table, values), 0, 2 ** table.LUTDescriptor[2] - 1), "VOI LUT"
    if _has_window(dataset):
        with np.errstate(over="ignore"):  # far outside a sigmoid window; the limit is right
            # The range that pydicom maps a window to depends on half a dozen tags: ask it, at the two ends.
            low, high = apply_windowing(np.array([-np.inf, np.inf]), dataset)
            return _to_uint8(apply_windowing(values, dataset), low, high), "window"
    if dataset.BitsStored == 8 and stored.dtype == np.uint8 and np.array_equal(values, stored):
        return stored, "unchanged"
    return stretch(values), "own range"


def _has_window(dataset: Dataset) -> bool:
    if dataset.get("WindowCenter") is None or dataset.get("WindowWidth") is None:
        return False
    return np.ravel(dataset.WindowWidth)[0] > 0  # some devices write 0 where they mean none


def _modality_values(dataset: Dataset, stored: np.ndarray) -> np.ndarray:
    if dataset.get("ModalityLUTSequence"):
        return _look_up(dataset, dataset.ModalityLUTSequence[0], stored)
    return apply_rescale(stored, dataset)


def _look_up(dataset: Dataset, table: Dataset, values: np.ndarray) -> np.ndarray:
    """Values through a lookup table, clamped at its ends.

    Not by pydicom's `apply_voi`, which wraps around where an 8-bit table has more than 256 entries, nor by its
    `apply_modality_lut`, which knows tables of 8 and 16 bits only.
    """
    first = table.LUTDescriptor[1]
    entries = table.LUTData
    if isinstance(entries, bytes):
        entries = np.frombuffer(entries, "<u2" if dataset.original_encoding[1] else ">u2")
    entries = np.asarray(entries, dtype=np.int64)
    return entries[np.clip(np.rint(values).astype(np.int64) - first, 0, len(entries) - 1)]


def _to_uint8(values: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.rint(np.clip((values - low) / (high - low), 0, 1) * 255).astype(np.uint8)


def _provenance(dataset: Dataset, how: str) -> dict:
    provenance = {
        "format": "DICOM",
        "mode": str(dataset.PhotometricInterpretation),
        "bits": int(dataset.BitsStored),
        "grey": how,
        "transfer_syntax": dataset.file_meta.TransferSyntaxUID.name,
    }
    if dataset.get("BurnedInAnnotation") == "YES":
        provenance["notes"] = ["the file says that annotations are burnt into the picture: look for a patient's name"]
    return provenance
