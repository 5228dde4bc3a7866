"""Model cards: a page beside each checkpoint that says what it is, for people."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .durable import write_whole


def write_card(checkpoint: Path, title: str, purpose: str, about: Mapping, notes: str = "") -> Path:
    """Write the model card of `checkpoint` beside it, as Markdown; returns its path.

    `purpose` says in a sentence or two what the network does and what it must not be used for, `about` is what stands
    in the checkpoint's header: every value of it is shown.
    """
    rows = "\n".join(f"| {name} | {value} |" for name, value in _flat(about))
    text = f"# {title}\n\n{purpose}\n\n| setting | value |\n|---|---|\n{rows}\n"
    card = checkpoint.with_suffix(".md")
    write_whole(card, (text + (f"\n{notes}\n" if notes else "")).encode())
    return card


def _flat(values: Mapping, before: str = "") -> list[tuple[str, str]]:
    rows = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            rows += _flat(value, f"{before}{name}.")
        else:
            rows.append((f"{before}{name}", str(value).replace("|", "\\|")))
    return rows
