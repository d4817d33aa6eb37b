"""The space of a sweep under way: other bounds, more choices, new keys.

Optuna does not let the choices of a key change within a study. So a new study replaces the old one, with all its
trials, from which the sampler continues to learn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hepexp.errors import ConfigError
from hepexp.sweep.lost import requeue_lost
from hepexp.sweep.space import Dimension, cells
from hepexp.sweep.study import CONTINUED, OF_BASE, counted, name_of, next_revision, note_plan, plan_of, queue_grid

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

QUEUED = "fixed_params"  # Optuna's attribute of a trial with the values that it was queued with


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


def widen(
    storage: BaseStorage,
    study: Study,
    dimensions: Sequence[Dimension],
    of_base: Callable[[dict[str, Any]], dict[str, Any]] = lambda params: {},
) -> Study:
    """The study that continues with other dimensions (of `merged`) and has all trials so far.

    Parameters
    ----------
    of_base : what a trial with these parameters had for keys that are new in the space, see `OfBase`.

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
        trial = _with(trial, dimensions, of_base)
        made.add_trial(_cell(trial, dimensions) if plan.sampler == "grid" else trial)
    space = {dimension.key: str(dimension) for dimension in dimensions}
    plan = replace(plan, space=space)
    if plan.sampler == "grid":
        queue_grid(made, replace(plan, trials=len(cells(tuple(dimensions)))))
        plan = replace(plan, trials=len(counted(made)))  # those so far may lie outside the grid
    note_plan(made, plan)
    study.set_user_attr(CONTINUED, name)
    return made


def _with(
    trial: FrozenTrial, dimensions: Sequence[Dimension], of_base: Callable[[dict[str, Any]], dict[str, Any]]
) -> FrozenTrial:
    """The trial with the new distributions, and with what it had for new keys.

    One whose value lies outside the new bounds keeps its own distribution. A value of the base that no distribution
    includes is kept where the sampler does not see it.
    """
    if not trial.params:
        return trial
    lacks = any(dimension.key not in trial.params for dimension in dimensions)
    values = (of_base(trial.params) if lacks else {}) | trial.user_attrs.get(OF_BASE, {}) | trial.params
    outside = {}
    for key, distribution in ((d.key, d.distribution) for d in dimensions if d.key in values):
        if _includes(distribution, values[key]):
            trial.params[key], trial.distributions[key] = values[key], distribution
        elif key not in trial.params:
            outside[key] = values[key]
    trial.set_user_attr(OF_BASE, outside)
    if QUEUED in trial.system_attrs:  # by this a cell of a grid is known not to be new
        trial.system_attrs[QUEUED] = trial.params
    return trial


def _cell(trial: FrozenTrial, dimensions: Sequence[Dimension]) -> FrozenTrial:
    """The queued cell of a grid as one of the new grid."""
    if trial.state.name == "WAITING" and QUEUED in trial.system_attrs:
        first = {dimension.key: dimension.grid[0] for dimension in dimensions}
        trial.system_attrs[QUEUED] = first | trial.system_attrs[QUEUED]
    return trial


def _includes(distribution: BaseDistribution, value: Any) -> bool:
    try:
        return distribution._contains(distribution.to_internal_repr(value))
    except ValueError:  # another choice, or no number
        return False
