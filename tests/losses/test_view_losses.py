"""Losses of positives and negatives, of views and of triplets: closed forms, and loops written from the equations."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.losses import all_pairs
from hepexp.losses.infonce import InfoNCE
from hepexp.losses.ntxent import NTXent
from hepexp.losses.pair import PairLoss
from hepexp.losses.supervised_contrastive import SupervisedContrastive
from hepexp.losses.swav import SwAV, sinkhorn
from hepexp.losses.temperature import Temperature
from hepexp.losses.triplet import TripletLoss
from hepexp.losses.vicreg import VICReg

B, P = 8, 5
FIRST, SECOND = torch.randn(2, B, P, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
LABEL, NO_LABEL = torch.arange(B) % 3, torch.full((B,), -1)
SAME_PLACE = torch.ones(B, P, dtype=torch.float64)


def unit(z: torch.Tensor) -> torch.Tensor:
    return nn.functional.normalize(z, dim=1)


def test_collapsed_embeddings_have_the_losses_of_a_guess():
    both = (SAME_PLACE, SAME_PLACE, NO_LABEL)
    assert_close(InfoNCE(positives="views", projector=()).compare_views(*both).item(), math.log(B))
    assert_close(NTXent(projector=()).compare_views(*both).item(), math.log(2 * B - 1))
    assert_close(VICReg(projector=()).compare_views(*both).item(), 25 * (1 - math.sqrt(1e-4)))
    assert_close(TripletLoss(0.3, projector=()).compare(SAME_PLACE, LABEL).item(), 0.3)
    swav = SwAV(projector=())
    swav.prepare_width(P)
    assert swav.double().compare_views(*both).item() >= math.log(64) - 1e-9


def test_ntxent_is_the_sum_of_the_paper_s_equation():
    tau, z = 0.3, unit(torch.cat([FIRST, SECOND]))
    each = []
    for i in range(2 * B):
        denominator = sum(torch.exp(z[i] @ z[a] / tau) for a in range(2 * B) if a != i)
        each.append(-torch.log(torch.exp(z[i] @ z[(i + B) % (2 * B)] / tau) / denominator))
    assert_close(NTXent(tau, ()).compare_views(FIRST, SECOND, NO_LABEL), sum(each) / (2 * B))
    weight = torch.arange(B) - 2.0
    expected = sum(w * one for w, one in zip(weight.repeat(2), each, strict=True)) / (2 * weight.abs().sum())
    assert_close(NTXent(tau, ()).compare_views(FIRST, SECOND, NO_LABEL, weight), expected)


def test_infonce_of_views_is_the_cross_entropy_of_finding_the_other_view():
    logits = unit(FIRST) @ unit(SECOND).T / 0.2
    expected = nn.functional.cross_entropy(logits, torch.arange(B))
    assert_close(InfoNCE(0.2, "views", projector=()).compare_views(FIRST, SECOND, NO_LABEL), expected)


@pytest.mark.parametrize("negatives", ["other_classes", "all"])
def test_infonce_of_labels_has_one_positive_and_the_negatives_that_were_chosen(negatives):
    tau, z, label = 0.2, unit(FIRST), torch.tensor([0, 0, 1, 1, 2, 2, 2, 3])  # the last one is alone
    positive, each = all_pairs.partners(label, True, random=False).tolist(), []
    for i in range(B - 1):
        negative = [j for j in range(B) if label[j] != label[i] or (negatives == "all" and j not in (i, positive[i]))]
        e = torch.exp(z[i] @ z.T / tau)
        each.append(-torch.log(e[positive[i]] / (e[positive[i]] + e[negative].sum())))
    loss = InfoNCE(tau, "labels", negatives, ()).eval()
    assert_close(loss.compare(FIRST, label), sum(each) / (B - 1))
    weight = torch.arange(B, dtype=torch.float64)
    assert_close(loss.compare(FIRST, label, weight), (weight[:-1] @ torch.stack(each)) / weight[:-1].sum())
    assert_close(loss.compare_views(FIRST[:4], FIRST[4:], label[:4]), loss.compare(FIRST, label[:4].repeat(2)))


def test_batch_hard_triplets_take_the_farthest_positive_and_the_nearest_negative():
    z, each = unit(FIRST), []
    for i in range(B):
        distance = [(z[i] - z[j]).square().sum() for j in range(B)]
        near = max(distance[j] for j in range(B) if j != i and LABEL[j] == LABEL[i])
        far = min(distance[j] for j in range(B) if LABEL[j] != LABEL[i])
        each.append((near - far + 0.2).clamp(min=0))
    hard = TripletLoss(0.2, "hard", ()).compare(FIRST, LABEL)
    assert_close(hard, sum(each) / B)
    torch.manual_seed(0)
    assert max(TripletLoss(0.2, "random", ()).compare(FIRST, LABEL) for _ in range(20)) <= hard


@pytest.mark.parametrize("mining", ["hard", "random"])
def test_a_batch_without_triplets_has_no_loss_and_breaks_no_gradient(mining):
    for label in (torch.zeros(B, dtype=torch.long), torch.arange(B)):
        z = FIRST.clone().requires_grad_()
        loss = TripletLoss(mining=mining, projector=()).compare(z, label)
        loss.backward()
        assert loss == 0
        assert torch.isfinite(z.grad).all()


def test_vicreg_is_the_sum_over_dimensions_and_views():
    expected = 25 * sum((FIRST[i, j] - SECOND[i, j]) ** 2 for i in range(B) for j in range(P)) / (B * P)
    for z in (FIRST, SECOND):
        covariance = torch.cov(z.T)
        expected += 25 / 2 * sum(max(0, 1 - math.sqrt(covariance[j, j] + 1e-4)) for j in range(P)) / P
        expected += sum(covariance[i, j] ** 2 for i in range(P) for j in range(P) if i != j) / P
    assert_close(VICReg(projector=()).compare_views(FIRST, SECOND, NO_LABEL), expected)
    independent = 2 * torch.cartesian_prod(*[torch.tensor([-1.0, 1.0], dtype=torch.float64)] * 3)
    assert VICReg(projector=()).compare_views(independent, independent, NO_LABEL) == 0
    assert torch.isfinite(VICReg(projector=()).compare_views(FIRST[:1], SECOND[:1], NO_LABEL[:1]))


def test_sinkhorn_gives_all_prototypes_equal_shares_and_only_rescales_rows_and_columns():
    scores = torch.randn(6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    q = sinkhorn(scores, 0.5, 200)
    assert_close(q.sum(1), torch.ones(6, dtype=torch.float64))
    assert_close(q.sum(0), torch.full((4,), 6 / 4, dtype=torch.float64))
    left = q.log() - scores / 0.5  # u_i + v_k
    assert_close(left, left[:, :1] + left[:1] - left[0, 0])
    more = torch.cat([scores, 9 * torch.ones(3, 4, dtype=torch.float64)])
    there = torch.tensor([1.0] * 6 + [0.0] * 3, dtype=torch.float64)
    assert_close(sinkhorn(more, 0.5, 200, there)[:6], q)


def swav(**keys) -> SwAV:
    torch.manual_seed(0)
    made = SwAV(prototypes=4, projector=(), **keys)
    made.prepare_width(P)
    return made.double()


def test_sinkhorn_is_finite_for_a_small_entropy():
    scores = torch.randn(6, 4, generator=torch.Generator().manual_seed(1))
    q = sinkhorn(scores, 1e-3, 50)
    assert_close(q.sum(1), torch.ones(6))


def test_swav_predicts_the_codes_of_the_other_view():
    loss = swav()
    z, c = [unit(FIRST), unit(SECOND)], unit(loss.prototypes)
    q = [sinkhorn(one @ c.T, 0.05, 3).detach() for one in z]
    expected = 0.0
    for i in range(B):
        for s, t in ((0, 1), (1, 0)):
            p = torch.softmax(z[t][i] @ c.T / 0.1, 0)
            expected -= sum(q[s][i, k] * torch.log(p[k]) for k in range(4)) / (2 * B)
    assert_close(loss.compare_views(FIRST, SECOND, NO_LABEL), expected)


def test_a_queue_holds_the_latest_projections_and_shares_the_prototypes():
    loss, plain = swav(queue=12), swav()
    assert_close(loss.compare_views(FIRST, SECOND, NO_LABEL), plain.compare_views(FIRST, SECOND, NO_LABEL))  # empty
    assert_close(loss.queue[0, :B], unit(FIRST))
    scores = unit(torch.cat([SECOND, FIRST])) @ unit(loss.prototypes).T
    assert_close(loss._codes(scores[:B], loss.queue[0]), sinkhorn(scores, 0.05, 3)[:B])
    loss.compare_views(SECOND, FIRST, NO_LABEL)
    assert_close(loss.queue[0], torch.cat([unit(SECOND), unit(FIRST)])[:12])
    before = loss.eval().queue.clone()
    loss.compare_views(FIRST, FIRST, NO_LABEL)
    assert_close(loss.queue, before)


def test_a_resumed_training_has_the_same_prototypes_and_queue():
    loss, resumed = swav(queue=12), swav(queue=12)
    loss.compare_views(FIRST, SECOND, NO_LABEL)
    torch.nn.init.normal_(loss.prototypes)
    resumed.load_state_dict(loss.state_dict())
    assert_close(resumed.compare_views(FIRST, FIRST, NO_LABEL), loss.compare_views(FIRST, FIRST, NO_LABEL))


class Kept:
    """Notes the size of the largest tensor that is kept for the gradient."""

    largest = 0

    def __call__(self, tensor: torch.Tensor) -> torch.Tensor:
        self.largest = max(self.largest, tensor.numel())
        return tensor


@pytest.mark.parametrize(
    "make",
    [
        lambda: InfoNCE(positives="views", projector=()),
        lambda: InfoNCE(projector=()).eval(),
        lambda: NTXent(projector=()),
        lambda: SupervisedContrastive(projector=()),
        lambda: TripletLoss(mining="hard", projector=()),
        lambda: PairLoss().eval(),
    ],
)
def test_chunks_change_neither_loss_nor_gradient_and_keep_no_matrix(make, monkeypatch):
    n, found = 64, []
    data = torch.randn(2, n, P, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for at_once in (2**26, 1024):
        monkeypatch.setattr(all_pairs, "AT_ONCE", at_once)
        z, kept = data.clone().requires_grad_(), Kept()
        with torch.autograd.graph.saved_tensors_hooks(kept, lambda t: t):
            loss = make().compare_views(*z, torch.arange(n) % 3)
        loss.backward()
        found.append((loss.detach(), z.grad, kept.largest))
    assert_close(found[0][:2], found[1][:2])
    assert found[1][2] < n * n


def test_a_temperature_stays_between_its_bounds_and_is_learnt():
    loss = NTXent(0.1, (), learn_temperature=True).double()
    assert_close(loss.temperature().item(), 0.1)
    assert_close(loss.compare_views(FIRST, SECOND, NO_LABEL), NTXent(0.1, ()).compare_views(FIRST, SECOND, NO_LABEL))
    optimizer = torch.optim.SGD(loss.parameters(), lr=0.5)
    for _ in range(50):  # identical views: the colder, the better
        optimizer.zero_grad()
        loss.compare_views(FIRST, FIRST, NO_LABEL).backward()
        optimizer.step()
    assert 0.01 < loss.temperature().item() < 0.09
    assert loss.logged()["temperature"] == loss.temperature()
    assert not list(Temperature(0.1).parameters())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NTXent(temperature=-0.1), "loss.temperature must be > 0, got -0.1"),
        (lambda: InfoNCE(temperature=2.0, learn_temperature=True), "between 0.01 and 1.0 where it is learnt, got 2.0"),
        (lambda: SwAV(temperature=0.0), "loss.temperature must be > 0, got 0.0"),
        (lambda: SwAV(eps=1e-9), "loss.eps must be >= 0.0001, got 1e-09"),
        (lambda: NTXent(temperature=1e-30), "loss.temperature must be >= 0.0001, got 1e-30"),
        (lambda: SwAV(prototypes=1), "loss.prototypes must be >= 2, got 1"),
        (lambda: TripletLoss(margin=0.0), "loss.margin must be between 0 and 4, got 0.0"),
        (lambda: VICReg(variance=-1.0), "loss.variance must be >= 0, got -1.0"),
        (lambda: TripletLoss(alpha=1.1), "loss.alpha must be between 0 and 1, got 1.1"),
        (lambda: NTXent(alpha=0.5), "loss.alpha=0.5 compares circuit states, which loss.states makes"),
        (lambda: NTXent(similarity="fidelity"), "loss.similarity=fidelity compares circuit states"),
    ],
)
def test_values_out_of_range(make, message: str):
    with pytest.raises(ConfigError, match=message):
        make()


def test_two_views_in_a_batch_are_compared_and_the_example_itself_is_evaluated():
    class Batch:
        def __init__(self, x, views=None):
            self.x, self.views, self.label, self.weight = x, views, LABEL, None

    objective, model = NTXent(0.2, (4,)), nn.Linear(P, 6)
    objective.prepare(lambda _: torch.zeros(1, 6), LABEL[:1], DataSpec(("a", "b", "c")))
    batch = Batch(FIRST.float(), (Batch(SECOND.float()), Batch(FIRST.float())))
    views = [objective.projector(model(view.x)) for view in batch.views]
    terms, outputs = objective.terms(lambda one: model(one.x), batch)
    assert_close(terms["loss"], objective.compare_views(*views, LABEL))
    assert outputs == {}
    _, outputs = objective.eval().terms(lambda one: model(one.x), batch)
    assert_close(outputs["embedding"], model(batch.x).detach())
    by_label = SupervisedContrastive(projector=())
    terms, _ = by_label.terms(lambda one: model(one.x), batch)
    both = torch.cat([model(view.x) for view in batch.views])
    assert_close(terms["loss"], by_label.compare(both, LABEL.repeat(2)))
