"""The secret key and the researcher's password: made at the first start, kept in one file that only the owner can read,
never in the repository."""

import json
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path


class CredentialsError(ValueError):
    """The secrets can't be used: one sentence that says what to do."""


@dataclass(frozen=True)
class Secrets:
    secret_key: str
    research_password: str


def load_secrets(quiz_data: Path) -> Secrets:
    """Read `secrets.json`, making it first if there is none. RESEARCH_PASSWORD and SECRET_KEY in the environment come
    before the file; where both are set there need be no file, and no folder that can be written."""
    given = Secrets(os.environ.get("SECRET_KEY", ""), os.environ.get("RESEARCH_PASSWORD", ""))
    if given.secret_key and given.research_password:
        return given
    path = quiz_data / "secrets.json"
    if not path.exists():
        _make(path)
    try:
        kept = json.loads(path.read_text())
        return Secrets(given.secret_key or kept["secret_key"], given.research_password or kept["research_password"])
    except (ValueError, KeyError, TypeError) as error:
        message = f"{path} is damaged: restore it from a backup, or delete it and make new links and a new password."
        raise CredentialsError(message) from error


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"secret_key": secrets.token_hex(32), "research_password": secrets.token_urlsafe(12)}
    # mkstemp makes the file readable by its owner alone.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".secrets-")
    try:
        with os.fdopen(handle, "w") as file:
            json.dump(document, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        # link() fails if another process was first: its secrets stand.
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(temporary)
