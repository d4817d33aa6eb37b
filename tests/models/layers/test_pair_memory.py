"""Models of pairs of particles refuse a batch that does not fit, with the memory that it would need."""

import pytest
import torch

from hepexp import memory
from hepexp.errors import ConfigError
from hepexp.models.layers.pair_memory import require_pair_memory
from hepexp.models.lgn import LGN
from hepexp.models.lloca import LLoCa
from hepexp.models.pelican import PELICAN
from tests.jets import random_jets


@pytest.mark.parametrize("make", [PELICAN, LGN, LLoCa], ids=lambda make: make.__name__)
def test_too_many_particles_are_refused(make, monkeypatch):
    model = make(n_scalars=8, n_classes=2)
    jets = random_jets(multiplicity=torch.tensor([40, 30]))
    monkeypatch.setattr(memory, "total", lambda: 10**5)
    message = r"pairs of particles, in a batch of 2 jets of up to 42, needs .* choose fewer particles with dataset"
    with pytest.raises(ConfigError, match=message):
        model(jets)


def test_pairs_of_padding_count_where_they_are_made(monkeypatch):
    mask = torch.arange(10) < torch.tensor([[10], [1]])
    monkeypatch.setattr(memory, "total", lambda: 4 * 150)
    require_pair_memory(mask, 1, torch.float32, padded=False)  # 101 pairs
    with pytest.raises(ConfigError, match="200 pairs"):
        require_pair_memory(mask, 1, torch.float32, padded=True)
