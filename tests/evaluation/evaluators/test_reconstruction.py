"""Figures of an autoencoder where the truth is known."""

import math

import numpy as np
import pytest
from PIL import Image

from hepexp.evaluation.anomaly import anomaly_figures, anomaly_scores
from hepexp.evaluation.evaluators.reconstruction import ReconstructionEvaluator, response

RNG = np.random.default_rng(1)
NAMES = ("tracks", "ecal")
SIZE = 8


def images(n: int = 40) -> np.ndarray:
    return RNG.exponential(size=(n, 2, SIZE, SIZE)) * (RNG.random((n, 2, SIZE, SIZE)) < 0.2)


def described(image: np.ndarray, reconstruction: np.ndarray, label: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """What the objective says of images (n, 2, 8, 8) and their reconstructions, all classes having been trained on."""
    n = len(image)
    label = np.arange(n) % 2 if label is None else label
    mse = ((image - reconstruction) ** 2).mean((2, 3))
    return {
        "index": np.arange(n),
        "label": label,
        "loss": np.zeros(n),
        "embedding": RNG.normal(size=(n, 3)),
        "kl": np.tile([2.0, 0.5, 0.001], (n, 1)),
        "mse": mse,
        "baseline_mse": ((image - image.mean(0)) ** 2).mean((2, 3)),
        "energy": image.sum((2, 3)),
        "reconstructed_energy": reconstruction.sum((2, 3)),
        "occupancy": (image != 0).sum((2, 3)),
        "reference/label": label,
        "reference/mse": mse,
    }


def evaluator() -> ReconstructionEvaluator:
    return ReconstructionEvaluator(SIZE * SIZE, NAMES, "GeV")


def test_a_perfect_reconstruction_has_no_error_and_the_full_energy():
    image = images()
    metrics = evaluator().final(described(image, image), seed=1)
    assert metrics["reconstruction_mse"] == 0
    assert metrics["energy_response"] == pytest.approx(1)
    assert metrics["energy_resolution"] == pytest.approx(0, abs=1e-12)
    for name in NAMES:
        assert metrics[f"reconstruction_over_baseline_{name}"] == 0
        assert metrics[f"energy_response_{name}"] == pytest.approx(1)
        assert metrics[f"energy_response_{name}_err"] is None
        assert metrics[f"energy_response_{name}_note"] == "no error: the bootstrap replicas agree"


def test_the_mean_image_is_as_good_as_the_baseline():
    image = images()
    metrics = evaluator().final(described(image, np.broadcast_to(image.mean(0), image.shape)), seed=1)
    for key in ("", "_tracks", "_ecal"):
        assert metrics[f"reconstruction_over_baseline{key}"] == pytest.approx(1)


def test_errors_of_channels_average_to_that_of_the_image():
    image = images()
    metrics = evaluator().final(described(image, 0.7 * image), seed=1)
    per_channel = [metrics[f"reconstruction_mse_{name}"] for name in NAMES]
    assert np.mean(per_channel) == pytest.approx(metrics["reconstruction_mse"])
    assert metrics["energy_response"] == pytest.approx(0.7)


def test_the_divergence_is_summed_over_dimensions_and_the_used_ones_are_counted():
    image = images()
    metrics = evaluator().final(described(image, image), seed=1)
    assert metrics["kl"] == pytest.approx(2.501)
    assert metrics["active_dimensions"] == 2


def test_an_empty_channel_has_no_response():
    image = images(4)
    image[0, 1] = 0
    found = response(described(image, image), channel=1)
    assert math.isnan(found[0])
    np.testing.assert_allclose(found[1:], 1)


def auc(error: list[float], label: list[int], seen: list[int]) -> dict[str, float]:
    """AUC of every score for images with these errors, after a training that saw some of the classes."""
    outputs = described(images(len(error)), images(len(error)), np.array(label))
    outputs["mse"] = np.tile(np.array(error)[:, None], (1, 2))
    outputs["reference/label"] = np.array(seen)
    even = np.ones(len(error), np.int64)
    return {name: of(even) for name, of in anomaly_figures(outputs, SIZE * SIZE).items()}


def test_the_unseen_class_is_the_signal_of_the_anomaly_search():
    label = [1, 1, 1, 0, 0]
    assert auc([1, 2, 3, 4, 5], label, seen=[1])["anomaly_auc"] == 1
    assert auc([5, 4, 3, 2, 1], label, seen=[1])["anomaly_auc"] == 0
    assert auc([1, 1, 1, 1, 1], label, seen=[1])["anomaly_auc"] == 0.5
    assert auc([1, 3, 5, 2, 4], label, seen=[1])["anomaly_auc"] == pytest.approx(3 / 6)  # pairs in the right order
    assert auc([1, 2, 3, 4, 5], label, seen=[0])["anomaly_auc"] == 0


def test_there_is_no_anomaly_where_training_saw_all_classes_or_none_of_the_test():
    assert auc([1, 2, 3], [0, 1, 1], seen=[0, 1]) == {}
    assert auc([1, 2, 3], [1, 1, 1], seen=[0]) == {}


def test_the_elbo_score_is_the_negative_bound_but_for_a_constant():
    image = images()
    outputs = described(image, 0.5 * image)
    variance = outputs["mse"].mean(0)[:, None, None]
    log_likelihood = -((image - 0.5 * image) ** 2 / variance + np.log(2 * np.pi * variance)) / 2
    bound = log_likelihood.sum((1, 2, 3)) - outputs["kl"].sum(1)
    difference = anomaly_scores(outputs, SIZE * SIZE)["elbo"] + bound
    np.testing.assert_allclose(difference, difference[0])


def test_the_trivial_scores_count_pixels_and_energy():
    image = images(3)
    scores = anomaly_scores(described(image, image), SIZE * SIZE)
    np.testing.assert_array_equal(scores["occupancy"], [np.count_nonzero(one) for one in image])
    np.testing.assert_allclose(scores["energy"], [one.sum() for one in image])


@pytest.mark.filterwarnings("error")
def test_an_anomaly_search_leaves_a_record_and_every_figure(tmp_path):
    image = images()
    outputs = described(image, 0.8 * image + 0.01)
    outputs["reference/label"] = np.ones(40, int)
    shown = {"input": image[:3], "reconstruction": 0.8 * image[:3], "prior": image[3:6], "label": np.array([0, 1, 0])}
    outputs |= {f"gallery/{name}": values for name, values in shown.items()}
    table = evaluator().table(outputs, ("gluon", "quark")).to_pydict()
    np.testing.assert_allclose(table["mse_ecal"], outputs["mse"][:, 1])
    np.testing.assert_allclose(table["score_error"], outputs["mse"].mean(1))
    evaluator().figures(outputs, ("gluon", "quark"), tmp_path, seed=1)
    names = {"latent", "kl_per_dimension", "energy_response", "anomaly", "reconstructions", "prior"}
    assert {file.stem for file in tmp_path.glob("*.png")} == names
    for name in names:
        with Image.open(tmp_path / f"{name}.png") as drawn:
            assert len(set(drawn.convert("L").tobytes())) > 10


def test_channels_without_names_are_numbered():
    image = images()
    metrics = ReconstructionEvaluator(SIZE * SIZE).final(described(image, image), seed=1)
    assert metrics["reconstruction_over_baseline_channel1"] == 0
