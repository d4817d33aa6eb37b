from dataclasses import replace

import optuna
import pytest

from hepexp.errors import ConfigError, HepexpError
from hepexp.sweep import study as studies
from hepexp.sweep.study import Plan
from hepexp.tracking.process import process_tags

PLAN = Plan(["model=pfn"], {"optimizer.lr": "log(1e-4,1e-2)"}, ["val/auc"], ["maximize"], 4, "tpe", "none", 1, "e", 2)


@pytest.fixture
def study(tmp_path):
    return studies.make_study(studies.open_storage(f"sqlite:///{tmp_path / 'a.db'}"), "name", PLAN)


def test_a_trial_of_a_dead_process_is_queued_again_once(study):
    lr = PLAN.dimensions[0].distribution
    dead, alive = study.ask({"optimizer.lr": lr}), study.ask({"optimizer.lr": lr})
    dead.set_user_attr("process", {**process_tags(), "pid": "999999999"})
    alive.set_user_attr("process", process_tags())
    assert studies.requeue_dead(study) == [dead.number]
    assert studies.requeue_dead(study) == []
    again = study.ask({"optimizer.lr": lr})
    assert again.params == dead.params
    assert [trial.number for trial in studies.counted(study)] == [alive.number, again.number]


def test_a_study_is_found_again_and_may_get_more_trials(study):
    found = studies.make_study(study._storage, "name", replace(PLAN, trials=9))
    assert studies.plan_of(found).trials == 9
    with pytest.raises(ConfigError, match="in use with another space"):
        studies.make_study(study._storage, "name", replace(PLAN, space={"seed": "int(1,2)"}))
    with pytest.raises(ConfigError, match=r"no sweep 'nam' in this storage; did you mean name\?"):
        studies.load_study(study._storage, "nam")


def test_a_resumed_sampler_does_not_repeat_itself():
    def first(worker, n_trials):
        study = optuna.create_study(sampler=studies.sampler_of(PLAN, worker, n_trials))
        return study.ask({"x": PLAN.dimensions[0].distribution}).params["x"]

    assert first(0, 0) == first(0, 0)
    assert len({first(0, 0), first(1, 0), first(0, 5)}) == 3


def test_a_store_that_is_none_is_named(tmp_path):
    with pytest.raises(ConfigError, match="must be sqlite:///FILE"):
        studies.open_storage("nowhere")
    with pytest.raises(HepexpError, match="cannot open sweep storage"):
        studies.open_storage(f"sqlite:///{tmp_path / 'no' / 'folder' / 'a.db'}")
