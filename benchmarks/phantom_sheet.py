"""Draw docs/images/phantoms.webp; or, for readers, a shuffled sheet of phantoms and real radiographs with its key.

python benchmarks/phantom_sheet.py
python benchmarks/phantom_sheet.py --beside REAL_FOLDER --out FOLDER [--seed 1]

The second writes FOLDER/sheet.png, twelve and twelve of one machine, 268 pixels wide each: what an eye resolves of a
printed page at arm's length; and FOLDER/key.json, by number on the sheet, to be kept from the reader.
"""

import argparse
import json
import random
import sys
from pathlib import Path

from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from phantom import read_folder

from generator.phantom import LOOKS, render

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "phantoms.webp"
OF_LOOK, TILE, GAP = 3, (512, 256), 4
OF_SIDE, COLUMNS, SMALL = 12, 4, (268, 134)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--beside", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    if options.beside is None:
        draw_looks(options.seed).save(PICTURE, quality=75, method=6)
        return
    if options.out is None:
        parser.error("--beside needs --out FOLDER")
    options.out.mkdir(parents=True, exist_ok=True)
    page, key = draw_readers_sheet(options.beside, options.seed)
    page.save(options.out / "sheet.png")
    (options.out / "key.json").write_text(json.dumps(key), "utf-8")


def draw_looks(seed: int) -> Image.Image:
    """Every look in a row of its own, each picture of another patient."""
    width, height = TILE
    page = Image.new("L", (OF_LOOK * (width + GAP), len(LOOKS) * (height + GAP)), 255)
    for number in range(OF_LOOK * len(LOOKS)):
        row, column = divmod(number, OF_LOOK)
        picture = Image.fromarray(render(seed, number, list(LOOKS)[row])[0])
        page.paste(picture.resize(TILE, Image.Resampling.LANCZOS), (column * (width + GAP), row * (height + GAP)))
    return page


def draw_readers_sheet(folder: Path, seed: int) -> tuple[Image.Image, dict[int, str]]:
    """The shuffled sheet, and "phantom" or "real" by the numbers on it."""
    chance, held = random.Random(seed), read_folder(folder)
    if len(held) < OF_SIDE:
        sys.exit(f"{folder} holds {len(held)} radiographs: at least {OF_SIDE} are needed")
    # Both sides go through the phantoms' size, so that neither is shrunk in another way.
    real = [Image.fromarray(held[number]) for number in chance.sample(range(len(held)), OF_SIDE)]
    phantoms = [Image.fromarray(render(seed, index, "wide")[0]) for index in range(OF_SIDE)]
    both = [(picture, "real") for picture in real] + [(picture, "phantom") for picture in phantoms]
    chance.shuffle(both)
    width, height = SMALL[0] + 8, SMALL[1] + 24
    page = Image.new("L", (COLUMNS * width + 8, -(-len(both) // COLUMNS) * height + 8), 128)
    for number, (picture, _) in enumerate(both):
        x, y = 8 + number % COLUMNS * width, 8 + number // COLUMNS * height
        page.paste(picture.resize(SMALL, Image.Resampling.LANCZOS), (x, y + 14))
        ImageDraw.Draw(page).text((x, y), str(number + 1), fill=255)
    return page, {number + 1: side for number, (_, side) in enumerate(both)}


if __name__ == "__main__":
    main()
