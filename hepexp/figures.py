"""How figures look: one column wide, ticks inside, a title, colours that colour-blind readers can tell apart.

References
----------
Colours: M. Petroff, "Accessible color sequences for data visualization", arXiv:2107.02270.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hepexp.atomic import atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.typing import RcKeyType

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

STYLE: dict[RcKeyType, Any] = {
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
    "xtick.major.pad": 5,  # otherwise the two zeros at the origin touch
    "ytick.major.pad": 5,
    "ytick.minor.size": 3,
    "savefig.dpi": 200,
}


TITLE = 9  # points
LETTER = 0.072  # average width of a letter of that size, in inches
_sample: ContextVar[str] = ContextVar("sample", default="")


@contextmanager
def about(sample: str) -> Iterator[None]:
    """Every figure drawn in the block says below its title what it shows: the task, the data, and how many examples."""
    token = _sample.set(sample)
    try:
        yield
    finally:
        _sample.reset(token)


@contextmanager
def figure(path: Path | str, width: float = 5.0, height: float = 4.2, title: str = "") -> Iterator[Figure]:
    """Yield an empty figure (sizes in inches); save it if the block succeeds, as PNG or in the format of the suffix.

    Without pyplot, hence without a display or figures that stay in memory. Title and sample (see `about`) get extra
    room above the given height.

    Parameters
    ----------
    title : what is shown.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        lines = [line for text in (title, _sample.get()) for line in textwrap.wrap(text, max(20, int(width / LETTER)))]
        drawing = Figure(figsize=(width, height + 0.17 * len(lines)), layout="constrained")
        FigureCanvasAgg(drawing)
        if lines:
            drawing.suptitle("\n".join(lines), fontsize=TITLE)
        yield drawing
        _show_as_written(drawing)
        with atomic(path) as temporary:
            drawing.savefig(temporary, format=Path(path).suffix.removeprefix(".") or "png")


def _show_as_written(drawing: Figure) -> None:
    """Show names with `$` that are no LaTeX, such as those of a user's classes, as they are."""
    from matplotlib.mathtext import MathTextParser
    from matplotlib.text import Text

    for text in drawing.findobj(Text):
        if "$" in text.get_text():
            try:
                MathTextParser("agg").parse(text.get_text())
            except ValueError:
                text.set_parse_math(False)


def legend_above(axes: Axes, columns: int = 2) -> None:
    """The legend between title and axes, where it does not hide anything; none where nothing has a label."""
    if not axes.get_legend_handles_labels()[0]:
        return
    axes.legend(
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=columns,
        columnspacing=1.2,
        handlelength=1.5,
        borderaxespad=0.2,
    )


def class_name(class_names: tuple[str, ...], c: int) -> str:
    return class_names[c] if c < len(class_names) else f"class {c}"
