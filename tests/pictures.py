"""Pictures and DICOM files made for the tests of importing."""

import io

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from app.pixels import RadiographError
from app.radiograph import read_radiograph

WIDTH, HEIGHT = 320, 160
PATIENT = "Doe^Jane"


def picture(seed=0, top=255, dtype=np.uint8):
    """Smooth grey values 0..top with both ends reached, different for every seed."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    wave = np.sin(x / (17 + seed)) + np.cos(y / (11 + seed)) + (x * y % 7) / 50
    wave = (wave - wave.min()) / (wave.max() - wave.min())
    return np.rint(wave * top).astype(dtype)


def png(path, seed=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(seed)).save(path)
    return path


def dicom(path, pixels, photometric="MONOCHROME2", bits=None, syntax=ExplicitVRLittleEndian, **tags):
    """A DICOM file of a 2-D or RGB array, or of encapsulated bytes, with a patient's tags."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.1.3")
    meta.MediaStorageSOPInstanceUID = UID("1.2.3.4")
    meta.TransferSyntaxUID = syntax
    dataset = Dataset()
    dataset.file_meta = meta
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.PatientName, dataset.PatientID, dataset.InstitutionName = PATIENT, "PID-4711", "Clinic of St. Apollonia"
    dataset.PatientBirthDate, dataset.StudyDate = "19010203", "20010203"
    dataset.PhotometricInterpretation = photometric
    dataset.SamplesPerPixel = 3 if photometric in ("RGB", "YBR_FULL") else 1
    if dataset.SamplesPerPixel == 3:
        dataset.PlanarConfiguration = 0
    dataset.Rows, dataset.Columns = HEIGHT, WIDTH
    dataset.BitsAllocated = 8
    if isinstance(pixels, np.ndarray):
        dataset.BitsAllocated = pixels.dtype.itemsize * 8
        pixels = pixels.tobytes()
    dataset.BitsStored = bits or dataset.BitsAllocated
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = 0
    dataset.PixelData = pixels
    dataset["PixelData"].VR = "OB" if dataset.BitsAllocated == 8 else "OW"
    for name, value in tags.items():
        setattr(dataset, name, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def lookup_table(entries, first, bits):
    table = Dataset()
    table.LUTDescriptor = [len(entries), first, bits]
    table.add_new("LUTData", "US", entries)
    return table


def encapsulated(image, format):
    from pydicom.encaps import encapsulate

    buffer = io.BytesIO()
    image.save(buffer, format)
    return encapsulate([buffer.getvalue()])


def grey_of(path):
    image, _ = read_radiograph(path)
    assert image.mode == "L"
    return np.asarray(image)


def refusal(path):
    with pytest.raises(RadiographError) as caught:
        read_radiograph(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def scaled(values, low, high):
    return np.rint(np.clip((values.astype(float) - low) / (high - low), 0, 1) * 255).astype(np.uint8)
