"""HGPflow commutes with permutations, shares out all energy, and starts from the towers themselves."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from hepexp.batch import DataSpec, JetBatch
from hepexp.errors import ConfigError
from hepexp.models.hgpflow import SURE, HGPFlow, Hypergraph
from hepexp.models.layers.flow_elements import FEATURES, MOMENTUM, N_LOGITS, divided, feature
from hepexp.models.layers.hypergraph import Candidates, candidates, rows_at
from tests import jets

SMALL = {"n_hidden": 16, "n_layers": 1, "n_steps": 3, "k": 6, "n_heads": 4}


def model(**keys) -> HGPFlow:
    torch.manual_seed(1)
    made = HGPFlow(**{**SMALL, **keys}, scalar_names=FEATURES).double()
    torch.nn.init.normal_(made.regressor[-1].weight, std=0.3)
    return made


def events(*multiplicity: int, seed: int = 0) -> JetBatch:
    """Tracks and towers of both calorimeters, near each other, in float64."""
    batch = jets.random_jets(n_scalars=len(FEATURES), seed=seed, multiplicity=torch.tensor(multiplicity))
    random = torch.Generator().manual_seed(seed)

    def uniform(low: float, high: float) -> torch.Tensor:
        return low + (high - low) * torch.rand(batch.mask.shape, generator=random, dtype=torch.float64)

    kind = torch.randint(3, batch.mask.shape, generator=random)
    track, em = (kind == 0).double(), (kind == 1).double()
    eta, phi, eta_out, phi_out = uniform(-0.3, 0.3), uniform(2.9, 3.5), uniform(-0.3, 0.3), uniform(2.9, 3.5)
    energy = uniform(1, 50)
    columns = {
        "is_tower": 1 - track,
        "is_track": track,
        "pt": energy / eta.cosh(),
        "eta": eta,
        "sin_phi": phi.sin(),
        "cos_phi": phi.cos(),
        "energy": energy,
        "em": energy * em,
        "had": energy * (1 - track - em),
        "eta_out": eta_out * track,
        "sin_phi_out": phi_out.sin() * track,
        "cos_phi_out": phi_out.cos() * track,
        "charge": track * (1 - 2 * em.roll(1, 1)),
    }
    scalars = torch.stack([columns[name] for name in FEATURES], -1) * batch.mask[..., None]
    return replace(batch, scalars=scalars)


@pytest.mark.parametrize("n", [5, 8, 37])
def test_commutes_with_permutations(n: int):
    batch, network = events(n, n), model()
    order = torch.randperm(n, generator=torch.Generator().manual_seed(3))
    moved = replace(batch, scalars=batch.scalars[:, order])
    with torch.no_grad():
        assert_close(network(moved), network(batch)[:, order], rtol=0, atol=1e-10)


def test_an_event_is_the_same_alone_padded_and_among_others():
    batch, network = events(5, 37, 20, 1), model()
    with torch.no_grad():
        together = network(batch)
        for i, n in enumerate((5, 37, 20, 1)):
            alone = jets.select(batch, [i])
            assert_close(network(alone)[0], together[i, :n], rtol=0, atol=1e-10)
            more = jets.pad(alone, 30)
            more.scalars = torch.where(more.mask[..., None], more.scalars, 1.0)  # whatever stands there
            assert_close(network(more)[0, :n], together[i, :n], rtol=0, atol=1e-10)


def test_shares_in_an_element_sum_to_one_and_a_track_belongs_to_its_own_particle():
    batch, network = events(37, 20), model()
    with torch.no_grad():
        found = network.hypergraph(batch)
    share = found.log_incidence.exp()
    assert_close(share.sum(-1), torch.ones_like(share[..., 0]))
    assert (share.masked_fill(found.near.allowed, 0) == 0).all()
    track = feature(batch.scalars, "is_track")[0] > 0
    assert (share[track][:, 0] == 1).all()
    assert_close(found.log_kind.exp().sum(-1), torch.ones_like(share[..., 0]))


def test_the_energy_of_towers_is_shared_out_without_loss():
    """What neutral particles and tracks have of towers is all that is in them, before any correction."""
    batch = events(30)
    torch.manual_seed(0)
    found = HGPFlow(**SMALL, scalar_names=FEATURES).double().hypergraph(batch)
    is_tower, energy = feature(batch.scalars, "is_tower", "energy")
    of_each = found.near.sum_over_elements((found.log_incidence.exp() * (energy * is_tower)[..., None])[..., None])
    tower = is_tower > 0
    assert_close(of_each.sum(), (energy * is_tower).sum())
    assert_close(found.momentum[..., -1][tower], of_each[..., 0][tower])
    assert (of_each[..., 0][~tower] > 0).any()


def test_an_untrained_network_gives_the_momentum_of_tracks_and_of_towers_that_are_not_shared():
    batch = events(12)
    torch.manual_seed(0)
    network = HGPFlow(**{**SMALL, "k": 1}, scalar_names=FEATURES).double()
    wanted = batch.scalars[..., [FEATURES.index(name) for name in MOMENTUM]]
    assert_close(network.hypergraph(batch).momentum, wanted)
    assert_close(divided(network(batch))[2], wanted)
    assert_close(divided(network(batch))[1], feature(batch.scalars, "charge")[0])
    torch.manual_seed(0)
    track = feature(batch.scalars, "is_track")[0] > 0
    found = HGPFlow(**SMALL, scalar_names=FEATURES).bfloat16()(replace(batch, scalars=batch.scalars.float()))
    assert_close(divided(found)[2][track], wanted.float()[track], rtol=0, atol=0)
    assert found.isfinite().all()


def test_candidates_are_the_nearest_where_tracks_leave_the_tracker():
    batch = events(21, 9)
    near = candidates(batch.scalars, batch.mask, 4)
    names = ("is_track", "eta", "sin_phi", "cos_phi", "eta_out", "sin_phi_out", "cos_phi_out")
    track, eta, s, c, eta_out, s_out, c_out = (x[1, :9] for x in feature(batch.scalars, *names))
    eta = torch.where(track > 0, eta_out, eta)
    direction = torch.where(track > 0, torch.complex(c_out, s_out), torch.complex(c, s))
    for i in range(9):
        places = near.place[1, i, near.allowed[1, i]]
        assert places[0] == i
        if track[i]:
            assert len(places) == 1
            continue
        deta, dphi = eta - eta[i], (direction / direction[i]).angle()
        distance = torch.hypot(deta, dphi)
        distance[i] = -1
        assert places.tolist() == distance.argsort()[:4].tolist()
        expected = [deta[places] / 0.1, dphi[places] / 0.1]
        assert_close(near.pair[1, i, :, :2], torch.stack(expected, -1))
    assert near.allowed[1, 9:].sum(-1).eq(1).all()  # padding reaches nothing


def test_of_elements_that_are_equally_far_the_most_energetic_is_near_whatever_the_order_or_padding():
    """Towers on a grid: to the left and to the right of each is one at the same distance."""
    n = 9
    batch = events(n)
    scalars = torch.zeros_like(batch.scalars)
    energy = torch.tensor([5.0, 9, 1, 8, 2, 7, 3, 6, 4]).double()
    columns = {"is_tower": torch.ones(n), "eta": torch.arange(n) / 8, "cos_phi": torch.ones(n), "energy": energy}
    for name, column in columns.items():
        scalars[0, :, FEATURES.index(name)] = column.to(scalars)

    def others(scalars: torch.Tensor, mask: torch.Tensor) -> list[int]:
        return candidates(scalars, mask, 2).place[0, :n, 1].tolist()

    expected = [1] + [i - 1 if energy[i - 1] > energy[i + 1] else i + 1 for i in range(1, n - 1)] + [n - 2]
    assert others(scalars, batch.mask) == expected
    padded = jets.pad(replace(batch, scalars=scalars), 50)
    assert others(padded.scalars, padded.mask) == expected
    order = torch.randperm(n, generator=torch.Generator().manual_seed(0))
    moved = others(scalars[:, order], batch.mask)
    assert {int(order[i]): int(order[j]) for i, j in enumerate(moved)} == dict(enumerate(expected))


def test_particles_stand_where_most_of_their_energy_is_and_add_up():
    """Three towers: two particles in the first, none in the second, a particle of the third is none."""
    batch = events(3, seed=5)
    scalars = batch.scalars.clone()
    for name, value in {"is_track": 0.0, "is_tower": 1.0, "energy": 10.0, "charge": 0.0}.items():
        scalars[..., FEATURES.index(name)] = value
    place = torch.tensor([[[0, 1, 2], [1, 0, 2], [2, 0, 1]]])
    share = torch.tensor([[[0.6, 0.4, 0.0], [0.1, 0.9, 0.0], [1.0, 0.0, 0.0]]], dtype=torch.float64)
    near = Candidates(place, torch.ones_like(place, dtype=torch.bool), torch.zeros(1, 3, 3, 5))
    # shares in elements 0, 1, 2 of hyperedge 0: .6, .9, 0; of 1: .4, .1, 0; of 2: 0, 0, 1
    kind = torch.tensor([[[0.1, 0, 0.2, 0.7, 0, 0], [0.4, 0, 0.6, 0, 0, 0], [0.8, 0, 0.2, 0, 0, 0]]]).double()
    momentum = torch.tensor(
        [[[3.0, 0.0, 0.0, 1.0, 5.0], [4.0, 0.0, 1.0, 0.0, 6.0], [7.0, 0.2, 0.6, 0.8, 9.0]]], dtype=torch.float64
    )
    found = Hypergraph(near, share.log(), kind.log(), momentum)
    out = HGPFlow.of_elements(replace(batch, scalars=scalars), found)[0]
    assert_close(out[1, :N_LOGITS].exp(), kind[0, 0])  # of 0, most of whose energy is in element 1
    assert_close(out[1, N_LOGITS + 1 :], momentum[0, 0])
    assert_close(out[0, N_LOGITS + 1 :], momentum[0, 1])
    assert out[2, :N_LOGITS].argmax() == 0
    together = found._replace(log_incidence=share[:, :, [1, 1, 2]].log())
    together = together._replace(
        log_incidence=torch.tensor([[[0.5, 0.5, 0.0], [0.1, 0.1, 0.8], [1.0, 0.0, 0.0]]]).log()
    )
    out = HGPFlow.of_elements(replace(batch, scalars=scalars), together)[0]  # 0 and 1 are both in element 0
    assert_close(out[0, :N_LOGITS].exp(), kind[0, 0])
    assert_close(out[0, N_LOGITS + 1 :], torch.tensor([5.0, 0.0, 0.8, 0.6, 11.0], dtype=torch.float64))
    assert out[1, 0] == 0
    assert (out[1, 1:N_LOGITS] == -SURE).all()
    assert (out[1, N_LOGITS:] == 0).all()
    unlike = kind.clone()  # 1 rather does not exist, but would have ten times the energy of 0
    unlike[0, 1] = torch.tensor([0.6, 0.0, 0.4, 0.0, 0.0, 0.0])
    more = momentum * torch.tensor([1.0, 10.0, 1.0])[None, :, None]
    hidden = together._replace(log_kind=unlike.log(), momentum=more)
    out = HGPFlow.of_elements(replace(batch, scalars=scalars), hidden)[0]
    assert_close(out[0, :N_LOGITS].exp(), kind[0, 0])
    assert_close(out[0, N_LOGITS + 1 :], momentum[0, 0])


def test_gradients_are_finite_and_reach_every_parameter():
    batch, network = events(20, 3), model()
    found = network.hypergraph(batch)
    total = found.log_incidence[found.near.allowed].sum() + found.log_kind[batch.mask].square().sum()
    (total + found.momentum[batch.mask].square().sum()).backward()
    without = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not without
    assert all(p.grad.isfinite().all() for p in network.parameters())
    network.zero_grad()
    network(batch)[batch.mask].square().sum().backward()
    assert all(p.grad.isfinite().all() for p in network.parameters() if p.grad is not None)


def test_all_steps_have_the_same_weights():
    few, many = (sum(p.numel() for p in model(n_steps=n).parameters()) for n in (1, 12))
    assert few == many


def test_rows_at_places_are_those_of_the_event():
    x = torch.arange(12.0).view(2, 3, 2)
    assert rows_at(x, torch.tensor([[2, 0], [1, 1]])).tolist() == [[[4, 5], [0, 1]], [[8, 9], [8, 9]]]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"n_hidden": 0}, r"model.n_hidden must be > 0, got 0"),
        ({"n_steps": 0}, r"model.n_steps must be > 0, got 0"),
        ({"k": 0}, r"model.k must be > 0, got 0"),
        ({"n_hidden": 10}, r"model.n_heads must divide model.n_hidden=10, got 4"),
        ({"dropout": 1.0}, r"model.dropout must be in \[0, 1\), got 1.0"),
        ({"scalar_names": ("charge",)}, r"model=hgpflow needs tracks and towers as elements"),
    ],
)
def test_what_it_cannot_be_is_one_line(keys: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        HGPFlow(**{"scalar_names": FEATURES, **keys})


def test_its_scalars_are_said_to_be_read():
    from hepexp.learning.components import _unread

    data = DataSpec(("ttbar",), scalar_names=FEATURES, n_scalars=len(FEATURES))
    assert not _unread(model(), "particles", "hepexp.models.hgpflow.HGPFlow", data)
