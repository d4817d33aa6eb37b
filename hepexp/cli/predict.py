"""hepexp predict: score the examples in a file with a trained run."""

from __future__ import annotations

import glob
import logging
import os
from argparse import Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hepexp.cli.members import add_calibration, add_laplace, add_runs, ensemble
from hepexp.cli.output_files import add_overwrite, check_target, writing
from hepexp.cli.parser import Parser
from hepexp.errors import ConfigError
from hepexp.spelling import visible

if TYPE_CHECKING:
    import pyarrow as pa

log = logging.getLogger(__name__)
SUFFIXES = (".parquet", ".h5", ".npz", ".root")  # as in hepexp.evaluation.table_files, which imports pyarrow
DESCRIPTION = """\
Score the jets or images in files with a trained run. A file may be in the data set's published format, in hepexp's own,
or, of a run with data=files, any that has the columns that the model needs. Lists of each example, such as a value for
each particle, are one array of all values and another, NAME_counts, in .h5 and .npz. Several runs are an ensemble: the
scores are the mean of theirs, beside columns spread_CLASS, aleatoric and epistemic.

  hepexp predict latest --input jets.npz --out scores.parquet
  hepexp predict latest --input 'data/*.root' --out scores.root
  hepexp predict latest --input jets.npz --out scores.parquet --calibrate --conformal 0.9
  hepexp predict runs/hepexp/MULTIRUN --input jets.npz --out ensemble.parquet
  hepexp predict jets.onnx --input jets.npz --out scores.parquet      a network that `hepexp export` wrote"""
EXPORTED = ".onnx"
FOR_TORCH = {".pt2": "torch.export.load", ".pt": "torch.jit.load"}  # which reads them


def main(args: list[str]) -> int:
    parser = Parser(prog="hepexp predict", description=DESCRIPTION, formatter_class=RawDescriptionHelpFormatter)
    add_runs(parser, "data.KEY or trainer.KEY")
    parser.add_argument(
        "--input", nargs="+", action="extend", required=True, metavar="FILE", help="files to score, or patterns"
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help=f"file to write, {', '.join(SUFFIXES)}: index, label (if known), score per class, observers; "
        "missing folders are made",
    )
    parser.add_argument("--checkpoint", default="best", help="best (default), last, or a file")
    add_calibration(parser)
    add_laplace(parser)
    add_overwrite(parser)
    options = parser.parse_intermixed_args(args)
    if options.out.suffix not in SUFFIXES:
        raise ConfigError(f"--out must be a {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]} file, got {options.out}")

    from hepexp.evaluation.table_files import TableFile

    scores, n = (_exported if _is_exported(options.words) else _runs)(options), 0
    with TableFile(options.out) as file:
        for path in scores.inputs:
            for table in scores.tables(path):
                with writing(options.out):
                    file.add(_numbered(table, n), f"--input {path}")
                n += len(table)
        with writing(options.out):
            file.finish()
        lacking = file.lacking()
    if lacking:
        log.warning("%s: unknown in these rows of %s", _said(lacking), options.out)
    what = scores.inputs[0] if len(scores.inputs) == 1 else f"{len(scores.inputs)} files"
    print(visible(f"{n:,} {scores.noun}s of {what} scored by {scores.label}: {options.out}"))
    return 0


class _Scores(NamedTuple):
    """What scores files.

    Parameters
    ----------
    label : its name, for messages.
    noun : what an example is called.
    inputs : the files.
    tables : the predictions for the examples of a file, in parts.
    """

    label: str
    noun: str
    inputs: list[Path]
    tables: Callable[[Path], Iterator[pa.Table]]


def _runs(options: Namespace) -> _Scores:
    """The model of a run, or an ensemble of several."""
    folders, configs = ensemble(options.words, ("dataset", "trainer"))
    inputs = _inputs(options, configs[0].choices.dataset, *(folder.predictions for folder in folders))

    from hepexp.learning.calibration import Calibration
    from hepexp.learning.scorer import Scorer

    calibration = Calibration(options.calibrate, options.conformal, options.conformal_score)
    # the curvature needs the training examples, a calibration those of the validation
    to_score = None if options.laplace or calibration else inputs[0]
    scorer = Scorer(folders, configs, options.checkpoint, to_score, laplace=options.laplace)
    components = scorer.first
    evaluator, class_names = components.module.objective.evaluator, components.data.spec.class_names
    if calibration:
        calibration.check(evaluator, None, getattr(components.data, "samples", None))
        calibration.fit(scorer.of_split("val"), configs[0].seed)

    def tables(path: Path) -> Iterator[pa.Table]:
        for outputs in scorer.of_file(path):
            outputs = calibration.calibrated(outputs, configs[0].seed) if calibration else outputs
            yield evaluator.predictions(outputs, class_names)

    return _Scores(scorer.label, components.noun, inputs, tables)


def _is_exported(words: Sequence[str]) -> bool:
    for word in words:
        if os.path.isfile(word) and (reader := FOR_TORCH.get(Path(word).suffix)):
            raise ConfigError(
                f"{word} is read by {reader}, in a program of your own; hepexp predict takes the run itself or "
                f"the {EXPORTED} file of `hepexp export RUN`"
            )
    return any(word.endswith(EXPORTED) and "=" not in word for word in words)


def _exported(options: Namespace) -> _Scores:
    """An exported network."""
    for_runs = options.laplace or options.calibrate or options.conformal
    if len(options.words) > 1 or options.checkpoint != "best" or for_runs:
        raise ConfigError(
            f"an {EXPORTED} file is scored with alone; further runs, KEY=VALUE, --checkpoint, --laplace, --calibrate "
            f"and --conformal are for runs: got {' '.join(options.words)}"
        )

    from hepexp.export.scoring import ExportedClassifier

    network = ExportedClassifier(Path(options.words[0]))
    inputs = _inputs(options, str(network.about.provenance.get("data")), network.path)
    data = network.data(inputs[0])
    return _Scores(str(network.path), data.noun, inputs, lambda path: network.tables(data, path))


def _inputs(options: Namespace, data_set: str, *others: Path) -> list[Path]:
    """The files to score, once they and the file to write have been checked."""
    from hepexp.data.find import data_sets, find_info
    from hepexp.data.formats.open_file import is_readable

    inputs = _matching(options.input, data_set)
    info = find_info(data_set) if data_set in data_sets() else None
    for path in inputs:
        if info is not None and not is_readable(info, path):
            known = ", ".join(dict.fromkeys((*info.readers, ".arrow", ".parquet")))
            raise ConfigError(f"--input {path}: unknown format '{path.suffix}'; expected one of {known}")
    check_target(options.out, "--out", options.overwrite, [*inputs, *others])
    return inputs


def _matching(given: list[str], data_set: str) -> list[Path]:
    """The files that the patterns match, each pattern's by name."""
    found: list[Path] = []
    for pattern in given:
        paths = [pattern] if os.path.lexists(pattern) else sorted(glob.glob(pattern, recursive=True))
        if not paths or not all(map(os.path.isfile, paths)):
            state = "is not a file" if paths else "does not exist"
            raise ConfigError(f"--input {pattern} {state}; expected a file of {data_set}")
        found += map(Path, paths)
    return found


def _said(lacking: dict[str, list[str]]) -> str:
    """Which files lack which columns, in a line."""
    from hepexp.data.formats.refusal import listed

    files: dict[tuple[str, ...], list[str]] = {}
    for origin, names in lacking.items():
        files.setdefault(tuple(names), []).append(origin.removeprefix("--input "))
    return "; ".join(f"{listed(paths)} without {listed(names)}" for names, paths in files.items())


def _numbered(table: pa.Table, first: int) -> pa.Table:
    """The same rows, numbered over all files in the order given."""
    at = table.column_names.index("index")
    return table.set_column(at, "index", [range(first, first + len(table))])
