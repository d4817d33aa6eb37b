import math

import pytest
import torch
from torch.testing import assert_close

from hepexp.models.layers.jet_coordinates import jet_coordinates, rapidity
from tests.jets import boost, random_jets, transform

Z = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)


def about_z(angle: float) -> torch.Tensor:
    matrix = torch.eye(4, dtype=torch.float64)
    matrix[1, 1] = matrix[2, 2] = math.cos(angle)
    matrix[2, 1] = math.sin(angle)
    matrix[1, 2] = -math.sin(angle)
    return matrix


@pytest.mark.parametrize("angle", [1.0, math.pi, -2.5])
def test_turning_the_jet_about_the_beam_changes_nothing(angle):
    jets = random_jets(16)
    here, turned = (jet_coordinates(j.p4, j.mask) for j in (jets, transform(jets, about_z(angle))))
    for name, value in vars(here).items():
        assert_close(getattr(turned, name), value, rtol=0, atol=1e-10)


def test_a_boost_along_the_beam_shifts_every_rapidity_alike():
    jets = random_jets(16)
    boosted = transform(jets, boost(0.9, Z))
    here, there = jet_coordinates(jets.p4, jets.mask), jet_coordinates(boosted.p4, jets.mask)
    for name in ("dy", "dphi", "pt", "pt_rel"):
        assert_close(getattr(there, name), getattr(here, name), rtol=1e-10, atol=1e-10)
    shift = rapidity(boosted.p4)[jets.mask] - rapidity(jets.p4)[jets.mask]
    assert_close(shift, torch.full_like(shift, -math.atanh(0.9)), rtol=1e-10, atol=0)


def test_a_single_particle_lies_on_its_jet():
    jets = random_jets(multiplicity=torch.tensor([1]))
    jet = jet_coordinates(jets.p4, jets.mask)
    for name, value in {"dy": 0.0, "dphi": 0.0, "pt_rel": 1.0, "e_rel": 1.0}.items():
        assert getattr(jet, name).item() == pytest.approx(value, abs=1e-14)


def test_angles_stay_small_in_a_jet_across_the_seam_of_phi():
    phi = torch.tensor([math.pi - 0.1, -math.pi + 0.1], dtype=torch.float64)
    p4 = torch.stack([torch.ones(2), phi.cos(), phi.sin(), torch.zeros(2)], dim=-1)[None]
    jet = jet_coordinates(p4, torch.ones(1, 2, dtype=torch.bool))
    assert_close(jet.dphi, torch.tensor([[-0.1, 0.1]], dtype=torch.float64))


def test_a_particle_along_the_beam_has_finite_coordinates():
    p4 = torch.tensor([[[5.0, 3.0, 0.0, 4.0], [2**0.5, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 1.0]]], dtype=torch.float64)
    jet = jet_coordinates(p4, torch.ones(1, 3, dtype=torch.bool))
    assert all(value.isfinite().all() for value in vars(jet).values())


def test_an_event_at_rest_has_finite_coordinates():
    back_to_back = torch.tensor([[[5.0, 3.0, 0.0, 4.0], [5.0, -3.0, 0.0, -4.0]]], dtype=torch.float64)
    jet = jet_coordinates(back_to_back, torch.ones(1, 2, dtype=torch.bool))
    assert all(value.isfinite().all() for value in vars(jet).values())
    assert_close(jet.pt_rel, torch.full((1, 2), 500.0, dtype=torch.float64))  # of 1e-3 of the sum of pT
