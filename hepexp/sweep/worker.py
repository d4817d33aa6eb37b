"""One worker of a sweep: asks for values, trains, tells what came of it, until the plan is done."""

from __future__ import annotations

import os
import traceback
from typing import TYPE_CHECKING, Any

from hepexp.errors import HepexpError, Interrupted, Pruned
from hepexp.learning.chain import chosen, supply
from hepexp.learning.experiment import Watcher, train
from hepexp.sweep.study import PROCESS, SURPLUS, Plan, counted, plan_of, pruner_of, requeue, requeue_dead, sampler_of
from hepexp.tracking.process import process_tags

if TYPE_CHECKING:
    from optuna import Study, Trial


class TrialWatcher(Watcher):
    """Follows one training: notes its folder, reports its epochs, and ends it where the pruner says so.

    Parameters
    ----------
    trial : of the training.
    metric : reported each epoch, the objective's monitored value of the sweep; None where there is none to report.
    tags : of the training's MLflow run.
    """

    def __init__(self, trial: Trial, metric: str | None, tags: dict[str, str]) -> None:
        self.trial, self.metric, self.tags = trial, metric, tags

    def started(self, label: str) -> None:
        self.trial.set_user_attr("run", label)

    def epoch(self, row: dict[str, float], epoch: int) -> None:
        if self.metric is None or row.get(self.metric) is None:
            return
        self.trial.report(row[self.metric], epoch)
        if self.trial.should_prune():
            raise Pruned(f"the sweep's pruner after epoch {epoch + 1}")


def work(study: Study, number: int, parent: int | None = None) -> None:
    """Run trials until there are as many as planned.

    Parameters
    ----------
    number : of the worker.
    parent : process that started it; when it has died no further trial is begun.

    Raises
    ------
    Interrupted : the running trial is queued again first.
    """
    from optuna.trial import TrialState

    plan = plan_of(study)
    study.pruner = pruner_of(plan)
    study.sampler = sampler_of(plan, number, len(study.get_trials(deepcopy=False)))
    while parent is None or os.getppid() == parent:
        requeue_dead(study)
        trials = counted(study)
        waiting = any(trial.state == TrialState.WAITING for trial in trials)
        if len(trials) >= plan.trials and not waiting:
            return
        trial = study.ask({dimension.key: dimension.distribution for dimension in plan.dimensions})
        trial.set_user_attr(PROCESS, process_tags())
        if [t.number for t in counted(study)].index(trial.number) >= plan.trials:
            trial.set_user_attr(SURPLUS, True)  # two workers asked for the last one
            study.tell(trial, state=TrialState.FAIL)
            return
        run(study, plan, trial)


def overrides_of(plan: Plan, params: dict[str, Any]) -> list[str]:
    """The command line of a trial, after `hepexp train`."""
    return [*plan.base, *(dimension.override(params[dimension.key]) for dimension in plan.dimensions)]


def run(study: Study, plan: Plan, trial: Trial) -> None:
    """Train one trial; a failed one is recorded with its reason and does not end the sweep."""
    from optuna.trial import TrialState

    try:
        values = _train(study, plan, trial)
    except Pruned:
        study.tell(trial, state=TrialState.PRUNED)
    except Interrupted:
        requeue(study, study._storage.get_trial(trial._trial_id))
        raise
    except Exception as error:
        line = str(error).splitlines()[0] if str(error) else "no message"
        trial.set_user_attr("error", line if isinstance(error, HepexpError) else f"{type(error).__name__}: {line}")
        if not isinstance(error, HepexpError):
            traceback.print_exc()  # into the worker's log
        study.tell(trial, state=TrialState.FAIL)
    else:
        study.tell(trial, values)


def _train(study: Study, plan: Plan, trial: Trial) -> list[float]:
    from omegaconf import OmegaConf

    from hepexp.config import front
    from hepexp.config.compose import Composer

    overrides = overrides_of(plan, trial.params)
    trial.set_user_attr("overrides", overrides)
    arguments = front.prepare(overrides)
    config = Composer([]).compose(arguments)
    choices = chosen(config.hydra.runtime.choices)
    config = OmegaConf.masked_copy(config, [key for key in config if key != "hydra"])
    tags = {"mlflow.parentRunId": plan.parent or None, "sweep": study.study_name, "trial": str(trial.number)}
    reported = plan.metrics[0] if len(plan.metrics) == 1 else None
    result = train(supply(config, choices, arguments, []), choices, overrides, TrialWatcher(trial, reported, tags))
    values = [result.metrics.get(metric) for metric in plan.metrics]
    for metric, value in zip(plan.metrics, values, strict=True):
        if not isinstance(value, int | float):
            known = ", ".join(key for key in result.metrics if key.startswith(("val/", "model/", "train/")))
            raise HepexpError(f"the run has no number {metric} to judge it by; metrics: {known}")
    return values
