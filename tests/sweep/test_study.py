from dataclasses import replace

import pytest

from hepexp.errors import ConfigError
from hepexp.sweep.lost_trials import requeue
from hepexp.sweep.study import counted, is_wanted, load_study, make_study, plan_of, set_trials
from tests.sweep.plans import GRID, PLAN, distributions


def test_a_study_is_found_again_and_may_get_more_trials(storage):
    make_study(storage, "name", PLAN)
    found = make_study(storage, "name", replace(PLAN, trials=9))
    assert plan_of(found).trials == 9
    with pytest.raises(ConfigError, match="in use with another space"):
        make_study(storage, "name", replace(PLAN, space={"seed": "int(1,2)"}))
    with pytest.raises(ConfigError, match=r"no sweep 'nam' in this storage; did you mean name\?"):
        load_study(storage, "nam")


def test_the_study_of_another_program_is_left_alone(storage, monkeypatch):
    import optuna

    from hepexp.sweep import study

    monkeypatch.setattr(study, "MAKING", 0.0)
    optuna.create_study(storage=storage, study_name="theirs")
    with pytest.raises(ConfigError, match="'theirs' was not made by hepexp sweep"):
        make_study(storage, "theirs", PLAN)


def test_every_cell_of_a_grid_is_tried_once_though_one_was_interrupted(storage):
    study = make_study(storage, "grid", replace(GRID, trials=2))
    set_trials(study, 99)
    assert plan_of(study).trials == 6
    asked = 0
    while is_wanted(study):
        trial = study.ask(distributions(GRID))
        asked += 1
        if asked == 2:
            assert requeue(study, trial.number, trial.params)
        else:
            study.tell(trial, 0.5)
    assert asked == 7
    cells = [tuple(trial.params.values()) for trial in counted(study)]
    assert sorted(cells) == [(lr, seed) for lr in ("1e-3", "2e-3") for seed in (1, 2, 3)]
