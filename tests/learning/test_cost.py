"""FLOPs are those that one counts by hand; latencies are of the tested model, and measuring them leaves no trace."""

from typing import ClassVar

import pytest
import torch
from torch import nn

from hepexp.batch import FeatureBatch, GraphBatch
from hepexp.errors import ConfigError
from hepexp.learning import latency as module
from hepexp.learning.cost import _operations, cost
from hepexp.learning.latency import latency
from hepexp.memory import require
from tests.learning.test_components import parts_of


def counted(name, *more):
    """The components of a model, the particles or nodes of the typical example, and the operations for it."""
    components = parts_of(name, *more)
    example = components.data.typical_example()
    n = len(example.x) if isinstance(example, GraphBatch) else int(example.mask.sum())
    return components, n, _operations(components.module.model, example)[0]


def features(n, width=4):
    rows = torch.arange(n)
    return FeatureBatch(label=rows, index=rows, extras=torch.zeros(n, 0), features=torch.randn(n, width))


def test_operations_of_a_pfn_are_those_of_its_layers():
    components, particles, flops = counted("pfn")
    per_particle = 2 * (3 * 100 + 100 * 100 + 100 * 256)
    per_jet = 2 * (256 * 100 + 100 * 100 + 100 * 100 + 100 * 2)
    assert flops == particles * per_particle + per_jet
    found = cost(components, seconds=0.0)
    assert {key: found[key] for key in ("model/parameters", "model/flops", "model/multiplicity")} == {
        "model/parameters": 82_458,
        "model/flops": flops,
        "model/multiplicity": particles,
    }
    assert found["model/latency_1"] > 0
    assert found["model/latency_512"] > 0
    assert found["model/latency_threads"] == torch.get_num_threads()


def test_operations_of_lorentznet_are_mostly_those_of_its_pairs():
    _, particles, flops = counted("lorentznet")
    # two 72 x 72 products a pair and block, one in the last block
    pairs = particles**2 * 11 * 2 * 72 * 72
    assert pairs < flops < 1.3 * pairs


def test_operations_of_a_gcn_are_those_of_its_products_at_nodes():
    components, nodes, flops = counted("gcn")
    per_node = 2 * (components.data.spec.n_node_features * 64 + 64 * 128 + 128 * 64)
    assert flops == nodes * per_node + 2 * (64 * 16 + 16 * 2)


def test_operations_of_a_transformer_are_those_of_its_layers_and_of_attention():
    _, n, flops = counted("transformer", "model.size=s", "model.use_scalars=false")  # 4 blocks of width 64
    per_block = n * 2 * (4 + 8) * 64**2 + 2 * 2 * n**2 * 64
    assert flops == pytest.approx(4 * per_block, rel=0.01)  # then the embedding, and the head


def test_operations_of_particlenet_are_mostly_those_of_the_edges():
    _, n, flops = counted("particlenet")
    edges = n * 16 * sum(2 * 2 * c**2 for c in (64, 128, 256))  # the last two products of each block
    assert edges < flops < 1.1 * edges


def test_operations_of_pelican_are_mostly_those_of_its_pairs():
    _, n, flops = counted("pelican")
    pairs = (n + 2) ** 2 * 2 * (6 * 10_000 + 5 * 21_000)  # with the beams
    assert flops == pytest.approx(pairs, rel=0.1)


def test_views_of_parameters_are_counted():
    class Token(nn.Module):
        def __init__(self):
            super().__init__()
            self.token, self.linear = nn.Parameter(torch.ones(1, 4)), nn.Linear(4, 3)

        def forward(self, batch):
            return self.linear(self.token.expand(len(batch), -1))

    assert _operations(Token(), features(5))[0] == 2 * 5 * 4 * 3


class Products(nn.Module):
    """Products of every form that torch writes to a tensor, or takes as one of a matrix and a vector."""

    def forward(self, batch):
        a, b, v = batch.features.new_zeros(3, 5), batch.features.new_zeros(5, 7), batch.features.new_zeros(5)
        z = (a @ b).addmm_(a, b)  # 2 x 3 5 7 each
        z = z + torch.baddbmm(z[None], a[None], b[None])[0]
        z = z + torch.complex(a, a) @ torch.complex(b, b)  # 4 products and 4 sums
        return z, a @ v, torch.addmv(a[:, 0], a, v), v @ v  # 2 x 3 5, the same, 2 x 5


def test_products_in_place_of_vectors_and_of_complex_numbers_count():
    assert _operations(Products(), features(1))[0] == 2 * (3 + 4) * 3 * 5 * 7 + 2 * (2 * 3 * 5 + 5)


class Spied(nn.Module):
    """A perceptron with batch norm, dropout and a random number, that notes how it is called."""

    calls: ClassVar[list] = []

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5))

    def forward(self, batch):
        Spied.calls.append((self, len(batch), self.training, torch.is_grad_enabled()))
        return self.layers(batch.features) + torch.rand(1)


@pytest.fixture
def spied(monkeypatch):
    monkeypatch.setattr(Spied, "calls", [])
    return Spied().train()


def test_what_is_timed_is_a_copy_in_evaluation_mode_on_one_example_and_on_512(spied):
    found = latency(spied, features, seconds=100.0, widest=100)
    assert {(training, graded) for _, _, training, graded in Spied.calls} == {(False, False)}
    assert all(model is not spied for model, *_ in Spied.calls)
    sizes = [n for _, n, *_ in Spied.calls]
    assert sizes[0] == 1
    assert sizes[-2:] == [512, 512]  # the first was to warm up
    assert "model/latency_512_note" not in found


def test_measuring_leaves_weights_statistics_modes_and_random_numbers_alone(spied):
    spied.layers[2].eval()
    before = {key: value.clone() for key, value in spied.state_dict().items()}
    modes, numbers = [layer.training for layer in spied.modules()], torch.random.get_rng_state()
    batch = features(512)
    expected = torch.rand(3)
    torch.random.set_rng_state(numbers)
    features(512)
    latency(spied, lambda n: FeatureBatch(**_first(batch, n)), seconds=0.0, widest=100)
    assert torch.equal(torch.rand(3), expected)
    assert [layer.training for layer in spied.modules()] == modes
    assert all(torch.equal(value, before[key]) for key, value in spied.state_dict().items())


def _first(batch, n):
    return {name: value[:n] for name, value in batch.tensors().items()}


def test_a_batch_that_takes_too_long_or_too_much_memory_is_smaller_and_says_so(spied, monkeypatch):
    monkeypatch.setattr(module, "AFFORDED", 1e9)
    short = latency(spied, features, seconds=0.0, widest=100)
    assert {n for _, n, *_ in Spied.calls} == {1}
    assert short["model/latency_512_note"].startswith("measured in batches of 1, as 512 take too long")
    monkeypatch.undo()
    Spied.calls.clear()
    wide = latency(spied, features, seconds=100.0, widest=2**30 // (4 * 100))
    assert max(n for _, n, *_ in Spied.calls) == 100
    assert wide["model/latency_512_note"].startswith("measured in batches of 100, as 512 at once may take more than 1")


def test_a_model_that_does_not_run_on_a_cpu_has_no_latency():
    class Refuses(nn.Module):
        def forward(self, batch):
            require(10**18, "a pass", "choose another model")

    found = latency(Refuses(), features, seconds=1.0, widest=100)
    assert found["model/latency_1"] is None
    assert found["model/latency_512"] is None
    assert found["model/latency_512_note"].startswith("not measured: a pass needs")
    with pytest.raises(ConfigError):
        Refuses()(None)


def test_typical_examples_are_around_the_median_in_multiplicity():
    data = parts_of("pfn", "dataset.n_train=300").data
    counts = sorted(data.splits["train"].counts)
    found = data.typical_examples(512)
    sizes = found.mask.sum(1)
    assert len(found) == 512
    assert sizes[0] == counts[150] == data.typical_example().mask.sum()
    assert (int(sizes.min()), int(sizes.max())) == (counts[135], counts[164])
    assert len(set(found.index.tolist())) == 30
