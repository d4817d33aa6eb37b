"""`model.metric=RUN` is the metric that the run has found; one that found none is refused in one line."""

import json

import numpy as np
import pytest
from omegaconf import OmegaConf

from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.latent_flow import LatentFlowEvaluator
from hepexp.learning.experiment import freeze
from hepexp.models.layers.metric_matrix import metric_matrix
from hepexp.sweep.space import Dimension
from hepexp.symmetry.algebra import so13
from hepexp.tracking import initial_weights
from hepexp.tracking.found_metric import metric_of, resolved
from hepexp.tracking.run_folder import RunFolder

ETA = [[1.0, 0, 0, 0], [0, -1.0, 0, 0], [0, 0, -1.0, 0], [0, 0, 0, -1.0]]


def run_with(figures: dict) -> RunFolder:
    """The newest run, with these figures."""
    folder = RunFolder.create("hepexp", "lie_momenta")
    folder.write_yaml("config.yaml", {"seed": 1})
    (folder.path / "metrics.json").write_text(json.dumps(figures))
    folder.point_latest()
    return folder


def found(metric: list[list[float]], exists: int = 1) -> dict:
    n = len(metric)
    listed = {f"symmetry/metric_J_{a}{b}": metric[a][b] for a in range(n) for b in range(a, n)}
    beside = {"exists": exists, "dimension": exists, "smallest_singular_value": 0.123}
    return {f"symmetry/metric_{name}": figure for name, figure in beside.items()} | listed


def test_a_run_stands_for_its_metric_and_other_values_stay(existing_store):
    tilted = [[1.1, 0.2, 0, 0], [0.2, -0.9, 0, 0], [0, 0, -1, 0], [0, 0, 0, -1]]
    run = run_with(found(tilted))
    for name in ("latest", run.label, str(run.path)):
        assert resolved(name) == tilted
    assert metric_matrix(resolved("latest")).tolist() == tilted
    for value in ("minkowski", "euclidean", "minkovski", ETA):
        assert resolved(value) is value


def test_the_frozen_config_has_the_matrix_so_that_it_does_not_depend_on_the_run(existing_store):
    run_with(found(ETA))
    composed = OmegaConf.create({"name": "x", "model": {"metric": "latest"}})
    assert OmegaConf.to_container(freeze(composed, {"model": "lorentznet", "dataset": "qg"}).model)["metric"] == ETA
    without = OmegaConf.create({"name": "x", "model": {"n_hidden": 3}})
    assert "metric" not in freeze(without, {"model": "pfn", "dataset": "qg"}).model


def test_all_jobs_take_the_metric_of_the_same_run(existing_store):
    run = run_with(found(ETA))
    assert initial_weights.pinned(["model.metric=latest", "seed=1,2"]) == [f"model.metric={run.label}", "seed=1,2"]
    assert initial_weights.pinned(["model.metric=latest,minkowski"]) == [f"model.metric={run.label},minkowski"]
    assert initial_weights.pinned(["+model.metric=choice(minkowski, 'latest')"]) == [
        f"+model.metric=minkowski,{run.label}"
    ]
    dimension = Dimension.read("model.metric", "choice(latest, minkowski)")
    assert dimension.values == (run.label, "minkowski")
    for word in ("model.metric=minkowski,euclidean", "model.metric=[[1,0],[0,-1]],[[1,0],[0,1]]"):
        assert initial_weights.pinned([word]) == [word]


@pytest.mark.parametrize(
    ("figures", "message"),
    [
        ({"test/auc": 0.9}, "searched for no metric; expected a run with loss=lie_gan, .* with linear fields"),
        (found(ETA, exists=0), r"found no invariant metric \(smallest singular value 0.123 of the largest\)"),
        ({"symmetry/metric_exists": 1}, "does not list its metric: symmetry/metric_J_00 is missing"),
        (found(ETA) | {"symmetry/metric_dimension": None}, "does not list its metric: symmetry/metric_dimension is"),
        (found(ETA) | {"symmetry/metric_J_13": None}, "does not list its metric: symmetry/metric_J_13 is missing"),
    ],
)
def test_a_run_without_a_metric_is_refused_in_one_line(existing_store, figures, message):
    run = run_with(figures)
    with pytest.raises(ConfigError, match=rf"^model\.metric: {run.label} {message}") as error:
        metric_of(run)
    assert "\n" not in str(error.value)


def test_the_metric_of_one_boost_is_refused_as_it_leaves_four_invariant(existing_store):
    # t^2 - z^2, x^2, y^2 and x y
    boost = so13().basis[[np.abs(L[0, 3]) > 0 for L in so13().basis]]
    run = run_with(LatentFlowEvaluator(None, 0.01).of_generators(boost))
    with pytest.raises(ConfigError, match=rf"^model\.metric: {run.label} leaves 4 independent metrics") as error:
        metric_of(run)
    assert "\n" not in str(error.value)
    run = run_with(LatentFlowEvaluator(None, 0.01).of_generators(so13().basis))
    np.testing.assert_allclose(metric_of(run), ETA, atol=1e-12)


def test_a_metric_of_another_dimension_is_refused_by_the_model(existing_store):
    run_with(found([[1.0, 0], [0, 1.0]]))
    with pytest.raises(ConfigError, match="symmetric 4x4 list of numbers"):
        metric_matrix(resolved("latest"))
