"""Tries of one operation on Firestore: how often, how long apart, and what is told when they are used up."""

import random
import time
from collections.abc import Iterator

from google.api_core import exceptions as errors
from google.auth.exceptions import GoogleAuthError

from . import StoreError

SECONDS = 5  # an operation takes no longer, all its tries together
AWAY_TRIES = 5  # a service that refuses is left alone after so many: whoever asked tries again by itself
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 0.8  # seconds between tries; doubled each time, with jitter
TRANSIENT = (
    errors.Aborted,
    errors.DeadlineExceeded,
    errors.InternalServerError,
    errors.ServiceUnavailable,
    errors.TooManyRequests,
)
# Another writer was faster: created, changed or removed what this one had read.
OVERTAKEN = (errors.AlreadyExists, errors.FailedPrecondition, errors.NotFound)
REFUSED = (errors.Forbidden, errors.Unauthorized)


class Attempt:
    """One of several tries of an operation, as a context that swallows what another try may mend, and tells everything
    else as StoreError."""

    def __init__(self, number: int, end: float):
        self.number, self._end = number, end
        self.failed = False

    @property
    def seconds_left(self) -> float:
        return max(0.001, self._end - time.monotonic())

    def __enter__(self) -> "Attempt":
        return self

    def __exit__(self, kind, error, trace) -> bool:
        if not isinstance(error, errors.GoogleAPIError | GoogleAuthError):
            return False
        pause = min(FIRST_PAUSE * 2 ** (self.number - 1), LONGEST_PAUSE) * random.uniform(0.5, 1)
        away = isinstance(error, errors.ServiceUnavailable) and self.number >= AWAY_TRIES
        if away or pause >= self.seconds_left or not isinstance(error, TRANSIENT + OVERTAKEN):
            raise StoreError(_sentence(error)) from error
        time.sleep(pause)
        self.failed = True
        return True


def attempts() -> Iterator[Attempt]:
    """As many attempts as SECONDS allow; the last one raises StoreError."""
    end, number = time.monotonic() + SECONDS, 0
    while True:
        number += 1
        yield Attempt(number, end)


def _sentence(error: Exception) -> str:
    if isinstance(error, REFUSED):
        return (
            f"Firestore refuses the credentials, whose account needs the role Cloud Datastore User: {first_line(error)}"
        )
    return f"Firestore can't be used just now: {first_line(error)}"


def first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
