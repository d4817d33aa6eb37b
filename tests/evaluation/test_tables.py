import io
from dataclasses import dataclass, field

from rich.console import Console

from hepexp.evaluation.tables import jobs_table, metrics_table


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
