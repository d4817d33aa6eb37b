"""Pairs of elements that belong together: the loss of a guess, counts by hand, graphs and padded particles alike."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from hepexp.batch import DataSpec, GraphBatch, Target
from hepexp.data.datasets.jetclass.module import JetClass
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.element_pairs import ElementPairEvaluator
from hepexp.evaluation.evaluators.evaluator import named
from hepexp.losses.pair_cross_entropy import PairCrossEntropy
from hepexp.models.gnn import GraphNet
from tests.data.small import use_small_samples
from tests.jets import pad, random_jets

SPEC = DataSpec((), n_node_features=3, targets=(Target("vertex", "class", "pair", ("different", "same")),))


class OfPairs(nn.Module):
    """Pairs of nearby momenta belong together, or none do and the model guesses."""

    def __init__(self, scale: float = 1.0):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(scale, dtype=torch.float64))

    def forward(self, batch) -> torch.Tensor:
        if isinstance(batch, GraphBatch):
            source, target = batch.x[batch.edge_index]
            return self.scale * (1 - (source - target).norm(dim=1, keepdim=True))
        momentum = batch.p4[..., 1:]
        return self.scale * (1 - torch.cdist(momentum, momentum))


def jets():
    batch = random_jets()
    group = (batch.p4[..., 1] > 0).long() + 2 * (batch.p4[..., 2] > 0).long()
    group[:, 0] = -1  # that of one particle is unknown
    return replace(batch, element_group=group.masked_fill(~batch.mask, -1)[..., None])


def graphs() -> GraphBatch:
    """The same jets, with an edge for each pair of particles."""
    batch = jets()
    counts = batch.mask.sum(1).tolist()
    starts = np.cumsum([0, *counts])
    pairs = [torch.combinations(torch.arange(n), 2).T + start for n, start in zip(counts, starts, strict=False)]
    return GraphBatch(
        label=batch.label, index=batch.index, extras=batch.extras, element_group=batch.element_group[batch.mask],
        x=batch.p4[batch.mask][:, 1:], edge_index=torch.cat(pairs, dim=1),
        graph=torch.arange(len(batch)).repeat_interleave(torch.tensor(counts)),
    )  # fmt: skip


def test_a_guess_costs_the_logarithm_of_two_and_all_known_pairs_are_counted():
    objective, batch = PairCrossEntropy(), jets()
    objective.prepare(OfPairs(), batch, SPEC)
    terms, outputs = objective.terms(OfPairs(0.0), batch)
    assert terms["loss"].item() == pytest.approx(math.log(2))
    group = batch.element_group[..., 0]
    for jet, found in zip(group, outputs["confusion"], strict=True):
        known = jet[jet >= 0]
        n, same = len(known), sum(math.comb(int((known == g).sum()), 2) for g in known.unique())
        assert found.sum(1).tolist() == [math.comb(n, 2) - same, same]


def test_labels_of_edges_count_as_groups_do_that_give_the_same():
    objective, model, batch = PairCrossEntropy(), OfPairs(), graphs()
    first, second = batch.element_group[batch.edge_index, 0]
    label = torch.where((first < 0) | (second < 0), -1, (first == second).long())
    labelled = replace(batch, element_group=None, edge_label=label[:, None])
    objective.prepare(model, labelled, SPEC)
    assert_close(objective.terms(model, labelled), objective.terms(model, batch))
    with pytest.raises(ConfigError, match="needs one kind of pair target"):
        objective.prepare(model, replace(batch, edge_label=label[:, None]), SPEC)


def test_graphs_and_padded_particles_have_the_same_loss_and_more_padding_changes_nothing():
    objective, model, batch = PairCrossEntropy(), OfPairs(), jets()
    expected = objective.terms(model, batch)
    objective.prepare(model, graphs(), SPEC)
    assert_close(objective.terms(model, graphs()), expected)
    more = torch.full((len(batch), 2, 1), -1)
    longer = replace(pad(batch, 2), element_group=torch.cat([batch.element_group, more], dim=1))
    assert_close(objective.terms(model, longer), expected)
    assert_close(objective.outputs(model, longer), objective.outputs(model, graphs()))


def test_an_example_of_weight_two_equals_the_example_twice():
    objective, model, batch = PairCrossEntropy(), OfPairs(), jets()
    rows = [*range(len(batch)), 2]
    twice = replace(batch, **{name: values[rows] for name, values in batch.tensors().items()})
    weight = torch.ones(len(batch))
    weight[2] = 2
    weighted = objective.terms(model, replace(batch, weight=weight))[0]["loss"]
    assert_close(weighted, objective.terms(model, twice)[0]["loss"])


def test_the_evaluator_counts_pairs_with_the_weights_of_their_examples():
    confusion = np.array([[[5, 1], [2, 4]], [[0, 0], [10, 0]]])
    outputs = {"index": np.arange(2), "label": np.zeros(2), "loss": np.ones(2), "confusion": confusion}
    found = PairCrossEntropy.evaluator.final(outputs, seed=1)
    assert found["element_pair_accuracy"] == pytest.approx(9 / 22)
    assert found["element_pair_efficiency"] == pytest.approx(4 / 16)
    assert found["element_pair_purity"] == pytest.approx(4 / 5)
    weighted = PairCrossEntropy.evaluator.quick({**outputs, "weight": np.array([2.0, 1.0])})
    assert weighted["element_pair_efficiency"] == pytest.approx(8 / 22)


def test_a_graph_network_learns_which_edges_join_two_of_a_kind_whatever_their_direction():
    torch.manual_seed(0)
    objective, batch = PairCrossEntropy(), graphs()
    batch = replace(batch, x=torch.cat([batch.x[:, :2].sign(), batch.x[:, 2:]], dim=1).float())
    model = GraphNet("sage", (16,), level="edge", n_node_features=3, n_classes=objective.n_outputs(SPEC))
    objective.prepare(model, batch, SPEC)
    assert_close(model(replace(batch, edge_index=batch.edge_index.flip(0))).shape, model(batch).shape)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(150):
        optimizer.zero_grad()
        objective.terms(model, batch)[0]["loss"].backward()
        optimizer.step()
    terms, outputs = objective.terms(model.eval(), batch)
    found = objective.evaluator.quick({"index": batch.index.numpy(), **{n: v.numpy() for n, v in outputs.items()}})
    assert terms["loss"] < 0.2
    assert found["element_pair_accuracy"] > 0.95


@pytest.mark.parametrize("cache", [True, False])
def test_a_data_set_names_the_groups_and_each_particle_keeps_its_own(cache, monkeypatch):
    use_small_samples(monkeypatch)
    if not cache:
        monkeypatch.setattr("hepexp.data.loading.dataset.CACHE_BYTES", -1)
    for representation in ("particles", "graph"):
        data = JetClass(source="mini", batch_size=4, seed=1, pair_targets=["type"], element_targets=["type"])
        data.represent_as(representation)
        data.setup()
        batch = data.splits["train"][[3, 0]]
        assert torch.equal(batch.element_group, batch.element_label)
        target = data.spec.targets_of("pair", "class")
        assert [(one.name, one.class_names) for one in target] == [("type", ("different", "same"))]
        assert ("pair", "class") in data.offers


def test_what_does_not_fit_is_refused():
    batch = jets()
    with pytest.raises(ConfigError, match="Flatten does not give them; choose a model that does"):
        PairCrossEntropy().prepare(Flatten(), batch, SPEC)
    with pytest.raises(ConfigError, match="without vertex of each element"):
        PairCrossEntropy().prepare(OfPairs(), replace(batch, element_group=None), SPEC)
    both = batch.element_group.repeat(1, 1, 2)
    with pytest.raises(ConfigError, match="needs one kind of pair target"):
        PairCrossEntropy().prepare(OfPairs(), replace(batch, element_group=both), SPEC)


class Flatten(nn.Module):
    def forward(self, batch) -> torch.Tensor:
        return batch.p4.sum(1)


def test_examples_without_a_truth_have_no_figures():
    nothing = {"index": np.arange(3), "loss": np.zeros(3), "confusion": np.zeros((3, 2, 2), int)}
    found = named("test", ElementPairEvaluator().final(nothing, seed=1))
    assert found["test/loss"] is None
    assert found["test/element_pair_accuracy"] is None
    assert found["test/loss_note"] == "no part of these examples has a known class"
