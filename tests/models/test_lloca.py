"""LLoCa: its frames are frames, and they make the transformer of its authors' package invariant."""

import pytest
import torch
from torch.testing import assert_close

from hepexp.errors import ConfigError
from hepexp.models.layers import lorentz_packages
from hepexp.models.layers.frame_vectors import FrameVectors
from hepexp.models.lloca import LLoCa, rest_frame
from tests.jets import pad, random_jets, random_lorentz, transform

METRIC = torch.diag(torch.tensor([1.0, -1.0, -1.0, -1.0], dtype=torch.float64))


def test_the_boost_to_the_rest_frame_is_a_boost_to_the_rest_frame():
    jet = random_jets(6).p4.sum(1)
    boost = rest_frame(jet)
    assert_close(boost.mT @ METRIC @ boost, METRIC.expand(6, 4, 4), rtol=0, atol=1e-12)
    mass = (jet[:, 0].square() - jet[:, 1:].square().sum(1)).sqrt()
    at_rest = torch.zeros(6, 4, dtype=torch.float64)
    at_rest[:, 0] = mass
    assert_close((boost @ jet[..., None])[..., 0], at_rest, rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("n", [3, 4, 12])
def test_vectors_of_frames_turn_with_the_jet(n):
    torch.manual_seed(0)
    network = FrameVectors(3, 8, 16).double()
    jets = pad(random_jets(n_min=n, n_max=n), 2)
    matrix = random_lorentz(0.9)
    moved = transform(jets, matrix)
    vectors, of_moved = (network(batch.p4, batch.scalars.double(), batch.mask)[:, :n] for batch in (jets, moved))
    assert_close(of_moved, vectors @ matrix.T, rtol=1e-7, atol=1e-9)
    assert torch.linalg.matrix_rank(vectors).min() == 3
    square = ((vectors @ METRIC) * vectors).sum(-1)
    assert square.min() > 0


def test_local_frames_are_lorentz_transformations():
    torch.manual_seed(0)
    model = LLoCa(n_blocks=1, symmetry_breaking="none", use_scalars=True, n_scalars=8, n_classes=2).double()
    jets = random_jets(5)
    boost = rest_frame(jets.p4.sum(1))[:, None]
    frames = model.frames((boost @ jets.p4[..., None])[..., 0], jets.scalars.double(), mask=jets.mask).matrices
    assert_close(frames.mT @ METRIC @ frames, METRIC.expand_as(frames), rtol=0, atol=1e-8)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(lorentz_packages, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"^lloca is not installed; pip install 'hepexp\[lorentz\]'$"):
        LLoCa(n_scalars=2, n_classes=2)
