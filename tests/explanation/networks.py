"""Networks of which it is known what they decide by."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from hepexp.batch import FeatureBatch, JetBatch


class Dense(nn.Module):
    """A ReLU network on features, with or without biases."""

    input = "features"

    def __init__(self, *widths: int, bias: bool = False):
        super().__init__()
        layers = []
        for n_in, n_out in pairwise(widths):
            layers += [nn.Linear(n_in, n_out, bias=bias), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, batch: FeatureBatch) -> Tensor:
        return self.layers(batch.features)


class Planted(nn.Module):
    """Logits (0, w), w the sum of the first scalar over particles: one that carries it decides alone."""

    input = "particles"

    def __init__(self) -> None:
        super().__init__()
        self.of_scalars = nn.Linear(3, 2, bias=False)
        self.of_scalars.weight.data = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]])

    def forward(self, batch: JetBatch) -> Tensor:
        scalars = batch.scalars.to(self.of_scalars.weight.dtype)
        return (self.of_scalars(scalars) * batch.mask[..., None]).sum(1)


def features(n: int, width: int, seed: int = 0) -> FeatureBatch:
    values = torch.randn(n, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return FeatureBatch(torch.arange(n) % 2, torch.arange(n), torch.zeros(n, 0), features=values)


def frozen(model: nn.Module) -> nn.Module:
    """As an explanation takes it."""
    return model.double().eval().requires_grad_(False)
