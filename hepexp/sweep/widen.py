"""The space of a sweep under way: other bounds, more choices, new keys.

Optuna does not let the choices of a key change within a study. So a new study replaces the old one, with all its
trials, from which the sampler continues to learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from hepexp.errors import ConfigError
from hepexp.sweep.lost import requeue_lost
from hepexp.sweep.space import Dimension, cells
from hepexp.sweep.study import CONTINUED, name_of, next_revision, note_plan, plan_of, queue_grid

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial


def merged(before: Sequence[Dimension], given: Sequence[Dimension]) -> tuple[Dimension, ...]:
    """The dimensions of a sweep, updated with the given ones.

    Raises
    ------
    ConfigError : a key has another form than before, or lacks one of its choices.
    """
    found = {dimension.key: dimension for dimension in before}
    for dimension in given:
        old, key = found.get(dimension.key, dimension), f"sweep.space.{dimension.key}"
        if dimension.kind != old.kind:
            raise ConfigError(
                f"{key} is {old}: its bounds or choices can change, but not its form, got {dimension}; start "
                "another sweep"
            )
        gone = [value for value in old.values if value not in dimension.values] if old.kind == "choice" else []
        if gone:
            raise ConfigError(
                f"{key} is {old}: choices can be added, not removed, got {dimension} without {', '.join(gone)}; start "
                "another sweep"
            )
        found[dimension.key] = dimension
    return tuple(found.values())


def widen(storage: BaseStorage, study: Study, dimensions: Sequence[Dimension]) -> Study:
    """The study that continues with other dimensions (of `merged`) and has all trials so far.

    Raises
    ------
    ConfigError : trials are being trained.
    """
    import optuna

    plan, name = plan_of(study), next_revision(study)
    requeue_lost(study)
    if running := [str(trial.number) for trial in study.get_trials(deepcopy=False) if trial.state.name == "RUNNING"]:
        raise ConfigError(
            f"sweep.space cannot change while trials are running ({', '.join(running)} of sweep {name_of(study)}): "
            "stop the command that runs them, which queues them again"
        )
    if name in optuna.get_all_study_names(storage):  # of a process that was killed before it was whole
        optuna.delete_study(study_name=name, storage=storage)
    made = optuna.create_study(storage=storage, study_name=name, directions=plan.directions)
    for trial in study.get_trials():
        made.add_trial(_with(trial, dimensions))
    space = {dimension.key: str(dimension) for dimension in dimensions}
    trials = len(cells(tuple(dimensions))) if plan.sampler == "grid" else plan.trials
    plan = replace(plan, space=space, trials=trials)
    queue_grid(made, plan)
    note_plan(made, plan)
    study.set_user_attr(CONTINUED, name)
    return made


def _with(trial: FrozenTrial, dimensions: Sequence[Dimension]) -> FrozenTrial:
    """The trial with the new distributions; one whose value lies outside the new bounds keeps its own."""
    for key, distribution in ((dimension.key, dimension.distribution) for dimension in dimensions):
        if key in trial.params and distribution._contains(distribution.to_internal_repr(trial.params[key])):
            trial.distributions[key] = distribution
    return trial
