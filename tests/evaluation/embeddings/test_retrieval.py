"""Retrieval against all pairs, written out."""

import numpy as np
import pytest

from hepexp.evaluation.embeddings import retrieval
from hepexp.evaluation.embeddings.retrieval import found_within, nearest_others

RANDOM = np.random.default_rng(0)
Z = RANDOM.normal(size=(40, 3))
PSI = RANDOM.normal(size=(40, 4)) + 1j * RANDOM.normal(size=(40, 4))
UNIT = Z / np.linalg.norm(Z, axis=1, keepdims=True)
ALIKE = {
    "cosine": (Z, UNIT @ UNIT.T),
    "product": (Z, Z @ Z.T),
    "distance": (Z + 1e6, -np.linalg.norm(Z[:, None] - Z, axis=2)),
    "fidelity": (PSI, np.abs(PSI.conj() @ PSI.T) ** 2),
}


@pytest.mark.parametrize("by", ALIKE)
def test_the_nearest_are_those_of_all_pairs_in_any_chunks(by, monkeypatch):
    rows, alike = ALIKE[by]
    order = np.argsort(-np.where(np.eye(40, dtype=bool), -np.inf, alike), axis=1)
    np.testing.assert_array_equal(nearest_others(rows, 5, by), order[:, :5])
    monkeypatch.setattr(retrieval, "AT_ONCE", 100)
    np.testing.assert_array_equal(nearest_others(rows, 5, by), order[:, :5])


def test_an_example_is_found_where_one_of_the_nearest_is_of_its_class():
    place = np.array([[0.0], [1.0], [3.0], [7.0]])
    found = found_within(place, np.array([0, 0, 1, 0]), (1, 2, 5), "distance")
    np.testing.assert_array_equal(found, [[1, 1, 1], [1, 1, 1], [0, 0, 0], [0, 1, 1]])


def test_a_single_example_has_no_other():
    assert np.isnan(found_within(np.ones((1, 2)), np.zeros(1, int), (1, 5), "cosine")).all()
