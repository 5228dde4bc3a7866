"""Draw docs/images/starter-sheet.webp of the demo's pools and, where runs are named, docs/images/starter-curves.webp.

PYTHONPATH=. python benchmarks/starter.py [RUNS OF THE DIFFUSION, EACH BEGUN FROM THE LAST …  RUN OF THE SUPER-RES.]
"""

import io
import json
import math
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from generator.evaluate.drawing import FAINT, SYNTHETIC, WIDTH, draw
from generator.evaluate.pictures import open_pictures

ROOT = Path(__file__).parents[1]
COLUMNS, ROWS = 4, 6  # of each side of the sheet
TILE = (256, 128)
POOLS = ROOT / "quiz_data" / "pools"


def main() -> None:
    if sys.argv[1:]:
        *parts, superres = (lines(Path(run) / "stats.jsonl") for run in sys.argv[1:])
        diffusion = one_after_the_other(parts)
        keep("starter-curves", Image.open(io.BytesIO(draw(curves, diffusion, superres)["png"])), 1080)
    keep("starter-sheet", sheet(), 8 * 200)


def lines(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def one_after_the_other(parts: list[list[dict]]) -> list[dict]:
    """The lines of several runs with the images that all of them have seen by then."""
    found, before = [], 0
    for part in parts:
        found += [{**line, "images": before + line["images"]} for line in part]
        before = found[-1]["images"]
    return found


def curves(diffusion: list[dict], superres: list[dict]):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 2.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    thousands = [line["images"] / 1000 for line in diffusion]
    left.plot(thousands, [line["loss"] for line in diffusion], color=SYNTHETIC, lw=1)
    left.set(xlabel="thousand images seen", ylabel="weighted loss", yscale="log", title="Diffusion")
    second = next((line["step"] for line in superres if "gan" in line), math.inf)
    measured = [line for line in superres if "psnr_clean" in line and line["step"] < second]
    steps = [line["step"] for line in measured]
    right.plot(steps, [line["psnr_clean"] for line in measured], color=SYNTHETIC, lw=1, label="starter")
    right.plot(steps, [line["bicubic_psnr_clean"] for line in measured], color=FAINT, lw=1, label="bicubic")
    right.set(xlabel="steps of the first stage", ylabel="PSNR, held-out phantoms (dB)", title="Super-resolution")
    right.legend()
    return figure


def sheet() -> Image.Image:
    """Phantoms on the left, generated images on the right."""
    sides = []
    for pool in ("demo-real", "demo-synthetic"):
        pictures = list(open_pictures(POOLS / pool))[: COLUMNS * ROWS]
        tiles = [np.asarray(Image.fromarray(each).resize(TILE, Image.Resampling.BOX)) for each in pictures]
        framed = np.pad(np.stack(tiles), ((0, 0), (3, 3), (3, 3)), constant_values=255)
        rows = [np.concatenate(framed[at : at + COLUMNS], axis=1) for at in range(0, len(framed), COLUMNS)]
        sides.append(np.concatenate(rows))
    gap = np.full((len(sides[0]), 24), 255, np.uint8)
    return Image.fromarray(np.concatenate((sides[0], gap, sides[1]), axis=1))


def keep(name: str, image: Image.Image, width: int) -> None:
    small = image.convert("RGB").resize((width, image.height * width // image.width), Image.Resampling.LANCZOS)
    small.save(ROOT / "docs" / "images" / f"{name}.webp", quality=85)


if __name__ == "__main__":
    main()
