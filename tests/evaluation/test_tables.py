"""Tables of figures; a figure without value or without error says why."""

import io
from dataclasses import dataclass, field

import numpy as np
import pytest
from rich.console import Console

from hepexp.evaluation.evaluators.evaluator import named
from hepexp.evaluation.tables import jobs_table, meanings, metrics_table, notes, value_of


@dataclass
class Job:
    number: int
    overrides: list
    status: str
    error: str = ""
    metrics: dict = field(default_factory=dict)


def render(table, width=160):
    out = io.StringIO()
    Console(file=out, width=width).print(table)
    return out.getvalue()


def row(text, start):
    return next(line.split() for line in text.splitlines() if line.strip().startswith(start))


METRICS = {
    "test/auc": 0.87123,
    "test/auc_err": 0.00714,
    "test/rejection_0.3": None,
    "test/rejection_0.3_err": None,
    "model/parameters": 227096,
    "data/source": "mini",
}


def test_a_figure_stands_beside_those_to_compare_with_and_their_difference():
    beside = {"test/auc": [("0.888 [1]", "-2.3 σ"), ("0.9156 [2]", "")], "test/loss": [("0.4238 [1]", "")]}
    text = render(metrics_table(METRICS, beside))
    assert row(text, "test/auc") == ["test/auc", "0.8712", "±", "0.0071", "0.888", "[1]", "-2.3", "σ"]
    assert row(text, "0.9156") == ["0.9156", "[2]"]  # a second document has a line of its own
    assert row(text, "test/loss") == ["test/loss", "–", "0.4238", "[1]"]
    assert row(text, "test/rej") == ["test/rejection_0.3", "–"]
    assert row(text, "model") == ["model/parameters", "227,096"]
    assert "expected" in text
    assert "_err" not in text


def test_with_nothing_to_compare_with_there_are_two_columns():
    text = render(metrics_table(METRICS, title="hepexp/run [1]"))
    assert "expected" not in text
    assert "hepexp/run [1]" in text
    assert row(text, "data") == ["data/source", "mini"]


def test_jobs_show_figures_or_the_reason():
    done = Job(0, ["model=pfn", "seed=1"], "FINISHED", metrics=METRICS)
    failed = Job(1, ["model.sizes=[1,2]", "seed=1"], "FAILED", "model.n_hidden must be > 0, got -3")
    text = render(jobs_table([done, failed]))
    assert "0.8712 ± 0.0071" in text
    assert "model.sizes=[1,2]" in text  # brackets are not markup
    assert "accuracy" not in text  # no job has it
    assert "job 1: model.n_hidden must be > 0, got -3" in text
    assert text.count("seed=1") == 1  # what all jobs have is said once
    assert "all jobs: seed=1" in text
    assert "0  model=pfn seed=1" in render(jobs_table([done]))


def test_a_lower_bound_in_a_multirun_says_its_level():
    text = render(jobs_table([Job(0, ["seed=1"], "FINISHED", metrics=METRICS | {"test/rejection_0.3_bound": 12.7})]))
    assert "> 12.70" in text
    assert "> lower bound at 95 % CL, as no background example passes" in text


def test_a_narrow_terminal_cuts_no_figure():
    metrics = {**METRICS, "test/accuracy": 0.795, "test/accuracy_err": 0.0091}
    metrics |= {"test/rejection_0.3": 61.2, "test/rejection_0.3_err": 1.41}
    job = Job(12, ["model=lorentznet", "optimizer.lr=0.001"], "FINISHED", metrics=metrics)
    text = render(jobs_table([job]), width=80)
    assert all(figure in text for figure in ("0.7950 ± 0.0091", "0.8712 ± 0.0071", "61.2 ± 1.4"))


PAIR = "hepexp.losses.pair.PairLoss"
RECORD = {
    "test/auc": 0.9,
    "test/auc_err": 0.01,
    "test/rejection_0.3": None,
    "test/rejection_0.3_err": None,
    "test/rejection_0.3_bound": 95,
    "test/rejection_0.3_note": "0 of 95 background examples pass",
    "test/rejection_0.5": 31.7,
    "test/rejection_0.5_err": None,
    "test/rejection_0.5_note": "3 of 95 background examples pass",
    "test/accuracy": 1.0,
    "test/accuracy_err": None,
    "test/accuracy_note": "no error: the bootstrap replicas agree",
    "test/effective_rank": 2.5,
    "test/embedding_std": 0.1,
    "test/pair_accuracy": None,
    "val/auc": 0.8,
    "model/parameters": 12,
    "train/seconds": 3.0,
}


def test_each_reason_stands_once_with_its_figures():
    assert notes(RECORD, PAIR) == [
        "test/rejection_0.3: 0 of 95 background examples pass",
        "test/rejection_0.5: 3 of 95 background examples pass; no error, as some bootstrap replicas of the examples "
        "have no value",
        "test/accuracy: no error: the bootstrap replicas agree",
        "test/effective_rank, test/embedding_std: no error: defined for all embeddings together",
        "test/pair_accuracy: not defined for these examples",
        "val/auc: no error: from validation in the best epoch",
    ]


def test_where_none_passes_the_lower_bound_stands():
    assert value_of("test/rejection_0.3", RECORD) == "> 95"
    assert value_of("test/auc", RECORD) == "0.900 ± 0.010"
    assert value_of("test/pair_accuracy", RECORD) == "–"


def test_a_value_that_is_not_finite_is_none_and_has_its_metrics_reason():
    found = named("test", {"mismatch": float("nan"), "accuracy": np.inf, "symmetry/metric_exists": 1, "a_note": "b"})
    assert found == {"test/mismatch": None, "test/accuracy": None, "symmetry/metric_exists": 1, "test/a_note": "b"}
    assert notes({"test/mismatch": None}) == ["test/mismatch: the generators move nothing"]


def test_figures_of_one_meaning_stand_together():
    said = dict(meanings({"test/pair_accuracy": 0.9, "val/pair_accuracy": 0.8, "test/pair_accuracy_err": 0.1}, PAIR))
    assert list(said) == ["test/pair_accuracy, val/pair_accuracy"]


@pytest.mark.parametrize("key", ["test/auc_err", "test/rejection_0.3_bound", "test/rejection_0.3_note"])
def test_what_stands_beside_a_figure_is_none_itself(key):
    assert not any(key in names for names, _ in meanings({key: 1.0}))
