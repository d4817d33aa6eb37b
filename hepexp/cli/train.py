"""hepexp train: compose a config, train, test, record. A Hydra application behind a check of every override."""

from __future__ import annotations

import os
from pathlib import Path

from hepexp.config.command_line import read
from hepexp.config.paths import runs_dir
from hepexp.config.seeds import counted
from hepexp.errors import ConfigError

HELP = """\
hepexp train [GROUP=OPTION | KEY=VALUE] ...      train, test and record one experiment

  hepexp train model=lorentznet data=qg
  hepexp train task=qmlhep_2_lorentznet seed=3
  hepexp train model=pfn dataset.n_train=4000 trainer=quick
  hepexp train -m model=lorentznet,particlenet seed=1,2,3        every combination

  hepexp train seeds=5 model=pfn                                 five seeds, mean and spread of every metric

  --resume RUN [trainer.KEY=VALUE ...]   resume a run: a folder, an MLflow run id, models:/NAME@ALIAS, or latest
  -m, --multirun                         every combination of comma-separated values; also hydra/launcher=joblib,
                                         submitit_local, submitit_slurm
  -m --rerun-failed MULTIRUN             the jobs of a multirun that did not finish: its folder, or latest
  --cfg job [--resolve]                  print the composed config and stop
  --config-dir DIR                       a conf folder of your own, in addition to the shipped one
  --info, --hydra-help                   Hydra's own information

Groups and their options: hepexp list.  Keys of an option: hepexp show model=lorentznet.
Every run leaves its record in runs/<experiment>/<time>_<name>/ and in MLflow (hepexp ui)."""


def main(args: list[str]) -> int:
    if {"--help", "-h"} & set(args):
        print(HELP)
        return 0
    run, args = _take(args, "--resume")
    failed_of, args = _take(args, "--rerun-failed")
    if run is not None and failed_of is not None:
        raise ConfigError("--resume is for one run, --rerun-failed for a multirun: give only one of them")
    if run is not None:
        return _resume(run, args)
    line = read(_seeds(args))
    # Hydra takes 0.2 s to import, which --help should not wait for.
    from hepexp.cli import hydra_app, multirun
    from hepexp.config.overrides import compose
    from hepexp.tracking import known_servers

    if failed_of is not None:
        return multirun.rerun(failed_of, line)
    if line.action == "--multirun":
        return multirun.start(line)
    if line.action == "--run":
        config = compose(line)
        known_servers.remember(config.tracking.uri)
        hydra_app.run(line, config, hydra_app.train_job)
    else:
        if line.action not in ("--hydra-help", "--version"):
            compose(line)  # what is wrong is told before anything is shown
        hydra_app.show(line)
    return 0


def _take(args: list[str], flag: str) -> tuple[str | None, list[str]]:
    """The value of `--flag VALUE` or `--flag=VALUE`, and the other arguments."""
    for place, arg in enumerate(args):
        if arg.startswith(f"{flag}="):
            return arg.partition("=")[2], args[:place] + args[place + 1 :]
        if arg == flag:
            if place + 1 == len(args):
                raise ConfigError(f"{flag} needs a value: a folder under runs/, or latest")
            return args[place + 1], args[:place] + args[place + 2 :]
    return None, args


def _seeds(args: list[str]) -> list[str]:
    """`seeds=N` is the multirun `-m seed=1,...,N`."""
    given = [arg for arg in args if arg.startswith("seeds=")]
    if not given:
        return args
    seeds = ",".join(map(str, counted(given[-1], [arg for arg in args if arg.startswith("seed=")], "-m seed=LIST")))
    return ["-m", *(arg for arg in args if arg not in (*given, "-m", "--multirun")), f"seed={seeds}"]


def _resume(text: str, args: list[str]) -> int:
    from hepexp.tracking import known_servers, write_guard
    from hepexp.tracking.run_folder import RunFolder

    write_guard.refuse_way_out(Path(text) if os.path.isdir(text) else runs_dir() / text)
    folder = RunFolder.find(text)
    config = known_servers.resumed_config(folder, args)
    from hepexp.learning.experiment import resume

    resume(folder, config)
    return 0
