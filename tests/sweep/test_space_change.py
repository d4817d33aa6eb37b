"""The space of a sweep changes under way, and every trial so far counts."""

import csv
from dataclasses import replace

import pytest
from optuna.storages import InMemoryStorage

from hepexp.errors import ConfigError
from hepexp.sweep.samplers import OfEachTrial
from hepexp.sweep.space import read_space
from hepexp.sweep.space_change import ValuesBefore, change_space, merged
from hepexp.sweep.storage import open_storage
from hepexp.sweep.study import completed, counted, is_wanted, load_study, make_study, name_of, plan_of
from hepexp.sweep.summary import best_commands, importances, trials_table, write
from tests.sweep.plans import GRID, PLAN, distributions

MIXED = replace(PLAN, space={"model": "choice(pfn,cnn)", "optimizer.lr": "log(1e-4,1e-2)"}, trials=6)


@pytest.fixture(params=["sqlite:///{}/a.db", "journal:{}/a.log"])
def storage(request, tmp_path):
    return open_storage(request.param.format(tmp_path))


def trained(study, number, value=0.5):
    plan = plan_of(study)
    study.sampler = OfEachTrial(plan)
    for _ in range(number):
        study.tell(study.ask(distributions(plan)), value)


def test_choices_bounds_and_keys_are_added_and_the_sampler_goes_on(storage):
    study = make_study(storage, "name", MIXED)
    trained(study, 4, 0.9)
    before = [trial.params for trial in study.trials]
    space = {"model": "choice(pfn,cnn,vit)", "optimizer.lr": "log(1e-3,1)", "loss.p": "uniform(0,1)"}
    change_space(storage, study, merged(plan_of(study).dimensions, read_space(space)))
    assert not is_wanted(study)  # a worker that still has the old study begins nothing there

    found = load_study(storage, "name")
    assert name_of(found) == "name"
    assert [trial.params for trial in counted(found)] == before
    assert [trial.number for trial in completed(found)] == [0, 1, 2, 3]
    trained(found, 2, 0.1)
    assert all(set(trial.params) == set(space) for trial in found.trials[4:])
    assert not is_wanted(found)
    assert "loss.p" not in best_commands(found)[0]  # the best trial had none

    again = change_space(
        storage, found, merged(plan_of(found).dimensions, read_space({"model": "choice(pfn,cnn,vit,gin)"}))
    )
    trained(again, 30)
    assert {trial.params["model"] for trial in again.trials[6:]} == {"pfn", "cnn", "vit", "gin"}
    assert load_study(storage, "name").study_name == again.study_name


def test_a_grid_gets_its_new_cells_and_no_cell_twice(storage):
    study = make_study(storage, "grid", GRID)
    trained(study, 4)
    wider = change_space(storage, study, merged(GRID.dimensions, read_space({"seed": "int(1,4)"})))
    assert plan_of(wider).trials == 8
    while is_wanted(wider):
        trained(wider, 1)
    cells = sorted(tuple(trial.params.values()) for trial in counted(wider))
    assert cells == [(lr, seed) for lr in ("1e-3", "2e-3") for seed in (1, 2, 3, 4)]


def test_what_optuna_could_not_learn_from_is_refused(storage):
    with pytest.raises(ConfigError, match=r"choices can be added, not removed, got choice\(pfn\) without cnn"):
        merged(MIXED.dimensions, read_space({"model": "choice(pfn)"}))
    with pytest.raises(ConfigError, match="its bounds or choices can change, but not its form"):
        merged(MIXED.dimensions, read_space({"optimizer.lr": "choice(1e-3,1e-2)"}))
    study = make_study(storage, "name", MIXED)
    study.ask(distributions(MIXED)).set_user_attr("seen", 1e12)
    with pytest.raises(ConfigError, match=r"cannot change while trials are running \(0 of sweep name\)"):
        change_space(storage, study, merged(MIXED.dimensions, read_space({"seed": "int(1,4)"})))


def test_a_process_that_was_killed_in_between_is_made_good(storage, monkeypatch):
    study = make_study(storage, "name", MIXED)
    trained(study, 2)
    dimensions = merged(MIXED.dimensions, read_space({"seed": "int(1,4)"}))

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("hepexp.sweep.space_change.note_plan", killed)
        with pytest.raises(KeyboardInterrupt):
            change_space(storage, study, dimensions)
    assert load_study(storage, "name").study_name == "name"
    assert len(change_space(storage, load_study(storage, "name"), dimensions).trials) == 2


def widened(storage, study, space):
    plan = plan_of(study)
    dimensions = merged(plan.dimensions, read_space(space))
    return change_space(storage, study, dimensions, ValuesBefore(plan.base, dimensions))


def rows(study, folder):
    write(study, folder)
    with open(folder / "trials.csv", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_trials_before_a_key_was_added_have_the_value_of_the_base(tmp_path):
    storage = InMemoryStorage()
    study = make_study(storage, "name", replace(PLAN, base=["data=qg", "model=pfn"], trials=9))
    trained(study, 3, 0.9)
    study = widened(
        storage,
        study,
        {
            "model": "choice(pfn,gin)",
            "dataset": "choice(qg)",
            "optimizer.weight_decay": "log(1e-4,1)",
            "seed": "int(1,3)",
        },
    )
    trained(study, 3, 0.1)
    found = rows(study, tmp_path)
    assert [row["model"] for row in found[:3]] == ["pfn"] * 3
    assert [row["optimizer.weight_decay"] for row in found[:3]] == ["0.01"] * 3  # of conf/optimizer
    assert all(row["dataset"] == "qg" and row["seed"] in "123" for row in found)
    assert set(importances(study)) == set(plan_of(study).space)
    for command in [
        *best_commands(study),
        *(f"x x {' '.join(plan_of(study).overrides(t.params))}" for t in study.trials),
    ]:
        keys = [word.partition("=")[0].replace("data", "dataset") for word in command.split()[2:]]
        assert sorted(set(keys)) == sorted(keys)
    assert (tmp_path / "parallel_coordinate.png").is_file()


@pytest.mark.parametrize("sampler", ["tpe", "cmaes", "nsgaii", "random"])
def test_a_value_of_the_base_outside_the_space_is_shown_and_not_learnt_from(tmp_path, sampler):
    storage = InMemoryStorage()
    study = make_study(storage, "name", replace(PLAN, base=["data=qg", "model=pfn"], sampler=sampler, trials=30))
    trained(study, 2)
    study = widened(storage, study, {"model": "choice(gin,cnn)", "optimizer.weight_decay": "log(0.1,1)"})
    trained(study, 12)
    found = rows(study, tmp_path)
    assert [(row["model"], row["optimizer.weight_decay"]) for row in found[:2]] == [("pfn", "0.01")] * 2
    assert {row["model"] for row in found[2:]} == {"gin", "cnn"}
    assert plan_of(study).overrides(study.trials[0].params)[:2] == ["data=qg", "model=pfn"]
    study = widened(storage, study, {"model": "choice(gin,cnn,pfn)"})
    assert study.trials[0].params["model"] == "pfn"


def test_a_sweep_whose_trials_lack_a_key_is_shown_with_what_is_known(tmp_path):
    storage = InMemoryStorage()
    study = make_study(storage, "name", replace(PLAN, trials=9))
    trained(study, 2)
    study = change_space(
        storage, study, merged(PLAN.dimensions, read_space({"model": "choice(pfn,gin)", "seed": "int(1,3)"}))
    )
    trained(study, 2)
    found = rows(study, tmp_path)
    assert [(row["model"], row["seed"]) for row in found[:2]] == [("pfn", "")] * 2  # typed; not known
    assert len(trials_table(study).rows) == 4


def test_a_grid_with_another_key_counts_its_trials_and_trains_every_cell_once():
    for values, outside in (("int(1,2)", 0), ("int(2,3)", 2)):  # the seed is 1 without a choice
        storage = InMemoryStorage()
        plan = replace(PLAN, base=["data=qg"], space={"model": "choice(pfn,gin,cnn)"}, sampler="grid", trials=3)
        study = make_study(storage, "grid", plan)
        trained(study, 2)
        study = widened(storage, study, {"seed": values})
        assert plan_of(study).trials == 6 + outside
        while is_wanted(study):
            trained(study, 1)
        had = sorted((trial.params["model"], plan_of(study).settings(trial)["seed"]) for trial in counted(study))
        first, last = (int(digit) for digit in values[4:-1].split(","))
        new = {(model, seed) for model in ("pfn", "gin", "cnn") for seed in (first, last)}
        assert len(had) == 6 + outside
        assert new <= set(had)
