"""One self-contained HTML page about a run, or about all runs of an experiment."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hepexp import regular_file
from hepexp.atomic import write_text
from hepexp.compare.groups import Group
from hepexp.compare.overlay import overlay
from hepexp.compare.record import Record
from hepexp.compare.table import Table
from hepexp.errors import HepexpError
from hepexp.evaluation import published_figures
from hepexp.evaluation.tables import meanings, metric_rows, notes
from hepexp.tracking.lookup import label

WIDE, FEW = 11, 4  # a table with more columns than WIDE is transposed if it has at most FEW rows
TEMPLATE = Path(__file__).with_name("report.html")


def write_report(path: Path, title: str, tables: Sequence[Table], left_out: Mapping[Path, str] | None = None) -> None:
    """Write the page, whole or not at all; figures are embedded, so the file opens anywhere.

    Parameters
    ----------
    tables : the runs, one table per test set; a single run gets no comparison.
    left_out : runs that could not be read, and why.

    Raises
    ------
    HepexpError : the page cannot be written there.
    """
    import jinja2

    records = [record for table in tables for group in table.groups for record in (*group.records, *group.repeats)]
    template = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        TEMPLATE.read_text(encoding="utf-8")
    )
    page = template.render(
        title=title,
        compared=[_compared(table) for table in tables] if len(records) > 1 else [],
        left_out={label(folder): fault for folder, fault in (left_out or {}).items()},
        runs=[_run(record) for record in records],
    )
    try:
        write_text(path, page)
    except OSError as error:
        raise HepexpError(f"{path} cannot be written: {error.strerror}; --out FILE puts it elsewhere") from error


def _compared(table: Table) -> dict[str, Any]:
    """A table of runs that may be compared; one with few rows and many columns is transposed, as the page is narrow."""
    header, rows = table.cells()
    if len(header) > WIDE and len(rows) <= FEW:
        header, *rows = map(list, zip(header, *rows, strict=True))
    several = len(table.groups) > 1 or any(len(group.records) > 1 for group in table.groups)
    overlay = _overlay(table.groups) if several else None
    return {"title": table.title, "header": header, "rows": rows, "captions": table.below, "overlay": overlay}


def _run(record: Record) -> dict[str, Any]:
    """What the page says about one run."""
    environment = record.folder.environment
    git, hardware, data = (environment.get(key) or {} for key in ("git", "hardware", "data"))
    facts = {
        "command": environment.get("command"),
        "time": environment.get("time"),
        "git": f"{git['sha']}{' with uncommitted changes' if git.get('dirty') else ''}" if git.get("sha") else None,
        "hardware": _hardware(hardware),
        "platform": environment.get("platform"),
        "python": environment.get("python"),
        "data": f"{record.choices['dataset']}, source {data.get('source')}",
        "simulated": "yes" if data.get("simulated") else None,
        "examples": ", ".join(
            f"{data[key]:,} {key[2:]}" for key in ("n_train", "n_val", "n_test") if data.get(key) is not None
        ),
        "made by": data.get("how"),
    }
    loss = record.config.get("loss._target_")
    return {
        "label": record.folder.label,
        "facts": {key: value for key, value in facts.items() if value},
        "metrics": _metrics(record),
        "has_published": bool(record.expected),
        "notes": [*notes(record.metrics, loss), *published_figures.notes(record.expected, record.conditions)],
        "meanings": meanings(record.metrics, loss),
        "figures": [_figure(path) for path in _own_plots(record)],
        "files": [(f.get("name"), f.get("bytes"), f.get("sha256")) for f in data.get("files", [])],
        "config": (record.path / "config.yaml").read_text(encoding="utf-8"),
        "packages": environment.get("packages", {}),
    }


def _hardware(hardware: dict[str, Any]) -> str:
    parts = [
        f"{hardware.get('cores')} cores",
        hardware.get("cpu"),
        *[gpu["name"] for gpu in hardware.get("gpus") or []],
    ]
    return ", ".join(part for part in parts if part)


def _metrics(record: Record) -> list[list[str]]:
    """Name and value with error of each metric, and where the task has them the expected figure and the difference."""
    return metric_rows(record.metrics, published_figures.beside(record.metrics, record.expected, record.conditions))


def _own_plots(record: Record) -> list[Path]:
    """The plots of a run; a link that leads out of its folder is not followed, as the page may be passed on."""
    found = sorted((record.path / "plots").glob("[!.]*.png"))
    return [path for path in found if regular_file.is_within(path, record.path)]


def _figure(path: Path) -> tuple[str, str]:
    """Its name in words, and the picture as a data URL."""
    content = base64.b64encode(path.read_bytes()).decode()
    return path.stem.replace("_", " "), f"data:image/png;base64,{content}"


def _overlay(groups: Sequence[Group]) -> str | None:
    """All groups in one figure; None where they cannot be drawn together."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "overlay.png"
        try:
            overlay(path, groups)
        except HepexpError:  # other kinds of predictions, or too many settings for one figure: the table is enough
            return None
        return _figure(path)[1]
