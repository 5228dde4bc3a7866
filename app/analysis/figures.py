"""The figures of a report: restrained, printable in grey, safe for colour-blind readers. Each returns a Figure.

Blue for right or real, orange for wrong or fake, which colour-blind readers tell apart (after M. Okabe & K. Ito, Color
Universal Design, 2008), the lighter shade for the partially certain; the five differ in lightness too.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from math import nan
from threading import Lock
from typing import TYPE_CHECKING

from ..study import RATINGS
from .estimate import Estimate, count
from .mrmc import COVARIANCES, RANDOM
from .results import Curve, ObserverResult, StudyResults
from .times import PARTS, session_quarters

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, LIGHT_BLUE, GREY, LIGHT_ORANGE, ORANGE = "#0B5394", "#82B9E0", "#E3E3E3", "#F5C27E", "#CC661A"
RATING_COLOURS = (BLUE, LIGHT_BLUE, GREY, LIGHT_ORANGE, ORANGE)
INK, FAINT = "#222222", "#8C8C8C"
WIDTH = 7.2  # inches: the text width of a journal page
MOST_PIES = 8  # observers, each with a column of pies
MOST_NAMES = 40  # observers named on an axis
DRAWING = Lock()
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
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "legend.fontsize": 8,
    "svg.hashsalt": "panodiff",
    "svg.fonttype": "path",
}


def draw(results: StudyResults, kinds: Sequence[str] = ("svg", "png")) -> dict[str, dict[str, bytes]]:
    """Every figure that the results allow: name -> kind -> file, a PNG at 200 pixels an inch."""
    import matplotlib

    drawn = {}
    # The style is set for the whole process: one drawing at a time.
    with DRAWING, matplotlib.rc_context(STYLE):
        for name, figure in FIGURES.items():
            made = figure(results)
            if made is not None:
                drawn[name] = {kind: _file(made, kind) for kind in kinds}
    return drawn


def _file(figure: Figure, kind: str) -> bytes:
    buffer = io.BytesIO()
    # Without the date, the same results give the same file.
    figure.savefig(buffer, format=kind, dpi=200, metadata={"Date": None} if kind == "svg" else {})
    return buffer.getvalue()


def _figure(height: float, rows: int = 1, columns: int = 1, **settings) -> tuple[Figure, np.ndarray]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **settings)


def roc_curves(results: StudyResults) -> Figure | None:
    """ROC curve of each observer with the mean of those who have finished; None if nobody rated both classes."""
    curves = [each for each in results.observers if each.curve]
    if not curves:
        return None
    figure, ((axes,),) = _figure(4.2)
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=0.8, linestyle=(0, (4, 3)), label="guessing")
    for i, each in enumerate(curves):
        marker = {"marker": "osD^vPX*"[i % 8], "markersize": 3.5} if len(curves) <= MOST_PIES else {}
        label = f"{each.observer} ({_auc(each.auc)})" if len(curves) <= MOST_PIES else None
        axes.plot(*zip(*each.curve, strict=True), color=FAINT, linewidth=0.9, label=label, **marker)
    for each in results.machines:
        label = f"{_short(each.observer, 30)}\n({_auc(each.auc)})"
        axes.plot(*zip(*each.curve, strict=True), color=ORANGE, linewidth=1.4, linestyle=(0, (5, 2)), label=label)
    averaged = [each for each in curves if each.observer in results.mrmc_observers]
    if len(averaged) > 1:
        _mean_curve(axes, averaged, results.mean_curve)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.set(xlabel="Real images called fake (1 − specificity)", ylabel="Synthetic images called fake (sensitivity)")
    axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
    return figure


def _mean_curve(axes: Axes, curves: list[ObserverResult], mean: Curve) -> None:
    area = sum(each.auc.value for each in curves) / len(curves)
    label = f"mean of {len(curves)} observers (AUC {area:.3f})"
    axes.plot(*zip(*mean, strict=True), color=BLUE, linewidth=2.2, label=label)


def certainty_pies(results: StudyResults) -> Figure | None:
    """Right and wrong by certainty, for real and synthetic images: each observer if they are few, and all together."""
    groups = [*(results.observers if len(results.observers) <= MOST_PIES else []), results.everyone]
    if not results.everyone.confusion.answered:
        return None
    figure, axes = _figure(1.1 + 2 * min(1.5, WIDTH / len(groups)), 2, len(groups))
    for column, group in zip(axes.T, groups, strict=True):
        column[0].set_title(_short(group.observer), fontsize=8, loc="center")
        for cell, truth in zip(column, ("real", "synthetic"), strict=True):
            _pie(cell, _wedges(group, truth))
    for cell, truth in zip(axes[:, 0], ("real", "synthetic"), strict=True):
        cell.text(-1.6, 0, f"{truth} images", rotation=90, va="center", ha="center", fontsize=8)
    names = ["right, fully certain", "right, partially", "Unsure", "wrong, partially", "wrong, fully certain"]
    figure.legend([_patch(colour) for colour in RATING_COLOURS], names, loc="outside lower center", ncols=5)
    return figure


def _wedges(result: ObserverResult, truth: str) -> list[int]:
    counts = result.confusion
    right, wrong = ("tn", "fp") if truth == "real" else ("tp", "fn")
    fully, partially = (
        {name: getattr(counts, f"{name}_{certainty}_certain") for name in (right, wrong)}
        for certainty in ("fully", "partially")
    )
    unsure = counts.unsure_real if truth == "real" else counts.unsure_fake
    return [fully[right], partially[right], unsure, partially[wrong], fully[wrong]]


def _pie(axes: Axes, counts: list[int]) -> None:
    if sum(counts):
        axes.pie(counts, colors=RATING_COLOURS, startangle=90, counterclock=False, wedgeprops={"edgecolor": "white"})
    else:
        axes.axis("off")
    axes.text(0, -1.35, f"n {sum(counts)}", ha="center", va="center", fontsize=7.5)


def calibration(results: StudyResults) -> Figure | None:
    """Whether ratings mean what they say: the share synthetic at each rating, the share right at each certainty; all
    observers together with intervals, and each one as a faint line."""
    if not results.everyone.confusion.answered:
        return None
    figure, axes = _figure(3.1, 1, 2, sharey=True, width_ratios=[5, 3])
    scales = {
        "Share synthetic, by rating": lambda each: {k.replace(" ", "\n"): v for k, v in each.by_rating.items()},
        "Share right, by certainty": lambda each: {
            "partially\ncertain": each.calibration["partially"],
            "fully\ncertain": each.calibration["fully"],
        },
    }
    for cell, (title, of) in zip(axes[0], scales.items(), strict=True):
        for each in results.observers:
            _shares(cell, list(of(each).values()), color=FAINT, linewidth=0.8, alpha=0.6)
        together = of(results.everyone)
        _shares(cell, list(together.values()), color=BLUE, linewidth=1.8, marker="o", markersize=4, intervals=True)
        names = [f"{name}\nn {count(estimate.n)}" for name, estimate in together.items()]
        cell.set_xticks(range(len(names)), names, fontsize=7)
        cell.set(title=title, ylim=(-0.03, 1.03), xlim=(-0.4, len(names) - 0.6))
        cell.axhline(0.5, color=FAINT, linewidth=0.8, linestyle=(0, (4, 3)))
    axes[0, 0].set_ylabel("Share")
    return figure


def _shares(axes: Axes, shares: list[Estimate], *, intervals: bool = False, **style) -> None:
    """A line through the shares, broken where one is not estimable, with their intervals if asked for."""
    axes.plot(
        [nan if each.value is None else each.value for each in shares], **{"marker": ".", "markersize": 3} | style
    )
    for place, each in enumerate(shares) if intervals else ():
        if each.value is not None:
            axes.plot([place, place], [each.low, each.high], color=style["color"], linewidth=1.2)


def _patch(colour: str):
    from matplotlib.patches import Patch

    return Patch(facecolor=colour)


def response_times(results: StudyResults) -> Figure | None:
    """Boxes (quartiles, median) with whiskers from the 5th to the 95th percentile; None if no time was measured."""
    import numpy as np

    scored = results.scored
    if not np.isfinite(scored.seconds).any():
        return None
    right, quarters = scored.right, session_quarters(scored)
    panels = {
        "By rating": {words.replace(" ", "\n"): scored.rating == rating for rating, words in RATINGS.items()},
        "By correctness": {"right": right == 1, "wrong": right == 0, "Unsure": scored.rating == 3},
        "By quarter of the session": {str(part + 1): quarters == part for part in range(PARTS)},
    }
    figure, axes = _figure(2.9, 1, 3, sharey=True, width_ratios=[5.6, 3.4, 3.6])
    for cell, (title, groups) in zip(axes[0], panels.items(), strict=True):
        _boxes(
            cell, title, {name: scored.seconds[chosen & np.isfinite(scored.seconds)] for name, chosen in groups.items()}
        )
    axes[0, 0].set(ylabel="Response time in seconds", ylim=(0, None))
    return figure


def _boxes(axes: Axes, title: str, groups: dict[str, np.ndarray]) -> None:
    names = [f"{name}\nn {len(values)}" for name, values in groups.items()]
    style = {"color": INK, "linewidth": 0.8}
    axes.boxplot(
        list(groups.values()), tick_labels=names, whis=(5, 95), showfliers=False, widths=0.55, patch_artist=True,
        boxprops={"facecolor": LIGHT_BLUE, "edgecolor": INK, "linewidth": 0.8}, whiskerprops=style, capprops=style,
        medianprops={"color": INK, "linewidth": 1.6},
    )  # fmt: skip
    axes.set_title(title)
    axes.tick_params(axis="x", labelsize=7, length=0)


def heat_map(results: StudyResults) -> Figure | None:
    """Every rating: a row an observer, a column an image, real and synthetic apart, from low to high mean rating."""
    import numpy as np
    from matplotlib.colors import ListedColormap

    scored = results.scored
    if not scored.images:
        return None
    matrix, synthetic = scored.matrix(), scored.image_is_synthetic()
    means = np.nanmean(matrix, axis=0)
    figure, axes = _figure(min(1.5 + 0.28 * len(matrix), 7.5), 1, 2, sharey=True)
    for cell, truth, chosen in zip(axes[0], ("Real", "Synthetic"), (~synthetic, synthetic), strict=True):
        order = np.flatnonzero(chosen)[np.argsort(means[chosen], kind="stable")]
        cell.set_title(f"{truth} images (n {len(order)})")
        cell.set_xlabel("images, by mean rating")
        cell.tick_params(length=0)
        cell.set_xticks([])
        if len(order):
            shown = np.ma.masked_invalid(matrix[:, order])
            cell.imshow(
                shown, cmap=ListedColormap(RATING_COLOURS), vmin=0.5, vmax=5.5, aspect="auto", interpolation="nearest"
            )
    _name_rows(axes[0, 0], scored.observers)
    legend = [_patch(colour) for colour in RATING_COLOURS]
    figure.legend(legend, list(RATINGS.values()), loc="outside lower center", ncols=5)
    return figure


def _name_rows(axes: Axes, names: list[str]) -> None:
    if len(names) <= MOST_NAMES:
        axes.set_yticks(range(len(names)), [_short(name, 20) for name in names])
    else:
        axes.set(yticks=[], ylabel=f"{len(names)} observers")


def forest(results: StudyResults) -> Figure | None:
    """AUC of each observer with DeLong's interval, and the mean for each choice of what is random."""
    lines = [(_short(each.observer, 20), each.auc, INK) for each in results.observers if each.auc.value is not None]
    if not lines:
        return None
    shown, total = lines[:MOST_NAMES], len(lines)
    lines = shown + [(f"Mean, {key}", value, BLUE) for key, value in _means(results).items()]
    lines += [(_short(each.observer, 30), each.auc, ORANGE) for each in results.machines if each.auc.value is not None]
    figure, ((axes,),) = _figure(1.1 + 0.27 * len(lines))
    for place, (_, estimate, colour) in enumerate(lines):
        axes.plot(estimate.value, place, marker="s" if colour == INK else "D", color=colour, markersize=4.5)
        if estimate.low is not None:
            axes.plot([estimate.low, estimate.high], [place, place], color=colour, linewidth=1.2)
    axes.axvline(0.5, color=FAINT, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.set_yticks(range(len(lines)), [name for name, _, _ in lines])
    axes.set(xlabel="Area under the ROC curve (95 % interval); dashed: guessing", ylim=(len(lines) - 0.4, -0.6))
    if len(shown) < total:
        axes.set_title(f"The first {len(shown)} of {total} observers")
    numbers = axes.secondary_yaxis("right")
    numbers.set_yticks(range(len(lines)), [_numbers(estimate) for _, estimate, _ in lines], fontsize=8)
    numbers.tick_params(length=0)
    numbers.spines["right"].set_visible(False)
    return figure


def _means(results: StudyResults) -> dict[str, Estimate]:
    analysis = results.mrmc and results.mrmc[COVARIANCES[0]]
    if not analysis or not analysis.treatments or analysis.readers < 2:
        return {}
    found = analysis.treatments[0].intervals
    return {key: Estimate(found[key].value, found[key].low, found[key].high, analysis.cases) for key in RANDOM}


def _numbers(estimate: Estimate) -> str:
    interval = "no interval" if estimate.low is None else f"{estimate.low:.3f} to {estimate.high:.3f}"
    return f"{estimate.value:.3f}  ({interval})  n {count(estimate.n)}"


def _auc(estimate: Estimate) -> str:
    return f"AUC {estimate.value:.3f}, n {count(estimate.n)}"


def _short(name: str, length: int = 13) -> str:
    return name if len(name) <= length else name[: length - 1] + "…"


FIGURES: dict[str, Callable[[StudyResults], Figure | None]] = {
    "roc": roc_curves,
    "forest": forest,
    "certainty": certainty_pies,
    "calibration": calibration,
    "response_times": response_times,
    "ratings_by_image": heat_map,
}
