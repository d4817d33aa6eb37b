import time

import pytest

from hepexp.sweep import lost_trials
from hepexp.sweep.study import counted, make_study
from hepexp.tracking.process import process_tags
from tests.sweep.plans import PLAN, distributions

ELSEWHERE = {"host": "another.machine", "pid": "1"}


@pytest.fixture
def study(storage):
    return make_study(storage, "name", PLAN)


def ask(study, process, **attributes):
    trial = study.ask(distributions(PLAN))
    for key, value in {"process": process, **attributes}.items():
        trial.set_user_attr(key, value)
    return trial


def test_a_trial_of_a_dead_process_is_queued_again_once(study):
    dead, alive = ask(study, {**process_tags(), "pid": "999999999"}), ask(study, process_tags())
    assert lost_trials.requeue_lost(study) == [dead.number]
    assert lost_trials.requeue_lost(study) == []
    again = study.ask(distributions(PLAN))
    assert again.params == dead.params
    assert [trial.number for trial in counted(study)] == [alive.number, again.number]


def test_another_machine_counts_as_gone_when_it_is_silent_for_long(study):
    now = time.time()
    silent = ask(study, ELSEWHERE, seen=now - 2 * lost_trials.LIMIT)
    ask(study, ELSEWHERE, seen=now - 2 * lost_trials.PERIOD)
    ask(study, ELSEWHERE)  # has just begun
    assert lost_trials.requeue_lost(study) == [silent.number]


def test_signs_of_life_go_on_while_a_trial_runs(study, monkeypatch):
    monkeypatch.setattr(lost_trials, "PERIOD", 0.01)
    trial = study.ask(distributions(PLAN))
    with lost_trials.alive(trial):
        first = trial.user_attrs["seen"]
        while study.trials[0].user_attrs["seen"] == first:
            pass
    assert study.trials[0].user_attrs["process"] == process_tags()


def test_values_that_kill_every_process_fail_in_the_end(study):
    ask(study, {**process_tags(), "pid": "999999999"})
    for _ in range(lost_trials.MOST_DEATHS - 1):
        assert len(lost_trials.requeue_lost(study)) == 1
        ask(study, {**process_tags(), "pid": "999999999"})
    assert lost_trials.requeue_lost(study) == []
    (trial,) = counted(study)
    assert (trial.state.name, trial.user_attrs["deaths"]) == ("FAIL", lost_trials.MOST_DEATHS - 1)
