"""How figures are drawn and kept: restrained, on white, the same file for the same numbers."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

WIDTH = 7.2  # inches: the text width of a journal page
INK, FAINT, REAL, SYNTHETIC, WRONG = "#222222", "#8C8C8C", "#0B5394", "#CC661A", "#B00020"
# Told apart by colour-blind readers (after Okabe & Ito 2008), and by their marks.
COLOURS = ("#0B5394", "#CC661A", "#009E73", "#B07AA1", "#6B6B6B", "#56B4E9", "#8C6D00", "#000000")
MARKS = "o^sDvPX*"
STYLE = {
    "font.size": 9,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "legend.fontsize": 8,
    "svg.hashsalt": "panodiff",
    "svg.fonttype": "path",
}


@contextmanager
def style():
    """The look of all figures, for what is drawn inside."""
    import matplotlib

    with matplotlib.rc_context(STYLE):
        yield


def draw(figure: Callable[..., Figure], *given, **named) -> dict[str, bytes]:
    """What `figure(*given, **named)` draws, as {"svg": file, "png": file}; the PNG has 200 pixels an inch."""
    files = {}
    with style():
        drawn = figure(*given, **named)
        for kind in ("svg", "png"):
            buffer = io.BytesIO()
            drawn.savefig(buffer, format=kind, dpi=200, metadata={"Date": None} if kind == "svg" else {})
            files[kind] = buffer.getvalue()
    return files


def panels(height: float, rows: int = 1, columns: int = 1, **settings) -> tuple[Figure, np.ndarray]:
    """A figure of the usual width with its axes (rows, columns)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **settings)


def halves(height: float, shares: tuple[float, float]) -> tuple[Figure, SubFigure, SubFigure]:
    """A figure of the usual width and its upper and lower part, each laid out for itself; `shares` of the height."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, *figure.subfigures(2, 1, height_ratios=shares)


def sheet(rows: int, columns: int, aspect: float = 0.5, titles: float = 0.0) -> tuple[Figure, np.ndarray]:
    """A figure of pictures with axes (rows, columns), blank; `aspect` is height over width of one, `titles` the inches
    that the words above each take."""
    figure, axes = panels(rows * (WIDTH / columns * aspect + titles + 0.04) + 0.1, rows, columns)
    figure.get_layout_engine().set(w_pad=0.03, h_pad=0.01, wspace=0.01, hspace=0.01)
    for cell in axes.ravel():
        cell.set_axis_off()
    return figure, axes


def picture(axes: Axes, image: np.ndarray, title: str = "", colour: str = INK) -> None:
    """Show a grey uint8 image (height, width) on its own grey scale of 0 to 255."""
    axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
    if title:
        axes.set_title(title, fontsize=7, color=colour, pad=2)


def framed(axes: Axes, colour: str) -> None:
    """A frame around a picture, to mark it."""
    axes.set_axis_on()
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(visible=True, color=colour, linewidth=1.8)


def short(text: str, length: int = 26) -> str:
    """At most `length` characters."""
    return text if len(text) <= length else text[: length - 1] + "…"


def rows_of(things: Sequence, columns: int) -> int:
    """How many rows hold them."""
    return max(1, -(-len(things) // columns))
