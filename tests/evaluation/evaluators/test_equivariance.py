"""The evaluator's figures are the means of its columns, with the errors of a mean."""

import numpy as np
import pytest

from hepexp.evaluation.evaluators.equivariance import EquivarianceEvaluator
from tests.evaluation.test_plots import is_figure


@pytest.fixture
def outputs() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    n = 400
    error = {name: rng.exponential(0.05, (n, 2)) for name in ("mse", "turned_mse", "baseline_mse")}
    return {
        "index": np.arange(n),
        "label": np.arange(n) % 2,
        "loss": rng.exponential(1, n),
        **error,
        "turned_baseline_mse": error["baseline_mse"] + 0.1,
        "angle_error_deg": rng.uniform(0, 180, n),
        "latent_error": rng.uniform(0, 2, n),
        "turn_deg": 30.0 * (np.arange(n) % 12),
        "embedding": rng.normal(size=(n, 2)),
        "turned_embedding": rng.normal(size=(n, 2)),
        **{
            f"gallery/{name}": rng.random((4, 1, 8, 8))
            for name in ("input", "reconstruction", "turned", "turned_reconstruction")
        },
    }


def test_figures_are_means_with_their_errors(outputs):
    evaluator = EquivarianceEvaluator()
    metrics = evaluator.final(outputs, seed=1)
    both = outputs["mse"].mean(1) + outputs["turned_mse"].mean(1)
    baseline = outputs["baseline_mse"].mean(1) + outputs["turned_baseline_mse"].mean(1)
    assert metrics["reconstruction_mse_sum"] == pytest.approx(both.mean())
    assert metrics["reconstruction_over_baseline"] == pytest.approx(both.mean() / baseline.mean())
    assert metrics["angle_error_deg"] == pytest.approx(outputs["angle_error_deg"].mean())
    of_a_mean = outputs["angle_error_deg"].std() / np.sqrt(400)
    assert metrics["angle_error_deg_err"] == pytest.approx(of_a_mean, rel=0.2)  # 200 replicas know it to 5 %
    quick = evaluator.quick(outputs)
    assert all(metrics[name] == pytest.approx(value) for name, value in quick.items())


def test_what_is_kept_of_each_image_and_drawn(outputs, tmp_path):
    evaluator = EquivarianceEvaluator()
    table = evaluator.table(outputs, ("1", "2"))
    assert np.array_equal(table["turned_embedding_1"], outputs["turned_embedding"][:, 1])
    assert np.array_equal(table["angle_error_deg"], outputs["angle_error_deg"])
    evaluator.figures(outputs, ("1", "2"), tmp_path, seed=1)
    assert all(is_figure(tmp_path / f"{name}.png") for name in ("latent", "angle_error", "reconstructions"))
