"""Models of pairs of particles refuse a batch that does not fit, with the memory that it would need."""

import pytest
import torch

from hepexp import memory
from hepexp.errors import ConfigError
from hepexp.models.jedi_net import JEDINet
from hepexp.models.layers.pair_memory import require_pair_memory
from hepexp.models.lgn import LGN
from hepexp.models.lloca import LLoCa
from hepexp.models.mi_part import MIParticleTransformer
from hepexp.models.particle_transformer import ParticleTransformer
from hepexp.models.pelican import PELICAN
from hepexp.models.transformer import Transformer
from tests.jets import random_jets

ATTENTION = [ParticleTransformer, MIParticleTransformer, Transformer]


@pytest.mark.parametrize("make", [PELICAN, LGN, LLoCa, JEDINet, *ATTENTION], ids=lambda make: make.__name__)
def test_too_many_particles_are_refused(make, monkeypatch):
    model = make(n_classes=2) if make is JEDINet else make(n_scalars=8, n_classes=2)
    jets = random_jets(multiplicity=torch.tensor([40, 30]))
    monkeypatch.setattr(memory, "total", lambda: 10**5)
    message = (
        r"^a batch of 2 jets of up to 4[02] particles, which are .* pairs, needs .*: choose fewer .*dataset.n_particles"
    )
    with pytest.raises(ConfigError, match=message):
        model(jets)


def test_pairs_of_padding_count_where_they_are_made(monkeypatch):
    mask = torch.arange(10) < torch.tensor([[10], [1]])
    monkeypatch.setattr(memory, "total", lambda: 4 * 150)
    require_pair_memory(mask, 1, torch.float32, padded=False)  # 101 pairs
    with pytest.raises(ConfigError, match="200 pairs"):
        require_pair_memory(mask, 1, torch.float32, padded=True)


@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("make", ATTENTION, ids=lambda make: make.__name__)
def test_what_attention_keeps_of_each_pair_is_counted_about_right(make, dropout):
    assert_counted(make(n_scalars=8, n_classes=2, dropout=dropout))


def test_what_jedinet_keeps_of_each_pair_is_counted_about_right():
    assert_counted(JEDINet(n_classes=2))


def assert_counted(model):
    n_jets, n = 2, 61  # a prime number, which is in the size of what is kept for each pair twice, or for half of them
    jets, kept = random_jets(n_jets, n, n), {}

    def keep(x):
        kept[x.untyped_storage().data_ptr()] = x  # held, so that no other takes its place
        return x

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
        model.train()(jets)
    of_pairs = [x for x in kept.values() if x.numel() % n**2 == 0 or x.numel() % (n * (n + 1) // 2) == 0]
    n_bytes = sum(x.untyped_storage().nbytes() for x in of_pairs)
    assert n_bytes / 4 / (n_jets * n**2) == pytest.approx(model.kept, rel=0.3)
