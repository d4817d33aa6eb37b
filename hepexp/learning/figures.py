"""The figures of a run, each with a title that says what it shows and for which data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig

from hepexp.config.content import content_of
from hepexp.config.expected import counted
from hepexp.evaluation.plots import learning_curves
from hepexp.evaluation.published_figures import Conditions
from hepexp.figures import about
from hepexp.learning.components import Components
from hepexp.learning.fit import Fitted
from hepexp.quantum.backend import Backend
from hepexp.tracking.run_folder import RunFolder

_LONGEST = 200  # characters of names in that of a file


def draw_figures(config: DictConfig, components: Components, folder: RunFolder, fitted: Fitted) -> None:
    """Draw the evaluator's figures of the test, the circuits, and the training curves."""
    provenance = components.data.provenance()
    with about(sample(config, provenance, components.noun, {"test": len(fitted.outputs["index"])})):
        components.module.objective.evaluator.figures(
            fitted.outputs, components.data.spec.class_names, folder.plots, seed=config.seed
        )
    with about(_named(config)):
        _draw_circuits(components.backend, folder)
    if fitted.history.rows:
        sizes = {use: provenance[f"n_{split}"] for use, split in (("training", "train"), ("validation", "val"))}
        with about(sample(config, provenance, components.noun, sizes)):
            learning_curves(folder.plots / "learning_curves.png", fitted.history.rows, fitted.best_epoch)


def sample(config: DictConfig, provenance: Mapping[str, Any], noun: str, sizes: Mapping[str, int]) -> str:
    """The line below a figure's title: `qmlhep_2_lorentznet: qg, source mini (simulated), 2,000 test jets`.

    Parameters
    ----------
    config : of the run.
    provenance : of its data set.
    noun : what an example is called.
    sizes : numbers of examples in the figure, by their use.
    """
    if provenance["source"] == "none":  # nothing but the model itself
        return _named(config)
    data = Conditions.of(content_of(config), {"data": provenance}, {}).sample
    *others, (use, n) = sizes.items()
    shown = [f"{size:,} {name}" for name, size in others] + [counted(n, f"{use} {noun}")]
    return f"{_named(config)}: {data}, {' and '.join(shown)}"


def _named(config: DictConfig) -> str:
    return config.choices.get("task") or config.choices.model


def _draw_circuits(backend: Backend, folder: RunFolder) -> None:
    """Each circuit under the name that the model gives it, which is also the name in its metrics where it has any."""
    if not backend.is_quantum:
        return
    for k, (circuit, names) in enumerate(zip(backend.circuits, backend.names, strict=True)):
        from hepexp.quantum import draw  # matplotlib takes a second to import

        joined = "_".join(names) or str(k)
        file = joined if len(joined) <= _LONGEST else f"{joined[:_LONGEST]}_{k}"
        draw.save(circuit, folder.plots / f"circuit_{file}.png", ", ".join(names))
