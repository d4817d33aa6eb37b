"""Which transformations are left when beams or kinematic scalars break the Lorentz symmetry."""

import math
from functools import partial

import pytest
import torch
from torch.testing import assert_close

from hepexp.errors import ConfigError
from hepexp.models.claims import ABOUT_BEAM, ALONG_BEAM, LORENTZ, claims
from hepexp.models.layers.symmetry_breaking import BEAMS, SymmetryBreaking
from hepexp.models.lgatr import LGATr
from hepexp.models.lgn import LGN
from hepexp.models.lloca import LLoCa
from hepexp.models.lorentz_net import LorentzNet
from hepexp.models.pelican import PELICAN
from tests.jets import boost, random_jets, rotation, transform


def about_beams(angle: float) -> torch.Tensor:
    c, s = math.cos(angle), math.sin(angle)
    return torch.tensor([[1, 0, 0, 0], [0, c, -s, 0], [0, s, c, 0], [0, 0, 0, 1]], dtype=torch.float64)


REFLECTION = torch.diag(torch.tensor([1.0, 1.0, 1.0, -1.0], dtype=torch.float64))


def make(how: str) -> PELICAN:
    torch.manual_seed(0)
    model = PELICAN("xs", n_blocks=1, symmetry_breaking=how, n_scalars=8, n_classes=2).double()
    model.train()(random_jets(8, seed=1))
    return model.eval()


NETWORKS = {
    "lorentznet": partial(LorentzNet, n_hidden=8, n_blocks=2),
    "lgn": LGN,
    "lgatr": partial(LGATr, n_blocks=1, n_multivectors=4, n_hidden_scalars=8, n_heads=2),
    "slim lgatr": partial(LGATr, slim=True, n_blocks=1, n_multivectors=4, n_hidden_scalars=8, n_heads=2),
    **{
        f"lloca of {backbone}": partial(LLoCa, backbone, n_frame_hidden=8, **sizes)
        for backbone, sizes in {
            "transformer": {"n_blocks": 1, "n_heads": 2, "n_head_scalars": 4},
            "part": {"n_blocks": 2, "n_heads": 2, "n_head_scalars": 4, "n_head_vectors": 1},
            "particlenet": {"channels": [8, 8], "k": 5},
        }.items()
    },
}


@pytest.mark.parametrize("how", ["beam", "scalars", "both"])
@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_claims_and_keeps_rotations_about_the_beam_and_no_more(network, how):
    torch.manual_seed(0)
    model, jets = NETWORKS[network](symmetry_breaking=how, n_scalars=8, n_classes=2).double(), random_jets(6)
    model.train()(random_jets(8, seed=1))
    model.eval()
    assert {ABOUT_BEAM, ALONG_BEAM, LORENTZ} & claims(model) == {ABOUT_BEAM}
    assert_close(model(transform(jets, about_beams(2.0))), model(jets), rtol=1e-8, atol=1e-11)
    along = boost(0.6, torch.tensor([0.0, 0.0, 1.0]))
    assert (model(transform(jets, along)) - model(jets)).abs().max() > 1e-6


@pytest.mark.parametrize("how", ["beam", "both"])
def test_beams_leave_rotations_about_them(how):
    model, jets = make(how), random_jets(6)
    for angle in (0.3, 2.0):
        assert_close(model(transform(jets, about_beams(angle))), model(jets), rtol=1e-8, atol=1e-12)


def test_exchanging_the_beams_leaves_their_reflection():
    model, jets = make("beam"), random_jets(6)
    assert_close(model(transform(jets, REFLECTION)), model(jets), rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("how", ["beam", "scalars", "both"])
def test_other_transformations_change_the_prediction(how):
    model, jets = make(how), random_jets(6)
    others = [boost(0.6, torch.tensor([0.0, 0.0, 1.0])), rotation(torch.Generator().manual_seed(1))]
    for matrix in others:
        assert (model(transform(jets, matrix)) - model(jets)).abs().max() > 1e-6


def test_beams_come_before_the_particles_and_are_labelled():
    jets = random_jets(3)
    broken = SymmetryBreaking("beam", 8, has_beams=False)
    seen = broken(jets)
    assert seen.scalars.shape[-1] == broken.n_scalars == 10
    assert_close(seen.p4[0, :2], BEAMS)
    assert_close(seen.p4[:, :2].sum(1) / 8**0.5, torch.eye(4, dtype=torch.float64)[:1].expand(3, -1))  # of time
    assert seen.scalars[0, 0].tolist() == [0] * 9 + [1]
    assert seen.scalars[0, 2].tolist() == [*jets.scalars[0, 0].tolist(), 1, 0]
    assert seen.scalars[~seen.mask].abs().max() == 0
    assert torch.equal(seen.mask.sum(1), jets.mask.sum(1) + 2)


def test_none_changes_nothing():
    jets = random_jets(3)
    assert SymmetryBreaking("none", 8, has_beams=True)(jets) is jets


@pytest.mark.parametrize(("how", "n"), [("none", 0), ("beam", 2), ("scalars", 7), ("both", 9)])
def test_a_network_that_reads_no_scalars_sees_only_those_that_break_the_symmetry(how, n):
    jets, broken = random_jets(3), SymmetryBreaking(how, 0, has_beams=False)
    assert broken(jets).scalars.shape[-1] == broken.n_scalars == n


def test_beams_are_not_added_twice():
    with pytest.raises(ConfigError, match=r"model.symmetry_breaking=beam adds beams, and dataset.beams=true"):
        SymmetryBreaking("beam", 2, has_beams=True)
    with pytest.raises(ConfigError, match="none, beam, scalars or both, got time"):
        SymmetryBreaking("time", 2, has_beams=False)
