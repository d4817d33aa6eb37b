"""The Energy Flow Network is infrared and collinear safe, and the sum of its equation."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from hepexp.batch import JetBatch
from hepexp.errors import ConfigError
from hepexp.models.efn import EFN
from hepexp.models.pfn import PFN
from tests.jets import pad, random_jets


def efn(**options) -> EFN:
    torch.manual_seed(0)
    return EFN(**options, n_classes=2).double().eval()


def with_another(jets: JetBatch, p4: torch.Tensor) -> JetBatch:
    """The same jets with one more particle each, p4 (B, 4)."""
    wider, here = pad(jets, 1), jets.mask.sum(1)
    rows = torch.arange(len(jets))
    wider.p4[rows, here], wider.mask[rows, here] = p4, True
    return wider


def split(jets: JetBatch, share: float) -> JetBatch:
    """The first particle of each jet decays into two in the same direction."""
    first = jets.p4[:, 0]
    p4 = jets.p4.clone()
    p4[:, 0] = share * first
    return with_another(replace(jets, p4=p4), (1 - share) * first)


@pytest.mark.parametrize("share", [0.5, 0.9, 1e-3])
def test_a_collinear_splitting_changes_nothing(share):
    jets, model = random_jets(), efn()
    assert_close(model(split(jets, share)), model(jets), rtol=0, atol=1e-12)
    pfn = PFN(n_scalars=8, n_classes=2).double().eval()
    assert not torch.allclose(pfn(split(jets, share)), pfn(jets), rtol=0, atol=1e-6)


def test_a_soft_particle_changes_nothing_as_its_energy_goes_to_zero():
    jets, model = random_jets(), efn()
    wide_angle = torch.tensor([1.0, 0.6, 0.0, 0.8], dtype=torch.float64)
    before, moved = model(jets), []
    for energy in (1e-3, 1e-6, 1e-9):
        moved.append((model(with_another(jets, energy * wide_angle)) - before).abs().max())
    assert moved[0] > 1e-8
    assert_close(moved[1] / moved[0], torch.tensor(1e-3, dtype=torch.float64), rtol=0.2, atol=0)  # linear in the energy
    assert moved[2] < 1e-9


def test_it_is_f_of_the_weighted_sum_of_phi():
    jets, model = random_jets(2), efn()
    seen = []
    model.phi.register_forward_hook(lambda _, inputs, output: seen.append(output))
    logits = model(jets)
    for i in range(2):
        n = int(jets.mask[i].sum())
        pt = jets.p4[i, :n, 1:3].norm(dim=-1)
        assert_close(model.f((pt / pt.sum()) @ seen[0][i, :n]), logits[i], rtol=0, atol=1e-12)


@pytest.mark.parametrize("options", [{"phi_sizes": []}, {"f_sizes": [100, 0]}])
def test_a_size_that_cannot_be_used_is_named(options):
    with pytest.raises(ConfigError, match=f"model.{next(iter(options))} must be one or more widths > 0"):
        efn(**options)
