"""hepexp check: which transformations change what a trained network says, and by how much."""

from __future__ import annotations

import logging
from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from typing import TYPE_CHECKING

from hepexp.cli.check_data import RAPIDITY, check_data
from hepexp.cli.output_files import add_overwrite, folder_to_fill
from hepexp.cli.parser import Parser
from hepexp.errors import ConfigError
from hepexp.spelling import visible

if TYPE_CHECKING:
    from hepexp.tracking.run_folder import RunFolder

log = logging.getLogger(__name__)
N = 200  # examples; LorentzNet then takes about a minute on a laptop
N_DATA = 4000

DESCRIPTION = """\
Audit a trained run: change the test examples, and see how accuracy, AUC and single scores change. The order of
particles, padding and the batch; boosts along and across the beam, and rotations; one more soft particle or collinear
pair; a detector's smearing, scale, losses, merging and pile-up; rotations, reflections and noise of images; losses of
nodes and edges. Of hybrid networks, gradients against depth and qubits, expressibility and entangling capability. Exit
code 1 if the network breaks a symmetry that it claims.

  hepexp check latest
  hepexp check latest --only boost_across,collinear --n 10000
  hepexp check runs/hepexp/2026-01-31_12-00-00_efn_qg --out checked/

Or ask how far a data set is from being invariant under a group, by classifiers that tell moved examples from others,
and by what they do where there is nothing to tell. Groups: so2, so3, boosts_z, so13 of momenta or vectors, c4, d4 of
images.

  hepexp check --data qg --group so3
  hepexp check --data four_vectors --group so13 'data.classes=[so13_light,so13_heavy]' --n 10000"""


def main(args: list[str]) -> int:
    parser = Parser(prog="hepexp check", description=DESCRIPTION, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument(
        "run", metavar="RUN", nargs="?", help="a run folder, an MLflow run id, models:/NAME@ALIAS, or latest"
    )
    parser.add_argument("changes", metavar="KEY=VALUE", nargs="*", help="changes to data.KEY, such as data.source=full")
    parser.add_argument("--only", metavar="NAME,...", default="", help="some of the checks, e.g. boost_across,soft")
    parser.add_argument("--data", metavar="NAME", help="a data set, in place of a run")
    parser.add_argument("--group", metavar="G", help="with --data: so2, so3, boosts_z, so13, c4 or d4")
    parser.add_argument(
        "--rapidity", type=float, help=f"with --data and boosts: largest rapidity of them; default: {RAPIDITY}"
    )
    parser.add_argument("--n", type=int, help=f"random examples; default: {N} of a test split, {N_DATA:,} with --data")
    parser.add_argument("--seed", type=int, default=1, help="of the examples and of random changes; default: 1")
    parser.add_argument("--checkpoint", help="best (default), last, or a file")
    parser.add_argument("--out", type=Path, help="folder for check.json and plots/; default: that of the run")
    add_overwrite(parser)
    options = parser.parse_intermixed_args(args)
    n = options.n if options.n is not None else N_DATA if options.data else N
    if n < 2:
        raise ConfigError(f"--n must be >= 2, got {n}")
    if not 0 <= options.seed < 2**32:
        raise ConfigError(f"--seed must be from 0 to 2^32 - 1, got {options.seed}")
    asked = [name for name in options.only.split(",") if name]
    if options.only and not asked:
        raise ConfigError(f"--only {options.only} names no check; expected NAME,..., e.g. boost_across,soft")

    if options.data:
        if not options.group or options.only or options.checkpoint:
            raise ConfigError("--data NAME needs --group G, and takes no --only or --checkpoint: it has no network")
        keys = [word for word in (options.run, *options.changes) if word]
        check_data(options.data, options.group, keys, n, options.rapidity, options.seed, options.out, options.overwrite)
        return 0
    if options.run is None:
        raise ConfigError("hepexp check needs a RUN, or --data NAME --group G; see: hepexp check --help")
    if options.group or options.rapidity is not None:
        raise ConfigError("--group and --rapidity are of a data set: give --data NAME in place of a run")

    from hepexp.config.record import with_changes
    from hepexp.tracking.run_folder import RunFolder

    folder, checkpoint = RunFolder.find(options.run), options.checkpoint or "best"
    config = with_changes(folder.config, options.changes, ("dataset",), folder.path / "config.yaml")
    into = folder_to_fill(folder.path, options.out, options.overwrite, ("check.json", "plots"))

    from hepexp.atomic import write_json
    from hepexp.check import circuits
    from hepexp.check.audit import audit, checks_of, chosen
    from hepexp.check.figures import draw, gradients
    from hepexp.check.progress import progress
    from hepexp.check.report import circuits_table, table
    from hepexp.console import console
    from hepexp.data.loading.datamodule import HepDataModule
    from hepexp.figures import about
    from hepexp.learning.figures import sample
    from hepexp.learning.trained import rebuild

    components = rebuild(folder, config, checkpoint)
    every = checks_of(components)
    assert isinstance(components.data, HepDataModule), "others are refused there"
    trained = circuits.circuits_of(components.backend)
    hybrid, too_large = circuits.described(trained), circuits.left_out(trained)
    checks = chosen(every, asked, components.data.representation.name, [circuits.NAME] if trained else [])
    if asked and circuits.NAME not in asked:
        hybrid, too_large = {}, ""
    if asked == [circuits.NAME] and not hybrid:
        raise ConfigError(f"--only {circuits.NAME}: {too_large}")
    if too_large:
        log.warning("%s", too_large)
    with progress(sum(len(check.strengths) for check in checks) + circuits.n_parts(hybrid)) as done:
        found = audit(components, checks, n, options.seed, done)
        if hybrid:
            found["circuits"] = circuits.describe(hybrid, options.seed, done)
    provenance = components.data.provenance()
    about_run = {"run": folder.label, "model": config.choices.model, "data": config.choices.dataset}
    found = {**about_run, "source": provenance["source"], "checkpoint": checkpoint, **found}
    if checks:
        console().print(table(found, title=folder.label))
    if hybrid:
        console().print(circuits_table(found["circuits"]))
    into.mkdir(parents=True, exist_ok=True)
    write_json(into / "check.json", found)
    with about(sample(config, provenance, components.noun, {"test": found["n"]})):
        draw(found, into / "plots")
    for name, its in found.get("circuits", {}).items():
        title, own = f"gradients of the circuit {name}, {its['ansatz']}", (its["n_qubits"], its["n_layers"])
        gradients(into / "plots" / f"check_circuits_{name}.png", its["gradients"], own, title)
    if into == folder.path:
        _log(folder, found)
    print(visible(f"written to {into / 'check.json'} and {into / 'plots'}"))
    broken = [name for name, check in found["checks"].items() if check["verdict"] == "broken"]
    if broken:
        log.error("%s claims what it breaks: %s", config.choices.model, ", ".join(broken))
    return 1 if broken else 0


def _log(folder: RunFolder, found: dict) -> None:
    """Add the figures and the files to the MLflow run, if the store has it."""
    from hepexp.tracking import sync
    from hepexp.tracking.mlflow_store import MlflowRun

    if (run_id := folder.mlflow_run_id) is None:
        log.warning("%s is not in the MLflow store: the checks are in its folder alone", folder.label)
        return
    figures: dict[str, float] = {}
    for name, check in found["checks"].items():
        worst = max(check["points"], key=lambda point: point["mean_change_float32"])
        kinds = ("accuracy", "auc", "largest_change_float32", "largest_change_float64")
        figures |= {f"check/{name}/{kind}": worst[kind] for kind in kinds if kind in worst}
    MlflowRun.of(run_id, folder.path).add(figures)
    sync.send_again(run_id)
