"""How fast the generator is, and with --quality how good for the time.

Run from the project's root:

    python benchmarks/generator_speed.py --out FOLDER [--device cuda] [--seconds 600] [--rooms diffusion,superres]
                                   [--parts sampling,training] [--preset paper]
    python benchmarks/generator_speed.py --out FOLDER --quality CHECKPOINT --corpus CORPUS [--count 2000]

Prints one line a measurement and then one table a part; the same rows as JSON in FOLDER. Networks have random weights
unless --quality names a checkpoint: speed does not depend on them.
"""

import argparse
import sys
import time
from itertools import groupby
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def table(rows: list[dict]) -> str:
    """Rows of one kind as a Markdown table."""
    names = list(dict.fromkeys(name for row in rows for name, value in row.items() if value is not None))
    lines = [names, ["---"] * len(names), *([_cell(row.get(name)) for name in names] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def speed(arguments: argparse.Namespace, rooms: dict) -> None:
    end = time.monotonic() + arguments.seconds
    for left, (name, room) in zip(range(len(rooms), 0, -1), rooms.items(), strict=True):
        share = (end - time.monotonic()) / left
        parts = [part for part in arguments.parts.split(",") if part in room.PARTS] if arguments.parts else None
        rows = room.rows(arguments.device, share, arguments.out, parts, arguments.preset)
        print(f"\n## {name}")
        for part, group in groupby(rows, key=lambda row: row.get("part")):
            print(f"\n{part}\n\n{table(list(group))}", flush=True)


def chosen_rooms(arguments: argparse.Namespace, parser: argparse.ArgumentParser) -> dict:
    """The modules of the rooms to measure; the parser ends with what they have not."""
    import generator_diffusion
    import generator_superres

    known = {"diffusion": generator_diffusion, "superres": generator_superres}
    names = arguments.rooms.split(",")
    if unknown := [name for name in names if name not in known]:
        parser.error(f"there is no room {unknown[0]}: give some of {', '.join(known)}")
    rooms = {name: known[name] for name in names}
    parts = {part for room in rooms.values() for part in room.PARTS}
    if unknown := sorted({*arguments.parts.split(",")} - parts) if arguments.parts else []:
        parser.error(f"there is no part {unknown[0]}: give some of {', '.join(sorted(parts))}")
    for name, room in rooms.items():
        if arguments.preset and arguments.preset not in room.PRESETS:
            parser.error(f"{name} has no preset {arguments.preset}: give one of {', '.join(room.PRESETS)}, or --rooms")
    return rooms


def quality(arguments: argparse.Namespace) -> None:
    from parts import require
    from quality import PACKAGES, Quality, ways_of

    from generator.corpus import open_corpus
    from generator.devices import find_device
    from generator.diffusion import load

    require(*PACKAGES)
    device = find_device(arguments.device)
    net = load(arguments.quality, str(device), compiled=device.type == "cuda")
    measure = Quality(open_corpus(arguments.corpus), device, arguments.count)
    end = time.monotonic() + arguments.seconds
    file = arguments.out / f"quality-{arguments.quality.stem}.json"
    rows = []
    for row in ways_of(net, measure, arguments.batch, file, lambda: time.monotonic() < end):
        rows.append(row)
        print(row, flush=True)
    print(f"\n{table(rows)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--seconds", type=float, default=600, help="no measurement begins later")
    parser.add_argument("--rooms", default="diffusion,superres")
    parser.add_argument("--parts", help="the parts to run, comma between; all without it")
    parser.add_argument("--preset", help="the one preset to measure")
    parser.add_argument("--quality", type=Path, metavar="CHECKPOINT")
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--count", type=int, default=2000, help="images to compare")
    parser.add_argument("--batch", type=int, default=64)
    arguments = parser.parse_args()
    if arguments.quality and not arguments.corpus:
        parser.error("--quality needs --corpus, whose test images it is measured against")
    from generator.errors import GeneratorError

    rooms = {} if arguments.quality else chosen_rooms(arguments, parser)
    arguments.out.mkdir(parents=True, exist_ok=True)
    try:
        quality(arguments) if arguments.quality else speed(arguments, rooms)
    except GeneratorError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
