"""Views of jets, in float64: what physics says they leave unchanged."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from hepexp.batch import JetBatch
from hepexp.data.representations.representation import Particles
from hepexp.data.views.jet_emissions import CollinearSplitting, SoftEmission
from hepexp.data.views.jet_resolution import Dropping, Smearing
from hepexp.data.views.jet_symmetries import (
    AxisBoost,
    AxisRotation,
    BeamReflection,
    BeamRotation,
    LorentzTransformation,
    Translation,
)
from hepexp.data.views.views import Views
from hepexp.models.efn import EFN

MASS = 0.13957  # GeV, of charged pions
COUNTS = (12, 1, 7, 30)
ALL = (
    CollinearSplitting(0.5),
    SoftEmission(0.5),
    AxisRotation(180),
    AxisBoost(1.0),
    Translation(1.0),
    BeamRotation(180),
    BeamReflection(),
    Smearing(0.2),
    Dropping(0.4),
)
SYMMETRIES = (*ALL[2:7], LorentzTransformation(1.0))


def source(seed=5):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def jets():
    """Jets of pions at y = 0.7, phi = 2, with psi(mass), charge and the number of the particle for scalars."""
    random = source(0)
    mask = torch.arange(max(COUNTS)) < torch.tensor(COUNTS)[:, None]
    pt = torch.empty(mask.shape, dtype=torch.float64).exponential_(0.1, generator=random) + 0.2
    y, phi = (centre + 0.3 * torch.randn(mask.shape, generator=random, dtype=torch.float64) for centre in (0.7, 2.0))
    transverse = (pt**2 + MASS**2).sqrt()
    p4 = torch.stack([transverse * y.cosh(), pt * phi.cos(), pt * phi.sin(), transverse * y.sinh()], -1)
    number = torch.arange(max(COUNTS)).expand(mask.shape)
    scalars = torch.stack([torch.full(mask.shape, MASS).log1p(), number % 3 - 1.0, number], -1).float()
    n = len(COUNTS)
    return JetBatch(
        label=torch.zeros(n, dtype=torch.long),
        index=torch.arange(n),
        extras=torch.zeros(n, 0),
        p4=p4 * mask[..., None],
        scalars=scalars * mask[..., None],
        mask=mask,
    )


def products(p4):
    """All p_i p_j (B, N, N)."""
    metric = torch.tensor([1.0, -1, -1, -1], dtype=p4.dtype)
    return torch.einsum("bim,m,bjm->bij", p4, metric, p4)


def polar(p4):
    energy, px, py, pz = p4.unbind(-1)
    return torch.hypot(px, py), torch.atanh(pz / energy.clamp(min=1e-12)), torch.atan2(py, px)


def two_point(jets):
    """The energy correlator sum_ij pT_i pT_j R_ij over (sum pT)^2, infrared and collinear safe, of each jet."""
    pt, y, phi = polar(jets.p4)
    dphi = torch.remainder(phi[:, :, None] - phi[:, None] + torch.pi, 2 * torch.pi) - torch.pi
    distance = torch.hypot(y[:, :, None] - y[:, None], dphi)
    return torch.einsum("bi,bj,bij->b", pt, pt, distance) / pt.sum(1) ** 2


@pytest.mark.parametrize("view", SYMMETRIES, ids=lambda view: type(view).__name__)
def test_symmetries_change_momenta_but_no_invariant(view, jets):
    moved = view(jets, source())
    assert not torch.allclose(moved.p4, jets.p4)
    assert_close(products(moved.p4), products(jets.p4), rtol=1e-9, atol=1e-9)
    assert torch.equal(moved.scalars, jets.scalars)


def test_a_rotation_leaves_the_axis_and_all_energies_where_they_are(jets):
    turned = AxisRotation(180)(jets, source())
    assert_close(turned.p4.sum(1), jets.p4.sum(1))
    assert_close(turned.p4[..., 0], jets.p4[..., 0])


def test_a_boost_is_along_the_axis(jets):
    before, after = jets.p4.sum(1)[:, 1:], AxisBoost(1.0)(jets, source()).p4.sum(1)[:, 1:]
    assert_close(torch.linalg.cross(before, after), torch.zeros_like(before), rtol=0, atol=1e-9)
    assert not torch.allclose(before, after)


def test_a_translation_shifts_y_and_phi_of_all_particles_alike_and_keeps_pt(jets):
    before, after = polar(jets.p4), polar(Translation(0.8)(jets, source()).p4)
    assert_close(after[0], before[0])
    for angle in (1, 2):
        shift = torch.remainder(after[angle] - before[angle] + torch.pi, 2 * torch.pi) - torch.pi
        assert_close(shift[jets.mask], shift[:, :1].expand_as(shift)[jets.mask])
        assert 0.05 < shift[:, 0].abs().max() <= 0.8


def test_a_rotation_about_the_beam_keeps_pt_rapidity_and_differences_of_azimuth(jets):
    before, after = polar(jets.p4), polar(BeamRotation(180)(jets, source()).p4)
    assert_close(after[0], before[0])
    assert_close(after[1], before[1])
    shift = torch.remainder(after[2] - before[2] + torch.pi, 2 * torch.pi)
    assert_close(shift[jets.mask], shift[:, :1].expand_as(shift)[jets.mask])
    assert len(shift[:, 0].unique()) == len(COUNTS)


def test_reflections_change_the_signs_of_two_components_of_whole_examples_half_of_the_time(jets):
    many = replace(jets, p4=jets.p4[:1].repeat(1000, 1, 1), mask=jets.mask[:1].repeat(1000, 1))
    ratio = BeamReflection()(many, source()).p4[:, :12] / many.p4[:, :12]
    assert torch.equal(ratio, ratio[:, :1].expand_as(ratio))
    assert torch.equal(ratio[..., :2], torch.ones_like(ratio[..., :2]))
    kinds, counts = ratio[:, 0, 2:].unique(dim=0, return_counts=True)
    assert kinds.tolist() == [[-1, -1], [-1, 1], [1, -1], [1, 1]]
    assert all(200 < count < 300 for count in counts.tolist())  # 250 with a deviation of 14


def test_splitting_conserves_momentum_and_no_safe_observable_sees_it(jets):
    split = CollinearSplitting(0.5)(jets, source())
    assert (split.mask.sum(1) > jets.mask.sum(1)).sum() >= 3
    assert_close(split.p4.sum(1), jets.p4.sum(1))
    assert_close(two_point(split), two_point(jets))


def squared_mass(jets):
    total = jets.p4.sum(1)
    return products(total[:, None])[:, 0, 0]


@pytest.fixture
def efn():
    """A network that is infrared and collinear safe by construction (arXiv:1810.05165, equation 1.3)."""
    torch.manual_seed(0)
    return EFN(phi_sizes=(16, 16), f_sizes=(16,), n_classes=4).double().eval()


def test_a_safe_network_does_not_see_that_particles_split(efn, jets):
    assert_close(efn(CollinearSplitting(0.5)(jets, source())), efn(jets), rtol=1e-9, atol=1e-9)


def test_soft_emissions_change_safe_quantities_in_proportion_to_their_scale(efn, jets):
    """Each particle's momentum moves by O(Lambda), so mass squared and a safe network do too as Lambda vanishes."""
    heavy = replace(jets, p4=jets.p4[::3], scalars=jets.scalars[::3], mask=jets.mask[::3])
    for safe in (squared_mass, efn):
        change = [(safe(SoftEmission(s)(heavy, source())) - safe(heavy)).norm() for s in (1e-3, 1e-5)]
        assert 0 < change[0] < 0.05 * safe(heavy).norm()
        assert (change[0] / change[1]).item() == pytest.approx(100, rel=0.2)


def test_half_of_the_particles_split_on_average(jets):
    random, n = source(), jets.mask.sum(1)
    more = torch.stack([CollinearSplitting(0.5)(jets, random).mask.sum(1) - n for _ in range(200)]).double()
    assert_close(more.mean(0), 0.5 * n.double(), rtol=0.1, atol=0.1)
    assert (more <= (0.5 * n).ceil()).all()


def test_halves_of_a_particle_keep_its_type_and_have_the_scalars_of_their_masses(jets):
    view = CollinearSplitting(0.5)
    view.mass_scalar = 0
    split = view(jets, source())
    mass = split.scalars[..., 0].double().expm1()
    squared = torch.einsum("bnm,m,bnm->bn", split.p4, torch.tensor([1.0, -1, -1, -1]).double(), split.p4)
    assert_close(mass**2, squared.clamp(min=0), rtol=1e-4, atol=1e-7)
    # each scalar weighted with energy, such as the charge, is conserved, so halves have that of their particle
    for k in (1, 2):
        before, after = ((b.p4[..., 0] * b.scalars[..., k]).sum(1) for b in (jets, split))
        assert_close(after, before)


def test_soft_emission_moves_soft_particles_and_keeps_pt_and_mass(jets):
    pt, y, phi = polar(jets.p4)
    moved = SoftEmission(0.1)(jets, source()).p4
    after = polar(moved)
    assert_close(after[0], pt)
    pulls = torch.cat([((after[1] - y) * pt / 0.1)[jets.mask], ((after[2] - phi) * pt / 0.1)[jets.mask]])
    assert abs(pulls.std() - 1) < 0.15
    before, after = (products(p4).diagonal(dim1=1, dim2=2) for p4 in (jets.p4, moved))
    assert_close(after, before)


def test_smearing_has_mean_one_and_its_width_and_keeps_masses(jets):
    random = source()
    ratios = []
    for _ in range(50):
        smeared = Smearing(0.1)(jets, random)
        order = smeared.scalars[..., 2].long()  # particles are in order of pT again
        before = jets.p4.gather(1, order[..., None].expand_as(jets.p4))
        ratios.append((smeared.p4[..., 1:].norm(dim=-1) / before[..., 1:].norm(dim=-1))[smeared.mask])
        mass = products(smeared.p4).diagonal(dim1=1, dim2=2)[smeared.mask]
        assert_close(mass, torch.full_like(mass, MASS**2), rtol=1e-6, atol=1e-9)
    ratios = torch.cat(ratios)
    assert abs(ratios.mean() - 1) < 0.01
    assert abs(ratios.std() - 0.1) < 0.01


def test_dropping_loses_its_share_but_never_the_hardest(jets):
    random, lost = source(), []
    hardest = polar(jets.p4)[0].max(1).values
    for _ in range(100):
        dropped = Dropping(0.3)(jets, random)
        assert_close(polar(dropped.p4)[0].max(1).values, hardest)
        lost.append((jets.mask.sum() - dropped.mask.sum()).item())
    expected = 0.3 * (sum(COUNTS) - len(COUNTS))
    assert sum(lost) / 100 == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("view", ALL, ids=lambda view: type(view).__name__)
def test_real_particles_come_first_and_padding_is_zero(view, jets):
    before = {name: value.clone() for name, value in jets.tensors().items()}
    after = view(jets, source())
    assert (after.mask[:, 1:] <= after.mask[:, :-1]).all()
    assert after.mask.any(1).all()
    assert not after.p4[~after.mask].any()
    assert not after.scalars[~after.mask].any()
    assert after.p4[after.mask][:, 0].min() > 0
    assert after.p4.dtype == torch.float64
    assert all(torch.equal(value, before[name]) for name, value in jets.tensors().items())  # a copy


def test_the_padding_of_others_does_not_change_the_jet_it_splits(jets):
    """Padding follows the longest jet of a batch; the mean number of splits must not."""
    alone = replace(jets, p4=jets.p4[2:3, :7], scalars=jets.scalars[2:3, :7], mask=jets.mask[2:3, :7])
    alone = replace(alone, label=jets.label[:1], index=jets.index[:1], extras=jets.extras[:1])
    random = source()
    more = [CollinearSplitting(0.5)(alone, random).mask.sum().item() - 7 for _ in range(200)]
    assert sum(more) / 200 == pytest.approx(3.5, abs=0.2)


def test_views_of_one_seed_are_the_same_and_the_two_differ(jets):
    on = Views(rotate=180, boost=0.3, soft=0.1, split=0.2, drop=0.1, smear=0.1, translate=0.5)
    draw = on.of(Particles())
    one, again, other = draw(jets, 1), draw(jets, 1), draw(jets, 2)
    assert torch.equal(one[0].p4, again[0].p4)
    assert torch.equal(one[1].p4, again[1].p4)
    assert not torch.equal(one[0].p4, one[1].p4)
    assert not torch.equal(one[0].p4, other[0].p4)
