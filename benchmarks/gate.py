"""Where the quality gate's limits lie between images of their own and copies.

    PYTHONPATH=. python benchmarks/gate.py FOLDER [FOLDER …]

Each image of a folder is held against the others, as generate-pool holds an image against training images; then
against all of them as a copy: with noise, blurred or toned otherwise, and moved. Prints a Markdown table, and the two
nearest images of each folder by the measure of duplicates.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from generator.nearness import moved
from generator.pool.likeness import Likeness, distances, inner, likeness, moved_likeness, nearness, stack

KINDS = ("pixels", "features")
COPIED = 40  # images of a folder that copies are made of
NOISE, BLUR, GAMMA = 5.0, 1.0, 1.15  # grey levels, small pixels, exponent


def read(folder: Path) -> list[np.ndarray]:
    """All images of a folder as small grey ones, 256×128."""
    files = sorted(file for file in folder.iterdir() if file.suffix in (".png", ".jpg", ".webp"))
    return [np.asarray(Image.open(file).convert("L").resize((256, 128), Image.Resampling.BOX)) for file in files]


def spoilt(image: np.ndarray, rng: np.random.Generator, ways: Sequence[str]) -> np.ndarray:
    """A copy that is blurred, toned otherwise and noisy, as far as `ways` names it."""
    picture = gaussian_filter(image.astype(float), BLUR if "blur" in ways else 0)
    picture = 255 * (picture / 255) ** (GAMMA if "tone" in ways else 1)
    picture += rng.normal(0, NOISE if "noise" in ways else 0, picture.shape)
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)


def highest(
    images: list[np.ndarray], training: Likeness, reaches: Sequence[int], ways: Sequence[Sequence[str]]
) -> list:
    """The highest nearness of copies, by greys and by edges, moved by each of `reaches` small pixels in all directions
    and spoilt in each of `ways`."""
    rng = np.random.default_rng(1)
    found = []
    for image in images[:COPIED]:
        for copy in (place for reach in reaches for place in (moved(image, reach) if reach else [image])):
            likes = [moved_likeness(spoilt(copy, rng, way)) for way in ways]
            found += [[nearness(getattr(like, k), getattr(training, k))[0] for k in KINDS] for like in likes]
    return list(np.max(found, axis=0))


def own(images: list[np.ndarray], training: Likeness) -> list[float]:
    """The lowest nearness of an image to the others, by greys and by edges."""
    found = []
    for number, image in enumerate(images):
        like, others = moved_likeness(image), [np.delete(getattr(training, kind), number, 0) for kind in KINDS]
        found.append([nearness(getattr(like, kind), theirs)[0] for kind, theirs in zip(KINDS, others, strict=True)])
    return list(np.min(found, axis=0))


def rows(images: list[np.ndarray]) -> dict[str, list[float]]:
    """The table's column of one folder."""
    whole = stack([likeness(image) for image in images])
    training, everything = inner(whole), [("noise", "blur", "tone")]
    pairs = [distances(each, np.delete(whole.pixels, number, 0)).min() for number, each in enumerate(whole.pixels)]
    return {
        "lowest of images of their own, greys / edges": own(images, training),
        "highest of copies with noise, blur or another tone curve": highest(
            images, training, [0], [["noise"], ["blur"], ["tone"]]
        ),
        "the same, moved by up to 4 small pixels, with noise": highest(images, training, [2, 4], [["noise"]]),
        "moved by up to 4, with noise, blur and another tone curve": highest(images, training, [2, 4], everything),
        "moved by 5, the same": highest(images, training, [5], everything),
        "moved by 6, the same: may pass": highest(images, training, [6], everything),
        "nearest two, in steps of the measure of duplicates": [min(pairs)],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    folders = parser.parse_args().folders
    columns = [(folder, read(folder)) for folder in folders]
    print("| |", " | ".join(f"{folder.parent.name}/{folder.name} ({len(images)})" for folder, images in columns), "|")
    print("|---|" + "---|" * len(columns))
    found = [rows(images) for _, images in columns]
    for name in found[0]:
        print(f"| {name} |", " | ".join(" / ".join(f"{value:.2f}" for value in each[name]) for each in found), "|")


if __name__ == "__main__":
    main()
