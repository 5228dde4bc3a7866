"""What every call of an observer looks up, remembered for a while, so that an answer costs a write and no reads."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Kept(NamedTuple):
    value: object
    until: float  # by the lookups' clock, in seconds
    news: int  # how much news there was when it was read


class Lookups:
    """Values read from the store, each remembered by this process for its number of seconds, or until there is news.

    `news` is a file that all processes of this machine share and that grows by a byte when something remembered has
    become wrong; a look at its size is all that the others need. So a worker forgets at once what another worker or a
    command has changed here; what another machine has changed, it forgets when the seconds are over.
    """

    def __init__(self, news: Path, clock: Callable[[], float] = time.monotonic):
        self._news, self._news_path, self.clock = news, str(news), clock  # a path takes longer to look at
        self._kept: dict[str, Kept] = {}

    def get(self, key: str, seconds: float, read: Callable[[], dict | None], lasts: Callable[[dict], object]):
        """What is remembered under the key; else what `read` gives, which is remembered if `lasts` says that it may."""
        # Looked at before reading: what becomes wrong while it is read is not believed afterwards.
        news = self._amount_of_news()
        kept = self._kept.get(key)
        if kept is not None and kept.news == news and self.clock() < kept.until:
            return kept.value
        value = read()
        if value is not None and lasts(value):
            self._kept[key] = Kept(value, self.clock() + seconds, news)
        return value

    def tell(self) -> None:
        """Make all processes of this machine forget. To be called after the change has been written."""
        # Without a disk to write to, the seconds of each value still bound what others believe.
        with suppress(OSError), self._news.open("ab") as file:
            file.write(b".")

    def _amount_of_news(self) -> int:
        try:
            return os.stat(self._news_path).st_size
        except OSError:
            return 0
