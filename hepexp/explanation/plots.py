"""Figures of explanations: examples with their relevances, deletion curves, means over classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.explanation import averages
from hepexp.explanation.deletion import SHARES
from hepexp.explanation.explain import Explained
from hepexp.figures import COLOURS, class_name, figure, legend_above

AREA = 700  # total area of a jet's markers, in points squared
LEAST = 4  # area of a marker
COLUMNS = 4
SIZE = 3.1  # inches of a panel
CMAP = "RdBu_r"


def draw_jets(path: Path, explained: Explained, rows: Sequence[int], names: tuple[str, ...], title: str) -> None:
    """Draw jets around their axis: areas are proportional to pT, colours are relevances.

    Parameters
    ----------
    rows : of the examples to draw.
    names : of the classes.
    """
    reach = max(np.abs(explained.momenta[i][:, 1:]).max() for i in rows)
    half = 1.1 * float(np.clip(reach, 0.1, 1.5))

    def panel(axes, i: int):
        pt, dy, dphi = explained.momenta[i].T
        order = np.argsort(-pt)  # small ones on top
        area = np.maximum(LEAST, AREA * pt / pt.sum())
        scale = np.abs(explained.relevance[i]).max() or 1.0
        shown = axes.scatter(
            *(dy[order], dphi[order], area[order]),
            c=(explained.relevance[i] / scale)[order],
            cmap=CMAP,
            vmin=-1,
            vmax=1,
            edgecolors="0.35",
            linewidths=0.4,
        )
        axes.set(xlim=(-half, half), ylim=(-half, half), aspect="equal")
        axes.set(xlabel=r"$\Delta y$", ylabel=r"$\Delta\phi$ [rad]")
        axes.label_outer()
        return shown

    _grid(path, rows, _score(explained, names), f"{title}; area: pT", panel, "relevance / largest")


def draw_images(
    path: Path, explained: Explained, rows: Sequence[int], names: tuple[str, ...], title: str, shape: tuple[int, int]
) -> None:
    """Draw the relevance of each pixel of images; the scale of each is that of its 99.5 % quantile.

    Parameters
    ----------
    shape : rows and columns of an image.
    """

    def panel(axes, i: int):
        return _pixels(axes, explained.relevance[i].reshape(shape))

    _grid(path, rows, _score(explained, names), title, panel, "relevance / largest")


def draw_mean_images(
    path: Path, explained: Explained, names: tuple[str, ...], title: str, shape: tuple[int, int]
) -> None:
    """Draw the mean share of relevance of each pixel, for each class; the scale is as in `draw_images`."""
    classes = [c for c in range(len(names)) if (explained.group == c).any()]

    def panel(axes, c: int):
        return _pixels(axes, averages.of_pixels(explained, explained.group == c).reshape(shape))

    def heading(c: int) -> str:
        return _mean_of(explained, names, c)

    _grid(path, classes, heading, f"mean {title}", panel, "mean share of relevance / largest")


def _mean_of(explained: Explained, names: tuple[str, ...], c: int) -> str:
    """A class, and of how many examples its means are."""
    return f"{class_name(names, c)}, mean of {(explained.group == c).sum():,}"


def _pixels(axes, image: NDArray[np.float64]):
    scale = np.quantile(np.abs(image), 0.995) or np.abs(image).max() or 1.0
    axes.set(xticks=[], yticks=[])
    axes.minorticks_off()
    return axes.imshow(image / scale, cmap=CMAP, vmin=-1, vmax=1, interpolation="nearest")


def draw_bars(
    path: Path, explained: Explained, rows: Sequence[int], names: tuple[str, ...], title: str, labels: Sequence[str]
) -> None:
    """Draw the relevance of each feature, or node, as bars.

    Parameters
    ----------
    labels : of the features; empty where they have no names.
    """

    most = 1.1 * max(np.abs(explained.relevance[i]).max() for i in rows) or 1.0

    def panel(axes, i: int):
        values = explained.relevance[i]
        axes.set_xlim(-most, most)
        axes.barh(np.arange(len(values)), values, color=[COLOURS[1] if v > 0 else COLOURS[0] for v in values])
        axes.axvline(0, color="0.5", linewidth=0.8)
        axes.invert_yaxis()
        axes.set_xlabel("relevance")
        if len(labels) == len(values):
            axes.set_yticks(np.arange(len(values)), labels)
        else:
            axes.set_ylabel("node")
        axes.label_outer()
        axes.minorticks_off()

    _grid(path, rows, _score(explained, names), title, panel, None)


def _score(explained: Explained, names: tuple[str, ...]) -> Callable[[int], str]:
    """The heading of example i: its class, the class that is explained, and the score of that."""

    def heading(i: int) -> str:
        which, label = (
            class_name(names, int(c)) if c >= 0 else "unknown" for c in (explained.which[i], explained.label[i])
        )
        return f"{label}, as {which}: {explained.curves['random'][i, 0]:.2f}"

    return heading


def _grid(path: Path, shown: Sequence[int], heading: Callable[[int], str], title: str, panel, bar: str | None) -> None:
    """A panel with a heading for each of what is shown, and a bar of colours with this label, if any."""
    columns = min(COLUMNS, len(shown))
    lines = -(-len(shown) // columns)
    with figure(path, SIZE * columns + (0.9 if bar else 0.6), (SIZE + 0.3) * lines, title) as drawing:
        grid = drawing.subplots(lines, columns, squeeze=False)
        for axes in grid.flat[len(shown) :]:
            axes.set_visible(False)
        for axes, i in zip(grid.flat, shown, strict=False):
            coloured = panel(axes, i)
            axes.set_title(heading(i), fontsize=9)
        if bar:
            drawing.colorbar(coloured, ax=list(grid.flat), label=bar, pad=0.01, aspect=30)


def draw_deletion(path: Path, explained: Explained, title: str, noun: str) -> None:
    """Draw the mean score against the share of removed elements for each order, with its standard error."""
    with figure(path, 5.0, 4.2, title) as drawing:
        axes = drawing.subplots()
        n = len(explained)
        for k, (name, curve) in enumerate(explained.curves.items()):
            middle, error = curve.mean(0), curve.std(0, ddof=1) / n**0.5 if n > 1 else np.zeros(len(SHARES))
            label = {"relevance": "most relevant first", "random": "at random"}.get(name, f"largest {name} first")
            axes.fill_between(SHARES, middle - error, middle + error, color=COLOURS[k], alpha=0.25, linewidth=0)
            axes.plot(SHARES, middle, color=COLOURS[k], marker="o", markersize=3, label=label)
        axes.set(xlabel=f"removed share of each {noun}'s elements", ylabel="mean score of the explained class")
        axes.set_xlim(0, SHARES[-1])
        legend_above(axes, 3)


def draw_averages(
    path: Path,
    explained: Explained,
    names: tuple[str, ...],
    title: str,
    kinds: tuple[Sequence[NDArray[np.integer]], Sequence[str]] | None,
) -> None:
    """Draw mean shares of relevance, of columns, bins of Delta R and kinds of particles, for each class."""
    classes = [c for c in range(len(names)) if (explained.group == c).any()]
    panels = ["columns"] * bool(explained.columns) + ["distances"] * bool(explained.momenta) + ["kinds"] * bool(kinds)
    if not panels:
        return
    with figure(path, 4.6 * len(panels), 4.4, title) as drawing:
        for axes, panel in zip(drawing.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
            for k, c in enumerate(classes):
                chosen = explained.group == c
                look = {"color": COLOURS[c % len(COLOURS)], "label": _mean_of(explained, names, c)}
                if panel == "distances":
                    edges, found = averages.of_distances(explained, chosen)
                    values, errors = _split(found)
                    axes.errorbar((edges[1:] + edges[:-1]) / 2, values, errors, marker="o", markersize=3, **look)
                    axes.set(xlabel=r"$\Delta R$ from the jet axis")
                    continue
                if panel == "kinds" and kinds is not None:
                    bars = averages.of_kinds(explained, *kinds, chosen)
                else:
                    bars = averages.of_columns(explained, chosen)
                values, errors = _split(list(bars.values()))
                width = 0.8 / len(classes)
                places = np.arange(len(bars)) + (k - (len(classes) - 1) / 2) * width
                axes.barh(places, values, width, xerr=errors, error_kw={"elinewidth": 0.9}, **look)
                axes.set_yticks(np.arange(len(bars)), list(bars), fontsize=8)
                axes.set(ylim=(len(bars) - 0.5, -0.5))
            (axes.axhline if panel == "distances" else axes.axvline)(0, color="0.5", linewidth=0.8)
            (axes.set_ylabel if panel == "distances" else axes.set_xlabel)("mean share of relevance")
            if panel != "distances":
                axes.minorticks_off()
            legend_above(axes, min(2, len(classes)))


def _split(found: Sequence[averages.Mean]) -> tuple[list[float], list[float]]:
    return [value for value, _ in found], [error or 0.0 for _, error in found]
