import pytest
import torch
from torch.testing import assert_close

from hepexp.errors import ConfigError
from hepexp.models.pfn import PFN
from tests.jets import random_jets, transform
from tests.models.layers.test_jet_coordinates import about_z


def pfn(**options) -> PFN:
    torch.manual_seed(0)
    return PFN(**options, n_scalars=8, n_classes=2).double().eval()


def test_prediction_does_not_change_when_the_event_turns_about_the_beam():
    jets, model = random_jets(), pfn()
    assert_close(model(transform(jets, about_z(2.0))), model(jets), rtol=0, atol=1e-10)


def test_prediction_does_not_change_with_the_unit_of_energy():
    jets, model = random_jets(), pfn()
    assert_close(model(transform(jets, 1000 * torch.eye(4, dtype=torch.float64))), model(jets), rtol=0, atol=1e-10)


def test_it_is_f_of_the_sum_of_phi():
    jets, model = random_jets(2), pfn(use_scalars=True)
    seen = []
    model.phi.register_forward_hook(lambda _, inputs, output: seen.append((inputs[0], output)))
    logits = model(jets)
    particles, latent = seen[0]
    for i in range(2):
        n = int(jets.mask[i].sum())
        assert_close(particles[i, :n, 0].sum(), torch.tensor(1.0, dtype=torch.float64))  # shares of the jet's pT
        assert_close(model.f(latent[i, :n].sum(0)), logits[i], rtol=0, atol=1e-12)


@pytest.mark.parametrize("options", [{"phi_sizes": []}, {"f_sizes": [100, 0]}])
def test_a_size_that_cannot_be_used_is_named(options):
    with pytest.raises(ConfigError, match=f"model.{next(iter(options))} must be one or more widths > 0"):
        pfn(**options)
