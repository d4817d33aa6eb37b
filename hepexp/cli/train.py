"""hepexp train: compose a config, train, test, record. A Hydra application behind a check of every override."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from omegaconf import DictConfig

from hepexp.config import front
from hepexp.config.paths import conf_dir, runs_dir
from hepexp.errors import ConfigError

MOST_SEEDS = 1000
FULL_ERROR = "HYDRA_FULL_ERROR"  # of the environment
HELP = """\
hepexp train [GROUP=OPTION | KEY=VALUE] ...      train, test and record one experiment

  hepexp train model=lorentznet data=qg
  hepexp train task=qmlhep_2_lorentznet seed=3
  hepexp train model=pfn dataset.n_train=4000 trainer=quick
  hepexp train -m model=lorentznet,particlenet seed=1,2,3        every combination

  hepexp train seeds=5 model=pfn                                 five seeds, mean and spread of every metric

  --resume RUN [trainer.KEY=VALUE ...]   resume a run: a folder, an MLflow run id, or latest
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
    multirun_folder, args = _take(args, "--rerun-failed")
    if run is not None and multirun_folder is not None:
        raise ConfigError("--resume is for one run, --rerun-failed for a multirun: give only one of them")
    if run is not None:
        return _resume(run, args)
    args = _seeds(args)
    if multirun_folder is not None or {"-m", "--multirun"} & set(args):
        from hepexp.cli import multirun

        return multirun.start(args) if multirun_folder is None else multirun.rerun(multirun_folder, args)
    return _single(front.prepare(args))


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
    number = given[-1].partition("=")[2]
    if not number.isdigit() or not 1 <= int(number) <= MOST_SEEDS:
        raise ConfigError(f"seeds must be a number from 1 to {MOST_SEEDS}, got {number!r}; it stands for seed=1,2,...")
    if other := [arg for arg in args if arg.startswith("seed=")]:
        raise ConfigError(f"{given[-1]} stands for seed=1,...,{number}: leave out {other[0]}, or write -m seed=LIST")
    seeds = ",".join(str(seed) for seed in range(1, int(number) + 1))
    return ["-m", *(arg for arg in args if arg not in (*given, "-m", "--multirun")), f"seed={seeds}"]


def _single(prepared: list[str]) -> int:
    error: list[BaseException] = []

    def task(config: DictConfig) -> None:
        # Hydra would print a traceback of its own: the error is carried past it
        try:
            train_composed(config)
        except BaseException as caught:
            error.append(caught)

    with raising():
        run_hydra(task, prepared)
    if error:
        raise error[0]
    return 0


@contextmanager
def raising() -> Iterator[None]:
    """Raise in one line what Hydra would print over many before ending the process."""
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from hepexp.config.compose import one_line

    before = os.environ.get(FULL_ERROR)
    os.environ[FULL_ERROR] = "1"
    try:
        yield
    except (HydraException, OmegaConfBaseException, OSError) as error:
        raise ConfigError(one_line(error)) from error
    finally:
        os.environ.pop(FULL_ERROR)
        if before is not None:
            os.environ[FULL_ERROR] = before


def run_hydra(task: Callable[[DictConfig], None], arguments: list[str]) -> None:
    """Let Hydra compose the arguments and call the task."""
    import hydra

    sys.argv = ["hepexp train", *arguments]
    hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="train")(task)()


def train_composed(config: DictConfig, started: Callable[[str], None] = lambda label: None):
    """Train what Hydra has composed; to be called within a Hydra job.

    Parameters
    ----------
    started : called with the label of the run once it has its folder.
    """
    from hydra.core.hydra_config import HydraConfig

    from hepexp.learning.chain import chosen, supply
    from hepexp.learning.experiment import Watcher, train

    watcher = Watcher()
    watcher.started = started
    hydra_config = HydraConfig.get()
    choices = chosen(hydra_config.runtime.choices)
    typed = list(hydra_config.overrides.task)
    folders = [Path(source.path) for source in hydra_config.runtime.config_sources if source.provider == "command-line"]
    return train(supply(config, choices, typed, folders), choices, typed, watcher)


def _resume(text: str, args: list[str]) -> int:
    from hepexp.config.amend import amend
    from hepexp.tracking import write_guard
    from hepexp.tracking.run_folder import RunFolder

    write_guard.refuse_way_out(Path(text) if os.path.isdir(text) else runs_dir() / text)
    folder = RunFolder.find(text)
    config = amend(folder.config, args)
    from hepexp.learning.experiment import resume

    resume(folder, config)
    return 0
