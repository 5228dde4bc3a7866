"""One file with everything that a study needs to go on: all documents and the study images.

A ZIP archive: `documents/KIND.jsonl` (a line a document: key and JSON), `studies/FOLDER/NAME.webp`, and `SHA256SUMS` of
them all, as `sha256sum --check` takes it. Pools and `secrets.json` are not in it.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkstemp
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from .copying import copy_documents
from .records import KINDS
from .store import Store, StoreError
from .study_images import FILE_TIME
from .whole_folder import whole_folder, write_durably

SUMS = "SHA256SUMS"
DOCUMENTS = {kind: f"documents/{kind}.jsonl" for kind in KINDS}
IMAGE = re.compile(r"studies/([0-9a-f]{16})/([0-9a-f]{32}\.webp)")
BLOCK = 1 << 20  # bytes read at once
Progress = Callable[[], object]


def write_backup(path: Path, store: Store, quiz_data: Path, progress: Progress) -> None:
    """Write the file, whole or not at all. The server may run meanwhile: what was answered before is in it.

    `progress` is called once a document. Raises StoreError if there is a file already, or images are missing.
    """
    if path.exists():
        raise StoreError(f"{path} exists already: give another name.")
    try:
        # It holds observers' names: mkstemp lets nobody else read it.
        descriptor, temporary = mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                with ZipFile(file, "w", ZIP_DEFLATED) as archive:
                    _write_all(archive, store, quiz_data, progress)
                file.flush()
                os.fsync(file.fileno())
            os.rename(temporary, path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"The backup can't be written: {error}.") from error


def _write_all(archive: ZipFile, store: Store, quiz_data: Path, progress: Progress) -> None:
    sums, folders = {}, set()
    for kind, name in DOCUMENTS.items():
        digest = hashlib.sha256()
        with archive.open(name, "w", force_zip64=True) as member:
            for key, document in store.scan(kind):
                line = json.dumps({"key": key, "document": document}).encode() + b"\n"
                digest.update(line)
                member.write(line)
                progress()
                if kind == "study" and not document["imported"]:
                    folders.add(document["folder"])
        sums[name] = digest.hexdigest()
    for folder in sorted(folders):
        sums |= _write_images(archive, quiz_data, folder)
    archive.writestr(SUMS, "".join(f"{digest}  {name}\n" for name, digest in sums.items()))


def _write_images(archive: ZipFile, quiz_data: Path, folder: str) -> dict[str, str]:
    sums = {}
    for path in sorted((quiz_data / "studies" / folder).iterdir()):
        data = path.read_bytes()
        sums[f"studies/{folder}/{path.name}"] = hashlib.sha256(data).hexdigest()
        archive.writestr(f"studies/{folder}/{path.name}", data, ZIP_STORED)
    return sums


class Backup:
    """A backup that has been checked against its sums; a source to copy documents from."""

    def __init__(self, archive: ZipFile):
        self._archive = archive
        try:
            sums = dict(line.split("  ")[::-1] for line in archive.read(SUMS).decode().splitlines())
        except (KeyError, ValueError) as error:
            raise StoreError(f"This is no backup: it has no {SUMS} that can be read.") from error
        self.names = sorted(sums)
        if sorted([*sums, SUMS]) != sorted(archive.namelist()):
            raise StoreError(f"The backup is damaged: its files are not those of its {SUMS}.")
        for name, digest in sums.items():
            if name not in DOCUMENTS.values() and not IMAGE.fullmatch(name):
                raise StoreError(f"The backup holds {name!r}, which this version does not know.")
            if self._digest(name) != digest:
                raise StoreError(f"The backup is damaged: {name} is not what it was.")

    def scan(self, kind: str) -> Iterator[tuple[str, dict]]:
        with self._archive.open(DOCUMENTS[kind]) as lines:
            for line in lines:
                kept = json.loads(line)
                yield kept["key"], kept["document"]

    def count(self, kind: str) -> int:
        with self._archive.open(DOCUMENTS[kind]) as lines:
            return sum(1 for _ in lines)

    def restore_images(self, quiz_data: Path) -> None:
        """Write the image folders that are not there."""
        folders: dict[str, list[tuple[str, str]]] = {}
        for found in filter(None, map(IMAGE.fullmatch, self.names)):
            folders.setdefault(found[1], []).append((found[0], found[2]))
        for folder, images in folders.items():
            target = quiz_data / "studies" / folder
            if not target.exists():
                with whole_folder(target) as building:
                    for member, name in images:
                        write_durably(building / name, self._archive.read(member))
                        os.utime(building / name, (FILE_TIME, FILE_TIME))

    def _digest(self, name: str) -> str:
        digest = hashlib.sha256()
        with self._archive.open(name) as member:
            while block := member.read(BLOCK):
                digest.update(block)
        return digest.hexdigest()


@contextmanager
def open_backup(path: Path) -> Iterator[Backup]:
    """The backup in the file, checked. Raises StoreError if it is damaged or none at all."""
    try:
        with ZipFile(path) as archive:
            yield Backup(archive)
    except (BadZipFile, OSError) as error:
        raise StoreError(f"The backup {path} can't be read: {error}.") from error


def restore_backup(backup: Backup, store: Store, quiz_data: Path, progress: Progress) -> None:
    """Put back what the store and the data folder lack; images first, since a study is nothing without them.

    `progress` is called `steps(backup)` times. Raises StoreError as `copy_documents` does.
    """
    backup.restore_images(quiz_data)
    copy_documents(backup, store, progress)
