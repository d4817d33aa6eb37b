"""Random views of an example: each transformation that losses on two views may compare, drawn several times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from hepexp.batch import Batch, GraphBatch, ImageBatch, JetBatch
from hepexp.data.physics.kinematics import invariant_mass, polar, wrapped
from hepexp.data.views.views import RandomViews, Steps, Views, names_of
from hepexp.errors import ConfigError
from hepexp.figures import COLOURS, about, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hepexp.data.loading.datamodule import HepDataModule
    from hepexp.data.representations.representation import Representation

_AS_IT_IS = Steps(())
DRAWS = 3  # of each view
_MIXED = 8  # images among which mixup chooses; the first is shown
_SEED = 5  # of numbers that are far apart: no two views look the same
_SIDE = 2.4  # of a panel, inches
_AREA = 1000  # total area of the markers of a jet, in points squared
_INSIDE = 0.995  # of the pT of jets is in the picture
_MARGIN = 1.25
_NODE = 16  # area of a marker, in points squared
_SHOWN = {
    "particles": "rapidity (right) and azimuth (up) from the jet's axis, area as the root of pT",
    "image": "the first channel",
    "graph": "nodes at their places, the paler the more of their features are masked, and edges",
}


def draw_views(folder: Path, build: Callable[[], HepDataModule]) -> dict[str, str]:
    """Draw views_particles.png, views_image.png and views_graph.png, of those that a data set can give.

    Each row is a view, at the strength that the data set is given or at a typical one; the last row is all of those
    together that are turned on. Where augmentation is on too, its rows come first. The first panel is the example, one
    of typical size, and the others are random views.

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
    on: tuple[str, ...] = ()
    for name in names:
        data = build()
        data.represent_as(name)
        chosen = [views for views in (data.augment, data.views) if views]
        on = tuple(key for views in chosen for key in views.on)
        if not all(views.are_of(name) for views in chosen):
            continue
        steps = _rows(chosen, data.representation)
        data.prepare_data()
        data.setup()
        title = f"Random views of {data.noun}s: {_SHOWN[name]}"
        with about(f"{data.info.name}: {data.split_store.origin}"):
            example = data.typical_examples(_MIXED if name == "image" else 1)
            _draw(folder / f"views_{name}.png", title, example, steps, _shower(name, data, example))
        drawn[f"views_{name}"] = title
    if not drawn:
        which = f"is not of {' or '.join(names)}" if len(on) == 1 else f"are not of one of {', '.join(names)}"
        has = f"{' and '.join(on)} {which}" if names else "there are none of such data"
        raise ConfigError(f"--views: {has}; see: hepexp show dataset=NAME")
    return drawn


def _rows(chosen: Sequence[RandomViews], representation: Representation) -> dict[str, Steps]:
    """What is drawn, by its name: each view that is on, and all of its kind together, or all that there are."""
    rows: dict[str, Steps] = {}
    for views in chosen or [Views.typical(representation.name)]:
        kind = f"{views.key.removeprefix('dataset.')}: " if len(chosen) > 1 else ""
        each = {name: one.of(representation) for name, one in views.each().items()}
        if chosen and len(each) > 1:
            each["all of them"] = views.of(representation)
        rows |= {f"{kind}{name}": steps for name, steps in each.items()}
    return rows


def _shower(name: str, data: HepDataModule, example: Batch) -> Callable[..., None]:
    """What draws a row of views of an example in a representation."""
    if name != "graph":
        return _jets if name == "particles" else _images
    prepared = data.representation.prepare(data.store.take(example.index.numpy()))
    return partial(_graphs, places=data.representation.plane(prepared))


def _draw(path: Path, title: str, example: Batch, views: dict[str, Steps], show: Callable[..., None]) -> None:
    columns = DRAWS + 1
    with figure(path, columns * _SIDE + 0.6, len(views) * (_SIDE + 0.2), title) as drawing:
        grid = drawing.subplots(len(views), columns, squeeze=False)
        for row, (name, view) in zip(grid, views.items(), strict=True):
            random = torch.Generator().manual_seed(_SEED)
            show(row, example, view, random)
            row[0].set_ylabel(name, fontsize=8)
        grid[0, 0].set_title("the example", fontsize=8)


# ---- jets


def _jets(row: NDArray, jet: JetBatch, view: Steps, random: torch.Generator) -> None:
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
    inside = int(np.searchsorted(np.cumsum(pt[order]) / pt.sum(), _INSIDE))
    half = _MARGIN * max(float(radius[order][min(inside, len(order) - 1)]), 0.1)
    for axes, p4, (pt, y, phi) in zip(row, momenta, points, strict=True):
        area = pt**0.5 * _AREA / (points[0][0] ** 0.5).sum()
        axes.scatter(y, phi, area, COLOURS[0], alpha=0.6, edgecolors="white", linewidths=0.3)
        jet_pt, mass = polar(p4.sum(0))[0], invariant_mass(p4.sum(0))
        axes.set(xlim=(-half, half), ylim=(-half, half), aspect="equal")
        axes.tick_params(labelsize=7)
        axes.set_xlabel(f"{len(p4)} particles, pT {jet_pt:.0f} GeV, m {mass:.1f} GeV", fontsize=7)


# ---- images


def _images(row: NDArray, image: ImageBatch, view: Steps, random: torch.Generator) -> None:
    """The first channel, on a scale that is linear near zero and logarithmic beyond."""
    from matplotlib.colors import AsinhNorm

    shown = [one.image[0, 0].numpy() for one in (image, *(view.one(image, random) for _ in range(DRAWS)))]
    low, high = min(values.min() for values in shown[:1]), max(values.max() for values in shown[:1])
    norm = AsinhNorm((high - low) / 20 or 1.0, low, high if high > low else low + 1)
    for axes, values in zip(row, shown, strict=True):
        axes.imshow(values, cmap="viridis", norm=norm, interpolation="nearest")
        _without_ticks(axes)


# ---- graphs


def _graphs(row: NDArray, graph: GraphBatch, view: Steps, random: torch.Generator, places: NDArray) -> None:
    """Nodes at their places (n, 2) and edges between them; the paler a node, the more of its features are masked."""
    from matplotlib.collections import LineCollection

    shown = [Nodes.of(graph), *(Nodes.of(graph, view, random) for _ in range(DRAWS))]
    for axes, nodes in zip(row, shown, strict=True):
        n_edges = nodes.edges.shape[1]
        lines = LineCollection(
            list(places[nodes.edges.T]), colors="0.4", linewidths=0.5, alpha=max(0.08, 1 / (1 + n_edges / 60))
        )
        axes.add_collection(lines)
        axes.scatter(*places.T, _NODE, "white", edgecolors="0.75", linewidths=0.6, zorder=2)  # those that are dropped
        axes.scatter(
            *places[nodes.number].T, _NODE, nodes.features, cmap="Blues", vmin=-0.3, vmax=1.2, edgecolors="k",
            linewidths=0.5, zorder=3,
        )  # fmt: skip
        axes.margins(0.08)
        _without_ticks(axes)
        axes.set_xlabel(
            f"{len(nodes.number)} nodes, {n_edges} edges, {nodes.features.mean():.0%} of features", fontsize=7
        )


@dataclass(frozen=True)
class Nodes:
    """What is left of a graph in a view of it.

    Parameters
    ----------
    number : (m,) of the nodes that are left.
    edges : (2, E), between which of them, by these numbers.
    features : (m,) fraction of their features that are not masked.
    """

    number: NDArray[np.int64]
    edges: NDArray[np.int64]
    features: NDArray[np.float64]

    @classmethod
    def of(cls, graph: GraphBatch, view: Steps = _AS_IT_IS, random: torch.Generator = torch.default_generator) -> Nodes:
        number = torch.arange(len(graph.x))
        shown = replace(graph, x=torch.cat([graph.x, number[:, None].to(graph.x)], dim=1))
        for step in view.steps:
            shown = step(shown, random)
            if len(shown.x) != len(number):
                number = shown.x[:, -1].long()  # a node that is left brings its number with it
        before, after = (x != 0 for x in (graph.x[number], shown.x[:, :-1]))
        features = after.sum(1) / before.sum(1).clamp(min=1)
        return cls(number.numpy(), number[shown.edge_index].numpy(), features.double().numpy())


def _without_ticks(axes: Axes) -> None:
    axes.set(xticks=[], yticks=[])
    axes.minorticks_off()
