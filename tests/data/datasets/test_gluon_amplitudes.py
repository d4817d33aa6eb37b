"""Events of gluons: within the cuts, on the mass shell, and with the matrix element of their momenta."""

import numpy as np
import pytest
import torch

from hepexp.data.datasets.gluon_amplitudes.generate import CLASSES, ENERGY, PT_MIN, log_squared, make_block
from hepexp.data.datasets.gluon_amplitudes.module import GluonAmplitudes
from tests.physics.closed_forms import gluons_to_gluons
from tests.physics.points import gluons


def momenta(block) -> np.ndarray:
    p = np.stack([block[name].astype(np.float64) for name in ("E", "px", "py", "pz")], axis=1)
    return p.reshape(len(block), -1, 4)


@pytest.mark.parametrize("kind", CLASSES)
def test_momenta_are_conserved_massless_and_within_the_cuts(kind):
    block = make_block(kind, 1, 0, 20)
    p, incoming = momenta(block), block["incoming"].reshape(20, -1)
    assert p.shape[1] == 4 + CLASSES.index(kind)
    assert (incoming == ([1, 1] + [0] * (p.shape[1] - 2))).all()
    np.testing.assert_allclose(p[:, :2].sum(1), p[:, 2:].sum(1), atol=1e-3)
    np.testing.assert_allclose(p[:, :2].sum(1)[:, 0], ENERGY)
    np.testing.assert_allclose(p[..., 0], np.linalg.norm(p[..., 1:], axis=2), rtol=1e-6)
    assert np.hypot(p[:, 2:, 1], p[:, 2:, 2]).min() > PT_MIN - 1e-3


def test_the_target_is_the_closed_form_where_there_is_one():
    block = make_block("gg_2g", 1, 0, 50)
    p = momenta(block)
    cos = p[:, 2, 3] / p[:, 2, 0]
    s, t, u = torch.ones(50).double(), torch.from_numpy(-(1 - cos) / 2), torch.from_numpy(-(1 + cos) / 2)
    np.testing.assert_allclose(block["log_m2"], gluons_to_gluons(s, t, u).log(), atol=1e-5)


def test_the_target_does_not_change_under_permutations_and_boosts():
    p = gluons(6, 5)
    boost = torch.eye(4, dtype=torch.float64)
    boost[0, 0] = boost[3, 3] = 1.25
    boost[0, 3] = boost[3, 0] = 0.75
    moved = (p @ boost)[:, [1, 0, 4, 2, 5, 3]]
    assert torch.allclose(log_squared(moved), log_squared(p), rtol=1e-9)


def test_networks_get_the_momenta_and_which_gluons_are_incoming():
    data = GluonAmplitudes(n_train=40, batch_size=40, seed=1, classes=["gg_3g"])
    data.represent_as("particles")
    data.setup()
    batch = next(iter(data.train_dataloader()))
    assert batch.p4.shape == (40, 5, 4)
    assert batch.scalars[..., 0].tolist() == [[1, 1, 0, 0, 0]] * 40
    assert [target.name for target in data.spec.targets] == ["log_m2"]
    assert not data.spec.has_beams
    stored = data.store.take(batch.index.numpy())
    np.testing.assert_array_equal(batch.target[:, 0], stored["log_m2"])
