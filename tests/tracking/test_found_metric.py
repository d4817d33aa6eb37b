"""`model.metric=RUN` is the metric that the run has found; one that found none is refused in one line."""

import json

import numpy as np
import pytest
from omegaconf import OmegaConf

from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.latent_flow import LatentFlowEvaluator
from hepexp.learning.experiment import freeze
from hepexp.models.layers.metric_matrix import metric_matrices, metric_matrix
from hepexp.sweep.space import Dimension
from hepexp.symmetry.algebra import principal_angles, so13
from hepexp.tracking import initial_weights
from hepexp.tracking.found_metric import metrics_of, resolved
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
        (
            found(ETA) | {"symmetry/metric_dimension": 10**12},
            r"lists 1e\+12 metrics, more than 4x4",
        ),
        (found(ETA) | {"symmetry/metric_J_13": None}, "does not list its metric: symmetry/metric_J_13 is missing"),
    ],
)
def test_a_run_without_a_metric_is_refused_in_one_line(existing_store, figures, message):
    run = run_with(figures)
    with pytest.raises(ConfigError, match=rf"^model\.metric: {run.label} {message}") as error:
        metrics_of(run)
    assert "\n" not in str(error.value)


def form(*entries: tuple[int, int, float]) -> np.ndarray:
    """The symmetric matrix J of these entries (row, column, value)."""
    J = np.zeros((4, 4))
    for a, b, value in entries:
        J[a, b] = J[b, a] = value
    return J


ALONG_Z, SQUARES = form((0, 0, 1), (3, 3, -1)), [form((a, b, 1)) for a, b in ((1, 1), (2, 2), (1, 2))]


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        ([0, 1, 2, 3, 4, 5], [np.array(ETA)]),
        ([2, 3], [ALONG_Z, form((1, 1, 1), (2, 2, 1))]),  # boosts along z, rotations about it: t^2 - z^2, x^2 + y^2
        ([2], [ALONG_Z, *SQUARES]),  # boosts alone: also x^2, y^2 and x y
    ],
)
def test_a_run_stands_for_all_metrics_that_its_generators_leave_invariant(existing_store, kept, expected):
    run = run_with(LatentFlowEvaluator(None, 0.01).of_generators(so13().basis[kept]))
    found = np.array(metrics_of(run))
    assert len(found) == len(expected)
    assert principal_angles(found, np.array(expected)).max() < 1e-12  # degrees
    taken = resolved("latest")
    assert taken == (found.tolist() if len(found) > 1 else found[0].tolist())
    assert metric_matrices(taken).tolist() == found.tolist()


def test_a_run_of_before_that_lists_one_of_several_metrics_is_refused(existing_store):
    run = run_with(found(ETA) | {"symmetry/metric_dimension": 4})
    with pytest.raises(ConfigError, match=f"{run.label} does not list its metric: symmetry/metric_2_J_00 is missing"):
        metrics_of(run)


def test_a_metric_of_another_dimension_is_refused_by_the_model(existing_store):
    run_with(found([[1.0, 0], [0, 1.0]]))
    with pytest.raises(ConfigError, match="symmetric 4x4 list of numbers"):
        metric_matrix(resolved("latest"))


def test_several_metrics_are_refused_by_a_model_that_takes_one():
    with pytest.raises(ConfigError, match=r"model\.metric: expected one 4x4 metric, got a list of 2"):
        metric_matrix([ETA, ALONG_Z.tolist()])
