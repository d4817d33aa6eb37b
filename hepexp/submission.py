"""Jobs of a cluster, or processes that are submitted in the same way, through submitit."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hepexp.errors import ConfigError

MINUTES = 240  # of a job, unless timeout_min says otherwise; submitit's own limit is 5
_COMMANDS = {"setup", "srun", "python", "additional"}  # words in the names of submitit's parameters


def is_command(parameter: str) -> bool:
    """Whether a parameter of submitit's executor writes commands into the script of a job."""
    return not _COMMANDS.isdisjoint(parameter.split("_"))


def executor_of(launcher: str, parameters: Mapping[str, Any], logs: Path, asked: str) -> Any:
    """Submitit's executor.

    Parameters
    ----------
    launcher : submitit_slurm or submitit_local.
    parameters : of the executor, such as partition.
    logs : folder for the output of the jobs.
    asked : what named the launcher, for messages: `--launcher`.

    Raises
    ------
    ConfigError : there is no such cluster here, or submitit does not know a parameter.
    """
    import submitit

    with refusals(asked), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # submitit recommends slurm_partition but accepts partition
        made = submitit.AutoExecutor(folder=logs, cluster=launcher.removeprefix("submitit_"))
        made.update_parameters(**{"timeout_min": MINUTES, **parameters})
        return made


@contextmanager
def refusals(asked: str) -> Iterator[None]:
    """What submitit or the cluster refuse, as ConfigError in one line."""
    try:
        yield
    except (NameError, TypeError, ValueError, AssertionError, RuntimeError, OSError) as error:
        line = next(iter(str(error).splitlines()), type(error).__name__)
        raise ConfigError(f"{asked}: {line}") from error
