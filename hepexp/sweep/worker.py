"""One worker of a sweep: asks for values, trains, reports the result, until the plan is done."""

from __future__ import annotations

import os
import traceback
from typing import TYPE_CHECKING

from hepexp.config.command_line import read
from hepexp.config.overrides import compose
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError, HepexpError, Interrupted, Pruned
from hepexp.interrupts import Interrupts
from hepexp.learning.experiment import Watcher, freeze, train
from hepexp.learning.needed_runs import supply
from hepexp.sweep.lost_trials import alive, requeue, requeue_lost
from hepexp.sweep.samplers import OfEachTrial, pruner_of
from hepexp.sweep.storage import address, open_storage, reached
from hepexp.sweep.study import SURPLUS, Plan, completed, counted, is_wanted, load_study, name_of, plan_of

if TYPE_CHECKING:
    from optuna import Study, Trial


class NoSuchMetric(ConfigError):
    """A run has no value of the metric that it is judged by."""


class TrialWatcher(Watcher):
    """Follows one training: notes its folder, reports its epochs, and ends it where the pruner says so.

    Parameters
    ----------
    trial : of the training.
    metric : that the pruner looks at after each epoch; None where there is no pruner.
    max_epochs : of the training; after the last one there is nothing left to prune.
    tags : of the training's MLflow run.
    """

    def __init__(self, trial: Trial, metric: str | None, max_epochs: int, tags: dict[str, str]) -> None:
        self.trial, self.metric, self.max_epochs, self.tags = trial, metric, max_epochs, tags

    def started(self, label: str) -> None:
        self.trial.set_user_attr("run", label)

    def epoch(self, row: dict[str, float], epoch: int) -> None:
        if self.metric is None or row.get(self.metric) is None:
            return
        self.trial.report(row[self.metric], epoch)
        if epoch < self.max_epochs and self.trial.should_prune():
            raise Pruned(f"the sweep's pruner after epoch {epoch + 1}")


def start(name: str, run_id: str, parent: int | None = None) -> None:
    """Work on the sweep of this name, in the storage that the environment names.

    Parameters
    ----------
    run_id : MLflow run whose children the trials are.
    parent : process that started the worker; once it has died, no further trial is started.

    Raises
    ------
    Interrupted : by a signal; the running trial is queued again first.
    ConfigError : the runs have no such metric.
    HepexpError : the storage cannot be reached.
    """
    url = address(None)
    with Interrupts(), reached(url):
        study = load_study(open_storage(url), name)
        plan = plan_of(study)
        study.pruner = pruner_of(plan)
        study.sampler = OfEachTrial(plan)
        while parent is None or os.getppid() == parent:
            requeue_lost(study)
            if not is_wanted(study):
                return
            plan = plan_of(study)  # there may be more trials in it by now
            trial = study.ask({dimension.key: dimension.distribution for dimension in plan.dimensions})
            with alive(trial):
                if [t.number for t in counted(study)].index(trial.number) >= plan.trials:
                    _end_surplus(study, trial)
                    return
                run(study, plan, trial, run_id)


def _end_surplus(study: Study, trial: Trial) -> None:
    """End a surplus trial: two workers asked for the last one."""
    from optuna.trial import TrialState

    trial.set_user_attr(SURPLUS, True)
    study.tell(trial, state=TrialState.FAIL)


def run(study: Study, plan: Plan, trial: Trial, run_id: str) -> None:
    """Train one trial; a failed one is recorded with its reason and does not end the sweep."""
    from optuna.trial import TrialState

    # Another machine may have finished the trial meanwhile, because this one was silent for too long.
    try:
        values = _train(study, plan, trial, run_id)
    except Pruned:
        study.tell(trial, state=TrialState.PRUNED, skip_if_finished=True)
    except Interrupted:
        requeue(study, trial.number, trial.params)
        raise
    except Exception as error:
        line = str(error).splitlines()[0] if str(error) else "no message"
        trial.set_user_attr("error", line if isinstance(error, HepexpError) else f"{type(error).__name__}: {line}")
        if not isinstance(error, HepexpError):
            traceback.print_exc()  # into the worker's log
        study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
        if isinstance(error, NoSuchMetric) and not completed(study):
            raise  # the other trials would be trained in vain
    else:
        study.tell(trial, values, skip_if_finished=True)


def _train(study: Study, plan: Plan, trial: Trial, run_id: str) -> list[float]:
    overrides = plan.overrides(trial.params)
    trial.set_user_attr("overrides", overrides)
    line = read(overrides)
    composed = compose(line)
    config = freeze(composed, composed.hydra.runtime.choices)
    tags = {"mlflow.parentRunId": run_id, "sweep": name_of(study), "trial": str(trial.number)}
    reported = None if plan.pruner == "none" else plan.metrics[0]
    watcher = TrialWatcher(trial, reported, config.trainer.max_epochs, tags)
    result = train(supply(config, line), overrides, watcher)
    values: list[float] = []
    for metric in plan.metrics:
        value = result.metrics.get(metric)
        if not isinstance(value, int | float):
            known = [key for key in result.metrics if key.startswith(("val/", "model/", "train/"))]
            close = did_you_mean(metric, known)
            raise NoSuchMetric(f"the run has no value of {metric} to be judged by{close} (metrics: {', '.join(known)})")
        values.append(value)
    return values
