"""Relevance is conserved, layer by layer; the rule for message passing is the formula of arXiv:2111.12840."""

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from hepexp.batch import GraphBatch, ImageBatch
from hepexp.errors import ConfigError
from hepexp.explanation.lrp import Propagation, lrp
from hepexp.explanation.relevance import gradient_input, times_gradient
from hepexp.models.cnn import CNN
from hepexp.models.gnn import GraphNet
from tests.explanation.networks import Dense, features, frozen

FIRST = torch.zeros(8, dtype=torch.int64)


def test_without_biases_it_is_gradient_times_input_and_adds_up_to_the_output():
    torch.manual_seed(0)
    model, batch = frozen(Dense(5, 32, 32, 3)), features(8, 5)
    found, simple = lrp(model, batch, FIRST), gradient_input(model, batch, FIRST)
    assert_close(found.of_reads[0], simple.of_reads[0], rtol=2e-7, atol=1e-8)
    assert_close(found.of_reads[0].sum(1), model(batch)[:, 0], rtol=1e-9, atol=1e-9)


def test_with_biases_it_is_that_of_captum():
    captum = pytest.importorskip("captum.attr")
    torch.manual_seed(0)
    model, batch = frozen(Dense(5, 16, 16, 2, bias=True)), features(8, 5)
    ours = times_gradient(Propagation(model, 1e-9), batch, FIRST).of_reads[0]
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    theirs = captum.LRP(model.layers).attribute(batch.features, target=0)
    assert_close(ours, theirs.detach(), rtol=1e-6, atol=1e-8)


class Messages(nn.Module):
    """y_k = sum_j A_jk x_j, with weights A that depend on x: attention of each node to its neighbours."""

    input = "graph"

    def __init__(self, width: int):
        super().__init__()
        self.score = nn.Linear(width, 1)

    def weights(self, x: Tensor) -> Tensor:
        return (self.score(x) + self.score(x).T).softmax(0)  # (j, k)

    def forward(self, batch: GraphBatch) -> Tensor:
        return (self.weights(batch.x).T @ batch.x)[:1]


def test_messages_follow_the_formula_and_conserve_each_feature():
    torch.manual_seed(1)
    n, width = 6, 4
    model = frozen(Messages(width))
    x = torch.randn(n, width, dtype=torch.float64)
    batch = GraphBatch(FIRST[:1], FIRST[:1], torch.zeros(1, 0), x=x, edge_index=torch.zeros(2, 0), graph=FIRST[:n])
    a, y = model.weights(x), model(batch)
    for feature in range(width):
        found = lrp(model, batch, torch.tensor([feature])).of_reads[0]
        expected = torch.zeros_like(x)
        expected[:, feature] = x[:, feature] * a[:, 0] / (x[:, feature] @ a[:, 0]) * y[0, feature]
        assert_close(found, expected, rtol=1e-13, atol=1e-15)
        assert_close(found.sum(0)[feature], y[0, feature], rtol=1e-15, atol=1e-15)


def test_a_convolutional_network_without_shifts_conserves():
    torch.manual_seed(2)
    model = CNN((4, 8), image_shape=(2, 8, 8), n_classes=2)
    nn.init.zeros_(model.classifier[1].bias)
    frozen(model)
    image = torch.rand(3, 2, 8, 8, dtype=torch.float64)
    batch = ImageBatch(FIRST[:3], FIRST[:3], torch.zeros(3, 0), image=image)
    found = lrp(model, batch, FIRST[:3])
    assert_close(found.of_reads[0].sum((1, 2, 3)), model(batch)[:, 0], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("conv", ["gcn", "sage", "gin"])
def test_graph_convolutions_without_biases_conserve(conv):
    torch.manual_seed(3)
    model = GraphNet(conv, (8, 8), 4, n_node_features=3, n_classes=2)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
    frozen(model)
    edges = torch.tensor([[0, 1, 2, 3, 4, 5], [1, 0, 1, 4, 5, 3]])
    x = torch.randn(6, 3, dtype=torch.float64)
    batch = GraphBatch(FIRST[:2], FIRST[:2], torch.zeros(2, 0), x=x, edge_index=edges, graph=torch.arange(6) // 3)
    found = lrp(model, batch, FIRST[:2])
    assert_close(found.of_reads[0].view(2, -1).sum(1), model(batch)[:, 0], rtol=1e-9, atol=1e-9)


def test_a_layer_norm_conserves_when_it_does_not_shift():
    torch.manual_seed(4)

    class Normed(Dense):
        def forward(self, batch):
            return nn.functional.layer_norm(self.layers(batch.features), (6,))

    model, batch = frozen(Normed(5, 6)), features(8, 5)
    found = lrp(model, batch, FIRST)
    # the mean and the scale are linear in x: relevance of y_0 = (x_0 - mean x) / s is all of y_0
    assert_close(found.of_reads[0].sum(1), model(batch)[:, 0], rtol=1e-9, atol=1e-9)


def test_a_function_without_a_rule_is_named():
    class Odd(Dense):
        def forward(self, batch):
            return torch.special.erf(self.layers(batch.features))

    with pytest.raises(ConfigError, match="no rule for Erf in Odd"):
        lrp(frozen(Odd(5, 2)), features(8, 5), FIRST)
