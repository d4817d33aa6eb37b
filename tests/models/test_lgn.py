"""The Lorentz Group Network against its equations."""

import math

import pytest
import torch
from torch.testing import assert_close

from hepexp.bench.pairwise_lgn import PairwiseLGN
from hepexp.errors import ConfigError
from hepexp.models.lgn import LGN
from tests.jets import pad, random_jets


def test_is_about_as_small_as_published():
    """4.5k in the paper; 4,010 without weights of the last level that nothing reads."""
    assert sum(p.numel() for p in LGN(n_scalars=2, n_classes=2).parameters()) == 4_010


@pytest.mark.parametrize("options", [{}, {"n_channels": (2, 3), "k_max": 1, "n_hidden": 0}, {"k_max": 3}])
def test_is_the_network_of_its_equations(options):
    torch.manual_seed(0)
    model = LGN(**options, scale=0.05, n_scalars=8, n_classes=2).double()
    jets = pad(random_jets(4, n_max=8), 2)
    got, wanted = [], []
    for network, found in ((model, got), (PairwiseLGN(model), wanted)):
        logits = network(jets)
        found += [logits, *torch.autograd.grad(logits.square().sum(), list(model.parameters()))]
    for ours, theirs in zip(got, wanted, strict=True):
        assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("k_max", [3, 4, 50, 10**9])
def test_levels_keep_only_what_products_of_their_inputs_contain(k_max):
    """(1,1) (x) (1,1) has spins up to 2, and its square up to 4: the paper's three levels reach no more."""
    levels = LGN(k_max=k_max, n_scalars=2, n_classes=2).levels
    assert [max(map(max, level.mixing.kept)) for level in levels] == [2, min(k_max, 4), 0]
    assert all(weight.shape[1] > 0 for level in levels for weight in level.mixing.weights)


def test_products_too_large_for_their_tables_are_refused_before_these_are_made():
    with pytest.raises(ConfigError, match=r"model.k_max: products of representations up to 8 have [\d,]+ coefficients"):
        LGN([2] * 6, k_max=50, n_scalars=2, n_classes=2)


def test_a_level_needs_two_numbers_of_channels():
    with pytest.raises(ConfigError, match=r"model.n_channels must be those of the input and of each level, got \[3\]"):
        LGN([3], n_scalars=2, n_classes=2)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("n_classes", [2, 10])
def test_starts_as_a_guess(n_classes, seed):
    """For jets of some forty particles the first loss is that of equal probabilities, ln(classes), within a quarter."""
    torch.manual_seed(seed)
    model, jets = LGN(n_scalars=0, n_classes=n_classes).double(), random_jets(64, n_min=30, n_max=60)
    loss = torch.nn.functional.cross_entropy(model(jets), jets.index % n_classes)
    assert abs(loss.item() - math.log(n_classes)) < 0.25
