"""Some examples of each class, the first ones of the store, not chosen by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.data.pictures.view import View
from hepexp.data.store import Store
from hepexp.figures import figure

_COLUMNS = 5  # of classes, where there are many
_A_CLASS = 4  # examples, where there are few


def draw_examples(path: Path, view: View, store: Store, rows: dict[str, NDArray[np.int64]], noun: str) -> None:
    """Draw the first examples of each class at the rows given: a line a class, or where an example is several pictures
    a line a picture, or where classes are many a column a class.
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
            places = grid[panel * lines : (panel + 1) * lines].ravel()
            for axes in places[len(chosen) :]:
                axes.set_visible(False)
            view.draw(places[: len(chosen)], examples, panel)
            if panel == 0:
                for axes, (name, _) in zip(places, chosen, strict=False):
                    axes.set_title(name, fontsize=10)
        view.legend(drawing, examples)
