import numpy as np
import pytest

from hepexp.compare.groups import group
from tests.compare.runs import run, scores


def test_seeds_of_a_setting_are_one_row_with_mean_and_standard_deviation(tmp_path):
    records = [run(tmp_path, f"a{s}", scores(1, s), seed=s, **{"test/loss": loss}) for s, loss in ((2, 1.0), (1, 4.0))]
    (found,) = group(records)
    assert found.seeds == [1, 2]
    figure = found.figure("test/loss")
    assert (figure.value, figure.n_runs) == (2.5, 2)
    assert figure.error == pytest.approx(np.sqrt(2 * 1.5**2))  # n - 1 = 1
    assert found.figure("model/parameters").value == 1234
    assert found.figure("model/parameters").error is None
    assert found.figure("nothing").value is None


def test_one_run_keeps_its_bootstrap_error(tmp_path):
    record = run(tmp_path, "a", scores(1, 1))
    (found,) = group([record])
    assert found.figure("test/auc").error == record.metrics["test/auc_err"] > 0


def test_a_metric_that_one_seed_lacks_is_the_mean_of_the_others(tmp_path):
    records = [run(tmp_path, "a", scores(1, 1), seed=1, **{"test/x": 3.0}), run(tmp_path, "b", scores(1, 2), seed=2)]
    (found,) = group(records)
    assert (found.figure("test/x").value, found.figure("test/x").error, found.figure("test/x").n_runs) == (3.0, None, 1)


def test_a_group_is_named_by_what_sets_it_apart(tmp_path):
    def names(*runs):
        return [found.name for found in group(list(runs))]

    narrow = run(tmp_path, "a", scores(1, 1), settings={"width": 4, "flag": True})
    wide = run(tmp_path, "b", scores(1, 1), settings={"width": 8, "flag": True})
    other = run(tmp_path, "c", scores(1, 1), model="lorentznet")
    assert names(narrow) == ["pfn"]
    assert names(narrow, other) == ["pfn", "lorentznet"]
    assert names(narrow, wide) == ["model.width=4", "model.width=8"]
    assert names(narrow, wide, other) == ["pfn model.width=4", "pfn model.width=8", "lorentznet"]


def test_runs_of_tasks_are_named_by_their_task_and_what_was_changed(tmp_path):
    def of(name, task, width=8, **choices):
        return run(tmp_path, name, scores(1, 1), settings={"width": width}, choices={"task": task, **choices})

    def names(*runs):
        return [found.name for found in group(list(runs))]

    a, b, wide = of("a", "first"), of("b", "second", loss="focal"), of("c", "first", width=[64, 64])
    assert names(a, b) == ["first", "second"]
    assert names(a, wide) == ["first model.width=8", "first model.width=[64,64]"]
    assert names(a, b, wide) == ["first model.width=8", "second", "first model.width=[64,64]"]
    by_hand = run(tmp_path, "d", scores(1, 1))
    assert names(a, by_hand) == ["first", "pfn"]


def test_of_runs_with_the_same_setting_and_seed_the_newest_counts(tmp_path):
    old, new, other = (run(tmp_path, name, scores(1, k), seed=1 + k // 2) for k, name in enumerate("abc"))
    (found,) = group([new, old, other])
    assert found.records == (new, other)
    assert found.repeats == (old,)
    (alone,) = group([old, new])
    assert alone.figure("test/auc").error == new.metrics["test/auc_err"]


def test_what_no_figure_depends_on_makes_no_setting_of_its_own(tmp_path):
    quiet = run(tmp_path, "a", scores(1, 1), seed=1, trainer={"progress": False, "max_epochs": 3})
    shown = run(tmp_path, "b", scores(1, 2), seed=2, trainer={"progress": None, "max_epochs": 3})
    longer = run(tmp_path, "c", scores(1, 3), seed=2, trainer={"progress": None, "max_epochs": 4})
    assert [found.seeds for found in group([quiet, shown, longer])] == [[1, 2], [2]]
