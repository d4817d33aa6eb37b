"""hepexp predict: score the examples in a file with a trained run."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from pathlib import Path

from hepexp.cli.output_files import add_overwrite, check_target, writing
from hepexp.cli.parser import Parser
from hepexp.errors import ConfigError

DESCRIPTION = """\
Score the jets or images in a file with a trained run. The file may be in the data set's published format or in
hepexp's own.

  hepexp predict latest --input jets.npz --out scores.parquet"""


def main(args: list[str]) -> int:
    parser = Parser(prog="hepexp predict", description=DESCRIPTION, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN", help="a run folder, an MLflow run id, models:/NAME@ALIAS, or latest")
    parser.add_argument("changes", metavar="KEY=VALUE", nargs="*", help="changes to data.KEY or trainer.KEY")
    parser.add_argument("--input", type=Path, required=True, help="file to score")
    parser.add_argument(
        "--out", type=Path, required=True, help="parquet file of index, label (if known), score per class"
    )
    parser.add_argument("--checkpoint", default="best", help="best (default), last, or a file")
    add_overwrite(parser)
    options = parser.parse_intermixed_args(args)
    if options.out.suffix != ".parquet":
        raise ConfigError(f"--out must be a .parquet file, got {options.out}")

    from hepexp.config.record import with_changes
    from hepexp.data.find import data_sets, find_info
    from hepexp.data.formats.open_file import is_readable
    from hepexp.tracking.run_folder import RunFolder

    folder = RunFolder.find(options.run)
    config = with_changes(folder.config, options.changes, ("dataset", "trainer"))
    if not options.input.is_file():
        state = "is not a file" if options.input.exists() else "does not exist"
        raise ConfigError(f"--input {options.input} {state}; expected a file of {folder.config.choices.dataset}")
    info = find_info(config.choices.dataset) if config.choices.dataset in data_sets() else None
    if info is not None and not is_readable(info, options.input):
        known = ", ".join(dict.fromkeys((*info.readers, ".arrow", ".parquet")))
        raise ConfigError(f"--input {options.input}: unknown format '{options.input.suffix}'; expected one of {known}")
    check_target(options.out, "--out", options.overwrite, [options.input, folder.predictions])

    from hepexp.evaluation.predictions import without_unknown_labels, write_predictions
    from hepexp.learning.trained import predict, rebuild

    components = rebuild(folder, config, options.checkpoint)
    columns = predict(components, components.data.loader_of_file(options.input))
    table = components.module.objective.evaluator.predictions(columns, components.data.spec.class_names)
    with writing(options.out):
        write_predictions(options.out, without_unknown_labels(table))
    print(f"{len(columns['index']):,} {components.noun}s of {options.input} scored by {folder.label}: {options.out}")
    return 0
