"""The space of a sweep under way: other bounds, more choices, new keys.

Optuna does not let the choices of a key change within a study. So a new study replaces the old one, with all its
trials, from which the sampler continues to learn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import yaml
from omegaconf import DictConfig, OmegaConf

from hepexp.config.command_line import read
from hepexp.config.overrides import compose
from hepexp.errors import ConfigError
from hepexp.sweep.lost_trials import requeue_lost
from hepexp.sweep.space import Dimension, cells
from hepexp.sweep.study import (
    CONTINUED,
    OF_BASE,
    counted,
    directions_of_study,
    name_of,
    next_revision,
    note_plan,
    plan_of,
    queue_grid,
)

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


def change_space(
    storage: BaseStorage,
    study: Study,
    dimensions: Sequence[Dimension],
    values_before: Callable[[dict[str, Any]], dict[str, Any]] = lambda params: {},
) -> Study:
    """The study that continues with other dimensions (of `merged`) and has all trials so far.

    Parameters
    ----------
    values_before : what a trial with these parameters had for keys that are new in the space, see `ValuesBefore`.

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
    made = optuna.create_study(storage=storage, study_name=name, directions=directions_of_study(plan))
    for trial in study.get_trials():
        trial = _with(trial, dimensions, values_before)
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
    trial: FrozenTrial, dimensions: Sequence[Dimension], values_before: Callable[[dict[str, Any]], dict[str, Any]]
) -> FrozenTrial:
    """The trial with the new distributions, and with what it had for new keys.

    One whose value lies outside the new bounds keeps its own distribution. A value of the base that no distribution
    includes is kept where the sampler does not see it.
    """
    if not trial.params:
        return trial
    lacks = any(dimension.key not in trial.params for dimension in dimensions)
    values = (values_before(trial.params) if lacks else {}) | trial.user_attrs.get(OF_BASE, {}) | trial.params
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


class ValuesBefore:
    """The values that the base and the files gave to keys of the space before they were part of it.

    Parameters
    ----------
    base : overrides of every trial.
    dimensions : the space.
    """

    def __init__(self, base: Sequence[str], dimensions: Sequence[Dimension]) -> None:
        self._base, self._dimensions = base, dimensions
        self._groups = [d.key for d in dimensions if d.kind == "choice" and "." not in d.key]
        self._known: dict[tuple[str, ...], dict[str, Any]] = {}

    def __call__(self, params: dict[str, Any]) -> dict[str, Any]:
        """Those of a trial with these parameters: in the words of the space, if it includes them.

        A value that follows from another key is left out.
        """
        options = tuple(f"{key}={params[key]}" for key in self._groups if key in params)
        if options not in self._known:
            config = compose(read([*self._base, *options]))
            found = {dimension.key: _within(dimension, _value(config, dimension.key)) for dimension in self._dimensions}
            self._known[options] = {key: value for key, value in found.items() if value is not None}
        return self._known[options]


def _value(config: DictConfig, key: str) -> Any:
    """The option of a group, or the value of a key; None for one that there is not, or that is computed."""
    if option := config.hydra.runtime.choices.get(key):
        return option
    parent, _, name = key.rpartition(".")
    node = OmegaConf.select(config, parent) if parent else config
    if not isinstance(node, DictConfig) or name not in node or OmegaConf.is_interpolation(node, name):
        return None
    value = node[name]
    return OmegaConf.to_container(value) if OmegaConf.is_config(value) else value


def _within(dimension: Dimension, value: Any) -> Any:
    """The value as the dimension has it: the text of a choice, a number; else as text."""
    if dimension.kind == "choice":
        return next((text for text in dimension.values if text == value or _read(text) == value), _text(value))
    return value if isinstance(value, int | float) and not isinstance(value, bool) else _text(value)


def _read(text: str) -> Any:
    try:
        return float(text)  # YAML takes 1e-3 for a string
    except ValueError:
        pass
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
