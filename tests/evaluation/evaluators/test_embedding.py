"""What an embedding is judged by: ranks and spreads with closed forms, neighbours and probe on separable points."""

import numpy as np
import pytest

from hepexp.errors import HepexpError
from hepexp.evaluation.embeddings.classes import neighbour_scores, probe_scores
from hepexp.evaluation.embeddings.collapse import collapsed_dimensions, effective_rank, mean_std
from hepexp.evaluation.evaluators.embedding import EmbeddingEvaluator
from hepexp.evaluation.evaluators.pairs import PairEvaluator

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("rank", [1, 3, 6])
def test_the_effective_rank_of_evenly_filled_directions_is_their_number(rank: int):
    signs = np.concatenate([np.eye(rank), -np.eye(rank)])
    embedding = signs @ np.linalg.qr(RANDOM.normal(size=(8, 8)))[0][:rank]
    assert effective_rank(embedding) == pytest.approx(rank)


def test_a_collapsed_embedding_has_no_rank_and_no_spread():
    assert effective_rank(np.ones((20, 4))) == 0
    assert mean_std(np.ones((20, 4))) == pytest.approx(0, abs=1e-12)


def test_dimensions_that_hardly_vary_have_collapsed_and_all_of_them_raise_a_doubt():
    place, noise = np.array([3.0, 4.0, 0.0, 0.0]), RANDOM.normal(size=(2000, 4))
    edge = 0.01 * 5 / 2  # 1 % of the length over sqrt(4)
    for deviations, share in (
        ([0.5 * edge] * 4, 1.0),
        ([0.5 * edge, 0.5 * edge, 2 * edge, 0], 0.75),
        ([2 * edge] * 4, 0.0),
    ):
        found = collapsed_dimensions(place + noise * deviations)
        assert found == share
        assert ("collapsed" in EmbeddingEvaluator().doubt({"collapsed_dimensions": found})) == (share == 1)
    assert collapsed_dimensions(np.zeros((20, 4))) == 1
    assert collapsed_dimensions(1e-3 * noise) == 0  # only directions count
    assert collapsed_dimensions(1e-3 * noise, PairEvaluator.least_length) == 1  # distances do


def test_directions_spread_evenly_have_the_spread_of_a_sphere():
    assert mean_std(RANDOM.normal(size=(20_000, 16))) == pytest.approx(16**-0.5, rel=0.01)


@pytest.mark.parametrize("scores", [neighbour_scores, probe_scores])
def test_separated_classes_are_told_apart_and_a_class_without_reference_gets_nothing(scores):
    centres = np.array([[0.0, 0], [8, 0], [0, 8]])
    label = np.arange(90) % 3
    points = centres[label] + RANDOM.normal(size=(90, 2))
    found = scores(points[:30], points[30:], label[30:], 4)
    assert found.shape == (30, 4)
    np.testing.assert_allclose(found.sum(1), 1)
    np.testing.assert_array_equal(found.argmax(1), label[:30])
    assert not found[:, 3].any()


def test_equal_directions_of_any_length_have_collapsed_but_for_losses_of_distances():
    rng = np.random.default_rng(0)
    rays = rng.uniform(0.5, 1.5, (300, 1)) * rng.normal(size=(1, 6))
    label = np.arange(300) % 2
    outputs = {"embedding": rays, "label": label, "loss": np.zeros(300)}
    outputs |= {"reference/embedding": rays, "reference/label": label, "index": np.arange(300)}
    assert EmbeddingEvaluator().quick(outputs)["collapsed_dimensions"] == 1
    assert PairEvaluator().quick(outputs)["collapsed_dimensions"] == 0


def test_embeddings_that_are_not_finite_are_named():
    place, label = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 2
    outputs = {"embedding": place.copy(), "label": label, "index": np.arange(20), "loss": np.zeros(20)}
    outputs |= {"reference/embedding": place, "reference/label": label, "reference/index": np.arange(20)}
    outputs["embedding"][7] = np.nan
    with pytest.raises(HepexpError, match="the embedding of 1 of 20 examples are NaN or infinite, first for example 7"):
        EmbeddingEvaluator().quick(outputs)
    outputs["index"] = np.arange(20)[::-1]  # batches are in any order
    outputs["embedding"][9] = np.nan
    with pytest.raises(HepexpError, match="2 of 20 examples are NaN or infinite, first for example 10"):
        EmbeddingEvaluator().quick(outputs)
    outputs["embedding"][:] = np.nan
    with pytest.raises(HepexpError, match="20 of 20 examples are NaN or infinite: "):
        EmbeddingEvaluator().quick(outputs)


def test_pair_accuracy_of_perfect_and_collapsed_distances():
    label = np.arange(40) % 2
    outputs = {"label": label, "batch_loss": np.zeros(40), "reference/label": label}
    for place, expected in ((3.0 * label, 1.0), (0.0 * label, 0.5)):
        embedding = np.stack([place, np.zeros(40)], axis=1) + 1e-9 * RANDOM.normal(size=(40, 2))
        columns = {**outputs, "embedding": embedding, "reference/embedding": embedding}
        assert PairEvaluator().quick(columns)["pair_accuracy"] == expected
        found = PairEvaluator().final(columns, seed=1)  # each example has the same value, so the replicas have it too
        assert (found["pair_accuracy"], found["pair_accuracy_err"]) == (expected, None)
        assert found["pair_accuracy_note"] == "no error: the bootstrap replicas agree"
