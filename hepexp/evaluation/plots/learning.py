"""Training curves, epoch by epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hepexp.config.metrics import find
from hepexp.figures import COLOURS, figure, legend_above

FIRST, LAST = "loss", ("critic_accuracy", "lr")  # metrics of a history row
SPEED = ("examples_per_second", "seconds")
MOST_TERMS, MOST_VALIDATED = 4, 5  # figures beside the loss
SPLITS = {"train": ("training", COLOURS[0]), "val": ("validation", COLOURS[1])}


def learning_curves(path: Path | str, history: list[dict[str, Any]], best_epoch: int | None = None) -> None:
    """Draw loss and its terms, validated figures and learning rate against the epoch, and mark the best epoch.

    Of the figures those are drawn of which higher or lower values are better, first those in tables of runs.

    Parameters
    ----------
    history : one row per epoch: `epoch` (from 1) and any of `train/loss`, `val/loss`, other `val/...`, `train/lr`, and
        `train/...` of the terms of a loss, such as `train/fidelity`.
    best_epoch : the epoch (from 1) of best.ckpt.
    """
    names = (FIRST, *_terms(history), *_validated(history), *LAST)
    shown = [name for name in names if any(f"{s}/{name}" in row for row in history for s in SPLITS)]
    with figure(path, 5.0, 0.7 + 2.1 * len(shown), "training, epoch by epoch") as drawing:
        panels = drawing.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
        for axes, name in zip(panels, shown, strict=True):
            axes.set_yscale("log" if name == "lr" else "linear")
            _draw(axes, history, name, best_epoch)
            metric = find(f"train/{name}")
            axes.set_ylabel(metric.heading if metric else name)
        legend_above(panels[0], 3)
        panels[-1].set_xlabel("epoch")
        drawing.align_ylabels()


def _terms(history: list[dict[str, Any]]) -> list[str]:
    """What the loss has logged of its terms in training, and is not validated."""
    names = dict.fromkeys(key.removeprefix("train/") for row in history for key in row if key.startswith("train/"))
    own = [name for name in names if name not in (FIRST, *LAST, *SPEED) and find(f"train/{name}")]
    return [name for name in own if not any(f"val/{name}" in row for row in history)][:MOST_TERMS]


def _validated(history: list[dict[str, Any]]) -> list[str]:
    """The figures of validation that are drawn beside the loss."""
    names = dict.fromkeys(key.removeprefix("val/") for row in history for key in row if key.startswith("val/"))
    known = {name: found for name in names if name != FIRST and (found := find(f"val/{name}"))}
    ranked = [name for name, metric in known.items() if metric.better != "neither"]
    chosen = sorted(ranked, key=lambda name: not known[name].column)[:MOST_VALIDATED]
    return [name for name in ranked if name in chosen]


def _draw(axes, history: list[dict[str, Any]], name: str, best_epoch: int | None) -> None:
    from matplotlib.ticker import MaxNLocator

    for split, (text, colour) in SPLITS.items():
        rows = [row for row in history if row.get(f"{split}/{name}") is not None]
        if rows:
            epoch = [row["epoch"] for row in rows]
            colour = "0.3" if name == "lr" else colour
            axes.plot(epoch, [row[f"{split}/{name}"] for row in rows], "o-", color=colour, markersize=3, label=text)
    if best_epoch is not None:
        axes.axvline(best_epoch, color="0.4", linestyle="--", linewidth=1, label=f"best: epoch {best_epoch}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.tick_params(axis="x", which="minor", bottom=False, top=False)  # no ticks at half epochs
