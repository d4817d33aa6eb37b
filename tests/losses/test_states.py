"""Contrastive losses with fidelities of circuit states, against loops over pairs; and on two processes."""

from __future__ import annotations

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.testing import assert_close

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.losses.infonce import InfoNCE
from hepexp.losses.ntxent import NTXent
from hepexp.losses.pair import PairLoss
from hepexp.losses.states import CircuitStates
from hepexp.losses.supervised_contrastive import SupervisedContrastive
from hepexp.losses.swav import SwAV
from hepexp.losses.triplet import TripletLoss
from hepexp.losses.vicreg import VICReg
from hepexp.quantum.classical import Classical
from hepexp.quantum.pennylane import PennyLane
from hepexp.quantum.statevector import StateVector

B, P = 8, 5
FIRST, SECOND = torch.randn(2, B, P, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
LABEL = torch.tensor([0, 0, 1, 1, 1, 2, 2, 3])  # the last one is alone in its class


def states(**keys) -> CircuitStates:
    return CircuitStates(3, backend=StateVector(), **keys)


def prepared(objective, seed: int = 0):
    """An objective for projections of width P, in float64."""
    torch.manual_seed(seed)
    objective.prepare(lambda _: torch.zeros(1, P), LABEL[:1], DataSpec(("a", "b", "c", "d")))
    return objective.double()


def overlap(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.vdot(a, b).abs() ** 2


WITH_LABELS = [
    lambda s: PairLoss(alpha=0.3, states=s),
    lambda s: SupervisedContrastive(projector=(), alpha=0.3, states=s),
    lambda s: TripletLoss(projector=(), alpha=0.3, states=s),
    lambda s: InfoNCE(projector=(), alpha=0.3, states=s),
]
WITH_VIEWS = [
    lambda s: NTXent(projector=(), alpha=0.3, states=s),
    lambda s: InfoNCE(positives="views", projector=(), alpha=0.3, states=s),
    lambda s: SwAV(projector=(), alpha=0.3, states=s),
    lambda s: VICReg(projector=(), alpha=0.3, states=s),
]


@pytest.mark.parametrize("make", WITH_LABELS)
def test_without_views_the_fidelity_is_that_of_each_example_and_the_others_of_its_class(make):
    objective = prepared(make(states())).eval()
    psi, each = objective.states.vectors(FIRST), []
    for i in range(B - 1):
        positives = [j for j in range(B) if j != i and LABEL[j] == LABEL[i]]
        each.append(sum(overlap(psi[i], psi[j]) for j in positives) / len(positives))
    terms = objective._terms([FIRST], LABEL, None)
    assert_close(terms["contrastive"], objective.compare(FIRST, LABEL))
    assert_close(terms["fidelity"], sum(each) / (B - 1))
    assert_close(terms["loss"], 0.3 * terms["contrastive"] + 0.7 * (1 - terms["fidelity"]))
    weight = torch.arange(B, dtype=torch.float64)
    weighted = objective.infidelity([FIRST], LABEL, weight)
    assert_close(weighted, weight[:-1] @ (1 - torch.stack(each)) / weight[:-1].sum())
    assert objective.infidelity([FIRST], torch.arange(B)) == 0  # nothing is pulled


@pytest.mark.parametrize("make", WITH_VIEWS)
def test_with_views_the_fidelity_is_that_of_the_two_views(make):
    objective = prepared(make(states())).eval()
    psi, phi = objective.states.vectors(FIRST), objective.states.vectors(SECOND)
    terms = objective._terms([FIRST, SECOND], LABEL, None)
    assert_close(terms["contrastive"], objective.compare_views(FIRST, SECOND, LABEL))
    assert_close(terms["fidelity"], sum(overlap(a, b) for a, b in zip(psi, phi, strict=True)) / B)
    assert_close(terms["loss"], 0.3 * terms["contrastive"] + 0.7 * (1 - terms["fidelity"]))


def test_alpha_one_has_neither_states_nor_their_weights():
    objective = prepared(NTXent(projector=(), states=states()))
    assert objective.states is None
    assert not list(objective.parameters())
    assert set(objective._terms([FIRST, SECOND], LABEL, None)) == {"loss"}


def test_fidelities_take_the_place_of_the_cosine():
    loss = prepared(InfoNCE(0.2, "views", projector=(), similarity="fidelity", states=states()))
    psi, phi = loss.states.vectors(FIRST), loss.states.vectors(SECOND)
    logits = torch.stack([torch.stack([overlap(a, b) for b in phi]) for a in psi]) / 0.2
    assert_close(loss.compare_views(FIRST, SECOND, LABEL), nn.functional.cross_entropy(logits, torch.arange(B)))


def test_pairwise_swap_tests_have_the_squared_sum_as_similarity_and_the_mean_as_fidelity():
    made = states(swap_test="pairwise", reupload=False, depth=2, eps=0.1)
    torch.manual_seed(0)
    made.lay_out("loss.alpha=0")
    made.prepare(P)
    made = made.double()
    psi = [state.view(2, 2, 2) for state in made.vectors(FIRST)]
    rho = [[torch.einsum("iab,jab->ij", one, one.conj()) for one in (s, s.movedim(1, 0), s.movedim(2, 0))] for s in psi]
    local = torch.tensor(
        [[[torch.trace(x @ y).real.detach() for x, y in zip(a, b, strict=True)] for b in rho] for a in rho]
    )
    rows = made(FIRST)
    assert_close(made.fidelities(rows, rows), local.double().mean(-1), rtol=1e-6, atol=1e-6)
    assert_close(made.fidelity(rows, rows), local.double().mean(-1).diagonal(), rtol=1e-6, atol=1e-6)
    assert_close(made.similarities(rows, rows), (local.double().sum(-1) + 0.1) ** 2, rtol=1e-6, atol=1e-6)


def test_blocks_count_for_registers_only_between_encodings():
    def gradient(made: CircuitStates) -> torch.Tensor:
        made.lay_out("loss.alpha=0")
        made.prepare(P)
        made.double().weights.data.normal_()
        rows = made(FIRST)
        return torch.autograd.grad(made.fidelities(rows, rows)[0, 1], made.weights)[0].abs().max()

    torch.manual_seed(0)
    assert gradient(states(depth=2)) > 1e-3
    assert gradient(states(depth=2, reupload=False, swap_test="pairwise")) > 1e-3
    with pytest.raises(ConfigError, match=r"loss.states.depth=1 has no effect: .* choose depth=0, reupload=true or"):
        states(reupload=False)


def test_what_has_no_states_is_refused_in_one_line():
    for backend, said in (
        (Classical(), "loss.alpha=0.3 compares circuit states, and this backend has none; choose backend=statevector"),
        (PennyLane(shots=10, diff_method="parameter-shift"), "loss.alpha=0.3 compares circuit states: .* no shots"),
        (PennyLane("default.clifford", "best"), "loss.alpha=0.3 compares circuit states: .*"),
    ):
        with pytest.raises(ConfigError, match=said) as error:
            NTXent(projector=(), alpha=0.3, states=CircuitStates(3, backend=backend))
        assert len(str(error.value).splitlines()) == 1
    for keys, said in (({"depth": -1}, "loss.states.depth must be >= 0"), ({"eps": -1.0}, "loss.states.eps must be")):
        with pytest.raises(ConfigError, match=said):
            states(**keys)


def test_pennylane_gives_the_same_loss_and_gradients():
    found = []
    for backend in (StateVector(), PennyLane()):
        made = CircuitStates(2, backend=backend, swap_test="pairwise")
        objective = prepared(NTXent(projector=(), similarity="fidelity", alpha=0.5, states=made))
        loss = objective._terms([FIRST, SECOND], LABEL, None)["loss"]
        found.append([loss, *torch.autograd.grad(loss, list(objective.parameters()))])
    assert_close(*found)


class Model(nn.Linear):
    def forward(self, batch) -> torch.Tensor:
        return super().forward(batch.x)


class Batch:
    def __init__(self, rows: slice, views: bool = True) -> None:
        self.label, self.weight = LABEL[rows], None
        self.x, second = FIRST[rows], SECOND[rows]
        self.views = (self, Batch.of(second)) if views else None

    @staticmethod
    def of(x: torch.Tensor):
        made = Batch(slice(0), views=False)
        made.x = x
        return made


def objectives() -> list:
    made = [make(states()) for make in (*WITH_VIEWS, WITH_LABELS[1])]
    return [*made, TripletLoss(mining="hard", projector=()), NTXent(projector=(4,), learn_temperature=True)]


def gradients(number: int, rows: slice, distributed: bool) -> list[torch.Tensor]:
    torch.manual_seed(0)
    model, objective = Model(P, P).double(), prepared(objectives()[number])
    both = nn.ModuleList([model, objective])
    loss = objective.terms(model, Batch(rows))[0]["loss"]
    found = torch.autograd.grad(loss, [p for p in both.parameters() if p.requires_grad])
    if distributed:
        for gradient in found:  # as DistributedDataParallel does
            dist.all_reduce(gradient)
            gradient /= dist.get_world_size()
    return [loss.detach(), *found]


def evaluated(number: int, rows: slice) -> torch.Tensor:
    torch.manual_seed(0)
    model, objective = Model(P, P).double(), prepared(objectives()[number]).eval()
    with torch.no_grad():
        return objective.terms(model, Batch(rows))[0]["loss"]


def _rank(rank: int, file: str, out) -> None:
    dist.init_process_group("gloo", init_method=f"file://{file}", rank=rank, world_size=2)
    out[rank] = [gradients(number, slice(rank, None, 2), True) for number in range(len(objectives()))]
    out[f"evaluated by {rank}"] = [evaluated(number, slice(rank, B - 1, 2)) for number in range(len(objectives()))]
    dist.destroy_process_group()


def test_two_processes_have_the_loss_and_the_gradients_of_one_with_all_examples(tmp_path):
    with mp.Manager() as manager:
        out = manager.dict()
        mp.spawn(_rank, (str(tmp_path / "store"), out), nprocs=2)
        ranks, evaluations = [out[0], out[1]], [out["evaluated by 0"], out["evaluated by 1"]]
    for number in range(len(objectives())):
        expected = gradients(number, slice(None), False)
        for rank in ranks:
            assert_close(rank[number], expected)
        for rank in evaluations:  # which have different numbers of examples
            assert_close(rank[number], evaluated(number, slice(B - 1)))
