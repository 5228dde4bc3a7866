"""How strongly a network is best guided, by which of its own earlier checkpoints and from when on.

    PYTHONPATH=. python benchmarks/guidance.py CHECKPOINT --corpus CORPUS --out FILE --tried GUIDE:2:700 GUIDE:3:700 …

Without guidance and for each of `--tried` (a checkpoint, strength, and the time below which it guides) the same seeds
are sampled as the network recommends, and the Fréchet and kernel distances of EfficientNet-Lite0's features to images
of the corpus are printed as a table, after those of as many of the corpus's own images to the rest. What FILE (JSON)
has is not done again; it belongs to one checkpoint, corpus and number of images.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from generator.checkpoint import file_sha256
from generator.corpus import open_corpus
from generator.diffusion import load, pack, sample, to_grey
from generator.durable import write_whole
from generator.evaluate.distances import frechet, kernel_distance
from generator.evaluate.extractors import extract, load_extractor
from generator.seeds import numpy_generator

BATCH = 4
ITSELF, PLAIN = "(the corpus itself)", "nothing"


def measured(pictures: np.ndarray, extractor, theirs: np.ndarray) -> dict[str, float]:
    """Distances of grey uint8 images (n, height, width) to features."""
    ours = extract(extractor, pictures).values
    return {"frechet": round(frechet(ours, theirs), 1), "kernel": round(kernel_distance(ours, theirs), 4)}


def sampled(checkpoint: Path, tried: str, count: int, scratch: Path) -> tuple[np.ndarray, float]:
    """`count` images of a checkpoint guided as `tried` says, and the seconds an image took."""
    path = checkpoint
    if tried != PLAIN:
        guide, strength, below = tried.rsplit(":", 2)
        path = scratch / "guided.safetensors"
        pack(checkpoint, path, guide=guide, guidance=float(strength), guided_below=int(below))
    net = load(path)
    began = time.perf_counter()
    with tqdm(total=count, desc=tried, unit="image") as bar:
        pictures = to_grey(sample(net, range(count), batch=BATCH, progress=bar.update))
    return pictures, (time.perf_counter() - began) / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tried", nargs="*", default=[], metavar="GUIDE:STRENGTH:BELOW")
    parser.add_argument("--count", type=int, default=48, help="images each way makes")
    parser.add_argument("--against", type=int, default=1000, help="images of the corpus")
    arguments = parser.parse_args()
    corpus = open_corpus(arguments.corpus)
    about = [file_sha256(arguments.checkpoint), corpus.fingerprint, arguments.count, arguments.against]
    kept = json.loads(arguments.out.read_text()) if arguments.out.exists() else {"about": about, "rows": {}}
    if kept["about"] != about:
        parser.error(f"{arguments.out} holds figures of another checkpoint, corpus or number of images: name another")
    rows = kept["rows"]
    extractor = load_extractor("lite0")
    pictures = corpus.low("train")
    numpy_generator(0, "guidance").shuffle(pictures)
    own, theirs = np.split(pictures[: arguments.against], [arguments.count])
    theirs = extract(extractor, theirs).values
    for tried in (ITSELF, PLAIN, *arguments.tried):
        if tried in rows:
            continue
        seconds = 0.0
        if tried != ITSELF:
            with tempfile.TemporaryDirectory() as scratch:
                own, seconds = sampled(arguments.checkpoint, tried, arguments.count, Path(scratch))
        rows[tried] = {**measured(own, extractor, theirs), "seconds": round(seconds, 2)}
        write_whole(arguments.out, json.dumps(kept, indent=1).encode())
    print("| guided by | Fréchet distance | kernel distance | seconds an image |\n|---|---|---|---|")
    for tried, row in rows.items():
        print(f"| {tried} | {row['frechet']} | {row['kernel']} | {row['seconds']} |")


if __name__ == "__main__":
    with torch.inference_mode():
        main()
