"""An earlier run that has already done what a new one would do."""

from __future__ import annotations

import logging
from typing import Any

from omegaconf import DictConfig, OmegaConf

from hepexp import regular_file
from hepexp.config import needs
from hepexp.config.build import instantiate
from hepexp.config.compose import parse
from hepexp.config.paths import runs_dir
from hepexp.errors import HepexpError
from hepexp.tracking.lookup import status_of
from hepexp.tracking.parameters import flatten
from hepexp.tracking.run_folder import RunFolder

log = logging.getLogger("hepexp")
# Trained weights do not depend on these keys of `dataset` and `trainer`.
INCIDENTAL = ("accelerator", "checkpoint_minutes", "compile", "devices", "num_nodes", "num_workers", "progress")


def newest_run(config: DictConfig, typed: list[str]) -> RunFolder | None:
    """The newest finished run under runs/ of the same task, data and model; None when there is none.

    Parameters
    ----------
    config : what such a run would be made with, frozen.
    typed : overrides; if they change the trainer or the seed, these must agree too. Otherwise settings such as the
        number of epochs are left to that run.
    """
    keys = ["dataset", "model", *(override.key_or_group for override in parse(typed))]
    compared = [key for key in keys if key.split(".")[0] in ("dataset", "model", "trainer", "seed")]
    wanted = _values(config, compared, config)
    source = getattr(
        instantiate(config.dataset, "dataset", seed=config.seed), "source", None
    )  # a plug-in's data set may have none
    named = f"  task: {config.choices.task}\n"  # as config.yaml has it among its choices
    files = sorted(runs_dir().resolve().glob("*/*/config.yaml"), key=lambda file: file.parent.name, reverse=True)
    for file in files:
        try:
            regular_file.check(file)
            if named not in file.read_text(encoding="utf-8"):
                continue
            run = RunFolder(file.parent)
            if not run.best.is_file() or status_of(run.path) != "FINISHED":
                continue
            same = _values(run.config, compared, config) == wanted
            if same and source in (None, run.environment.get("data", {}).get("source")):
                return run
        except (OSError, UnicodeDecodeError, HepexpError) as error:  # another user's, or damaged: skip it
            log.warning("skipped %s: %s", file.parent, str(error).splitlines()[0])
    return None


def _values(config: DictConfig, compared: list[str], needing: DictConfig) -> dict[str, Any]:
    """The values of these keys and of all keys below them, except those that do not matter or come from other runs."""
    flat = flatten(OmegaConf.to_container(config))
    return {
        key: value
        for key, value in flat.items()
        if any(key == start or key.startswith(f"{start}.") for start in compared)
        and key.rpartition(".")[2] not in INCIDENTAL
        and key not in needs.tasks(needing)
    }
