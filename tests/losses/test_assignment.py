"""The loss of jet assignment against both orders of the tops, and the best triplets against a search."""

from itertools import combinations, product

import numpy as np
import pytest
import torch
from torch import nn

from hepexp.batch import DataSpec, Target
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.assignment import AssignmentEvaluator, right_tops
from hepexp.losses.assignment import CANDIDATES, ROLES, Assignment
from hepexp.models.layers.jet_triplets import triplets
from tests import jets

TARGETS = (
    Target("top", "class", "element", class_names=("none", "first", "second")),
    Target("role", "class", "element", class_names=ROLES),
)
SPEC = DataSpec(("ttbar",), n_scalars=1, targets=TARGETS)
# places of the jets of the first and the second top, or an incomplete one
TOPS = [((0, 1, 2), (3, 5, 4)), ((2, 4, 0), (1, 3)), ((0,), (5,)), ((1, 6, 3), (0, 5, 2))]


class Given(nn.Module):
    """Random scores of all triplets."""

    def __init__(self) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.randn(4, 2, 7, 7, 7, generator=torch.Generator().manual_seed(1)).double())

    def forward(self, batch) -> torch.Tensor:
        lowest = torch.finfo(torch.float32).min / 4
        return self.logits[: len(batch)].masked_fill(~triplets(batch.mask)[:, None], lowest)


@pytest.fixture
def batch():
    made = jets.random_jets(4, n_min=7, n_max=7)
    made.mask[:3, 6] = False
    label = torch.zeros(4, 7, 2, dtype=torch.long)
    label[~made.mask] = -1
    for event, tops in enumerate(TOPS):
        for number, places in enumerate(tops, 1):
            for place, role in zip(places, (1, 1, 2), strict=False):
                label[event, place] = torch.tensor([number, role])
    made.element_label = label
    return made


def test_the_loss_is_that_of_the_better_order_of_the_tops(batch):
    loss, model = Assignment(), Given()
    terms, outputs = loss.terms(model, batch)
    log_p = model(batch).flatten(2).log_softmax(-1).view(4, 2, 7, 7, 7)
    expected = []
    for event, tops in enumerate(TOPS):
        orders = []
        for order in ((0, 1), (1, 0)):
            full = [(network, tops[top]) for network, top in zip((0, 1), order, strict=True) if len(tops[top]) == 3]
            orders.append(-sum(float(log_p[event, network][places].detach()) for network, places in full))
        expected.append(min(orders))
    np.testing.assert_allclose(outputs["loss"].numpy(), expected)
    counted = [value for value, tops in zip(expected, TOPS, strict=True) if any(len(top) == 3 for top in tops)]
    assert float(terms["loss"].detach()) == pytest.approx(sum(counted) / len(counted))


def test_the_found_triplets_are_the_most_probable_ones_without_a_common_jet(batch):
    loss, model = Assignment().eval(), Given()
    found = loss.terms(model, batch)[1]["found"]
    assert CANDIDATES >= 60  # of six jets, all there are
    log_p = model(batch).flatten(2).log_softmax(-1).view(4, 2, 7, 7, 7).detach()
    for event in range(3):
        best = (-np.inf, None)
        for six in combinations(range(6), 6):
            for first in combinations(six, 3):
                second = tuple(jet for jet in six if jet not in first)
                for k, m in product(range(3), range(3)):
                    one = (*(jet for jet in first if jet != first[k]), first[k])
                    two = (*(jet for jet in second if jet != second[m]), second[m])
                    value = float(log_p[event, 0][one] + log_p[event, 1][two])
                    best = max(best, (value, (one, two)))
        assert tuple(map(tuple, found[event].tolist())) == best[1]


def test_events_with_too_few_jets_have_no_triplet(batch):
    batch.mask[0, 5:], batch.mask[1, 2:] = False, False
    found = Assignment().eval().outputs(Given(), batch)["found"]
    assert (found[0, 0] >= 0).all()
    assert (found[0, 1] == -1).all()
    assert (found[1] == -1).all()


def test_the_order_of_the_tops_does_not_matter_to_the_evaluator():
    one, two, wrong = [0, 1, 2], [3, 4, 5], [0, 1, 5]
    none = [-1, -1, -1]
    true = np.array([[one, two]] * 4 + [[none, two]])
    found = np.array([[one, two], [two, one], [two, wrong], [wrong, none], [two, one]])
    assert right_tops(found, true).tolist() == [[1, 1], [1, 1], [0, 1], [0, 0], [0, 1]]
    assert right_tops(found, true, of_network=True).tolist() == [[1, 1], [1, 1], [1, 0], [0, 0], [1, 0]]
    outputs = {
        "index": np.arange(5),
        "found": found,
        "true": true,
        "complete": (true >= 0).all(2),
        "n_jets": np.array([6, 7, 8, 9, 6]),
        "loss": np.ones(5),
    }
    figures = AssignmentEvaluator().final(outputs, 1)
    assert figures["event_efficiency"] == 2 / 4
    assert figures["event_efficiency_6_jets"] == 1
    assert figures["event_efficiency_8_jets"] == 0
    assert figures["top_efficiency"] == 6 / 9


def test_what_it_cannot_use_is_one_line(batch):
    some = DataSpec(("ttbar",), targets=TARGETS[:1])
    with pytest.raises(ConfigError, match=r"needs dataset.element_targets=\[top,role\].*got \[top\]"):
        Assignment().check_names(some)

    class Linear(nn.Module):
        def forward(self, batch):
            return batch.p4.sum((1, 2))[:, None]

    one = type(batch)(**{name: tensor[:1] for name, tensor in batch.tensors().items()})
    with pytest.raises(ConfigError, match=r"needs a score of each triplet of jets for two tops; Linear"):
        Assignment().prepare(Linear(), one, SPEC)
