"""Groups are what is connected; F1, Rand and adjusted Rand index as scikit-learn computes them; the loss by hand."""

import numpy as np
import pytest
import torch
from scipy.sparse.csgraph import connected_components
from sklearn.metrics import adjusted_rand_score, rand_score
from torch import nn

from hepexp.batch import DataSpec, Target
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.partition import PartitionEvaluator, of_examples
from hepexp.losses.partition import Partition, groups
from tests import jets

N, B = 9, 40
SPEC = DataSpec(("light", "bottom"), n_scalars=8, targets=(Target("vertex", "class", "pair"),))


class Given(nn.Module):
    def __init__(self, logits: torch.Tensor) -> None:
        super().__init__()
        self.logits = nn.Parameter(logits)

    def forward(self, batch) -> torch.Tensor:
        return self.logits[: len(batch)]


@pytest.fixture
def batch():
    made = jets.random_jets(B, n_min=1, n_max=N, seed=3)
    generator = torch.Generator().manual_seed(1)
    width = made.mask.shape[1]
    group = torch.randint(0, 3, (B, width, 1), generator=generator)
    made.element_group = torch.where(made.mask[..., None], group, -1)
    return made


@pytest.fixture
def model(batch):
    width = batch.mask.shape[1]
    return Given(torch.randn(B, width, width, generator=torch.Generator().manual_seed(2)).double() - 1.0)


def test_groups_are_the_connected_components(batch, model):
    found = groups(model(batch).detach(), batch.mask)
    for i in range(B):
        n = int(batch.mask[i].sum())
        logits = model.logits[i, :n, :n].detach().numpy()
        n_groups, label = connected_components(logits + logits.T >= 0, directed=False)
        assert len(np.unique(found[i, :n])) == n_groups
        assert rand_score(label, found[i, :n]) == 1
        assert (found[i, n:] == -1).all()


def test_figures_are_those_of_scikit_learn(batch, model):
    _, outputs = Partition().eval().terms(model, batch)
    each, has_pair = of_examples(outputs["confusion"].numpy())
    found = groups(model(batch).detach(), batch.mask)
    for i in range(B):
        n = int(batch.mask[i].sum())
        assert has_pair[i] == (n > 1)
        if n > 1:
            true = batch.element_group[i, :n, 0].numpy()
            assert each["rand_index"][i] == pytest.approx(rand_score(true, found[i, :n]))
            assert each["adjusted_rand_index"][i] == pytest.approx(adjusted_rand_score(true, found[i, :n]))
    right = of_examples(np.array([[[0, 0], [0, 0]], [[3, 0], [0, 0]], [[1, 1], [1, 2]]]))[0]
    assert right["f1"].tolist() == [1, 1, 2 * 2 / (2 * 2 + 2)]


def test_the_loss_is_cross_entropy_and_f1_of_each_jet(batch, model):
    terms, outputs = Partition(f1=0.5).terms(model, batch)
    expected = []
    for i in range(B):
        n = int(batch.mask[i].sum())
        if n < 2:
            assert outputs["loss"][i] == 0
            continue
        group, p = batch.element_group[i, :n, 0], model.logits[i, :n, :n].detach().sigmoid()
        same, off = (group[:, None] == group).double(), ~torch.eye(n, dtype=torch.bool)
        entropy = -(same * p.log() + (1 - same) * (1 - p).log())[off].mean()
        t, w = (p * same)[off].sum(), (p * (1 - same) + (1 - p) * same)[off].sum()
        expected.append(float(entropy + 0.5 * (1 - 2 * t / (2 * t + w))))
    assert float(terms["loss"].detach()) == pytest.approx(np.mean(expected))


def test_figures_are_also_given_by_class(batch, model):
    _, outputs = Partition().eval().terms(model, batch)
    columns = {name: value.numpy() for name, value in outputs.items()} | {
        "index": np.arange(B),
        "label": np.arange(B) % 2,
    }
    figures = PartitionEvaluator(SPEC.class_names).final(columns, 1)
    each, has_pair = of_examples(columns["confusion"])
    chosen = (columns["label"] == 1) & (has_pair > 0)
    assert figures["f1_bottom"] == pytest.approx(each["f1"][chosen].mean())
    assert figures["f1_bottom_err"] > 0


def test_what_it_cannot_use_is_one_line(batch):
    class Linear(nn.Module):
        def forward(self, batch):
            return batch.p4.sum((1, 2))[:, None]

    one = type(batch)(**{name: tensor[:1] for name, tensor in batch.tensors().items()})
    with pytest.raises(ConfigError, match=r"needs an output for each pair of elements; Linear does not"):
        Partition().prepare(Linear(), one, SPEC)
    with pytest.raises(ConfigError, match=r"loss.f1 must be >= 0 and finite, got -1"):
        Partition(f1=-1)
