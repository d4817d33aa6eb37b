"""Straight tracks from known points: prompt ones belong together, and displaced ones where they cross."""

import numpy as np
import pytest
import torch

from hepexp.errors import ConfigError
from hepexp.models.chi2_vertexing import Chi2Vertexing, _crossing
from hepexp.simulation.particles import impact_parameters
from tests import jets

VERTICES = np.array([[0.0, 0, 0]] * 3 + [[1.5, 0.4, 2.0]] * 2 + [[-0.8, 1.1, 0.5]] * 2)  # mm


@pytest.fixture
def batch():
    random = np.random.default_rng(1)
    momentum = random.normal(0, 20, (len(VERTICES), 3))
    d0, z0 = impact_parameters(VERTICES, momentum)
    made = jets.random_jets(1, n_min=7, n_max=7)
    made.p4 = torch.from_numpy(np.c_[np.linalg.norm(momentum, axis=1), momentum])[None]
    made.scalars = torch.from_numpy(np.stack([np.arcsinh(d0 / 0.05), np.arcsinh(z0 / 0.1)], 1))[None]
    return made


def test_tracks_of_one_point_pass_through_it(batch):
    _, px, py, pz = batch.p4.unbind(-1)
    pt = torch.hypot(px, py)
    d0, z0 = batch.scalars[..., 0].sinh() * 0.05, batch.scalars[..., 1].sinh() * 0.1
    error = torch.full_like(d0, 0.01)
    chi2 = _crossing(px / pt, py / pt, pz / pt, d0, z0, error, error)[0]
    same = torch.from_numpy((VERTICES[:, None] == VERTICES).all(-1))
    assert float(chi2[same].max()) < 1e-9
    assert float(chi2[~same].min()) > 1


def test_the_vertices_are_found(batch):
    found = Chi2Vertexing(n_scalars=2)(batch)[0] > 0
    same = torch.from_numpy((VERTICES[:, None] == VERTICES).all(-1))
    assert torch.equal(found, same)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"prompt": 0.0}, r"model.prompt must be > 0 and finite, got 0.0"),
        ({"s_d0": (0.0, 1.0)}, r"model.s_d0 must be two numbers, the first > 0 and the second >= 0, got \[0.0, 1.0\]"),
        ({"n_scalars": 1}, r"needs the impact parameters of each track"),
    ],
)
def test_what_it_cannot_be_is_one_line(keys: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        Chi2Vertexing(**{"n_scalars": 2, **keys})
