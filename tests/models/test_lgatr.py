"""L-GATr from its authors' package: its size, what it needs, and how it is told of the frame."""

import pytest
import torch
from torch.testing import assert_close

from hepexp.errors import ConfigError
from hepexp.models.layers import lorentz_packages
from hepexp.models.lgatr import LGATr
from tests.jets import random_jets, random_lorentz, transform


def test_has_the_size_of_the_paper():
    """1.1 million parameters."""
    assert sum(p.numel() for p in LGATr(n_scalars=2, n_classes=2).parameters()) == 1_077_380


@pytest.mark.parametrize("slim", [False, True])
def test_beams_break_the_symmetry(slim):
    torch.manual_seed(0)
    small = {"n_blocks": 1, "n_multivectors": 4, "n_hidden_scalars": 8, "n_heads": 2}
    model = LGATr(slim, **small, symmetry_breaking="beam", n_scalars=2, n_classes=2).double().eval()
    jets = random_jets(4)
    about_z = torch.eye(4, dtype=torch.float64)
    about_z[1:3, 1:3] = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
    assert_close(model(transform(jets, about_z)), model(jets), rtol=1e-8, atol=1e-12)
    assert (model(transform(jets, random_lorentz(0.6))) - model(jets)).abs().max() > 1e-6


def test_channels_are_shared_by_the_heads():
    with pytest.raises(ConfigError, match=r"model.n_multivectors must be a multiple of model.n_heads=8, got 12"):
        LGATr(n_multivectors=12, n_scalars=2, n_classes=2)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(lorentz_packages, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"^lgatr is not installed; pip install 'hepexp\[lorentz\]'$"):
        LGATr(n_scalars=2, n_classes=2)
