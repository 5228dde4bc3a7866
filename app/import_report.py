"""What became of every file of an import, collected file by file and told in a few lines."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .pools import PoolImage


@dataclass
class ImportReport:
    """The outcome of `import_pool`, all lists in the order of the sources; `str()` of it is for the researcher to read.

    `elsewhere`: (pool, source) by `pixels_sha256` for the images of all other pools. `skipped`: (source, reason).
    `duplicates`: (source, source of the equal picture that was imported). `overlaps`: (source, other pool, source
    there), of pictures that were imported all the same. `notes`: (source, sentence). `other_files`: a count.
    """

    name: str
    truth: str
    other_files: int
    elsewhere: Mapping[str, tuple[str, str]] = field(repr=False)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    duplicates: list[tuple[str, str]] = field(default_factory=list)
    overlaps: list[tuple[str, str, str]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    _taken: dict[str, "PoolImage"] = field(default_factory=dict, repr=False)

    @property
    def images(self) -> list["PoolImage"]:
        """The images that were imported."""
        return list(self._taken.values())

    def take(self, image: "PoolImage") -> bool:
        """Take an image into the pool unless an equal one is there already; True if it was taken."""
        pixels = image.pixels_sha256
        if pixels in self._taken:
            self.duplicates.append((image.source, self._taken[pixels].source))
            return False
        self._taken[pixels] = image
        self.notes += [(image.source, note) for note in image.provenance.get("notes", [])]
        if pixels in self.elsewhere:
            self.overlaps.append((image.source, *self.elsewhere[pixels]))
        return True

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"Pool {self.name}: {len(self._taken)} {self.truth} images imported."
        yield from _listed("skipped", [f"{source} {reason}" for source, reason in self.skipped])
        yield from _listed(
            "left out as duplicates", [f"{source} is the same picture as {first}" for source, first in self.duplicates]
        )
        yield from _listed(
            "also in another pool (a study cannot use both pools)",
            [f"{source} is {there} of the pool {pool}" for source, pool, there in self.overlaps],
        )
        yield from _listed("to look at", [f"{source}: {note}" for source, note in self.notes])
        if self.other_files:
            yield f"{self.other_files} other files (no images) were passed over."


def _listed(title: str, entries: list[str]) -> Iterator[str]:
    if entries:
        yield f"{len(entries)} {title}:"
        yield from (f"  {entry}" for entry in entries)
