"""The figures of images and their distances; each function returns a Figure and draws with the style of drawing.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from .drawing import (
    COLOURS,
    INK,
    MARKS,
    REAL,
    SYNTHETIC,
    WRONG,
    framed,
    panels,
    picture,
    rows_of,
    sheet,
    short,
)
from .machine_observer import Observation
from .memorisation import Nearness

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = (512, 256)  # pixels of an image on a sheet
BINS = 40


def embedding(places: Mapping[str, np.ndarray]) -> Figure:
    """The map of map.embed(): positions (n, 2) by source."""
    figure, ((axes,),) = panels(4.8)
    for number, (label, points) in enumerate(places.items()):
        axes.scatter(
            *points.T,
            s=13,
            marker=MARKS[number % len(MARKS)],
            facecolor=COLOURS[number % len(COLOURS)],
            edgecolor="white",
            linewidth=0.3,
            alpha=0.8,
            label=f"{short(label)} (n {len(points)})",
        )
    axes.set(xticks=[], yticks=[], xlabel="t-SNE, first axis", ylabel="t-SNE, second axis")
    axes.set_aspect("equal", adjustable="datalim")
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), markerscale=1.4)
    return figure


def nearest_distances(spaces: Sequence[Nearness]) -> Figure:
    """Relative distances to the nearest training image, synthetic against held-out real images, a panel a space."""
    figure, axes = panels(2.7, 1, len(spaces))
    for cell, space in zip(axes[0], spaces, strict=True):
        edges = np.linspace(0, max(1.0, space.synthetic.max(), space.held_out.max()), BINS + 1)
        for values, colour, label in (
            (space.held_out, REAL, "held-out real"),
            (space.synthetic, SYNTHETIC, "synthetic"),
        ):
            weights = np.full(len(values), 100 / len(values))
            name = f"{label} (n {len(values)})"
            cell.hist(values, edges, weights=weights, color=colour, alpha=0.25)
            cell.hist(values, edges, weights=weights, color=colour, histtype="step", linewidth=1.3, label=name)
        cell.axvline(space.threshold, color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
        cell.set(title=f"In {space.space}: {space.below} below the threshold, p {_p(space.p)}", xlim=(0, edges[-1]))
        cell.set(
            xlabel="distance to the nearest training image,\nin parts of the mean of the nearest 50", ylabel="images, %"
        )
        cell.legend(loc="upper left")
    return figure


def nearest_pairs(pairs: Sequence[tuple[np.ndarray, np.ndarray, str]], left: str, right: str) -> Figure:
    """Pairs of images side by side, two pairs a row; each comes with words of its own."""
    figure, axes = sheet(rows_of(pairs, 2), 4, titles=0.17)
    cells = axes.reshape(-1, 2)
    for number, (cell, (ours, theirs, words)) in enumerate(zip(cells, pairs, strict=False)):
        picture(cell[0], shown(ours), f"{left if number < 2 else ''}  {words}".strip())
        picture(cell[1], shown(theirs), right if number < 2 else " ")
    return figure


def examples(images: Sequence[np.ndarray], titles: Sequence[str], columns: int = 3) -> Figure:
    """A sheet of images."""
    figure, axes = sheet(rows_of(images, columns), columns, titles=0.16)
    for cell, image, title in zip(axes.ravel(), images, titles, strict=False):
        picture(cell, shown(image), short(title, 34))
    return figure


def attention(
    images: Sequence[np.ndarray], observation: Observation, synthetic: Sequence[bool], chosen: Sequence[int]
) -> Figure:
    """Where the machine observer looked in the images at the places `chosen`, with its confidence C; wrong ones framed.

    C is the probability of the side that it chose.
    """
    figure, axes = sheet(rows_of(chosen, 3), 3, titles=0.17)
    for cell, place in zip(axes.ravel(), chosen, strict=False):
        probability = observation.probabilities[place]
        called, truth = probability > 0.5, bool(synthetic[place])
        sides = {True: "synthetic", False: "real"}
        words = f"{sides[truth]}, called {sides[called]}, C {max(probability, 1 - probability):.2f}"
        picture(cell, shown(images[place]), words, INK if called == truth else WRONG)
        heat = _spread(observation.maps[place])
        cell.imshow(heat, cmap="inferno", alpha=0.55 * heat, vmin=0, vmax=1, interpolation="bilinear")
        if called != truth:
            framed(cell, WRONG)
    return figure


def _spread(looked: np.ndarray) -> np.ndarray:
    """A map of attention at the size of a picture, from 0 to 1."""
    smooth = np.asarray(Image.fromarray(looked.astype(np.float32)).resize(SHOWN, Image.Resampling.BICUBIC))
    low, high = smooth.min(), smooth.max()
    return np.clip((smooth - low) / max(high - low, 1e-12), 0, 1)


def telling(observation: Observation, synthetic: Sequence[bool], count: int = 12) -> list[int]:
    """Places of images for attention(): half of them wrong calls as far as there are any, the surest first; equal
    numbers of real and synthetic ones among the right."""
    truth = np.asarray(synthetic, bool)
    surest = np.argsort(-np.abs(observation.probabilities - 0.5), kind="stable")
    wrong = (observation.probabilities > 0.5) != truth
    missed = [int(place) for place in surest if wrong[place]][: count // 2]
    left = count - len(missed)
    right = [
        [int(place) for place in surest if not wrong[place] and truth[place] == side][:share]
        for side, share in ((False, left - left // 2), (True, left // 2))
    ]
    return right[0] + right[1] + missed


def shown(image: np.ndarray) -> np.ndarray:
    """An image at the size of a sheet."""
    return np.asarray(Image.fromarray(image).resize(SHOWN, Image.Resampling.BOX))


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
