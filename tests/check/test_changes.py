"""What the checks do to examples: kinematics in closed form, numbers of particles, and where it is done."""

import math
from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from hepexp.batch import FeatureBatch, JetBatch
from hepexp.check.detector import Merging, MomentumScale, PileUp
from hepexp.check.emissions import CollinearPair, SoftParticle
from hepexp.check.features import ShiftedVariables, SmearedVariables, SwappedVariables
from hepexp.check.images import Turn
from hepexp.check.lorentz import Boost, Rotation, X, Z
from hepexp.data.views.jet_emissions import transverse
from hepexp.models.layers.jet_coordinates import rapidity
from tests.examples import random_images
from tests.jets import random_jets


def changed(view, jets: JetBatch, seed: int = 0) -> JetBatch:
    return view(jets, torch.Generator().manual_seed(seed))


def total(jets: JetBatch) -> torch.Tensor:
    return jets.p4.sum(1)


def squared(p4: torch.Tensor) -> torch.Tensor:
    return p4[..., 0].square() - p4[..., 1:].square().sum(-1)


@pytest.mark.parametrize("axis", [X, Z])
def test_a_boost_gives_what_is_at_rest_the_velocity_beta(axis):
    jets = random_jets(2)
    at_rest = replace(jets, p4=jets.p4.new_tensor([2.0, 0, 0, 0]).expand_as(jets.p4))
    p4 = changed(Boost(0.6, axis), at_rest).p4
    assert_close(p4[0, 0], p4.new_tensor([2.5, *(1.5 * c for c in axis)]))  # gamma 1.25
    assert_close(squared(changed(Boost(0.99, axis), jets).p4.sum(1)), squared(total(jets)), rtol=1e-9, atol=0)


def test_a_rotation_about_the_beam_changes_azimuth_alone():
    jets = random_jets(4)
    moved = changed(Rotation(90.0, Z), jets).p4
    assert_close(moved, torch.stack([jets.p4[..., 0], -jets.p4[..., 2], jets.p4[..., 1], jets.p4[..., 3]], -1))


@pytest.mark.parametrize("fraction", [0.1, 1e-6])
def test_a_soft_particle_has_its_fraction_of_the_scalar_sum_of_pt(fraction):
    jets = random_jets(6)
    more = changed(SoftParticle(fraction), jets)
    before, after = ((transverse(some) * some.mask).sum(1) for some in (jets, more))
    assert_close(after / before, torch.full_like(before, 1 + fraction), rtol=1e-12, atol=0)
    assert (more.mask.sum(1) == jets.mask.sum(1) + 1).all()


def test_two_halves_are_at_the_angle_and_a_collinear_pair_conserves_four_momentum():
    one = random_jets(5, n_min=1, n_max=1)
    pair = changed(CollinearPair(0.1), one)
    p = pair.p4[..., 1:]
    cosine = (p[:, 0] * p[:, 1]).sum(-1) / p[:, 0].norm(dim=-1) / p[:, 1].norm(dim=-1)
    assert_close(cosine, torch.full_like(cosine, math.cos(0.1)), rtol=0, atol=1e-12)
    jets = random_jets(5)
    assert_close(total(changed(CollinearPair(0.0), jets)), total(jets), rtol=1e-12, atol=1e-12)
    assert_close(total(changed(CollinearPair(0.1), jets))[:, 0], total(jets)[:, 0])


def test_a_mass_among_the_scalars_is_that_of_the_half():
    jets = random_jets(3, n_min=1, n_max=1)
    jets.scalars[..., 0] = squared(jets.p4).clamp(min=0).sqrt().log1p() * jets.mask
    view = CollinearPair(0.0)
    view.mass_scalar = 0
    pair = changed(view, jets)
    assert_close(pair.scalars[..., 0].double().expm1(), squared(pair.p4).sqrt(), rtol=1e-4, atol=1e-6)


def test_a_scale_shift_keeps_directions_and_masses():
    jets = random_jets(4)
    moved = changed(MomentumScale(0.1), jets).p4
    assert_close(moved[..., 1:], 1.1 * jets.p4[..., 1:])
    assert_close(squared(moved), squared(jets.p4), rtol=1e-6, atol=1e-9)


def test_merging_adds_up_what_is_near():
    jets = random_jets(6)
    assert_close(changed(Merging(1e-9), jets).mask.sum(1), jets.mask.sum(1))
    merged = changed(Merging(10.0), jets)
    assert (merged.mask.sum(1) == 1).all()
    assert_close(merged.p4[:, 0], total(jets))


def test_pile_up_adds_a_poisson_number_of_a_mean_pt_about_the_hardest_particle():
    jets = random_jets(400, n_min=2, n_max=2)
    more = changed(PileUp(10.0), jets)
    n = (more.mask.sum(1) - 2).double()
    assert n.mean().item() == pytest.approx(10, abs=4 * math.sqrt(10 / 400))
    assert n.var().item() == pytest.approx(10, rel=0.3)
    added = (transverse(more) * more.mask).sum() - (transverse(jets) * jets.mask).sum()
    assert (added / n.sum()).item() == pytest.approx(1.0, abs=4 / math.sqrt(4000))
    y = rapidity(more.p4)
    first = transverse(jets).masked_fill(~jets.mask, -1).argmax(1, keepdim=True)
    away = (y - rapidity(jets.p4).gather(1, first)).abs()[more.mask]
    assert away.max() < 1.0  # 0.8, or the other particle of the jet, within 0.8 too


def test_a_quarter_turn_moves_pixels_to_pixels_as_interpolation_does():
    images = random_images(3)
    exact, interpolated = changed(Turn(90.0), images).image, changed(Turn(90.0 - 1e-4), images).image
    assert_close(exact, torch.rot90(images.image, 1, (-2, -1)), rtol=0, atol=0)
    assert_close(interpolated, exact, rtol=0, atol=1e-2)


def test_variables_are_smeared_shifted_and_swapped_in_units_of_their_spread():
    n, spread = 20_000, torch.tensor([1.0, 50.0, 0.0])
    rows = torch.randn(n, 3, generator=torch.Generator().manual_seed(1)) * spread
    batch = FeatureBatch(torch.zeros(n, dtype=torch.int64), torch.arange(n), torch.zeros(n, 0), features=rows)
    smeared, shifted, swapped = (
        view(batch, torch.Generator().manual_seed(2)).features - rows
        for view in (SmearedVariables(0.1), ShiftedVariables(-0.3), SwappedVariables(0.2))
    )
    assert_close(smeared.std(0), 0.1 * spread, rtol=0.03, atol=0)  # 6 standard errors
    assert_close(shifted, -0.3 * rows.std(0, correction=0).expand(n, 3), rtol=1e-4, atol=1e-4)
    assert_close((swapped[:, :2] != 0).float().mean(0), torch.full((2,), 0.2), rtol=0.085, atol=0)
    everything = SwappedVariables(1.0)(batch, torch.Generator().manual_seed(3)).features
    assert_close(everything.sort(0).values, rows.sort(0).values, rtol=0, atol=0)  # each distribution is as it was
    assert abs(torch.corrcoef(torch.stack([everything[:, 0], rows[:, 0]]))[0, 1]) < 6 / n**0.5
    alone = SmearedVariables(0.1)(replace(batch, features=rows[:1]), torch.Generator()).features
    assert_close(alone, rows[:1], rtol=0, atol=0)
