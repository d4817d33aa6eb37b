"""The figures of a data set, and a self-contained HTML page with all of them."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from types import MappingProxyType

import numpy as np

from hepexp.atomic import write_text
from hepexp.data.dataset_info import DatasetInfo
from hepexp.data.loading.split_store import SplitStore
from hepexp.data.pictures.distributions import draw_distributions
from hepexp.data.pictures.drawing import Drawing
from hepexp.data.pictures.examples import draw_examples
from hepexp.data.pictures.means import draw_means
from hepexp.data.pictures.quantities import quantities_of
from hepexp.figures import about

MOST = 20_000  # largest number of examples per class in means and distributions

_PAGE = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; max-width: 1250px; margin: 2em auto; padding: 0 1em; color: #222 }}
h1 {{ margin-bottom: 0 }} h2 {{ margin-top: 2em }} img {{ width: 100%; height: auto }}
p.origin {{ background: #f3f3f3; padding: .6em 1em; border-left: 4px solid #bd1f01 }}
td, th {{ padding: .15em 1.2em .15em 0; text-align: left; vertical-align: top }} th {{ white-space: nowrap }}
div.wide {{ overflow-x: auto }} table {{ font-variant-numeric: tabular-nums }}
</style></head><body>
<h1>{title}</h1><p>{about}</p><p class="origin">{origin}</p>
<div class="wide">{facts}</div>
{figures}
<h2>Mean values for each class</h2><div class="wide">{means}</div>
</body></html>
"""


def write_page(
    folder: Path,
    info: DatasetInfo,
    drawing: Drawing,
    split_store: SplitStore,
    facts: Sequence[Sequence[str]],
    means: Sequence[Sequence[str]],
    more: Mapping[str, str] = MappingProxyType({}),
) -> Path:
    """Write means.png, examples.png and distributions.png to a folder, and index.html, which contains all three.

    Where a data set has no view, only distributions.png is drawn.

    Parameters
    ----------
    facts : name and text of each fact listed on the page.
    means : a table, header first.
    more : further pictures that are in the folder, name without suffix: title.

    Returns
    -------
    The path of index.html.
    """
    store, rows = split_store.store, {}
    for label in np.unique(store.label):
        mine = np.flatnonzero(store.label == label)
        rows[info.classes[label]] = mine[np.linspace(0, len(mine) - 1, min(len(mine), MOST)).astype(np.int64)]
    values = {name: quantities_of(store, drawing.quantities, mine) for name, mine in rows.items()}
    figures = {
        "means": f"Mean of the {info.noun}s of each class",
        "examples": f"The first {info.noun}s of each class",
        "distributions": "Distributions",
        **more,
    }
    with about(f"{info.name}: {split_store.origin}"):
        if drawing.view is None:
            del figures["means"], figures["examples"]
        else:
            draw_means(folder / "means.png", drawing.view, store, rows, info.noun)
            draw_examples(folder / "examples.png", drawing.view, store, rows, info.noun)
        draw_distributions(folder / "distributions.png", values, info.noun)
    shown = [
        f'<h2>{escape(title)}</h2><img alt="{escape(title)}" src="data:image/png;base64,{_encoded(folder / name)}">'
        for name, title in ((f"{name}.png", title) for name, title in figures.items())
    ]
    page = folder / "index.html"
    write_text(
        page,
        _PAGE.format(
            title=escape(info.name),
            about=escape(info.about),
            origin=escape(split_store.origin),
            facts=_table([[f"{name}", text] for name, text in facts]),
            figures="\n".join(shown),
            means=_table(means[1:], means[0]),
        ),
    )
    return page


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def _table(rows: Sequence[Sequence[str]], header: Sequence[str] = ()) -> str:
    top = f"<tr>{''.join(f'<th>{escape(text)}</th>' for text in header)}</tr>" if header else ""
    lines = (
        f"<tr><th>{escape(first)}</th>{''.join(f'<td>{escape(text)}</td>' for text in rest)}</tr>"
        for first, *rest in rows
    )
    return f"<table>{top}{''.join(lines)}</table>"
