"""True shares have no loss, whichever hyperedge has them; particles are matched as the cheapest of all matchings."""

from dataclasses import replace
from itertools import permutations

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from hepexp.batch import JetBatch
from hepexp.data.datasets.particle_flow.module import ParticleFlow
from hepexp.errors import ConfigError
from hepexp.losses.hgpflow import HGPFlowLoss, _divergence, matched
from hepexp.losses.particle_flow import ParticleFlowLoss
from hepexp.models.hgpflow import HGPFlow, Hypergraph
from hepexp.models.layers.flow_elements import FEATURES, N_LOGITS, divided, feature
from hepexp.models.layers.hypergraph import Candidates
from hepexp.models.particle_flow_baseline import ParticleFlowBaseline

SMALL = {"n_hidden": 16, "n_layers": 1, "n_steps": 2, "k": 8, "n_heads": 4}


def opened(**keys) -> ParticleFlow:
    made = ParticleFlow(source="mini", batch_size=4, n_train=20, n_val=2, n_test=10, seed=0, **keys)
    made.setup()
    return made


@pytest.fixture(scope="module")
def data() -> ParticleFlow:
    return opened(deposits=True)


@pytest.fixture(scope="module")
def batch(data: ParticleFlow):
    """The two events with the fewest elements."""
    made = data.splits["test"][data.splits["test"].counts.argsort()[:2]]
    made.index = torch.arange(2)
    return made


def shares(batch) -> torch.Tensor:
    deposits = batch.deposits.double()
    return deposits / deposits.sum(1, keepdim=True).clamp(min=1e-30)


def tracks(batch) -> torch.Tensor:
    return feature(batch.scalars, "is_track")[0] > 0


class Truth(nn.Module):
    """The true hypergraph, where hyperedge j is the particle at order[j]."""

    def __init__(self, order: torch.Tensor | None = None) -> None:
        super().__init__()
        self.order, self.sure = order, nn.Parameter(torch.tensor(50.0, dtype=torch.float64))

    def hypergraph(self, batch) -> Hypergraph:
        n = batch.mask.shape[1]
        own = torch.arange(n).expand_as(batch.mask)
        order = own if self.order is None else self.order
        place = own[:, None].expand(-1, n, -1)
        share = shares(batch).mT.gather(2, order[:, None].expand(-1, n, -1))  # of hyperedges (columns) in elements
        is_track = tracks(batch)[..., None]
        share = torch.where(is_track, torch.eye(n, dtype=share.dtype), share)
        near = Candidates(place, torch.ones_like(place, dtype=torch.bool), torch.zeros(*place.shape, 5))
        kind = batch.element_label[..., 0].gather(1, order).clamp(min=0)
        _, pt, eta, phi, energy = batch.element_target.double().unbind(-1)
        momentum = torch.stack([pt, eta, phi.sin(), phi.cos(), energy], -1)
        momentum = momentum.gather(1, order[..., None].expand_as(momentum))
        log_kind = (self.sure * nn.functional.one_hot(kind, N_LOGITS)).log_softmax(-1)
        return Hypergraph(near, share.clamp(min=1e-30).log(), log_kind, momentum)

    def of_elements(self, batch, found: Hypergraph) -> torch.Tensor:
        return HGPFlow.of_elements(batch, found)

    def forward(self, batch) -> torch.Tensor:
        return self.of_elements(batch, self.hypergraph(batch))


def shuffled_towers(batch, seed: int = 0) -> torch.Tensor:
    """A place for each place (B, N): towers among each other, tracks their own."""
    order = torch.arange(batch.mask.shape[1]).repeat(len(batch), 1)
    for event in range(len(batch)):
        towers = (batch.mask & ~tracks(batch))[event].nonzero()[:, 0]
        order[event, towers] = towers[torch.randperm(len(towers), generator=torch.Generator().manual_seed(seed))]
    return order


def evaluated(model: nn.Module, batch) -> tuple[dict, dict]:
    with torch.no_grad():
        return HGPFlowLoss().eval().terms(model, batch)


def test_the_truth_has_no_loss_and_every_particle_in_its_element(batch):
    terms, outputs = evaluated(Truth(), batch)
    assert all(abs(value) < 1e-8 for value in terms.values())
    assert all(values.isfinite().all() for values in outputs.values())
    assert torch.equal(outputs["element/pid"], outputs["element/target_pid"])
    there = outputs["element/target_pid"] > 0
    for name in ("pt", "eta", "energy"):
        assert_close(outputs[f"element/{name}"][there], outputs[f"element/target_{name}"][there])


def test_the_error_of_shares_is_that_of_tracks_in_towers(batch):
    class Half(Truth):
        """Half of each tower is of its tracks, half of the neutral particle that starts from it."""

        def hypergraph(self, batch) -> Hypergraph:
            found = super().hypergraph(batch)
            own = torch.eye(batch.mask.shape[1]).expand_as(found.log_incidence)
            one = (torch.cumsum(tracks(batch), 1) == 1) & tracks(batch)  # the first track of an event
            share = torch.where(tracks(batch)[..., None], own, (own + one[:, None]) / 2)
            return found._replace(log_incidence=share.clamp(min=1e-30).log())

    def error(model: nn.Module) -> float:
        _, outputs = evaluated(model, batch)
        named = {name: values.numpy() for name, values in outputs.items()}
        named |= {"index": batch.index.numpy(), "label": batch.label.numpy()}
        table = HGPFlowLoss.evaluator.table(named, ("ttbar",))
        for name in ("share", "target_share"):  # predictions.parquet
            stored = torch.tensor(table[name].combine_chunks().values.to_numpy()).double()
            assert_close(stored, torch.from_numpy(named[f"element/{name}"]).double())
        found = HGPFlowLoss.evaluator.final(named, 0)
        return found["share_error"]

    true = (shares(batch) * tracks(batch)[..., None]).sum(1)
    towers = batch.mask & ~tracks(batch)
    assert error(Truth()) == pytest.approx(0, abs=1e-6)
    assert error(Half()) == pytest.approx(float((true[towers] - 0.5).abs().mean()))


def test_it_does_not_matter_which_hyperedge_a_particle_is(batch):
    """Their particles are still found in the towers where they left their energy."""
    network = Truth(shuffled_towers(batch))
    terms, _ = evaluated(network, batch)
    assert all(abs(value) < 1e-8 for value in terms.values())
    there = batch.mask & (batch.element_label[..., 0] > 0)
    with torch.no_grad():
        found, true = network(batch)[there], Truth()(batch)[there]
    assert_close(found, true)


def test_the_loss_does_not_change_if_true_particles_are_renumbered(batch):
    torch.manual_seed(0)
    network = HGPFlow(**SMALL, scalar_names=FEATURES).double()
    order = shuffled_towers(batch, seed=1)
    rows = torch.arange(len(batch))[:, None]
    label, target = batch.element_label[rows, order], batch.element_target[rows, order]
    moved = replace(batch, deposits=batch.deposits[rows, order], element_label=label, element_target=target)
    loss = HGPFlowLoss()
    (before, _), (after, _) = loss.terms(network, batch), loss.terms(network, moved)
    assert not torch.equal(moved.element_label, batch.element_label)
    for name, value in before.items():
        assert_close(after[name], value, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_particles_are_matched_as_the_cheapest_of_all_matchings(seed: int):
    """Three particles, one of which is known to be none, and five towers: all 60 matchings."""
    random = torch.Generator().manual_seed(seed)
    n, n_particles = 5, 3
    mask, is_track = torch.ones(1, n, dtype=torch.bool), torch.zeros(1, n, dtype=torch.bool)
    place = torch.arange(n).expand(1, n, n)
    near = Candidates(place, torch.ones_like(place, dtype=torch.bool), torch.zeros(1, n, n, 5))
    share = torch.zeros(1, n, n, dtype=torch.float64)
    share[:, :n_particles] = torch.rand(1, n_particles, n, generator=random, dtype=torch.float64)
    share /= share.sum(1, keepdim=True)
    pid = torch.tensor([[3, 0, 2, 0, 0]])
    log_incidence = torch.randn(1, n, n, generator=random, dtype=torch.float64).log_softmax(-1)
    log_kind = torch.randn(1, n, N_LOGITS, generator=random, dtype=torch.float64).log_softmax(-1)
    found = Hypergraph(near, log_incidence, log_kind, torch.zeros(1, n, 5))
    none, there = log_kind[0, :, 0], log_kind[0, :, 1:].logsumexp(-1)

    def cost(edges: tuple[int, ...]) -> float:
        of_shares = -sum(share[0, p] @ log_incidence[0, :, edges[p]] for p in range(n_particles))
        exists = [j in edges and pid[0, edges.index(j)] > 0 for j in range(n)]
        return float(of_shares - torch.where(torch.tensor(exists), there, none).sum())

    best = min(permutations(range(n), n_particles), key=cost)
    of = matched(found, share, pid, is_track, mask)[0].tolist()
    assert tuple(of.index(p) for p in range(n_particles)) == best
    assert sorted(of) == [-1, -1, 0, 1, 2]


def test_terms_are_their_formulas():
    """A track and two towers, one of which it is near; everything by hand."""
    scalars = torch.zeros(1, 3, len(FEATURES), dtype=torch.float64)
    scalars[0, :, FEATURES.index("is_track")] = torch.tensor([1.0, 0, 0]).double()
    scalars[0, :, FEATURES.index("energy")] = 10.0
    deposits = torch.zeros(1, 3, 3)
    deposits[0, 0, 1], deposits[0, 1, 1], deposits[0, 2, 2] = 6.0, 2.0, 5.0
    place = torch.tensor([[[0, 1, 2], [1, 0, 2], [2, 0, 1]]])
    allowed = torch.tensor([[[True, False, False], [True, True, False], [True, True, False]]])
    pair = torch.zeros(1, 3, 3, 5)
    pair[0, 2, 1, 0] = 5.0
    share = torch.tensor([[[1.0, 1e-12, 1e-12], [0.5, 0.5, 1e-12], [0.9, 0.1, 1e-12]]], dtype=torch.float64)
    kind = torch.full((1, 3, N_LOGITS), 1 / 6, dtype=torch.float64)
    momentum = torch.tensor([[[1.0, 0, 0, 1, 1]] * 3], dtype=torch.float64)
    truth = torch.tensor([[[1.0, 1, 0, 0, 1], [0, 1.0, 0, 0, 1], [0, 2.0, 0.3, 0, 1.0]]], dtype=torch.float64)

    class Given(nn.Module):
        def hypergraph(self, batch) -> Hypergraph:
            return Hypergraph(Candidates(place, allowed, pair), share.log(), kind.log(), momentum)

    whole = torch.ones(1, 3, dtype=torch.bool)
    zero = torch.zeros(1, dtype=torch.int64)
    batch = JetBatch(
        *(zero, zero, torch.zeros(1, 0), scalars[..., :4], scalars, whole, deposits),
        element_label=torch.tensor([[[1], [0], [2]]]),
        element_target=truth,
    )
    terms, _ = HGPFlowLoss(incidence=2.0, regression=0.5).terms(Given(), batch)
    of_shared = 0.75 * torch.tensor(0.75 / 0.5).log() + 0.25 * torch.tensor(0.25 / 0.5).log()
    of_other = -torch.tensor(0.9).log()
    assert_close(terms["incidence"].float(), (of_shared + of_other) / 2)
    assert_close(terms["classification"].float(), torch.tensor(6.0).log())
    # smooth absolute errors beyond 0.1: |x| - 0.05; one neutral particle, of pT 2 for 1 and eta 0.3 for 0
    assert_close(terms["regression"].float(), torch.tensor(3.0 / 2).log() - 0.05 + 3 - 0.05)
    expected = 2 * terms["incidence"] + terms["classification"] + 0.5 * terms["regression"]
    assert_close(terms["loss"], expected)


def test_shares_out_of_reach_are_not_free():
    """A tower has 0.6 of its energy from a hyperedge that has all of it, and 0.4 from one that cannot reach it."""
    place = torch.tensor([[[0], [1]]])
    near = Candidates(place, torch.ones_like(place, dtype=torch.bool), torch.zeros(1, 2, 1, 5))
    found = Hypergraph(near, torch.zeros(1, 2, 1).double(), torch.zeros(1, 2, N_LOGITS), torch.zeros(1, 2, 5))
    share = torch.tensor([[[0.6, 0.0], [0.4, 1.0]]], dtype=torch.float64)  # particles (rows) in elements
    divergence = _divergence(found, share, torch.tensor([[0, 1]]))
    expected = 0.6 * torch.tensor(0.6).log() + 0.4 * (torch.tensor(0.4).log() + 20)
    assert_close(divergence, torch.tensor([[expected, 0.0]]).double(), rtol=1e-6, atol=1e-12)


def test_a_small_network_learns_an_event_by_heart(data: ParticleFlow):
    torch.manual_seed(0)
    event = data.splits["train"][data.splits["train"].counts.argsort()[:1]]
    network = HGPFlow(n_hidden=32, n_layers=1, n_steps=2, k=8, scalar_names=FEATURES)
    loss, steps = HGPFlowLoss(), 150
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        terms, _ = loss.terms(network, event)
        optimizer.zero_grad()
        terms["loss"].backward()
        optimizer.step()
        schedule.step()
    _, outputs = evaluated(network.eval(), event)
    assert terms["incidence"] < 0.1
    assert (outputs["element/pid"] == outputs["element/target_pid"]).float().mean() > 0.98
    neutral = (outputs["element/target_pid"] == 3) & (outputs["element/pid"] == 3)
    ratio = outputs["element/energy"][neutral] / outputs["element/target_energy"][neutral]
    assert (ratio - 1).abs().median() < 0.1


def test_predictions_need_no_truth(batch):
    torch.manual_seed(0)
    network = HGPFlow(**SMALL, scalar_names=FEATURES).eval()
    without = replace(batch, element_label=None, element_target=None, deposits=None)
    with torch.no_grad():
        found, (_, judged) = HGPFlowLoss().outputs(network, without), HGPFlowLoss().eval().terms(network, batch)
    for name, values in found.items():
        assert_close(values, judged[name])
    share, is_track = found["element/share"], tracks(batch)[batch.mask]
    assert (share[is_track] == -1).all()
    assert ((share[~is_track] >= 0) & (share[~is_track] <= 1 + 1e-6)).all()


def test_unknown_particles_and_events_without_deposits_do_not_count(batch):
    torch.manual_seed(0)
    network = HGPFlow(**SMALL, scalar_names=FEATURES)
    unknown = replace(batch, element_label=torch.full_like(batch.element_label, -1))
    terms, _ = HGPFlowLoss(incidence=0).terms(network, unknown)
    assert terms["regression"] == 0
    assert terms["loss"].isfinite()
    nothing = replace(unknown, deposits=torch.zeros_like(batch.deposits))
    assert HGPFlowLoss().terms(network, nothing)[0]["loss"] == 0  # what is unknown is not taken for nothing
    empty = replace(batch, deposits=torch.zeros_like(batch.deposits))
    terms, _ = HGPFlowLoss().terms(network, empty)
    assert terms["incidence"] == 0
    assert terms["loss"].isfinite()


def test_a_model_that_has_diverged_is_matched_all_the_same(batch):
    torch.manual_seed(0)
    network = HGPFlow(**SMALL, scalar_names=FEATURES)
    nn.init.constant_(network.start.bias, float("nan"))
    terms, _ = HGPFlowLoss().terms(network, batch)
    assert terms["loss"].isnan()


def test_the_other_loss_of_particle_flow_trains_it_too(batch):
    torch.manual_seed(0)
    network = HGPFlow(**SMALL, scalar_names=FEATURES)
    ParticleFlowLoss().terms(network, batch)[0]["loss"].backward()
    assert all(p.grad.isfinite().all() for p in network.parameters() if p.grad is not None)
    assert divided(network(batch))[0].shape[-1] == N_LOGITS


def test_what_it_cannot_be_is_one_line(data):
    for keys, message in (
        ({"incidence": -1.0}, r"loss.incidence must be >= 0 and finite, got -1.0"),
        ({"regression": float("nan")}, r"loss.regression must be >= 0 and finite, got nan"),
    ):
        with pytest.raises(ConfigError, match=message):
            HGPFlowLoss(**keys)
    network, example = HGPFlow(**SMALL, scalar_names=FEATURES), data.typical_example()
    HGPFlowLoss().prepare(network, example, data.spec)
    with pytest.raises(ConfigError, match=r"ParticleFlowBaseline does not give them; choose model=hgpflow"):
        HGPFlowLoss().prepare(ParticleFlowBaseline(scalar_names=FEATURES), example, data.spec)
    with pytest.raises(ConfigError, match=r"set dataset.deposits=true"):
        HGPFlowLoss().prepare(network, replace(example, deposits=None), data.spec)
    with pytest.raises(ConfigError, match=r"columns edges.source.*the typical event has none"):
        HGPFlowLoss().prepare(network, replace(example, deposits=example.deposits * 0), data.spec)
