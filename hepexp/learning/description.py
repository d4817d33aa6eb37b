"""The name and the description of a run in the MLflow user interface."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Sequence

from omegaconf import OmegaConf

from hepexp.config import expected
from hepexp.config.content import content_of
from hepexp.evaluation import published_figures
from hepexp.evaluation.published_figures import Conditions
from hepexp.evaluation.tables import markdown_table, meanings, notes
from hepexp.tracking.run_folder import RunFolder

LONGEST_NAME = 120
# MODEL_DATASET is the name of a run that was given none; where a run is recorded is not one of its settings
LEFT_OUT = ("model", "dataset", "experiment")


def run_name(name: str, overrides: Sequence[str]) -> str:
    """The name, and what was typed beside model and data set: `pfn_qg seed=2 lr=0.01`.

    What a multirun or a sweep varies is typed last, but comes first here, as a narrow column shows only the beginning.

    Parameters
    ----------
    name : name of the run; a name given by the user is kept.
    overrides : as typed.
    """
    typed = [override.lstrip("+").partition("=") for override in overrides]
    if any(key == "name" for key, _, _ in typed):
        return name
    settings = [(key, value) for key, _, value in typed if key not in LEFT_OUT and not key.startswith("tracking.")]
    shown = [f"{key.rpartition('.')[2]}={_short(value)}" for key, value in settings]
    return textwrap.shorten(" ".join([name, *reversed(shown)]), LONGEST_NAME, placeholder=" ...")


def description(folder: RunFolder) -> str:
    """Markdown: the command, the location of the record, and the figures beside the published ones with their sources.

    The command is indented, which makes it code; the description column in the table of runs shows only this.
    """
    parts = [f"    hepexp train {shlex.join(folder.overrides)}", f"Record: `{folder.label}`"]
    if folder.metrics:
        known, run = compared_with(folder)
        parts.append(markdown_table(folder.metrics, published_figures.beside(folder.metrics, known, run)))
        loss = OmegaConf.select(folder.config, "loss._target_")
        parts += [*notes(folder.metrics, loss), *published_figures.notes(known, run)]
        parts.append("\n".join(f"- {names}: {meaning}" for names, meaning in meanings(folder.metrics, loss)))
    return "\n\n".join(parts)


def compared_with(folder: RunFolder) -> tuple[expected.Expected, Conditions]:
    """The published figures to compare a run with, and the conditions under which they are comparable."""
    config = content_of(folder.config)
    run = Conditions.of(config, folder.environment, folder.metrics, folder.overrides)
    return expected.recorded(config.get("expected")), run


def _short(value: str) -> str:
    try:
        return value if value.lstrip("-").isdigit() else f"{float(value):.4g}"
    except ValueError:
        return value
