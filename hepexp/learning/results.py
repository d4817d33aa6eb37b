"""What a finished training leaves and shows: metrics, predictions, figures, and the table beside published figures."""

from __future__ import annotations

import logging
from typing import Any

from omegaconf import DictConfig

from hepexp.config.metrics import undeclared
from hepexp.console import PlainConsole
from hepexp.console import console as stdout
from hepexp.evaluation import published_figures
from hepexp.evaluation.evaluators.evaluator import named
from hepexp.evaluation.predictions import write_predictions
from hepexp.evaluation.tables import metrics_table, notes
from hepexp.learning.components import Components
from hepexp.learning.cost import cost
from hepexp.learning.description import compared_with
from hepexp.learning.figures import draw_figures
from hepexp.learning.fit import Fitted
from hepexp.metric import Metric
from hepexp.tracking.run_folder import RunFolder

log = logging.getLogger("hepexp")
METRICS = (
    Metric(
        "train/epochs",
        "neither",
        "epochs",
        "Number of epochs trained.",
        range="0 to trainer.max_epochs",
        no_error="a count",
        whole=True,
    ),
    Metric(
        "train/best_epoch",
        "neither",
        "best epoch",
        "The epoch of best.ckpt, which is tested: the best by the metric that the loss monitors. Counted from 1.",
        range="1 to train/epochs",
        no_error="a count",
        undefined="nothing was trained",
        whole=True,
    ),
    Metric(
        "data/source",
        "neither",
        "source",
        "Where the examples come from: full (published files), mini (shipped sample) or generate (simulated here).",
        range="full, mini or generate; none where no data are read",
        no_error="a word",
    ),
)


def write_results(
    config: DictConfig, components: Components, folder: RunFolder, fitted: Fitted, source: str
) -> dict[str, Any]:
    """predictions.parquet, figures and metrics.json."""
    evaluator = components.module.objective.evaluator
    figures = evaluator.final(fitted.outputs, seed=config.seed)
    if doubt := evaluator.doubt(figures):
        log.warning("test: %s", doubt)
    seconds = sum(row["train/seconds"] for row in fitted.history.rows)
    best = next((row for row in fitted.history.rows if row["epoch"] == fitted.best_epoch), {})
    metrics = {
        **named("test", figures),
        **named("val", {name: value for name, value in best.items() if name.startswith("val/")}),
        **cost(components, seconds),
        "train/examples_per_second": fitted.history.examples_per_second,
        "train/seconds": seconds,
        "train/epochs": len(fitted.history.rows),
        "train/best_epoch": fitted.best_epoch,
        "data/source": source,
    }
    folder.write_json("history.json", fitted.history.rows)
    class_names = components.data.spec.class_names
    write_predictions(folder.predictions, evaluator.predictions(fitted.outputs, class_names))
    if components.module.generation is not None:
        components.module.generation.write(folder.samples, folder.label)
    draw_figures(config, components, folder, fitted)
    for key in undeclared(metrics, config.loss._target_):
        log.warning(
            "%s is not declared, so tables and sweeps do not know what it is: add a Metric to the metrics of %s",
            key,
            type(evaluator).__name__,
        )
    folder.write_json("metrics.json", metrics)
    return metrics


def show_results(config: DictConfig, folder: RunFolder, metrics: dict[str, Any], fitted: Fitted) -> None:
    """The table of metrics, with published figures beside ours, and where the record is."""
    known, conditions = compared_with(folder)
    beside = published_figures.beside(metrics, known, conditions)
    said = [*notes(metrics, config.loss._target_), *published_figures.notes(known, conditions)]
    stdout().print(metrics_table(metrics, beside, notes=said))
    PlainConsole(stderr=True).print(f"record  {folder.path}\nfinished: {fitted.ending}", soft_wrap=True)
