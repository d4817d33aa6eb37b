"""The study of a sweep in its storage: made once, found again by its name, worked on by any number of processes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hepexp.config.paths import runs_dir
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError, HepexpError
from hepexp.sweep.space import Dimension, read_space
from hepexp.tracking.process import is_dead

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

PLAN = "hepexp"  # the attribute of a study that holds its plan
REQUEUED, SURPLUS, PROCESS = "requeued", "surplus", "process"  # attributes of trials


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
    parent : MLflow run of the sweep.
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
    parent: str = ""

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        return read_space(self.space)


def default_storage() -> str:
    """The database of all sweeps under runs/."""
    root = runs_dir().resolve()
    root.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{root / 'sweeps.db'}"


def open_storage(url: str) -> BaseStorage:
    """The storage at an address.

    Raises
    ------
    HepexpError : it cannot be reached, or another version of Optuna made it.
    """
    import optuna
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import JournalFileBackend
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        if url.startswith("journal:"):
            return JournalStorage(JournalFileBackend(url.removeprefix("journal:")))
        waiting = {"connect_args": {"timeout": 60}} if url.startswith("sqlite:") else None
        return RDBStorage(url, engine_kwargs=waiting)
    except ArgumentError as error:
        raise ConfigError(
            f"sweep.storage must be sqlite:///FILE, postgresql://..., mysql://... or journal:FILE, got {url!r}"
        ) from error
    except RuntimeError as error:  # Optuna's word for a schema that is not its own
        raise HepexpError(
            f"sweep storage {url} was made by another version of Optuna ({str(error).splitlines()[0]}); use that "
            "version, or another sweep.storage"
        ) from error
    except (SQLAlchemyError, OSError, ImportError) as error:
        raise HepexpError(f"cannot open sweep storage {url}: {str(error).splitlines()[0]}") from error


def make_study(storage: BaseStorage, name: str, plan: Plan) -> Study:
    """The study of this name, new or with the same plan.

    Raises
    ------
    ConfigError : the name is in use by a sweep with another plan.
    """
    import optuna

    if name in optuna.get_all_study_names(storage):
        study = load_study(storage, name)
        before = plan_of(study)
        for key in ("space", "base", "metrics", "directions"):
            if getattr(before, key) != getattr(plan, key):
                raise ConfigError(
                    f"sweep.name={name} is in use with another {key} ({getattr(before, key)}, not "
                    f"{getattr(plan, key)}); choose another name, or go on with: hepexp sweep --resume {name}"
                )
        if before.trials != plan.trials:
            write_plan(study, replace(before, trials=plan.trials))
    else:
        study = optuna.create_study(storage=storage, study_name=name, directions=plan.directions)
        write_plan(study, plan)
    return study


def load_study(storage: BaseStorage, name: str) -> Study:
    """The study of this name.

    Raises
    ------
    ConfigError : there is none.
    """
    import optuna

    known = optuna.get_all_study_names(storage)
    if name not in known:
        there_are = ", ".join(known) or "none"
        raise ConfigError(f"no sweep {name!r} in this storage{did_you_mean(name, known)} (sweeps: {there_are})")
    return optuna.load_study(study_name=name, storage=storage)


def plan_of(study: Study) -> Plan:
    text = study.user_attrs.get(PLAN)
    if text is None:
        raise ConfigError(f"study {study.study_name!r} was not made by hepexp sweep; choose another sweep.name")
    return Plan(**json.loads(text))


def write_plan(study: Study, plan: Plan) -> None:
    study.set_user_attr(PLAN, json.dumps(asdict(plan)))


def sampler_of(plan: Plan, worker: int, n_trials: int) -> Any:
    """Optuna's sampler of one worker; a sweep that is resumed with `n_trials` must not draw the same again."""
    from optuna import samplers

    seed = int(np.random.SeedSequence([plan.seed, worker, n_trials]).generate_state(1)[0])
    match plan.sampler:
        case "random":
            return samplers.RandomSampler(seed)
        case "grid":
            return samplers.GridSampler({d.key: d.grid for d in plan.dimensions}, seed=plan.seed)
        case "cmaes":
            return samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
        case "nsgaii":
            return samplers.NSGAIISampler(seed=seed)
        case _:
            return samplers.TPESampler(seed=seed, constant_liar=True)


def pruner_of(plan: Plan) -> Any:
    from optuna import pruners

    match plan.pruner:
        case "median":
            return pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=1)
        case "hyperband":
            return pruners.HyperbandPruner(min_resource=1, max_resource=max(plan.max_epochs, 1))
        case _:
            return pruners.NopPruner()


def counted(study: Study) -> list[FrozenTrial]:
    """The trials of the plan, in order: not those that were killed and queued again, nor those that were too many."""
    return [t for t in study.get_trials(deepcopy=False) if not {REQUEUED, SURPLUS} & t.user_attrs.keys()]


def requeue_dead(study: Study) -> list[int]:
    """Queue again the trials whose process on this machine has died; their numbers."""
    from optuna.trial import TrialState

    found = []
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if is_dead(trial.user_attrs.get(PROCESS, {})) and requeue(study, trial):
            found.append(trial.number)
    return found


def requeue(study: Study, trial: FrozenTrial) -> bool:
    """End a trial as failed and queue its values as a new one; False where another worker did so before."""
    from optuna.exceptions import UpdateFinishedTrialError
    from optuna.trial import TrialState

    try:
        study._storage.set_trial_user_attr(trial._trial_id, REQUEUED, True)
        study.tell(trial.number, state=TrialState.FAIL)
    except (ValueError, UpdateFinishedTrialError):
        return False
    study.enqueue_trial(trial.params, user_attrs={"repeats": trial.number})
    return True
