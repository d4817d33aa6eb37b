"""hepexp export: a run's network as one file for other programs, with its inputs, units and thresholds in a JSON."""

from __future__ import annotations

from argparse import Namespace, RawDescriptionHelpFormatter
from pathlib import Path
from typing import TYPE_CHECKING

from hepexp.cli.output_files import add_overwrite, check_folder, check_target
from hepexp.cli.parser import Parser
from hepexp.errors import ConfigError
from hepexp.spelling import visible

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from hepexp.tracking.run_folder import RunFolder

SUFFIXES = {"onnx": ".onnx", "torchscript": ".pt", "pt2": ".pt2"}  # as in hepexp.export.recipe, which imports torch
HLS = "hls"  # a folder
DESCRIPTION = """\
Write the network of a run as one file that runs without hepexp, for any number of jets and of particles: scales and
scalars are inside. A JSON beside it has inputs, units, classes, thresholds and provenance. The file is written only if
its scores agree with those of the run on test jets, to 1e-4.

  hepexp export latest                                      ONNX, in the current folder
  hepexp export latest --format torchscript --out tagger.pt
  hepexp export latest --quantize int8                      smaller; says what it costs in AUC
  hepexp export latest --format hls                         C++ for an FPGA, emulated: trigger_mlp or boosted_trees
  hepexp predict tagger.onnx --input jets.npz --out scores.parquet"""


def main(args: list[str]) -> int:
    parser = Parser(prog="hepexp export", description=DESCRIPTION, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN", help="a run folder, an MLflow run id, models:/NAME@ALIAS, or latest")
    parser.add_argument("changes", metavar="KEY=VALUE", nargs="*", help="changes to data.KEY or trainer.KEY")
    parser.add_argument("--format", choices=(*SUFFIXES, HLS), default="onnx", help="default: onnx")
    parser.add_argument("--quantize", choices=("int8",), help="weights of 8 bits, in ONNX files")
    parser.add_argument("--bits", type=int, help="of the numbers of --format hls, 2 to 32; by default 16, of trees 24")
    parser.add_argument("--out", type=Path, help="file to write; by default named like the run, in the current folder")
    parser.add_argument("--checkpoint", default="best", help="best (default), last, or a file")
    add_overwrite(parser)
    options = parser.parse_intermixed_args(args)

    if options.quantize and options.format != "onnx":
        raise ConfigError(f"--quantize {options.quantize} is for --format onnx, got {options.format}")

    if options.bits is not None and (options.format != HLS or not 2 <= options.bits <= 32):
        raise ConfigError(f"--bits must be 2 to 32, with --format hls, got {options.bits} with {options.format}")

    from hepexp.config.record import with_changes
    from hepexp.tracking.run_folder import RunFolder

    folder = RunFolder.find(options.run)
    config = with_changes(folder.config, options.changes, ("dataset", "trainer"), folder.path / "config.yaml")
    if options.format == HLS:
        return _emulate(folder, config, options.checkpoint, options.out or Path(f"{folder.config.name}_hls"), options)
    suffix = SUFFIXES[options.format]
    path = options.out or Path(f"{folder.config.name}{suffix}")
    if path.suffix != suffix:
        raise ConfigError(f"--out must be a {suffix} file for --format {options.format}, got {path}")
    for one in (path, path.with_suffix(".json")):
        check_target(one, "--out", options.overwrite, [folder.path / "config.yaml"])

    from hepexp.console import console
    from hepexp.export.recipe import export_run
    from hepexp.export.summary import lines

    made = export_run(folder, config, options.checkpoint, options.format, path, options.quantize)
    for line in lines(made, path):
        console().print(visible(line))
    return 0


def _emulate(folder: RunFolder, config: DictConfig, checkpoint: str, out: Path, options: Namespace) -> int:
    check_folder(out, "--out", options.overwrite, ["hepexp.json"])

    from hepexp.console import console
    from hepexp.export.emulation import export_emulation
    from hepexp.export.summary import lines_of_emulation

    made = export_emulation(folder, config, checkpoint, out, options.bits)
    for line in lines_of_emulation(made, out):
        console().print(visible(line))
    return 0
