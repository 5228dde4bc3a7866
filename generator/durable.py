"""Files and folders that are written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from .errors import GeneratorError

# A quota, or a limit on the size of a file (ulimit -f), is a full disk to who writes.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class DiskFullError(GeneratorError):
    """The disk is full; what was there before is intact."""


@contextlib.contextmanager
def whole_file(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary name beside `path`; what is written there takes the name `path` when the block ends.

    The bytes are on the disk before they get the name. If the block fails, `path` is what it was before. Raises
    DiskFullError where the disk is full.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with told_when_full(path):
            yield temporary
            _sync(temporary)
            os.replace(temporary, path)
            _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(path: str | os.PathLike, data: bytes) -> None:
    """Write `data` as the file `path`, as in whole_file()."""
    with whole_file(path) as temporary:
        temporary.write_bytes(data)


@contextlib.contextmanager
def told_when_full(path: Path) -> Iterator[None]:
    """Raise DiskFullError, which names `path`, where the block fails for want of space."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise DiskFullError(f"The disk is full: {path} was not written. Free some space and start again.") from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
