"""EGNN: what it finds turns with the points, and depends neither on their origin nor on their order."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from hepexp.batch import CloudBatch
from hepexp.errors import ConfigError
from hepexp.models.egnn import EGNN
from tests.examples import EXAMPLES, random_clouds


def atoms(n: int, seed: int = 0) -> CloudBatch:
    """Clouds of points with three coordinates and two features."""
    batch = random_clouds(n, seed)
    random = torch.Generator().manual_seed(seed + 1)
    scalars = torch.randn(*batch.points.shape[:2], 2, generator=random, dtype=torch.float64)
    return replace(batch, points=torch.cat([2 * batch.points, scalars], dim=2) * batch.mask[..., None])


@pytest.fixture
def model() -> EGNN:
    torch.manual_seed(1)
    model = EGNN(16, 3, n_point_features=5, n_coordinates=3, n_classes=2, n_extras=2).double().eval()
    with torch.no_grad():
        for layer in model.layers:  # at first points hardly move
            layer.step.weight *= 300
    return model


def orthogonal(reflects: bool, seed: int = 3) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    turn, _ = torch.linalg.qr(torch.randn(3, 3, generator=random, dtype=torch.float64))
    return turn * torch.linalg.det(turn) * (-1 if reflects else 1)


@pytest.mark.parametrize("reflects", [False, True])
def test_coordinates_turn_with_the_points_and_features_do_not_change(model, reflects):
    batch, t = atoms(6), torch.rand(6, dtype=torch.float64)
    turn, shift = orthogonal(reflects), torch.tensor([3.0, -20.0, 7.0], dtype=torch.float64)
    moved = batch.points.clone()
    moved[..., :3] = moved[..., :3] @ turn.T + shift
    before, after = model(batch, t), model(replace(batch, points=moved), t)
    assert before[..., :3].abs().max() > 0.1
    assert_close(after[..., :3], before[..., :3] @ turn.T, rtol=0, atol=1e-10)
    assert_close(after[..., 3:], before[..., 3:], rtol=0, atol=1e-10)


def test_it_moves_the_centre_of_no_cloud(model):
    batch = atoms(6)
    found = model(batch, torch.rand(6, dtype=torch.float64))[..., :3]
    assert found.sum(1).abs().max() < 1e-12


def test_a_message_of_two_points_moves_them_apart_along_their_difference(model):
    two = EXAMPLES["cloud"].select(atoms(40), [0])
    two = replace(two, points=two.points[:, :2], mask=torch.ones(1, 2, dtype=torch.bool))
    found = model(two)[0, :, :3]
    apart = two.points[0, 0, :3] - two.points[0, 1, :3]
    assert_close(found[0], -found[1], rtol=0, atol=1e-12)
    assert torch.linalg.cross(found[0], apart).abs().max() < 1e-12


def test_points_far_from_all_examples_do_not_run_away():
    torch.manual_seed(1)
    model = EGNN(64, 9, n_point_features=5, n_coordinates=3, n_classes=2, n_extras=2).eval()  # in single precision
    batch = atoms(6)
    far = model(replace(batch, points=1000 * batch.points))
    assert far.isfinite().all()
    assert far[..., :3].norm(dim=2).max() < model.reach * 12


def test_it_depends_on_the_time(model):
    batch = atoms(3)
    assert (model(batch, torch.zeros(3)) - model(batch, torch.ones(3))).abs().max() > 1e-6


def test_points_without_coordinates_are_refused():
    with pytest.raises(ConfigError, match=r"model=egnn needs points with coordinates.*as of data=qm9"):
        EGNN(n_point_features=3, n_coordinates=0, n_classes=1, n_extras=0)
