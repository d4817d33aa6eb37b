"""The figure of a study along an axis of words: one of all data sets, in the order of its file."""

import csv
import io
import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes
from omegaconf import OmegaConf

from hepexp.compare.table import as_csv
from hepexp.evaluation.rounding import with_error
from hepexp.learning.multirun import FINISHED, MultirunJob
from hepexp.study import results as study_results
from hepexp.study.options import StudyOptions
from hepexp.study.plan import Plan, Row, Run
from hepexp.study.results import Results
from hepexp.study.typed import Typed
from hepexp.tracking.run_folder import RunFolder
from tests.compare.runs import run, scores

TASKS = {"b_digits": 400, "a_jets": 600}  # with test examples


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A study of two settings along two tasks of different test sets with two seeds."""
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path))
    options = StudyOptions({"circuits": "", "classical": ""}, "", {"task": list(TASKS)}, 2, x="task")
    rows, jobs = [], []
    for setting, task in itertools.product(options.settings, TASKS):
        runs = []
        for seed in options.seeds:
            given = scores(1 + (setting == "circuits"), seed, TASKS[task])
            made = {"choices": {"task": task}, "settings": {"block": setting}}
            record = run(tmp_path, f"{setting}_{task}_{seed}", given, seed, **made)
            runs.append(Run(f"{setting} task={task}", seed, [], {}))
            jobs.append(MultirunJob(len(jobs), [], FINISHED, str(record.path.relative_to(tmp_path))))
        rows.append(Row(setting, {"task": task}, f"{setting} task={task}", tuple(runs)))
    plan = Plan("mine", options, Typed([], [], {}), {"task": list(TASKS)}, rows)
    jobs = [jobs[2 * k + seed] for seed in (0, 1) for k in range(len(rows))]  # in the order of plan.runs
    return Results(plan, jobs)


@pytest.mark.parametrize("missing", [0, 1])
def test_tasks_of_all_data_sets_share_a_figure(results, tmp_path, monkeypatch, missing):
    drawn, bars = {}, Axes.errorbar

    def noted(self, x, y, error, **known):
        drawn[known["label"]], drawn["axes"] = (x, y, error), self
        return bars(self, x, y, error, **known)

    monkeypatch.setattr(Axes, "errorbar", noted)
    for k in range(missing):  # the first row of the file has not been trained yet
        results.jobs[k] = results.jobs[k + 4] = MultirunJob(k, [], "LOST")
    tables = results.tables()
    assert len(tables) == 2  # of the two test sets
    assert [file.name for file in results.draw(tables, tmp_path)] == ["figure.png"]
    axes = drawn.pop("axes")
    assert [label.get_text() for label in axes.get_xticklabels()] == list(TASKS)
    assert list(drawn) == ["circuits", "classical"]
    figures = {(g.records[0].choices["task"], g.name.split()[0]): g for table in tables for g in table.groups}
    for name, (x, y, error) in drawn.items():
        tasks = list(TASKS)[missing if name == "circuits" else 0 :]
        assert np.round(x).tolist() == [list(TASKS).index(task) for task in tasks]
        own = [[r.metrics["test/auc"] for r in figures[task, name].records] for task in tasks]
        assert y == pytest.approx(np.mean(own, axis=1))
        assert error == pytest.approx(np.std(own, axis=1, ddof=1))


def test_each_metric_along_y_has_a_figure_of_the_tasks_that_have_it(results, tmp_path, monkeypatch):
    drawn = {}

    def noted(path, curves, axis, metric, title):
        names = sorted(group.name for curve in curves for group in curve.groups)
        drawn[path.name] = (metric, list(axis.words.values()), names)

    monkeypatch.setattr(study_results, "draw_curves", noted)
    for job in results.jobs:
        if "a_jets" in job.run:
            file = RunFolder(job.folder).path / "metrics.json"
            file.write_text(json.dumps({**json.loads(file.read_text()), "test/pair_accuracy": 0.6}))
    options = StudyOptions(results.plan.options.settings, axes=results.plan.axes, x="task", y=["auc", "pair_accuracy"])
    found = Results(replace(results.plan, options=options), results.jobs)
    files = found.draw(found.tables(), tmp_path)
    assert [file.name for file in files] == ["figure_auc.png", "figure_pair_accuracy.png"]
    both = [f"{setting} task=a_jets" for setting in ("circuits", "classical")]
    assert drawn["figure_pair_accuracy.png"] == ("test/pair_accuracy", ["a_jets"], both)
    assert drawn["figure_auc.png"][:2] == ("test/auc", list(TASKS))


def test_the_table_has_the_differences_in_each_y_where_both_settings_have_one(results):
    for k, job in enumerate(results.jobs):
        if "a_jets" in job.run:
            file = RunFolder(job.folder).path / "metrics.json"
            own = {"test/pair_accuracy": 0.6 + 0.01 * k, "test/pair_accuracy_err": 0.01}
            file.write_text(json.dumps({**json.loads(file.read_text()), **own}))
    options = {"settings": results.plan.options.settings, "axes": results.plan.axes, "x": "task"}
    options = StudyOptions(**options, y=["auc", "retrieval_top1", "pair_accuracy"], against="classical")
    digits, jets = Results(replace(results.plan, options=options), results.jobs).tables()
    assert [one.metric.metric for one in digits.compared] == ["test/auc"]
    assert [one.metric.metric for one in jets.compared] == ["test/auc", "test/pair_accuracy"]
    circuits, classical = jets.compared[1].differences
    means = [np.mean([r.metrics["test/pair_accuracy"] for r in g.records]) for g in jets.groups]
    assert circuits.value == pytest.approx(means[0] - means[1])
    assert circuits.error > 0.01
    assert classical.value == 0
    header, *_ = jets.cells()
    assert [text for text in header if text.startswith("Δ")] == ["Δ AUC", "Δ pair accuracy"]
    rows = list(csv.DictReader(io.StringIO(as_csv([digits, jets]))))
    assert [bool(row["test/pair_accuracy_p"]) for row in rows] == [False, False, True, False]
    assert [bool(row["test/auc_p"]) for row in rows] == [True, False, True, False]


def test_more_curves_than_colours_are_a_figure_for_each_place_along_the_other_axes(tmp_path, monkeypatch):
    """Six curves of three settings at two resolutions, and five colours: each figure has those of one resolution."""
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path))
    monkeypatch.setattr(study_results, "COLOURS", study_results.COLOURS[:5])
    axes = {"model.n_train": ["100", "200"], "model.smear": ["0.0", "0.1"]}
    options, rows, jobs = StudyOptions({"a": "", "b": "", "c": ""}, axes=axes, seeds=1, x="n_train"), [], []
    for setting, n_train, smear in itertools.product(options.settings, *axes.values()):
        name, along = f"{setting} n_train={n_train} smear={smear}", {"model.n_train": n_train, "model.smear": smear}
        settings = {"block": setting, "n_train": int(n_train), "smear": float(smear)}
        record = run(tmp_path, name.replace(" ", "_"), scores(1, 1, 50), 1, settings=settings)
        rows.append(Row(setting, along, name, (Run(name, 1, [], {}),)))
        jobs.append(MultirunJob(len(jobs), [], FINISHED, str(record.path.relative_to(tmp_path))))
    drawn = {}

    def noted(path, curves, axis, metric, title):
        drawn[path.name] = [curve.name for curve in curves]

    monkeypatch.setattr(study_results, "draw_curves", noted)
    found = Results(Plan("mine", options, Typed([], [], {}), axes, rows), jobs)
    assert [file.name for file in found.draw(found.tables(), tmp_path)] == ["figure.png", "figure_2.png"]
    assert drawn["figure.png"] == [f"{setting} smear=0.0" for setting in "abc"]
    assert drawn["figure_2.png"] == [f"{setting} smear=0.1" for setting in "abc"]


PUBLISHED = {
    "document": "Someone, JHEP 1 (2024) 1",
    "link": "https://example.org/1",
    "data": "qg",
    "n_train": 500,
    "figures": {"test/auc": "0.90 +- 0.01", "test/rejection_0.3": 110},
}


def test_figures_stand_beside_published_ones_with_what_differs(results, tmp_path):
    for k, job in enumerate(results.jobs):
        file = tmp_path / job.run / "config.yaml"
        config = OmegaConf.load(file)
        config.expected = {"published": [PUBLISHED]} if k % 4 < 2 else {}  # of circuits, on both tasks and seeds
        OmegaConf.save(config, file)
    results.jobs[7] = MultirunJob(7, [], "LOST")
    *lines, _, told = results.beside_published().splitlines()
    assert told == "1 of 8 runs are missing: classical task=a_jets seed=2: not begun"
    head, _, *rows = [line.strip("| ").split(" | ") for line in lines]
    named = [dict(zip(head, row, strict=True)) for row in rows]
    assert [row["setting"] for row in named] == [
        *["circuits task=b_digits"] * 2, *["circuits task=a_jets"] * 2,
        *["classical task=b_digits"] * 2, *["classical task=a_jets"] * 2,
    ]  # fmt: skip
    auc, rejection = named[:2]
    values = [json.loads((tmp_path / job.run / "metrics.json").read_text())["test/auc"] for job in results.jobs[:5:4]]
    assert auc["here"] == f"{with_error(np.mean(values), np.std(values, ddof=1))} (2 seeds)"
    assert auc["published"] == "0.90 ± 0.01 (500 training examples)"
    assert auc["document"] == "[Someone, JHEP 1 (2024) 1](https://example.org/1)"
    assert auc["not comparable, as"] == "source mini against full"
    assert auc["data"] == "qg, source mini, 500 training"
    assert auc["parameters"] == "1,234"
    assert auc["command"] == "`hepexp train -m seed=1,2`"
    assert rejection["published"] == "110 (500 training examples)"
    assert [row["document"] for row in named[4:]] == ["–"] * 4
    assert all(row["here"] != "–" for row in named)


def test_the_table_beside_published_figures_is_written_where_there_are_some(results, tmp_path, monkeypatch):
    study_results.write(results, tmp_path)
    assert not (tmp_path / study_results.PUBLISHED).exists()
    file = tmp_path / results.jobs[0].run / "config.yaml"
    config = OmegaConf.load(file)
    config.expected = {"published": [PUBLISHED]}
    OmegaConf.save(config, file)
    monkeypatch.setattr(StudyOptions, "draws", False)
    _, files, why = study_results.write(Results(results.plan, results.jobs), tmp_path)
    assert [file.name for file in files] == ["runs.csv", "table.md", "table.csv", "published.md"]
    assert why == ""
