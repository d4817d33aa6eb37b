"""Examples of each class: the first ones in the store, not selected by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.data.pictures.view import View
from hepexp.data.store.store import Store
from hepexp.figures import figure

_COLUMNS = 5  # columns of classes, if there are many
_A_CLASS = 4  # examples per class, if there are few


def draw_examples(path: Path, view: View, store: Store, rows: dict[str, NDArray[np.int64]], noun: str) -> None:
    """Draw the first examples of each class, from the given rows of the store.

    Each row of panels is a class, or a channel if an example has several; with many classes, each column is a class.
    """
    names = list(rows)
    if view.panels > 1:
        chosen = [(name, i) for name in names for i in range(max(1, _A_CLASS // len(names)))]
        columns = len(chosen)
    elif len(names) <= _A_CLASS:
        chosen, columns = [(name, i) for name in names for i in range(_A_CLASS)], _A_CLASS
    else:
        blocks = [names[start : start + _COLUMNS] for start in range(0, len(names), _COLUMNS)]
        chosen, columns = [(name, i) for block in blocks for i in range(2) for name in block], _COLUMNS
    chosen = [(name, i) for name, i in chosen if i < len(rows[name])]
    examples = store.take([rows[name][i] for name, i in chosen])
    lines = -(-len(chosen) // columns)
    with figure(path, 12, 0.9 + 11 / columns * lines * view.panels, f"the first {noun}s of each class") as drawing:
        drawing.set_layout_engine("compressed")  # the panels keep their shape
        grid = drawing.subplots(lines * view.panels, columns, squeeze=False)
        for panel in range(view.panels):
            places = list(grid[panel * lines : (panel + 1) * lines].flat)
            for axes in places[len(chosen) :]:
                axes.set_visible(False)
            view.draw(places[: len(chosen)], examples, panel)
            if panel == 0:
                for axes, (name, _) in zip(places, chosen, strict=False):
                    axes.set_title(name, fontsize=10)
        view.legend(drawing, examples)
