"""Which images show the same radiograph or patient, and which side of the split they go to.

The perceptual hash compares shapes, not grey values: the picture is reduced to 64×64, its values are replaced by
their ranks, and the signs of its 16×16 lowest cosine frequencies (less their median) are the bits, as in the DCT hash
of Zauner (2010), "Implementation and Benchmarking of Perceptual Image Hash Functions", of 64 bits. Panoramic
radiographs resemble each other so much that 64 bits do not tell them apart: docs/data.md has the distances.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from PIL import Image
from scipy.fft import dctn

HASH_SIDE = 16  # cosine frequencies in each direction
HASH_PIXELS = 64
NEAR = 44  # bits of 256 in which two pictures of the same radiograph may differ; docs/data.md says why
BLOCK = 256  # rows of the comparison held in memory at a time


def perceptual_hash(image: Image.Image) -> str:
    """The hash of an 8-bit grey image of any size: 256 bits as 64 hexadecimal digits."""
    reduced = np.asarray(image.resize((HASH_PIXELS, HASH_PIXELS), Image.Resampling.LANCZOS))
    _, level, counts = np.unique(reduced, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - counts / 2)[level]  # of equal values the mean
    frequencies = dctn(ranks.reshape(reduced.shape), norm="ortho")[:HASH_SIDE, :HASH_SIDE].ravel()
    bits = frequencies > np.median(frequencies[1:])
    bits[0] = False  # the mean of ranks is the same for every picture
    return np.packbits(bits).tobytes().hex()


def near_pairs(hashes: Sequence[str]) -> Iterator[tuple[int, int]]:
    """(i, j), i < j, for all pairs of hashes that differ in at most NEAR bits."""
    words = np.frombuffer(bytes.fromhex("".join(hashes)), np.uint64).reshape(len(hashes), -1)
    for start in range(0, len(words), BLOCK):
        rows = words[start : start + BLOCK]
        distance = np.zeros((len(rows), len(words) - start), np.uint16)
        for word in range(words.shape[1]):
            distance += np.bitwise_count(rows[:, None, word] ^ words[None, start:, word])
        for i, j in np.argwhere(distance <= NEAR):
            if i < j:
                yield start + int(i), start + int(j)


def bound_together(records: Sequence[Mapping]) -> list[list[int]]:
    """The records' indices in sets that must not be split: of one patient (`group`), or near-duplicates, or both."""
    parent = list(range(len(records)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for i, j in near_pairs([record["perceptual_hash"] for record in records]):
        parent[root(i)] = root(j)
    first_of: dict[str, int] = {}
    for index, record in enumerate(records):
        if record["group"] is not None:
            parent[root(index)] = root(first_of.setdefault(record["group"], index))
    sets: dict[int, list[int]] = {}
    for index in range(len(records)):
        sets.setdefault(root(index), []).append(index)
    return list(sets.values())


def split_of(members: Sequence[Mapping], test_share: float, seed: int) -> str:
    """ "test" with the probability `test_share`, else "train": by a hash of the seed and of the smallest source_sha256.

    So the split of a set depends on the set alone, and images that are added to a corpus move no others.
    """
    key = min(member["source_sha256"] for member in members)
    number = int.from_bytes(hashlib.sha256(f"{seed}:{key}".encode()).digest()[:8], "big")
    return "test" if number < test_share * 2**64 else "train"
