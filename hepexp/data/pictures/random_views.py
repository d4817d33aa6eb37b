"""Random views of an example: each transformation that losses on two views may compare, drawn several times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from hepexp.batch import Batch, GraphBatch
from hepexp.data.physics.kinematics import invariant_mass, polar, wrapped
from hepexp.data.views.augmentation import Augmented
from hepexp.data.views.views import TwoViews, Views, names_of
from hepexp.errors import ConfigError
from hepexp.figures import COLOURS, about, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hepexp.data.loading.datamodule import HepDataModule

Steps = TwoViews | Augmented
DRAWS = 3  # of each view
_MIXED = 8  # images among which mixup chooses; the first is shown
_SEED = 1
_SIDE = 2.4  # of a panel, inches
_AREA = 1000  # total area of the markers of a jet, in points squared
_INSIDE = 0.995  # of the pT of jets is in the picture
_MARGIN = 1.25
_SHOWN = {
    "particles": "rapidity (right) and azimuth (up) from the jet's axis, area as the root of pT",
    "image": "the first channel",
    "graph": "adjacency matrix | features of the nodes",
}


def draw_views(folder: Path, build: Callable[[], HepDataModule]) -> dict[str, str]:
    """Draw views_particles.png, views_image.png and views_graph.png, of those that a data set can give.

    Each row is a view, at the strength that the data set is given or at a typical one; the last row is all of those
    together that are turned on. The first panel is the example, one of typical size, and the others are random views.

    Parameters
    ----------
    build : makes the data set, before its setup.

    Returns
    -------
    The name of each picture, without suffix, and its title.

    Raises
    ------
    ConfigError : no representation of the data set has all views that are turned on, or any at all.
    """
    drawn, names = {}, [name for name in build().representations if names_of(name)]
    for name in names:
        data = build()
        data.represent_as(name)
        chosen = data.views or data.augment
        if chosen and not chosen.are_of(name):
            continue
        shown = chosen or Views.typical(name)
        steps = {view: one.of(data.representation) for view, one in shown.each().items()}
        if chosen and len(steps) > 1:
            steps["all of them"] = shown.of(data.representation)
        data.prepare_data()
        data.setup()
        title = f"Random views of {data.noun}s: {_SHOWN[name]}"
        with about(f"{data.info.name}: {data.split_store.origin}"):
            _draw(folder / f"views_{name}.png", title, data.typical_examples(_MIXED if name == "image" else 1), steps)
        drawn[f"views_{name}"] = title
    if not drawn:
        has = f"those that are on are not all of one of {', '.join(names)}" if names else "there are none of such data"
        raise ConfigError(f"--views: {has}; see: hepexp show dataset=NAME")
    return drawn


def _draw(path: Path, title: str, example: Batch, views: dict[str, Steps]) -> None:
    show = {"JetBatch": _jets, "ImageBatch": _images, "GraphBatch": _graphs}[type(example).__name__]
    columns = DRAWS + 1
    with figure(path, columns * _SIDE + 0.6, len(views) * (_SIDE + 0.2), title) as drawing:
        grid = drawing.subplots(len(views), columns, squeeze=False)
        for row, (name, view) in zip(grid, views.items(), strict=True):
            random = torch.Generator().manual_seed(_SEED)
            show(row, example, view, random)
            row[0].set_ylabel(name, fontsize=8)
        grid[0, 0].set_title("the example", fontsize=8)


# ---- jets


def _jets(row: NDArray, jet: Batch, view: Steps, random: torch.Generator) -> None:
    """Particles in rapidity and azimuth around the axis of the jet before, with areas as the root of pT."""
    momenta = [one.p4[0][one.mask[0]].numpy() for one in (jet, *(view.one(jet, random) for _ in range(DRAWS)))]
    _, axis_y, axis_phi = polar(momenta[0].sum(0))
    points = []
    for p4 in momenta:
        pt, y, phi = polar(p4)
        points.append((pt, y - axis_y, wrapped(phi - axis_phi)))
    pt = np.concatenate([point[0] for point in points])
    radius = np.concatenate([np.maximum(abs(y), abs(phi)) for _, y, phi in points])
    order = np.argsort(radius)
    inside = np.searchsorted(np.cumsum(pt[order]) / pt.sum(), _INSIDE)
    half = _MARGIN * max(radius[order][min(inside, len(order) - 1)], 0.1)
    for axes, p4, (pt, y, phi) in zip(row, momenta, points, strict=True):
        area = pt**0.5 * _AREA / (points[0][0] ** 0.5).sum()
        axes.scatter(y, phi, area, COLOURS[0], alpha=0.6, edgecolors="white", linewidths=0.3)
        jet_pt, mass = polar(p4.sum(0))[0], invariant_mass(p4.sum(0))
        axes.set(xlim=(-half, half), ylim=(-half, half), aspect="equal")
        axes.tick_params(labelsize=7)
        axes.set_xlabel(f"{len(p4)} particles, pT {jet_pt:.0f} GeV, m {mass:.1f} GeV", fontsize=7)


# ---- images


def _images(row: NDArray, image: Batch, view: Steps, random: torch.Generator) -> None:
    """The first channel, on a scale that is linear near zero and logarithmic beyond."""
    from matplotlib.colors import AsinhNorm

    shown = [one.image[0, 0].numpy() for one in (image, *(view.one(image, random) for _ in range(DRAWS)))]
    low, high = min(values.min() for values in shown[:1]), max(values.max() for values in shown[:1])
    norm = AsinhNorm((high - low) / 20 or 1.0, low, high if high > low else low + 1)
    for axes, values in zip(row, shown, strict=True):
        axes.imshow(values, cmap="viridis", norm=norm, interpolation="nearest")
        _without_ticks(axes)


# ---- graphs


def _graphs(row: NDArray, graph: Batch, view: Steps, random: torch.Generator) -> None:
    """Adjacency matrix, and beside it the features of the nodes; what is not there any more is grey."""
    for axes, matrix in zip(row, [_matrix(graph), *(_matrix(graph, view, random) for _ in range(DRAWS))], strict=True):
        axes.set_facecolor("0.85")
        axes.imshow(matrix, cmap="Greys", vmin=0, vmax=1, interpolation="nearest", aspect="auto")
        axes.axvline(len(matrix) - 0.5, color=COLOURS[1], linewidth=1)
        _without_ticks(axes)
        n_nodes, n_edges = np.isfinite(matrix[:, -1]).sum(), np.nansum(matrix[:, : len(matrix)])
        axes.set_xlabel(f"{n_nodes} nodes, {n_edges:.0f} edges", fontsize=7)


def _matrix(graph: GraphBatch, view: Steps | None = None, random: torch.Generator | None = None) -> NDArray:
    """(n, n + F) of a view of a graph with n nodes: 1 for an edge, and features scaled to [0.1, 1], 0 if masked.

    NaN for nodes that are no longer there.
    """
    n, features = graph.x.shape
    number = torch.arange(n)
    shown = replace(graph, x=torch.cat([graph.x, number[:, None].to(graph.x)], dim=1))
    for step in view.steps if view else ():
        shown = step(shown, random)
        if len(shown.x) != len(number):
            number = shown.x[:, -1].long()  # a node that is left brings its number with it
    low, high = graph.x.min(0).values, graph.x.max(0).values
    x = shown.x[:, :features]
    scaled = torch.where(x == 0, 0, 0.1 + 0.9 * (x - low) / (high - low).clamp(min=1e-9))
    matrix = torch.full((n, n + features), torch.nan)
    matrix[number[:, None], number] = 0
    matrix[number[shown.edge_index[0]], number[shown.edge_index[1]]] = 1
    matrix[number, n:] = scaled.clamp(0, 1)
    return matrix.numpy()


def _without_ticks(axes: Axes) -> None:
    axes.set(xticks=[], yticks=[])
    axes.minorticks_off()
