"""The study of a sweep in its storage: made once, found again by its name, worked on by any number of processes."""

from __future__ import annotations

import json
import random
import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from hepexp.config.command_line import translate
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError
from hepexp.sweep.space import Dimension, cells, read_space

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import BaseStorage
    from optuna.study import StudyDirection
    from optuna.trial import FrozenTrial

PLAN = "hepexp"  # the attribute of a study that holds its plan
CONTINUED = "continued"  # the attribute of a study that another one has taken the place of
REVISION = "~"  # no name of a sweep has it
OF_BASE = "of_base"  # the attribute of a trial with what the base gave keys that are now of the space but exclude it
REPEATS, SURPLUS = "repeats", "surplus"  # attributes of trials
MAKING = 10.0  # seconds that another process gets between making a study and noting its plan


@dataclass(frozen=True)
class Plan:
    """What all workers of a sweep must agree on, and what it was started with.

    Parameters
    ----------
    base : overrides of every trial.
    space : of each key, as text.
    metrics, directions : what is made best.
    trials : in all.
    sampler, pruner, seed : see `SweepOptions`.
    experiment : of the runs.
    max_epochs : of a trial, the scale of hyperband.
    uri : of the MLflow server that gets a copy of every run; None for none.
    register : name under which the best trial's model is registered; None for none.
    """

    base: list[str]
    space: dict[str, str]
    metrics: list[str]
    directions: list[str]
    trials: int
    sampler: str
    pruner: str
    seed: int
    experiment: str
    max_epochs: int
    uri: str | None = None
    register: str | None = None

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        return read_space(self.space)

    def overrides(self, params: dict[str, Any]) -> list[str]:
        """The command line of a trial, after `hepexp train`; it may lack a key that was added to the space later."""
        base = [word for word in self.base if key_of(word) not in params]  # the base may have had a key of the space
        return [*base, *(d.override(params[d.key]) for d in self.dimensions if d.key in params)]

    def settings(self, trial: FrozenTrial) -> dict[str, Any]:
        """The value of each key of the space in a trial, also of one that the base had then, where it is known."""
        if not trial.params:  # it is queued
            return {}
        typed = {key_of(word): word.partition("=")[2] for word in self.base}
        found = typed | trial.user_attrs.get(OF_BASE, {}) | trial.params
        return {key: found[key] for key in self.space if key in found}


def key_of(word: str) -> str:
    """The key, or the group, of an override."""
    return translate([word])[0].partition("=")[0].lstrip("+")


def directions_of_study(plan: Plan) -> list[StudyDirection]:
    """The directions of a plan, as Optuna names them."""
    from optuna.study import StudyDirection

    return [StudyDirection[word.upper()] for word in plan.directions]


def make_study(storage: BaseStorage, name: str, plan: Plan) -> Study:
    """The study of this name, new or with the same plan.

    Raises
    ------
    ConfigError : the name is in use by a sweep with another plan.
    """
    import optuna
    from optuna.exceptions import DuplicatedStudyError

    try:
        study = optuna.create_study(storage=storage, study_name=name, directions=directions_of_study(plan))
    except DuplicatedStudyError:
        return _joined(load_study(storage, name), name, plan)
    queue_grid(study, plan)
    note_plan(study, plan)
    return study


def _joined(study: Study, name: str, plan: Plan) -> Study:
    deadline = time.monotonic() + MAKING
    while PLAN not in study.user_attrs and time.monotonic() < deadline:
        time.sleep(0.2)
    before = plan_of(study)
    for key in ("space", "base", "metrics", "directions"):
        compared = "dimensions" if key == "space" else key
        if getattr(before, compared) != getattr(plan, compared):
            widened = " sweep.space.KEY=..., which can widen it" if key == "space" else ""
            raise ConfigError(
                f"sweep.name={name} is in use with another {key} ({getattr(before, key)}, not "
                f"{getattr(plan, key)}); choose another name, or resume it with: hepexp sweep --resume {name}{widened}"
            )
    set_trials(study, plan.trials)
    return study


def load_study(storage: BaseStorage, name: str) -> Study:
    """The study of this name.

    Raises
    ------
    ConfigError : there is none.
    """
    import optuna

    known = list(dict.fromkeys(_revision(found)[0] for found in optuna.get_all_study_names(storage)))
    if name not in known:
        there_are = ", ".join(known) or "none"
        raise ConfigError(f"no sweep {name!r} in this storage{did_you_mean(name, known)} (sweeps: {there_are})")
    study = optuna.load_study(study_name=name, storage=storage)
    while following := study.user_attrs.get(CONTINUED):
        study = optuna.load_study(study_name=following, storage=storage)
    return study


def name_of(study: Study) -> str:
    """The name of a sweep, whichever study now holds its trials."""
    return _revision(study.study_name)[0]


def next_revision(study: Study) -> str:
    """The name of the study that takes the place of this one."""
    name, number = _revision(study.study_name)
    return f"{name}{REVISION}{number + 1}"


def _revision(study_name: str) -> tuple[str, int]:
    name, _, number = study_name.partition(REVISION)
    return name, int(number) if number.isdigit() else 0


def plan_of(study: Study) -> Plan:
    try:
        return Plan(**json.loads(study.user_attrs[PLAN]))
    except (KeyError, TypeError) as error:
        raise ConfigError(
            f"study {study.study_name!r} was not made by hepexp sweep, or by another version of it; choose another "
            "sweep.name"
        ) from error


def set_trials(study: Study, trials: int) -> None:
    """Change how many trials there are in all; a grid has no more than its cells."""
    plan = plan_of(study)
    if plan.sampler == "grid":
        trials = min(trials, len(cells(plan.dimensions)))
    if trials != plan.trials:
        queue_grid(study, replace(plan, trials=trials))
        note_plan(study, replace(plan, trials=trials))


def counted(study: Study) -> list[FrozenTrial]:
    """The trials of the plan, in order: neither those that were killed and queued again, nor surplus ones."""
    trials = study.get_trials(deepcopy=False)
    repeated = {trial.user_attrs.get(REPEATS) for trial in trials}
    return [trial for trial in trials if trial.number not in repeated and SURPLUS not in trial.user_attrs]


def is_wanted(study: Study) -> bool:
    """Whether there is a trial to begin."""
    if CONTINUED in study.user_attrs:
        return False
    trials = counted(study)
    return len(trials) < plan_of(study).trials or any(trial.state.name == "WAITING" for trial in trials)


def completed(study: Study) -> list[FrozenTrial]:
    """The trials whose training finished."""
    return [trial for trial in counted(study) if trial.state.name == "COMPLETE"]


def note_plan(study: Study, plan: Plan) -> None:
    """Tell all workers the plan."""
    study.set_user_attr(PLAN, json.dumps(asdict(plan)))


def queue_grid(study: Study, plan: Plan) -> None:
    """Queue the cells of a grid, in random order, so that any part of it is representative."""
    # Optuna's own grid sampler never hands out a cell that was begun again, even if it was never trained.
    if plan.sampler == "grid":
        all_cells = cells(plan.dimensions)
        random.Random(plan.seed).shuffle(all_cells)
        for cell in all_cells[: plan.trials]:
            study.enqueue_trial(cell, skip_if_exists=True)
