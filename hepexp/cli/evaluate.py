"""hepexp evaluate: test a trained run again, on any split or source of its data set."""

from __future__ import annotations

import logging
from argparse import RawDescriptionHelpFormatter
from pathlib import Path

from hepexp.cli.output_files import add_overwrite, check_folder
from hepexp.cli.parser import Parser
from hepexp.errors import ConfigError
from hepexp.spelling import visible

log = logging.getLogger(__name__)

DESCRIPTION = """\
Evaluate a trained run: metrics with errors, next to those that the run recorded.

  hepexp evaluate latest
  hepexp evaluate runs/hepexp/2026-01-31_12-00-00_lorentznet_qg --split val
  hepexp evaluate latest data.source=full --out evaluated/
  hepexp evaluate latest 'evaluation.working_points=[0.8]' 'evaluation.metrics=[calibration_error]'"""


def main(args: list[str]) -> int:
    parser = Parser(prog="hepexp evaluate", description=DESCRIPTION, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN", help="a run folder, an MLflow run id, models:/NAME@ALIAS, or latest")
    parser.add_argument(
        "changes", metavar="KEY=VALUE", nargs="*", help="changes to data.KEY, trainer.KEY or evaluation.KEY"
    )
    parser.add_argument("--split", choices=("train", "val", "test"), default="test", help="default: test")
    parser.add_argument("--checkpoint", default="best", help="best (default), last, or a file")
    parser.add_argument("--out", type=Path, help="folder for metrics.json, predictions.parquet and plots/")
    add_overwrite(parser)
    options = parser.parse_intermixed_args(args)

    from hepexp.config.record import with_changes
    from hepexp.tracking.run_folder import RunFolder

    folder = RunFolder.find(options.run)
    config = with_changes(folder.config, options.changes, ("dataset", "trainer", "evaluation"))
    if options.out:
        if options.out.resolve() == folder.path.resolve():
            raise ConfigError(f"--out {options.out} is the run's own folder; choose another")
        check_folder(options.out, "--out", options.overwrite, ("metrics.json", "predictions.parquet", "plots"))

    from hepexp.atomic import write_json
    from hepexp.console import console
    from hepexp.evaluation.evaluators.evaluator import named
    from hepexp.evaluation.predictions import write_predictions
    from hepexp.evaluation.published_figures import recorded
    from hepexp.evaluation.tables import metrics_table, notes
    from hepexp.figures import about
    from hepexp.learning.few_labels import few_label_scores
    from hepexp.learning.figures import sample
    from hepexp.learning.trained import evaluate, rebuild
    from hepexp.metric import is_beside

    components = rebuild(folder, config, options.checkpoint)
    loader = components.data.loader_of(options.split)
    columns = evaluate(components, loader)
    columns |= few_label_scores(components, options.split, columns)
    evaluator = components.module.objective.evaluator
    found = evaluator.final(columns, seed=config.seed)
    if doubt := evaluator.doubt(found):
        log.warning("%s: %s", options.split, doubt)
    metrics = named(options.split, found)
    metrics["data/source"] = components.data.provenance()["source"]
    figures = {key: value for key, value in folder.metrics.items() if key in metrics and not is_beside(key)}
    beside = recorded(metrics, figures)
    said = notes(metrics, config.loss._target_)
    console().print(metrics_table(metrics, beside, title=folder.label, reference="recorded", notes=said))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        write_json(options.out / "metrics.json", metrics)
        class_names = components.data.spec.class_names
        write_predictions(options.out / "predictions.parquet", evaluator.predictions(columns, class_names))
        (options.out / "plots").mkdir(exist_ok=True)
        shown = {{"train": "training", "val": "validation"}.get(options.split, "test"): len(columns["index"])}
        with about(sample(config, components.data.provenance(), components.noun, shown)):
            evaluator.figures(columns, class_names, options.out / "plots", seed=config.seed)
        print(visible(f"written to {options.out}"))
    return 0
