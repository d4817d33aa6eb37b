"""`hepexp train` as an application of Hydra: what it prints, one job, and the jobs of a multirun.

Hydra's own entry reads `sys.argv`, composes twice for each job, and prints errors over many lines; its parts, called
here one by one, do neither.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hydra._internal.callbacks import Callbacks
from hydra._internal.hydra import Hydra
from hydra._internal.utils import get_args_parser
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.core.utils import JobStatus, configure_log, run_job
from hydra.errors import HydraException
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from hepexp.config.command_line import CommandLine
from hepexp.config.compose import Composer, one_line
from hepexp.errors import ConfigError

if TYPE_CHECKING:
    from hepexp.learning.experiment import Result

Task = Callable[[DictConfig], object]


def show(line: CommandLine) -> None:
    """Print what `--cfg`, `--info`, `--hydra-help` or `--version` asks for."""
    parser = get_args_parser()
    with _application(line) as hydra:
        args = parser.parse_args(line.words)  # `--version` prints and ends here
        if args.hydra_help:
            hydra.hydra_help(line.config_name, parser, args)
        elif args.cfg:
            hydra.show_cfg(line.config_name, args.overrides, args.cfg, args.package, args.resolve)
        else:
            hydra.show_info(args.info, line.config_name, args.overrides)


def run(line: CommandLine, config: DictConfig, task: Task) -> None:
    """Call the task with a composed configuration, within a Hydra job.

    Raises
    ------
    ConfigError : Hydra refuses what was set in `hydra.*`.
    Exception : what the task raised.
    """
    with _application(line) as hydra:
        config.hydra.mode = RunMode.RUN
        configure_log(config.hydra.hydra_logging, config.hydra.verbose)
        done = run_job(task, config, "hydra.run.dir", None, _context(hydra, config))
    if done.status is not JobStatus.COMPLETED:
        raise done._return_value  # `return_value` would print a line of Hydra's first


def run_grid(line: CommandLine, folder: Path, task: Task) -> None:
    """Let Hydra's sweeper and launcher call the task for every combination of the values of a command line."""
    with _application(line) as hydra:
        hydra.multirun(line.config_name, task, [*line.overrides, *_multirun_in(folder)])


def run_list(line: CommandLine, folder: Path, task: Task, jobs: list[list[str]]) -> None:
    """Let Hydra's launcher call the task for a list of jobs, which no grid describes."""
    with _application(line) as hydra:
        words = [*line.overrides, *_multirun_in(folder)]
        config = hydra.compose_config(line.config_name, words, run_mode=RunMode.MULTIRUN)
        launcher = Plugins.instance().instantiate_launcher(
            hydra_context=_context(hydra, config), task_function=task, config=config
        )
        launcher.launch(jobs, initial_job_idx=0)


def train_job(config: DictConfig, started: Callable[[str], None] = lambda label: None) -> Result:
    """Train what Hydra has composed: the task of a Hydra job.

    Parameters
    ----------
    started : called with the label of the run once it has its folder.
    """
    # torch takes seconds to import, which a wrong command should not wait for
    from hepexp.learning.experiment import Watcher, freeze, train
    from hepexp.learning.needed_runs import supply

    class Told(Watcher):
        def started(self, label: str) -> None:
            started(label)

    job = HydraConfig.get()
    folders = [source.path for source in job.runtime.config_sources if source.provider == "command-line"]
    line = CommandLine({"--config-dir": folders[0]} if folders else {}, list(job.overrides.task))
    return train(supply(freeze(config, job.runtime.choices), line), line.overrides, Told())


@contextmanager
def _application(line: CommandLine) -> Iterator[Hydra]:
    """Hydra over the folders of a command line, as the one application of this process; its errors in one line."""
    hydra = Hydra("train", Composer(line.config_dirs, line.config_name).loader)
    GlobalHydra.instance().initialize(hydra)
    try:
        yield hydra
    except (HydraException, OmegaConfBaseException, OSError) as error:
        raise ConfigError(one_line(error)) from error
    finally:
        GlobalHydra.instance().clear()


def _context(hydra: Hydra, config: DictConfig) -> HydraContext:
    return HydraContext(config_loader=hydra.config_loader, callbacks=Callbacks(config))


def _multirun_in(folder: Path) -> list[str]:
    """What tells Hydra that this is a multirun, and where its folder is."""
    path = re.sub(r"(\\*)'", r"\1\1\\'", str(folder)).replace("${", r"\${")  # as Hydra and OmegaConf escape them
    return ["hydra.mode=MULTIRUN", f"hydra.sweep.dir='{path}'"]
