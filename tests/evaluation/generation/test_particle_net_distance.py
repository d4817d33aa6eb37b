"""The published ParticleNet against edge convolutions of torch_geometric, and its distance against its definition."""

import pickle

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hepexp.errors import DataError
from hepexp.evaluation.evaluators.generation import JETS, MADE, OF, TRUTH, GenerationEvaluator
from hepexp.evaluation.generation import particle_net_distance
from hepexp.evaluation.generation.particle_net_distance import (
    N_PARTICLES,
    ParticleNetDistance,
    activations,
    fpnd,
    normalised,
)

WIDTHS = (3, 64, 128, 256)  # of the features that each block adds


def network(block: int) -> nn.Sequential:
    read, made = sum(WIDTHS[: block + 1]), WIDTHS[block + 1]
    sizes = [(2 * read, made), (made, made), (made, made)]
    return nn.Sequential(*(part for i, o in sizes for part in (nn.Linear(i, o), nn.BatchNorm1d(o), nn.ReLU())))


@pytest.fixture
def weights() -> dict[str, Tensor]:
    torch.manual_seed(1)
    found = {f"edge_nets.{k}.model.{name}": value for k in range(3) for name, value in network(k).state_dict().items()}
    for name, value in found.items():  # as after a training
        if name.endswith(("running_mean", "running_var")):
            value.uniform_(0.5, 1.5)
    last = nn.Linear(sum(WIDTHS), 256)
    return found | {"fc1.0.weight": last.weight.data, "fc1.0.bias": last.bias.data}


@pytest.fixture
def jets() -> np.ndarray:
    """Jets of 12 to 30 particles, with zeros as padding."""
    random = np.random.default_rng(1)
    cloud = random.normal(size=(40, N_PARTICLES, 3)) * [0.1, 0.1, 0.02] + [0, 0, 0.03]
    return cloud * (np.arange(N_PARTICLES) < random.integers(12, 31, 40)[:, None])[..., None]


@pytest.fixture
def resources(tmp_path, weights, jets):
    """A folder as the package has it, with the moments of these jets."""
    torch.save(weights, tmp_path / "pnet_state_dict.pt")
    found = activations(normalised(torch.from_numpy(jets)).float(), weights).double().numpy()
    np.savetxt(tmp_path / "g_mu.txt", found.mean(0))
    np.savetxt(tmp_path / "g_sigma.txt", np.cov(found, rowvar=False))
    return tmp_path


def test_it_is_the_network_of_edge_convolutions(weights, jets):
    geometric = pytest.importorskip("torch_geometric.nn")
    weights = {name: value.double() for name, value in weights.items()}
    x = normalised(torch.from_numpy(jets))
    n, at = x.shape[:2]
    flat, near = x.flatten(0, 1), x[..., :2]
    for block in range(3):
        apart = torch.cdist(near, near)
        apart.diagonal(dim1=1, dim2=2).fill_(torch.inf)
        source = (apart.topk(16, largest=False).indices + at * torch.arange(n)[:, None, None]).flatten()
        edges = torch.stack([source, torch.arange(n * at).repeat_interleave(16)])
        mlp = network(block).double().eval()
        convolution = geometric.EdgeConv(mlp, aggr="mean")  # which begins anew with random weights
        mlp.load_state_dict({name: weights[f"edge_nets.{block}.model.{name}"] for name in mlp.state_dict()})
        flat = torch.cat([convolution(flat, edges), flat], 1)
        near = flat.unflatten(0, (n, at))
    expected = near.mean(1) @ weights["fc1.0.weight"].T + weights["fc1.0.bias"]
    torch.testing.assert_close(activations(x, weights), expected, rtol=1e-9, atol=1e-9)


def test_jets_are_at_no_distance_from_their_own_moments(resources, jets):
    value, error = ParticleNetDistance(resources).of(jets, "gluon")
    assert value == pytest.approx(0, abs=1e-4)
    assert error > 0
    assert ParticleNetDistance(resources).of(jets * [2, 2, 1], "gluon")[0] > 100 * abs(value)


def test_fewer_particles_are_padded(resources, jets):
    short = jets[:, :20]
    padded = np.pad(short, ((0, 0), (0, 10), (0, 0)))
    distance = ParticleNetDistance(resources)
    assert distance.of(short, "gluon") == distance.of(padded, "gluon")


class Harmful:
    def __reduce__(self):
        return (print, ("ran",))


def test_nothing_in_the_files_runs(resources, capsys):
    (resources / "pnet_state_dict.pt").write_bytes(pickle.dumps(Harmful(), protocol=2))
    with pytest.raises(DataError, match=r"pnet_state_dict\.pt: expected the weights"):
        ParticleNetDistance(resources)
    assert "ran" not in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "nan\n" * 256, "1\n" * 255, "no number"])
def test_moments_of_another_kind_are_refused(resources, jets, text):
    (resources / "g_mu.txt").write_text(text)
    with pytest.raises(DataError, match=r"g_mu\.txt: expected \(256,\) finite numbers"):
        ParticleNetDistance(resources).of(jets, "gluon")


def test_generated_and_true_jets_are_compared_in_equal_numbers(resources, jets, monkeypatch):
    monkeypatch.setattr(particle_net_distance, "folder", lambda: resources)
    outputs = {f"{JETS}{MADE}gluon": jets, f"{JETS}{TRUTH}gluon": np.concatenate([jets, 3 * jets])}
    outputs |= {f"{sample}{OF}": np.zeros(0) for sample in (MADE, TRUTH)} | {"loss": np.zeros(1)}
    found = GenerationEvaluator().final(outputs, seed=1)
    assert found["fpnd_gluon"] == found["fpnd_gluon_truth"]
    assert found["fpnd_gluon_err"] > 0
    assert "fpnd_top" not in found


def test_what_is_missing_is_said(resources, jets, monkeypatch):
    monkeypatch.setattr(particle_net_distance, "folder", lambda: None)
    assert "pip install --no-deps jetnet" in fpnd(jets, "gluon")
    monkeypatch.setattr(particle_net_distance, "folder", lambda: resources)
    assert "30 particles" in fpnd(np.zeros((5, 31, 3)), "gluon")
    assert "two jets" in fpnd(jets[:1], "gluon")
