"""Figures of an audit: a panel for each check, figures of merit or changes against the strength."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hepexp.check import detector, emissions, graphs, images, lorentz
from hepexp.check.published import SOURCE, boosted_top_taggers
from hepexp.figures import COLOURS, figure, legend_above

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SAFETY = tuple(check.name for check in emissions.CHECKS)
PUBLISHED_ROOM = 1.9  # inches, for the names of published curves
SMALLEST = 1e-17  # change that is drawn, below the rounding of float64


class Group(NamedTuple):
    """Checks that share a figure.

    Parameters
    ----------
    title : of the figure.
    names : of the checks.
    shows : the figure of merit, or `change`.
    """

    title: str
    names: tuple[str, ...]
    shows: str


GROUPS = {
    "boosts": Group("boosts of the test jets", tuple(c.name for c in lorentz.CHECKS[:2]), "accuracy"),
    "rotations": Group("rotations of the test jets", tuple(c.name for c in lorentz.CHECKS[2:]), "accuracy"),
    "emissions": Group("infrared and collinear safety", SAFETY, "change"),
    "detector": Group("effects of a detector", tuple(c.name for c in detector.CHECKS), "auc"),
    "images": Group("rotations and noise of images", tuple(c.name for c in images.CHECKS if c.axis), "auc"),
    "graphs": Group("losses of nodes and edges", tuple(c.name for c in graphs.CHECKS), "auc"),
}


def draw(found: Mapping[str, Any], folder: Path) -> list[Path]:
    """Draw the checks that were done, check_<group>.png, and remove figures of earlier audits; the files.

    Parameters
    ----------
    found : what `audit` returns.
    """
    paths = []
    for left in folder.glob("check_*.png"):
        left.unlink()
    for group, (title, names, shows) in GROUPS.items():
        done = {name: found["checks"][name] for name in names if name in found["checks"]}
        if not done:
            continue
        shows = shows if found["unchanged"] else "change"
        paths.append(folder / f"check_{group}.png")
        columns = min(3, len(done))
        rows = -(-len(done) // columns)
        room = PUBLISHED_ROOM if "boost_across" in done and shows == "accuracy" else 0
        with figure(paths[-1], max(4.6, 3.6 * columns) + room, 3.5 * rows, title) as drawing:
            panels = list(drawing.subplots(rows, columns, squeeze=False, sharey=shows == "accuracy").flat)
            for axes, (name, check) in zip(panels, done.items(), strict=False):
                _panel(axes, name, check, found["unchanged"], shows)
            for axes in panels[len(done) :]:
                axes.remove()
    return paths


def _panel(axes: Axes, name: str, check: Mapping[str, Any], before: Mapping[str, Any], shows: str) -> None:
    points = check["points"]
    x = np.array([point["strength"] for point in points])
    label = check["axis"].replace("beta", r"$\beta$")
    if name in SAFETY:
        if not (x > 0).all():
            x, label = np.where(x > 0, x, x[x > 0].min() / 10), f"{label}, 0 at the left"
        axes.set_xscale("log")
    axes.set_xlabel(label, fontsize=9 if len(label) > 30 else None)
    axes.set_title(check["what"], fontsize=9)
    if shows == "change":
        _changes(axes, x, points, "change of a score" if before else "change / spread of the outputs")
        return
    if name == "boost_across" and shows == "accuracy":
        _published(axes)
    key = shows if shows == "accuracy" else f"{shows}_change"
    y, error = (np.array([point[f"{key}{end}"] for point in points], float) for end in ("", "_err"))
    own = (before[shows], before[f"{shows}_err"] or 0) if shows == "accuracy" else (0, 0)
    x, y, error = np.append(0, x), np.append(own[0], y), np.nan_to_num(np.append(own[1], error))
    order = np.argsort(x)
    x, y, error = x[order], y[order], error[order]
    axes.axhline(own[0], color="0.6", linewidth=0.9, linestyle=":")
    axes.plot(x, y, "o-", color=COLOURS[0], markersize=4, label="this run", zorder=3)
    axes.fill_between(x, y - error, y + error, color=COLOURS[0], alpha=0.25, linewidth=0, zorder=2)
    axes.set_ylabel({"accuracy": "accuracy", "auc": f"AUC $-$ {before.get('auc', 0):.3f}"}[shows])
    if name == "boost_across" and shows == "accuracy":
        axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), title=SOURCE, alignment="left", borderaxespad=0)


def _changes(axes: Axes, x: np.ndarray, points: list[dict[str, Any]], what: str) -> None:
    """The largest and the mean change, over at least two decades."""
    seen = []
    for k, (bits, kind, style) in enumerate(((32, "largest", "o-"), (32, "mean", "o--"), (64, "largest", "s:"))):
        seen.append(np.maximum([point[f"{kind}_change_float{bits}"] for point in points], SMALLEST))
        axes.plot(x, seen[-1], style, color=COLOURS[k], markersize=4, label=f"{kind}, float{bits}")
    axes.set_yscale("log")
    axes.set(ylabel=what, ylim=(min(np.min(seen) / 3, np.max(seen) / 100), 3 * np.max(seen)))
    axes.legend(loc="best", fontsize=8)


def _published(axes: Axes) -> None:
    beta, taggers = boosted_top_taggers()
    for k, (tagger, accuracy) in enumerate(taggers.items()):
        axes.plot(beta, accuracy, color=COLOURS[(k + 1) % len(COLOURS)], linewidth=0.9, alpha=0.8, label=tagger)


def gradients(path: Path, rows: list[dict[str, float]], own: tuple[int, int], title: str) -> None:
    """Draw variances of gradients against the number of qubits, or of layers where the qubits are fixed.

    Parameters
    ----------
    rows : with n_qubits, n_layers, and variance_local and variance_global with their errors.
    own : qubits and layers of the circuit of the run, which is marked.
    """
    resizes = len({row["n_qubits"] for row in rows}) > 1
    x, curve = ("n_qubits", "n_layers") if resizes else ("n_layers", "n_qubits")
    names = {"n_qubits": "qubits", "n_layers": "layers"}
    kinds = {"local": r"local: $\langle Z_0\rangle$", "global": r"global: $\langle Z_0 \cdots Z_{n-1}\rangle$"}
    with figure(path, 7.6, 3.8, title) as drawing:
        for axes, (kind, about) in zip(drawing.subplots(1, 2, sharey=True), kinds.items(), strict=True):
            for k, value in enumerate(sorted({row[curve] for row in rows})):
                these = [row for row in rows if row[curve] == value]
                places, y, error = (
                    np.array([row[key] for row in these]) for key in (x, f"variance_{kind}", f"variance_{kind}_err")
                )
                label, colour = f"{value} {names[curve][: -1 if value == 1 else None]}", COLOURS[k % len(COLOURS)]
                axes.errorbar(places, np.maximum(y, SMALLEST), error, fmt="o-", markersize=4, color=colour, label=label)
                at = [
                    row[x] == own[names[x] == "layers"] and row[curve] == own[names[curve] == "layers"] for row in these
                ]
                if any(at):
                    axes.plot(places[at], y[at], "*", color="black", markersize=11, zorder=4, label="this run")
            axes.set_yscale("log")
            axes.set(xlabel=names[x])
            axes.set_title(about, fontsize=9)
        drawing.axes[0].set_ylabel("variance of a derivative")
        drawing.axes[1].legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0)


def two_samples(path: Path, auc: float, null: np.ndarray, title: str) -> None:
    """Draw the AUC of a two-sample test beside those of its permutations (k,)."""
    with figure(path, 4.6, 3.4, title) as drawing:
        axes = drawing.subplots()
        axes.hist(null, bins=12, color=COLOURS[4], alpha=0.7, label="null: permutations")
        axes.axvline(auc, color=COLOURS[1], label=f"moved against not: {auc:.3f}")
        axes.axvline(0.5, color="0.4", linestyle=":", linewidth=1, label="chance")
        axes.set(xlabel="AUC", ylabel="permutations")
        legend_above(axes)
