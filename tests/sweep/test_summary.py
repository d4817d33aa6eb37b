"""The table of trials, on terminals of any width."""

import io
from dataclasses import replace

import optuna
import pytest
from rich.console import Console

from hepexp.sweep.study import make_study
from hepexp.sweep.summary import trials_table
from tests.sweep.plans import PLAN, distributions

SPACE = {
    "optimizer.lr": "log(1e-4,1e-2)",
    "optimizer.weight_decay": "log(1e-6,1e-2)",
    "dataset.batch_size": "int(32,512)",
    "model.dropout": "uniform(0,0.5)",
}
PLAN = replace(PLAN, space=SPACE, metrics=["val/auc", "model/flops"], directions=["maximize", "minimize"])


@pytest.fixture(scope="module")
def study():
    made = make_study(optuna.storages.InMemoryStorage(), "name", PLAN)
    for k in range(3):
        trial = made.ask(distributions(PLAN))
        trial.set_user_attr("run", f"hepexp/2026-01-31_12-00-0{k}_particlenet_qg")
        made.tell(trial, [0.8123 + 0.01 * k, 123456.0 * (k + 1)])
    return made


@pytest.mark.parametrize("width", [60, 80, 120, 1000])
def test_columns_of_trials_are_whole_or_named_below(study, width):
    out = io.StringIO()
    Console(file=out, width=width).print(trials_table(study))
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= width
    table, left_out, named = text.partition("left out on this narrow terminal:")
    assert all(value in table for value in ("0.8123", "0.8223", "0.8323", "246,912", "COMPLETE"))
    for key in (*SPACE, "run"):
        assert (key in table.split()) != (key in named.replace(",", " ").split())
    assert bool(left_out) == (width < 200)
