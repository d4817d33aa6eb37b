"""A metric at words: the settings are side by side at the place of each, with the mean and its error."""

import itertools

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hepexp.cli.compare import main
from hepexp.compare.axis import Axis
from hepexp.compare.curves import curves
from hepexp.compare.groups import group
from hepexp.compare.places import MOST, UNSURE, draw_places
from hepexp.errors import HepexpError
from tests.compare.runs import N, run, scores

TASKS = {"digits": 400, "quarks_and_gluons_of_long_name": N}  # with test examples


@pytest.fixture
def records(tmp_path):
    """Two backends in two tasks of different test sets, two seeds each; an option brings a key along."""
    found = []
    for task, n in TASKS.items():
        for backend in ("circuits", "classical"):
            for seed in (1, 2):
                separation = 1 + (backend == "circuits") + (task == "digits") / 2
                given = scores(separation, seed, n)
                chosen = {"choices": {"task": task, "backend": backend}, "settings": {"width": n}}
                record = run(tmp_path, f"{task}_{backend}_{seed}", given, seed, **chosen)
                words = [f"task={task}", f"backend={backend}", f"seed={seed}", "trainer.progress=false"]
                record.folder.write_yaml("overrides.yaml", words)
                found.append(record)
    return found


@pytest.fixture
def drawn(monkeypatch):
    """The error bars of a figure by label, and its last axes."""
    found, bars = {}, Axes.errorbar

    def noted(self, x, y, error, **known):
        found[known["label"]], found["axes"] = (x, y, error), self
        return bars(self, x, y, error, **known)

    monkeypatch.setattr(Axes, "errorbar", noted)
    return found


def test_settings_are_side_by_side_at_each_task_of_whatever_test_set(records, drawn, tmp_path, monkeypatch):
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path))
    assert main(["tests", "--x", "task", "--plot", str(tmp_path / "a.png"), "--bootstrap", "9"]) == 0
    axes = drawn.pop("axes")
    assert list(drawn) == ["backend=circuits", "backend=classical"]
    assert axes.get_xlabel() == "task"
    assert axes.get_xticks().tolist() == [0, 1]
    assert [label.get_text() for label in axes.get_xticklabels()] == list(TASKS)
    assert all(label.get_rotation() > 0 for label in axes.get_xticklabels())  # too long to be upright
    for name, (x, y, error) in drawn.items():
        for place, task in enumerate(TASKS):
            own = [r.metrics["test/auc"] for r in records if r.choices["task"] == task and r.choices["backend"] in name]
            assert y[place] == pytest.approx(np.mean(own))
            assert error[place] == pytest.approx(np.std(own, ddof=1))
        assert np.round(x).tolist() == [0, 1]
    aside = np.subtract(drawn["backend=classical"][0], drawn["backend=circuits"][0])
    assert aside == pytest.approx([1 / 3, 1 / 3])  # half of what is between points of neighbouring places
    assert np.add(drawn["backend=classical"][0], drawn["backend=circuits"][0]) == pytest.approx([0, 2])


def test_a_setting_along_the_options_of_a_group_is_what_was_typed_beside_it(records):
    axis = Axis.named("task", records)
    assert list(axis.words.values()) == list(TASKS)
    found = curves(group(records), axis)
    assert [curve.name for curve in found] == ["backend=circuits", "backend=classical"]
    assert [g.name for g in found[0].groups] == [f"backend=circuits task={task}" for task in TASKS]
    for record in records[:2]:  # the first task by its own choice of a backend
        record.folder.write_yaml("overrides.yaml", ["task=digits"])
    assert [curve.name for curve in curves(group(records), axis)] == [
        "defaults",
        "backend=classical",
        "backend=circuits",
    ]
    for record in records:
        record.folder.write_yaml("overrides.yaml", [f"task={record.choices['task']}"])
    twice = curves(group(records), axis)
    assert [curve.name for curve in twice] == ["defaults", "defaults=2"]  # the same command with other defaults
    assert [len(curve.groups) for curve in twice] == [2, 2]


def test_words_of_a_key_that_is_no_choice_leave_the_other_keys(tmp_path):
    values = ("gcn", "gat", None, True)
    records = [
        run(tmp_path, f"{width}{conv}", scores(1.0, i), settings={"conv": conv, "width": width})
        for i, (width, conv) in enumerate((width, conv) for width in (8, 16) for conv in values)
    ]
    axis = Axis.named("conv", records)
    assert list(axis.words.values()) == ["gcn", "gat", "null", "true"]
    found = curves(group(records), axis)
    assert [curve.name for curve in found] == ["model.width=8", "model.width=16"]
    for curve in found:
        assert [axis.of(g)[0] for g in curve.groups] == [0, 1, 2, 3]


def test_weights_are_shown_by_the_runs_that_they_are_of(tmp_path):
    files = (
        None,
        "a/2026-01-02_03-04-05_teacher/checkpoints/best.ckpt",
        "a/2026-01-02_04-04-05_b/checkpoints/best.ckpt",
    )
    records = [run(tmp_path, str(i), scores(1.0, i), settings={"weights": file}) for i, file in enumerate(files)]
    assert list(Axis.named("weights", records).words.values()) == ["null", "teacher", "b"]


def test_one_run_has_its_bootstrap_error_and_a_bound_a_triangle(tmp_path, drawn, monkeypatch):
    marked, plot = [], Axes.plot

    def noted(self, x, y, style, **known):
        marked.append((x, y, style))
        return plot(self, x, y, style, **known)

    monkeypatch.setattr(Axes, "plot", noted)
    perfect = scores(1.0, 1) * 0 + np.eye(2)[np.arange(N) % 2]
    records = [
        run(tmp_path, name, given, settings={"conv": name}) for name, given in (("gcn", scores(1, 1)), ("gat", perfect))
    ]
    axis = Axis.named("conv", records)
    own = group(records)
    draw_places(tmp_path / "a.png", [("", own)], axis, "test/rejection_0.3", "")
    x, y, error = drawn[""]
    figures = records[0].metrics
    assert (x, y) == ((0,), (figures["test/rejection_0.3"],))
    assert error == (figures["test/rejection_0.3_err"],)
    [(x, y, style)] = marked
    assert (x, style) == ((1,), "^")
    assert y == (own[1].figure("test/rejection_0.3").bound,)


def test_a_value_without_an_error_is_an_open_point(tmp_path, monkeypatch):
    marked, plot = [], Axes.plot

    def noted(self, x, y, style, **known):
        marked.append((tuple(x), known["markerfacecolor"]))
        return plot(self, x, y, style, **known)

    records = [run(tmp_path, name, scores(1, 1), settings={"conv": name}) for name in ("gcn", "gat")]
    records[1].metrics["test/auc_err"] = None
    axis = Axis.named("conv", records)
    monkeypatch.setattr(Axes, "plot", noted)
    draw_places(tmp_path / "a.png", [("", group(records))], axis, "test/auc", "")
    assert marked == [((1,), UNSURE)]


def test_words_stay_in_the_figure(tmp_path, monkeypatch):
    boxes, saved = [], Figure.savefig

    def noted(self, *args, **known):
        saved(self, *args, **known)
        self.draw_without_rendering()  # in its own resolution again
        (axes,) = self.axes
        boxes.append((self.bbox, [label.get_window_extent() for label in axes.get_xticklabels()]))

    monkeypatch.setattr(Figure, "savefig", noted)
    for n, length in ((2, 3), (2, 45), (12, 20)):
        words = [f"{k:02d}{'w' * length}" for k in range(n)]
        records = [run(tmp_path, f"{n}{length}{word}", scores(1, 1), settings={"conv": word}) for word in words]
        axis = Axis.named("conv", records)
        draw_places(tmp_path / "a.png", [("one", group(records))], axis, "test/auc", "")
        whole, labels = boxes.pop()
        assert all(whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 for box in labels)
        if length == 3:
            assert all(a.x1 < b.x0 for a, b in itertools.pairwise(labels))


def test_too_many_words_or_none_with_a_value_are_one_line(records, tmp_path):
    axis, own = Axis.named("task", records), [("one", group(records))]
    with pytest.raises(HepexpError, match=r"no run has a value of test/recall"):
        draw_places(tmp_path / "a.png", own, axis, "test/recall", "")
    many = Axis("model.conv", True, {str(k): str(k) for k in range(MOST + 1)})
    with pytest.raises(HepexpError, match=rf"{MOST + 1} places along model.conv would be unreadable; select at most"):
        draw_places(tmp_path / "a.png", own, many, "test/auc", "")
