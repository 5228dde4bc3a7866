"""The model cards of the checkpoints that a pool was made with."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from ..checkpoint import file_sha256

SHIPPED = Path(__file__).parents[1] / "weights"
KINDS = ("diffusion", "superres")


def cards_of(pool: Path, folders: Iterable[Path]) -> tuple[list[str], list[str]]:
    """(cards as Markdown, words on those that were not found) of a pool whose pool.json names its checkpoints' SHA-256.

    They lie beside the checkpoints, which are looked for in `folders` and below.
    """
    made_by = json.loads((pool / "pool.json").read_text("utf-8")).get("made_by", {})
    wanted = {kind: made_by[kind] for kind in KINDS if isinstance(made_by.get(kind), str)}
    known = {
        file_sha256(path): path.with_suffix(".md")
        for folder in folders
        for path in sorted(folder.rglob("*.safetensors"))
        if wanted
    }
    cards, missing = [], []
    for kind, digest in wanted.items():
        card = known.get(digest)
        if card and card.is_file():
            cards.append(card.read_text("utf-8"))
        else:
            missing.append(f"{kind} checkpoint {digest[:12]}…")
    return cards, missing
