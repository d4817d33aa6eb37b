from dataclasses import replace

import optuna
import pytest

from hepexp.errors import Pruned
from hepexp.sweep.samplers import OfEachTrial, pruner_of
from hepexp.sweep.worker import TrialWatcher
from tests.sweep.plans import PLAN, distributions


def study(plan, storage=None, name="name"):
    made = optuna.create_study(
        storage=storage, study_name=name, load_if_exists=True, directions=plan.directions, pruner=pruner_of(plan)
    )
    made.sampler = OfEachTrial(plan)
    return made


@pytest.mark.parametrize("sampler", ["tpe", "random", "cmaes", "nsgaii"])
def test_workers_that_start_together_draw_different_values_and_a_seed_draws_the_same_again(storage, sampler):
    plan = replace(PLAN, sampler=sampler, space={"optimizer.lr": "log(1e-4,1e-2)", "model.p": "uniform(0,1)"})

    def drawn(name):
        workers = study(plan, storage, name), study(plan, storage, name)
        trials = [worker.ask(distributions(plan)) for _ in range(4) for worker in workers]
        return [tuple(trial.params.values()) for trial in trials]

    first = drawn("first")
    assert len(set(first)) == 8
    assert drawn("second") == first


@pytest.mark.parametrize("pruner", ["median", "hyperband"])
def test_a_trial_that_is_worse_in_every_epoch_is_pruned_but_not_after_its_last_epoch(pruner):
    plan = replace(PLAN, pruner=pruner, max_epochs=9)
    made, ended = study(plan), []
    for value in (0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.1, 0.1, 0.1, 0.1):
        watcher = TrialWatcher(made.ask(distributions(plan)), "val/auc", plan.max_epochs, {})
        done = 0
        try:
            for epoch in range(plan.max_epochs):
                done = epoch + 1
                watcher.epoch({"val/auc": value}, epoch)
        except Pruned:
            ended.append((value, done))
            made.tell(watcher.trial, state=optuna.trial.TrialState.PRUNED)
        else:
            made.tell(watcher.trial, value)
    bad = [epoch for value, epoch in ended if value == 0.1]
    assert len(bad) >= 2
    assert max(epoch for _, epoch in ended) < plan.max_epochs
