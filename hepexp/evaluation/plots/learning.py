"""Training curves, epoch by epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hepexp.config.metrics import find
from hepexp.figures import COLOURS, figure, legend_above

PANELS = ("loss", "auc", "critic_accuracy", "lr")  # metrics of a history row
SPLITS = {"train": ("training", COLOURS[0]), "val": ("validation", COLOURS[1])}


def learning_curves(path: Path | str, history: list[dict[str, Any]], best_epoch: int | None = None) -> None:
    """Draw loss, AUC and learning rate against the epoch, where the history has them, and mark the best epoch.

    Parameters
    ----------
    history : one row per epoch: `epoch` (from 1) and any of `train/loss`, `val/loss`, `train/auc`, `val/auc`,
        `train/lr`.
    best_epoch : the epoch (from 1) of best.ckpt.
    """
    shown = [name for name in PANELS if any(f"{s}/{name}" in row for row in history for s in SPLITS)]
    with figure(path, 5.0, 0.7 + 2.1 * len(shown), "training, epoch by epoch") as drawing:
        panels = drawing.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
        for axes, name in zip(panels, shown, strict=True):
            _draw(axes, history, name, best_epoch)
            axes.set_ylabel(find(f"train/{name}").heading)
            if name == "lr":
                axes.set_yscale("log")
        legend_above(panels[0], 3)
        panels[-1].set_xlabel("epoch")
        drawing.align_ylabels()


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
