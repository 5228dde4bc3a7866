"""Data sets that may be fetched, from Zenodo or a mirror with the same addresses: checked and resumable.

The record (`/api/records/ID`) names the files with size and MD5; a file is at `/api/records/ID/files/NAME/content`.
What has come of a file lies in NAME.part and is gone on with by an HTTP range request.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import requests

from .errors import PrepareError

ZENODO = "https://zenodo.org"
ATTEMPTS = 6  # in a row that bring nothing
PAUSE = 1.0  # seconds before the second attempt; each pause is twice the one before
TIMEOUT = (15, 60)  # seconds to connect, and between two pieces
PIECE = 1 << 16  # bytes; at most as many are lost when the line breaks


@dataclass(frozen=True)
class DataSet:
    """A data set on Zenodo: its record's number, and its terms as its authors state them elsewhere."""

    record: str
    terms: str


DATA_SETS = {
    "dentex": DataSet(
        "7812323",
        "DENTEX (Hamamci et al., MICCAI 2023, https://arxiv.org/abs/2305.19112). Its authors' card states the licence "
        "CC BY-NC-SA 4.0 (https://creativecommons.org/licenses/by-nc-sa/4.0/): name the authors, no commercial use, "
        "and share what is derived from it under the same licence. Weights trained on it are best treated as derived.",
    )
}


@dataclass(frozen=True)
class RemoteFile:
    """One file of a record: `size` in bytes, `md5` in hexadecimal."""

    name: str
    size: int
    md5: str
    url: str


@dataclass(frozen=True)
class Record:
    """A Zenodo record: `licence` as its page states it."""

    title: str
    licence: str
    files: tuple[RemoteFile, ...]


def find_data_set(name: str) -> DataSet:
    """The data set called `name`. Raises PrepareError with the names there are."""
    if name not in DATA_SETS:
        raise PrepareError(
            f"{name} cannot be fetched, only {', '.join(DATA_SETS)}: docs/data.md says where to get the others"
        )
    return DATA_SETS[name]


def read_record(data_set: DataSet, base: str = ZENODO) -> Record:
    """The data set's record at the address `base`. Raises PrepareError if it cannot be had or understood."""
    address = f"{base.rstrip('/')}/api/records/{data_set.record}"
    try:
        response = requests.get(address, timeout=TIMEOUT)
        response.raise_for_status()
        content = response.json()
        files = tuple(_remote_file(entry, address) for entry in content["files"])
        metadata = content["metadata"]
        return Record(metadata["title"], (metadata.get("license") or {}).get("id", "none stated"), files)
    except requests.JSONDecodeError as error:
        raise PrepareError(f"{address} gives no Zenodo record: check the address") from error
    except requests.RequestException as error:
        raise PrepareError(_unreachable(address, error)) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise PrepareError(f"{address} gives no Zenodo record that is understood here: check the address") from error


def download(
    record: Record,
    folder: str | os.PathLike,
    progress: Callable[[int], None] | None = None,
    pause: float = PAUSE,
) -> list[Path]:
    """Fetch all files of the record into `folder`; those that are there and whole are only checked.

    `progress` is called with numbers of bytes, which add up to the record's size: first what an earlier run left, then
    what is fetched; a negative one takes back what has to be fetched again. Raises PrepareError when the disk is too
    small, the network stays away, or a file arrives damaged; started again, it goes on where it was.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    found = sum(_found(folder, file) for file in record.files)
    missing = sum(file.size for file in record.files) - found
    free = shutil.disk_usage(folder).free
    if missing > free:
        raise PrepareError(f"{missing / 1e9:.1f} GB are needed in {folder}, {free / 1e9:.1f} GB are free")
    progress = progress or (lambda count: None)
    progress(found)
    return [_fetch(file, folder, progress, pause) for file in record.files]


def _remote_file(entry: dict, address: str) -> RemoteFile:
    # Zenodo's interface has had both names, and checksums with and without "md5:".
    name = entry.get("key") or entry["filename"]
    size = entry["size"] if "size" in entry else entry["filesize"]
    md5 = entry["checksum"].removeprefix("md5:")
    if name != Path(name).name or name.startswith(".") or len(md5) != 32:
        raise ValueError(name)
    return RemoteFile(name, int(size), md5, f"{address}/files/{quote(name)}/content")


def _found(folder: Path, file: RemoteFile) -> int:
    """How many bytes of the file an earlier run left; what cannot be a part of it is removed."""
    target, part = folder / file.name, _part(folder, file)
    if target.exists():
        if target.stat().st_size == file.size and _md5(target) == file.md5:
            return file.size
        target.unlink()
    if part.exists() and part.stat().st_size > file.size:
        part.unlink()
    return part.stat().st_size if part.exists() else 0


def _part(folder: Path, file: RemoteFile) -> Path:
    return folder / f"{file.name}.part"


def _fetch(file: RemoteFile, folder: Path, progress: Callable[[int], None], pause: float) -> Path:
    target, part = folder / file.name, _part(folder, file)
    if target.exists():  # and is whole: _found() has looked
        return target
    part.touch()
    _complete(file, part, progress, pause)
    if _md5(part) != file.md5:
        part.unlink()
        raise PrepareError(f"{file.name} arrived damaged (its MD5 is not the stated one): start the command again")
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
    os.replace(part, target)
    return target


def _complete(file: RemoteFile, part: Path, progress: Callable[[int], None], pause: float) -> None:
    """Ask for what is missing until nothing is; give up after ATTEMPTS in a row that brought nothing."""
    failures = 0
    while (before := part.stat().st_size) < file.size:
        try:
            _ask(file, part, progress)
            reason = "the connection was closed"
        except requests.RequestException as error:
            reason = error
            if _hopeless(error):
                raise PrepareError(_unreachable(file.url, error)) from error
        failures = 0 if part.stat().st_size > before else failures + 1
        if failures == ATTEMPTS:
            raise PrepareError(_unreachable(file.url, reason))
        if failures:
            time.sleep(pause * 2 ** (failures - 1))


def _ask(file: RemoteFile, part: Path, progress: Callable[[int], None]) -> None:
    """One request for the rest of the file, appended to `part` as it comes."""
    start = part.stat().st_size
    headers = {"Range": f"bytes={start}-", "Accept-Encoding": "identity"} if start else {"Accept-Encoding": "identity"}
    with requests.get(file.url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        response.raise_for_status()
        # A server that knows no ranges sends the whole file again.
        whole = response.status_code != 206 or not response.headers.get("Content-Range", "").startswith(
            f"bytes {start}-"
        )
        if whole:
            progress(-start)
        with part.open("wb" if whole else "ab") as stream:
            for piece in response.iter_content(PIECE):
                stream.write(piece)
                progress(len(piece))


def _hopeless(error: requests.RequestException) -> bool:
    """True if the server says that asking again is no use."""
    status = error.response.status_code if isinstance(error, requests.HTTPError) else 500
    return 400 <= status < 500 and status not in (408, 429)


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _unreachable(address: str, reason: object) -> str:
    if isinstance(reason, requests.HTTPError):
        why = f"the server answers {reason.response.status_code}"
    elif isinstance(reason, requests.Timeout):
        why = "no answer in time"
    elif isinstance(reason, requests.ConnectionError):
        why = "no connection"
    else:
        why = str(reason)
    return f"{address} cannot be fetched ({why}): check the network and start again, it goes on where it was"
