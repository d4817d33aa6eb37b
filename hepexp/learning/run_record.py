"""The record of a run: it begins with everything that the run depends on, and ends FINISHED, FAILED or KILLED."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

from omegaconf import DictConfig

from hepexp.config import needs
from hepexp.config.content import content_of
from hepexp.console import PlainConsole
from hepexp.errors import HepexpError, Interrupted, Pruned
from hepexp.interrupts import Interrupts
from hepexp.learning.description import description, run_name
from hepexp.models.weights import find_weights
from hepexp.splits import SPLITS
from hepexp.tracking import initial_weights, known_servers
from hepexp.tracking.log import log_to
from hepexp.tracking.mlflow_store import MlflowRun
from hepexp.tracking.options import TrackingOptions
from hepexp.tracking.provenance import environment
from hepexp.tracking.run_folder import RunFolder

log = logging.getLogger("hepexp")


@contextmanager
def recording(
    config: DictConfig,
    folder: RunFolder,
    provenance: Mapping[str, Any],
    interrupts: Interrupts,
    tags: Mapping[str, str | None],
    overrides: list[str] | None,
) -> Iterator[MlflowRun]:
    """Begin or resume the record of a run, and complete it with how the block ended.

    A new run that cannot begin leaves no trace, and runs/latest unchanged.

    Parameters
    ----------
    config : frozen.
    provenance : of the data.
    tags : tags of the MLflow run, in addition to those of every run.
    overrides : as typed, of a new run; None of a resumed one.

    Yields
    ------
    The MLflow run.
    """
    with log_to(folder.log):
        try:
            with interrupts.held():  # a run that exists but was not returned would stay RUNNING
                run = _begun(config, folder, provenance, tags, overrides)
                if overrides is not None:
                    folder.point_latest()
        except BaseException:
            if overrides is not None:
                folder.remove()
            raise
        try:
            interrupts.check()
            run.describe(description(folder))
            run.log_dataset(config.choices.dataset, provenance)
            yield run
            run.describe(description(folder))
            interrupts.check()
            run.finish("FINISHED")
        except Pruned as error:
            log.info("ended by %s", error)
            _end(run, "KILLED", f"ended by {error}")
            raise
        except Interrupted as error:
            _killed(run, folder, interrupts, error)
            raise
        except BaseException as error:
            if interrupts.signal is not None:  # a library turned the interruption into another error on the way out
                _killed(run, folder, interrupts, interrupts.exception())
                raise interrupts.exception() from error
            if not isinstance(error, HepexpError):
                error.add_note(f"the traceback is in {folder.log}")
            _end(run, "FAILED", f"{type(error).__name__}: {error}", traceback.format_exc())
            raise


def _begun(
    config: DictConfig,
    folder: RunFolder,
    provenance: Mapping[str, Any],
    tags: Mapping[str, str | None],
    overrides: list[str] | None,
) -> MlflowRun:
    """Write what the run depends on to its folder, print it, and begin or resume the run in MLflow."""
    folder.write_yaml("config.yaml", config)
    if overrides is not None:
        folder.write_yaml("overrides.yaml", overrides)
    weights = {key: {"task": task, "file": needs.value_of(config, key)} for key, task in needs.tasks(config).items()}
    surroundings = {
        **environment(folder.overrides),
        "data": provenance,
        "needs": weights,
        "weights": _sources(config, folder, is_new=overrides is not None),
    }
    folder.write_json("environment.json", surroundings)
    sizes = " + ".join(f"{provenance[f'n_{split}']:,} {split}" for split in SPLITS)
    made = " (simulated)" if provenance.get("simulated") else ""
    console = PlainConsole(stderr=True)
    console.print(f"run     {folder.label}")
    console.print(f"data    {config.choices.dataset}, source {provenance['source']}{made}: {sizes}")
    if cuts := provenance.get("cut_flow"):
        flow = ", ".join(f"{n:,} {what}" for what, n in cuts.items())
        console.print(f"cuts    {flow}")
    tracking = TrackingOptions.of(config)
    return MlflowRun.start(
        experiment=config.experiment,
        name=run_name(config.name, folder.overrides),
        params=_parameters(config),
        tags={
            "data_source": provenance["source"],
            "data_simulated": str(provenance.get("simulated", False)).lower(),
            "task": config.choices.get("task"),
            "git_sha": (surroundings["git"] or {}).get("sha"),
            **config.tags,
            **tags,
        },
        folder=folder.path,
        run_id=folder.mlflow_run_id if overrides is None else None,
        timeout=tracking.timeout,
        uri=known_servers.followed(tracking.uri),
    )


def _sources(config: DictConfig, folder: RunFolder, is_new: bool) -> dict[str, Any]:
    """Where the files of initial weights come from; a resumed run keeps what it began with, as they may be gone."""
    if not is_new:
        return folder.environment.get("weights", {})
    found = [(key, value, find_weights(value)) for key, value in initial_weights.keys(config.model)]
    return {key: {"file": value, **initial_weights.source(file)} for key, value, file in found if file}


def _parameters(config: DictConfig) -> dict[str, Any]:
    """The parameters for MLflow: the config without empty values; `model.name` is the chosen option."""
    whole = content_of(config)
    whole.pop("expected", None)  # published figures are not settings; the description shows them
    names = {f"{group}.name": option for group, option in whole.pop("choices").items()}
    return {**{key: value for key, value in whole.items() if value != {}}, **names}


def _killed(run: MlflowRun, folder: RunFolder, interrupts: Interrupts, error: Interrupted) -> None:
    """Record an interruption, without being interrupted by a second one."""
    with interrupts.held():
        log.warning("killed by %s; resume with: hepexp train --resume %s", error, folder.label)
        _end(run, "KILLED", f"killed by {error}")


def _end(run: MlflowRun, status: Literal["FAILED", "KILLED"], reason: str, trace: str | None = None) -> None:
    """Record a failure. The user is told what went wrong, so a store that cannot be written by then is only logged."""
    try:
        run.finish(status, reason=reason, traceback=trace, timeout=5)
    except HepexpError as error:
        log.error("the run stays RUNNING in MLflow: %s", error)
