"""Bias, resolution, response, pulls and coverage: known values, and an example of weight 2 equals the example twice."""

import numpy as np
import pytest
from scipy.stats import norm

from hepexp.batch import Target
from hepexp.evaluation.bootstrap import TAIL
from hepexp.evaluation.evaluators.regression import RegressionEvaluator
from hepexp.evaluation.evaluators.regression_metrics import NEGATIVE
from hepexp.evaluation.quantiles import Quantiles

N = 2000
NORMAL = norm.ppf((np.arange(N) + 0.5) / N)  # quantiles of the normal distribution, in place of random numbers
MASS = (Target("mass", unit="GeV"),)


def outputs(shift: float = 3.0, width: float = 5.0, sigma: float = 2.5) -> dict[str, np.ndarray]:
    truth = np.full(N, 100.0)
    predicted = truth + shift + width * NORMAL
    return {
        "index": np.arange(N),
        "label": np.full(N, -1),
        "loss": np.square(predicted - truth),
        "target": truth[:, None],
        "predicted": predicted[:, None],
        "sigma": np.full((N, 1), sigma),
        "quantiles": np.stack([truth - 1, truth + 1, truth + 2], axis=1)[:, None],
        "observed/sum": 2 * truth,
    }


def test_a_gaussian_prediction_has_its_shift_and_width():
    evaluator = RegressionEvaluator(MASS, has_sigma=True, quantiles=(0.1, 0.5, 0.9), compare_with=("sum",))
    found = evaluator.final(outputs(), seed=1)
    assert found["bias_mass"] == pytest.approx(3)
    assert found["resolution_mass"] == pytest.approx(5, rel=2e-3)
    assert found["rmse_mass"] == pytest.approx(np.hypot(found["bias_mass"], 5), rel=0.05)
    assert found["response_mass"] == pytest.approx(1.03, rel=1e-3)
    assert found["response_resolution_mass"] == pytest.approx(0.05 / 1.03, rel=2e-3)
    assert found["pull_mean_mass"] == pytest.approx(3 / 2.5)
    assert found["pull_width_mass"] == pytest.approx(2, rel=2e-3)
    assert found["within_sigma_mass"] == pytest.approx(norm.cdf(-0.1) - norm.cdf(-1.1), abs=1e-3)
    assert [found[f"coverage_{q}_mass"] for q in ("0.1", "0.5", "0.9")] == [0, 1, 1]
    assert found["bias_mass_err"] == pytest.approx(5 / N**0.5, rel=0.2)
    assert (found["compared_bias_mass"], found["compared_response_mass"]) == (100, 2)
    assert evaluator.quick(outputs())["resolution_mass"] == found["resolution_mass"]


def test_an_example_of_weight_two_equals_the_example_twice():
    evaluator = RegressionEvaluator(MASS, has_sigma=True, quantiles=(0.1, 0.5, 0.9))
    once = {name: values[::40] for name, values in outputs().items()}
    weight = np.where(np.arange(len(once["index"])) % 3 == 0, 2, 1)
    twice = {name: np.repeat(values, weight, axis=0) for name, values in once.items()}
    weighted = evaluator._figures(once)
    assert {name: of(weight) for name, of in weighted.items()} == pytest.approx(
        {name: of(np.ones(len(twice["index"]))) for name, of in evaluator._figures(twice).items()}
    )
    once["weight"] = weight.astype(np.float32)
    assert evaluator.quick(once) == pytest.approx(evaluator.quick(twice))


def test_quantiles_are_those_of_numpy_and_leave_out_nan():
    values = np.random.default_rng(0).normal(size=101)
    levels = (TAIL, 0.5, 1 - TAIL)
    found = Quantiles(np.append(values, np.nan))(np.ones(102), levels)
    assert found == pytest.approx(np.quantile(values, levels, method="inverted_cdf"))
    assert np.isnan(Quantiles(values)(np.zeros(101), levels)).all()
    assert np.isnan(Quantiles(np.full(3, np.nan))(np.ones(3), levels)).all()


def test_a_negative_weight_cancels_an_equal_example():
    values = np.array([1.0, 2.0, 3.0, 9.0, 9.0])
    weight = np.array([1.0, 1.0, 1.0, 1.0, -1.0])
    assert Quantiles(values)(weight, (0.5,)) == [2]


def test_the_table_has_targets_predictions_and_what_the_data_carry_along():
    given = {**outputs(), "weight": np.full(N, -0.5, np.float32)}
    evaluator = RegressionEvaluator(MASS, has_sigma=True, quantiles=(0.1, 0.5, 0.9))
    table = evaluator.predictions(given, ())
    assert table.column_names == [
        *("index", "target_mass", "predicted_mass", "sigma_mass"),
        *("quantile_0.1_mass", "quantile_0.5_mass", "quantile_0.9_mass", "weight", "sum"),
    ]
    assert evaluator.predictions(given, ("a", "b"))["label"].null_count == N  # where examples have classes too
    del given["target"]
    assert "target_mass" not in evaluator.predictions(given, ()).column_names


def test_the_figures_are_drawn_with_weights(tmp_path):
    evaluator = RegressionEvaluator(MASS, has_sigma=True, compare_with=("sum",))
    given = {**outputs(), "weight": np.where(np.arange(N) % 5, 1.0, -1.0)}
    given["target"] = given["target"] + np.arange(N)[:, None] % 7
    evaluator.figures(given, (), tmp_path, seed=1)
    assert {path.stem for path in tmp_path.iterdir()} == {
        *("prediction_mass", "residuals_mass", "residuals_against_mass", "response_mass", "pull_mass")
    }


def test_a_target_with_a_slash_stays_in_its_split_and_its_files_in_their_folder(tmp_path):
    evaluator = RegressionEvaluator((Target("log(y)/x"),), has_sigma=True)
    assert {"bias_log_y__x", "pull_mean_log_y__x"} <= evaluator.final(outputs(), seed=1).keys()
    assert set(evaluator.figures_of_an_epoch()) <= evaluator.quick(outputs()).keys()
    evaluator.figures(outputs(), (), tmp_path, seed=1)
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{what}_log_y__x.png" for what in ("prediction", "residuals", "residuals_against", "response", "pull")
    }


def test_elements_have_the_weight_of_their_example_and_lists_in_the_table():
    """As many examples of one element each have the same figures; the elements of an example stay together."""
    evaluator, given = RegressionEvaluator(MASS, has_sigma=True, of="element"), outputs()
    rows = {f"element/{name}": given[name] for name in ("target", "predicted", "sigma")}
    counts = np.where(np.arange(N // 2) % 2 == 0, 1, 3)
    index = np.arange(N // 2)
    weight = np.random.default_rng(2).gamma(2, size=N // 2)
    of_elements = {
        "index": index, "label": index * 0, "loss": np.ones(N // 2), "weight": weight,
        **rows, "element/index": np.repeat(index, counts),
    }  # fmt: skip
    plain = RegressionEvaluator(MASS, has_sigma=True).quick({**given, "weight": np.repeat(weight, counts)})
    found = evaluator.quick(of_elements)
    assert found["bias_mass"] == pytest.approx(plain["bias_mass"])
    assert found["resolution_mass"] == pytest.approx(plain["resolution_mass"])
    table = evaluator.table(of_elements, ())
    assert [len(row) for row in table["predicted_mass"].to_pylist()[:4]] == [1, 3, 1, 3]
    assert table["predicted_mass"].combine_chunks().flatten().to_numpy() == pytest.approx(given["predicted"][:, 0])


def test_elements_of_several_devices_are_put_together_once_and_in_order():
    from hepexp.learning.gathering import gather_examples

    columns = {
        "index": np.array([4, 1, 4, 2]),
        "loss": np.array([40.0, 10, 40, 20]),
        "element/index": np.array([4, 4, 1, 4, 4, 2, 2, 2]),
        "element/x": np.array([41, 42, 11, 41, 42, 21, 22, 23]),
    }
    found = gather_examples(columns, world_size=1)
    assert found["index"].tolist() == [1, 2, 4]
    assert found["element/index"].tolist() == [1, 2, 2, 2, 4, 4]
    assert found["element/x"].tolist() == [11, 21, 22, 23, 41, 42]


def test_examples_that_a_comparison_lacks_are_left_out_of_it_and_counted():
    columns = {name: values[:200].copy() for name, values in outputs().items()}
    evaluator = RegressionEvaluator(MASS, compare_with=("sum",))
    columns["observed/sum"][:50] = 150.0
    columns["observed/sum"][50:60], columns["observed/sum"][60] = np.nan, np.inf
    found = evaluator.final(columns, seed=1)
    rest = {name: np.delete(values, np.s_[50:61], axis=0) for name, values in columns.items()}
    alone = evaluator.final(rest, seed=1)
    for name in ("bias", "resolution", "response", "response_resolution"):
        assert found[f"compared_{name}_mass"] == alone[f"compared_{name}_mass"]
        said = "11 of 200 examples are left out, as sum is NaN or infinite there"
        assert found[f"compared_{name}_mass_note"].partition(";")[0] == said
        assert "left out" not in alone.get(f"compared_{name}_mass_note", "")
    assert "bias_mass_note" not in found


def test_a_figure_without_a_value_says_what_the_weights_add_up_to():
    columns = outputs() | {"weight": np.full(N, -0.5, np.float32)}
    found = RegressionEvaluator(MASS).final(columns, seed=1)
    assert found["bias_mass_note"] == "the weights of the examples add up to -1000, not to a positive number"


def test_a_negative_mean_square_has_no_root():
    columns = outputs(shift=0)
    far = abs(columns["predicted"][:, 0] - 100) > 6
    found = RegressionEvaluator(MASS).final(columns | {"weight": np.where(far, -1, 1.0)}, seed=1)
    assert np.isnan(found["rmse_mass"])
    assert found["rmse_mass_note"] == NEGATIVE
    assert np.isfinite(found["bias_mass"])
    assert "rmse_mass_note" not in RegressionEvaluator(MASS).final(columns, seed=1)


def test_a_logarithm_that_is_off_is_a_relative_error_of_its_exponential():
    evaluator = RegressionEvaluator((Target("log_m2"),))
    evaluator.logarithms = True
    truth = np.arange(100.0)[:, None]
    off = np.log1p(np.linspace(0.01, 1, 100))[:, None]  # 1 to 100 %
    columns = {"index": np.arange(100), "label": np.zeros(100, int), "target": truth, "predicted": truth + off}
    found = evaluator.final({**columns, "loss": off[:, 0]}, seed=1)
    assert [found[f"relative_error_{q}_log_m2"] for q in (50, 90, 99)] == pytest.approx([0.5, 0.9, 0.99])
