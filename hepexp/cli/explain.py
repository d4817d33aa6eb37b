"""hepexp explain: which particles, pixels or features a trained classifier has decided by."""

from __future__ import annotations

import logging
from argparse import RawDescriptionHelpFormatter
from pathlib import Path

from hepexp.cli.output_files import add_overwrite, folder_to_fill
from hepexp.cli.parser import Parser, at_least
from hepexp.errors import ConfigError
from hepexp.spelling import visible
from hepexp.splits import SPLITS

log = logging.getLogger(__name__)
METHODS = ("lrp", "gradient_input", "integrated_gradients", "attention")  # as in hepexp.explanation, which needs torch
SHOWN = 8  # examples that are drawn

DESCRIPTION = """\
Explain what a trained classifier has decided by: the relevance of each particle, node, pixel or feature, by layer-wise
relevance propagation (with a rule for message passing), gradient x input, or integrated gradients. It writes
explain.json, relevances.parquet and plots/explain_*.png into the run's folder or that of --out, and judges itself: a
deletion curve shows the score as the most relevant elements are removed, beside those of random order and of pT.

  hepexp explain latest
  hepexp explain latest --jet 17
  hepexp explain latest --n 500 --class quark --method integrated_gradients
  hepexp explain latest data.source=full --split val --out explained/"""


def main(args: list[str]) -> int:
    parser = Parser(prog="hepexp explain", description=DESCRIPTION, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN", help="a run folder, an MLflow run id, models:/NAME@ALIAS, or latest")
    parser.add_argument("changes", metavar="KEY=VALUE", nargs="*", help="changes to data.KEY or trainer.KEY")
    parser.add_argument(
        "--jet",
        "--example",
        type=at_least(0),
        dest="jet",
        metavar="K",
        help="explain example K of the split, the row K of predictions.parquet, counted from 0",
    )
    parser.add_argument("--n", type=at_least(1), metavar="N", help="explain N random examples (default: 200)")
    parser.add_argument(
        "--method", choices=METHODS, help="default: lrp, or integrated_gradients where a layer has no rule"
    )
    parser.add_argument(
        "--class",
        dest="target",
        metavar="NAME",
        help="class whose output is explained; default: the one that is predicted for each example",
    )
    parser.add_argument("--split", choices=SPLITS, default="test", help="default: test")
    parser.add_argument("--checkpoint", default="best", help="best (default), last, or a file")
    parser.add_argument("--out", type=Path, help="folder for these files; default: that of the run")
    add_overwrite(parser)
    options = parser.parse_intermixed_args(args)
    if options.jet is not None and options.n is not None:
        raise ConfigError("--jet explains one example and --n several: give one of them")

    from hepexp.config.record import with_changes
    from hepexp.tracking.run_folder import RunFolder

    folder = RunFolder.find(options.run)
    config = with_changes(folder.config, options.changes, ("dataset", "trainer"), folder.path / "config.yaml")
    written = ("explain.json", "relevances.parquet", "plots")
    into = folder_to_fill(folder.path, options.out, options.overwrite, written)

    from hepexp.console import console
    from hepexp.explanation.run import ExplainedRun

    run = ExplainedRun(folder, config, options.checkpoint, options.split, into)
    content = run.explain(options.jet, options.n, options.method, options.target)
    run.draw(SHOWN)
    run.write(content)
    console().print(run.report(content))
    print(visible(f"written to {into}: {', '.join(run.written)}"))
    return 0
