"""How figures look: one column of a paper wide, ticks inside, colours that colour-blind readers tell apart.

References
----------
Colours: M. Petroff, "Accessible color sequences for data visualization", arXiv:2107.02270.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hepexp.atomic import atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = (
    "#3f90da",
    "#bd1f01",
    "#ffa90e",
    "#832db6",
    "#94a4a2",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)

STYLE = {
    "font.size": 10,
    "axes.labelsize": 11,
    "axes.linewidth": 0.9,
    "legend.fontsize": 9,
    "legend.title_fontsize": 9,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "xtick.minor.visible": True,
    "ytick.minor.visible": True,
    "xtick.major.size": 6,
    "ytick.major.size": 6,
    "xtick.minor.size": 3,
    "xtick.major.pad": 5,  # else the two zeros of the origin touch
    "ytick.major.pad": 5,
    "ytick.minor.size": 3,
    "savefig.dpi": 200,
}


@contextmanager
def figure(path: Path | str, width: float = 5.0, height: float = 4.2) -> Iterator[Figure]:
    """Give an empty figure (inches), and save it when the block ends well: as PNG, or in the format of the ending.

    Without pyplot, hence without a display, global state or figures that stay in memory.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        drawing = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(drawing)
        yield drawing
        with atomic(path) as temporary:
            drawing.savefig(temporary, format=Path(path).suffix.removeprefix(".") or "png")


def class_name(class_names: tuple[str, ...], c: int) -> str:
    return class_names[c] if c < len(class_names) else f"class {c}"
