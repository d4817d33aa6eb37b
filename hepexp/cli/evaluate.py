"""hepexp evaluate: test trained runs again, on any split or source of their data set."""

from __future__ import annotations

import logging
import os
from argparse import Namespace, RawDescriptionHelpFormatter
from pathlib import Path

from hepexp.cli.members import add_calibration, add_laplace, add_runs, ensemble
from hepexp.cli.output_files import add_overwrite, check_folder
from hepexp.cli.parser import Parser
from hepexp.errors import ConfigError
from hepexp.spelling import visible
from hepexp.splits import SPLITS

log = logging.getLogger(__name__)

DESCRIPTION = """\
Evaluate a trained run: metrics with errors, next to those that the run recorded. Of several runs, an ensemble: the
figures of their mean prediction, next to the mean of their own.

  hepexp evaluate latest
  hepexp evaluate runs/hepexp/2026-01-31_12-00-00_lorentznet_qg --split val
  hepexp evaluate latest data.source=full --out evaluated/
  hepexp evaluate latest 'evaluation.working_points=[0.8]' 'evaluation.metrics=[calibration_error]'
  hepexp evaluate latest --calibrate --conformal 0.9 --out calibrated/
  hepexp evaluate latest --laplace
  hepexp evaluate latest --shift p4.scale=1.01,0.99 --shift p4.smear=0.05 --out shifted/
  hepexp evaluate RUN1 RUN2 RUN3 --out ensemble/"""

_WRITTEN = ("metrics.json", "predictions.parquet", "samples.parquet", "plots", "shifts.json", "templates.json")


def main(args: list[str]) -> int:
    options = _parsed(args)
    folders, configs = ensemble(options.words, ("dataset", "trainer", "evaluation"))
    if options.out:
        for folder in folders:
            if os.path.realpath(options.out) == os.path.realpath(folder.path):
                raise ConfigError(f"--out {options.out} is the run's own folder; choose another")
        check_folder(options.out, "--out", options.overwrite, _WRITTEN)

    from hepexp.console import console
    from hepexp.data.transforms.shift import Shift
    from hepexp.evaluation.evaluators.evaluator import named
    from hepexp.evaluation.tables import metrics_table, notes
    from hepexp.learning.calibration import Calibration
    from hepexp.learning.judged import Judged, beside_recorded, beside_runs
    from hepexp.learning.scorer import Scorer
    from hepexp.learning.shifts import Shifted
    from hepexp.learning.trained import same_seed

    shifts = [shift for text in options.shift for shift in Shift.read(text)]
    calibration = Calibration(options.calibrate, options.conformal, options.conformal_score)
    scorer = Scorer(folders, configs, options.checkpoint, laplace=options.laplace)
    for folder, config, member in zip(folders, configs, scorer.members, strict=True):
        if warning := same_seed(folder, config.dataset, member.data.provenance):
            log.warning("%s", warning)
    unseen = [name for text in options.unseen for name in text.split(",")]
    scorer.check(shifts, unseen)
    judged = Judged(scorer, configs[0], options.split, calibration)
    judged.add_unseen(unseen)
    if doubt := judged.evaluator.doubt(judged.figures):
        log.warning("%s: %s", options.split, doubt)
    metrics = named(options.split, judged.figures)
    metrics["data/source"] = scorer.first.data.provenance()["source"]
    if options.calibrate:
        reference, beside = "uncalibrated", judged.beside_uncalibrated(metrics)
    elif len(folders) > 1:
        reference, beside = "single runs", beside_runs(judged, metrics)
    else:
        reference, beside = "recorded", beside_recorded(folders[0], metrics)
    said = notes(metrics, configs[0].loss._target_)
    console().print(metrics_table(metrics, beside, title=scorer.label, reference=reference, notes=said))
    if shifts:
        shifted = Shifted(scorer, shifts, options.split, calibration)
        changes = shifted.changes(judged.evaluator, judged.outputs, configs[0].seed)
        console().print(shifted.table(changes, options.split))
    if options.out:
        judged.write(options.out, metrics)
        if shifts:
            with judged.about():
                shifted.write(options.out, changes, judged.outputs, scorer.first.data.spec.class_names)
        print(visible(f"written to {options.out}"))
    return 0


def _parsed(args: list[str]) -> Namespace:
    parser = Parser(prog="hepexp evaluate", description=DESCRIPTION, formatter_class=RawDescriptionHelpFormatter)
    add_runs(parser, "data.KEY, trainer.KEY or evaluation.KEY")
    parser.add_argument("--split", choices=SPLITS, default="test", help="default: test")
    parser.add_argument("--checkpoint", default="best", help="best (default), last, or a file")
    add_calibration(parser)
    parser.add_argument(
        "--shift",
        action="append",
        default=[],
        metavar="COLUMN.OPERATION=UP,DOWN",
        help="systematic shift: the change of every figure, and with --out templates of the scores; p4.scale=1.01,0.99,"
        " p4.smear=0.05, p4.drop=0.02, or a stored column: scale, add, smear; may be repeated",
    )
    parser.add_argument(
        "--unseen",
        action="append",
        default=[],
        metavar="CLASS",
        help="a class that data.classes left out of the training: how well doubt tells it from those that were in it",
    )
    parser.add_argument("--out", type=Path, help="folder for metrics.json, predictions.parquet and plots/")
    add_laplace(parser)
    add_overwrite(parser)
    return parser.parse_intermixed_args(args)
