"""Metrics are declared once, by what computes them: which way is better, what they are called, what they mean."""

from importlib import import_module
from pathlib import Path

import pytest

from hepexp.config import metrics, yaml_file
from hepexp.config.paths import conf_dir
from hepexp.errors import ConfigError

LOSSES = {path.stem: yaml_file.load(path)["_target_"] for path in (conf_dir() / "loss").glob("*.yaml")}


def test_what_is_read_from_the_source_is_what_the_classes_and_modules_have():
    found = {owner: [d.metric for d in metrics.declarations() if d.owner == owner] for owner in owners()}
    for owner, declared in found.items():
        module, _, name = owner.rpartition(".")
        if any(d.of_every_run for d in metrics.declarations() if d.owner == owner):
            written = import_module(owner).METRICS
        else:
            written = vars(getattr(import_module(module), name))["metrics"]
        assert [one for metric in written for one in metric.with_floor()] == declared
    assert not metrics.faults()


def owners() -> set[str]:
    return {d.owner for d in metrics.declarations()}


@pytest.mark.parametrize(
    ("key", "better"),
    [
        ("val/mismatch", "lower"),
        ("val/kl", "lower"),
        ("val/reconstruction_over_baseline", "lower"),
        ("test/reconstruction_over_baseline_ecal", "lower"),
        ("test/loss", "lower"),
        ("best/val/auc", "higher"),
        ("test/rejection_0.3", "higher"),
        ("test/rejection_0.3_err", "higher"),
        ("model/flops", "lower"),
        ("train/examples_per_second", "higher"),
        ("val/energy_response", "neither"),
        ("test/active_dimensions", "neither"),
    ],
)
def test_which_way_is_better(key, better):
    assert metrics.find(key).better == better


def test_a_name_is_that_of_the_metric_that_spells_it_out():
    assert metrics.heading("test/reconstruction_mse_turned") == "reconstruction MSE (rotated)"
    assert metrics.heading("test/reconstruction_mse_hcal") == "reconstruction MSE (hcal)"
    assert metrics.heading("val/auc") == "validation AUC"
    assert metrics.heading("train/lr") == "learning rate"
    assert metrics.latex("test/rejection_0.7") == r"$1/\varepsilon_B$ ($\varepsilon_S=0.7$)"
    assert (metrics.heading("test/mine"), metrics.latex("test/my_own")) == ("test/mine", r"test/my\_own")


def test_a_floor_is_a_figure_like_its_own_that_ranks_nothing():
    figure, floor = metrics.find("test/w1_mass"), metrics.find("test/w1_mass_floor")
    assert (floor.name, floor.heading, floor.better) == ("w1_mass_floor", "W1 (mass), truth", "neither")
    assert "the observable mass between two samples of the truth" in floor.meaning
    assert (floor.range, floor.error, floor.each_epoch) == (figure.range, figure.error, figure.each_epoch)
    assert figure.column
    assert not floor.column


def test_figures_of_circuits_have_the_circuits_names_and_are_known_in_runs_of_circuits_alone():
    assert metrics.find("test/swap_test") is None
    assert metrics.find("test/swap_test", LOSSES["circuit_values"]).heading == "swap_test"
    assert metrics.find("test/z_re_min", LOSSES["circuit_values"]).heading == "z least Re"


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_picks_its_epoch_by_what_is_better(loss):
    module, _, name = LOSSES[loss].rpartition(".")
    key, mode = getattr(import_module(module), name).monitor
    metric = metrics.find(key, LOSSES[loss])
    assert metric.each_epoch
    assert metric.better == {"min": "lower", "max": "higher"}[mode]


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_has_each_metric_once_and_its_evaluator_is_told_by_its_source(loss):
    names = [metric.name for metric in metrics.of_loss(LOSSES[loss])]
    assert len(names) == len(set(names))
    assert {"model/parameters", "train/best_epoch"} < set(names)


def test_every_metric_has_a_heading_a_sentence_a_range_and_a_latex_heading_that_latex_can_read():
    for d in metrics.declarations():
        assert d.metric.heading
        assert d.metric.range, d
        assert d.metric.meaning.endswith("."), d
        assert len(d.metric.meaning) > 20, d
        assert (d.metric.latex or d.metric.heading).isascii(), d
    directions = {}
    for d in metrics.declarations():  # evaluators that share a name agree on what is better
        assert directions.setdefault(d.metric.name, d.metric.better) == d.metric.better


def test_default_columns_are_metrics_of_the_record():
    assert metrics.columns()[:4] == ["test/accuracy", "test/auc", "test/rejection_0.3", "test/rejection_0.5"]
    assert {"symmetry/angle_error_deg", "model/parameters"} < set(metrics.columns())


def test_an_unknown_metric_is_named_with_the_closest():
    with pytest.raises(ConfigError, match=r"unknown metric 'test/knn_acu'; did you mean test/knn_auc\?"):
        metrics.named("test/knn_acu")


def test_a_declaration_that_is_not_literal_is_named_with_its_place(tmp_path: Path):
    bad, good = "Metric(NAME, 'lower', 'A', 'A.')", "Metric('b', 'lower', 'B', 'B.')"
    text = f"class R:\n    metrics = (\n    {bad},\n    {good},\n    )\n"
    fault, good = metrics._of_module(tmp_path / "r.py", "mine.r", text)
    assert fault == f"{tmp_path / 'r.py'}:3: mine.r.R.metrics must be Metric(...) with literal values, or names of them"
    assert (good.owner, good.metric.name) == ("mine.r.R", "b")
