"""Linear layers and convolutions whose weights are normally distributed: mean-field variational inference."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_SEED = 0x5DEECE66D  # of the drawn networks: the same in each evaluation


class Drawn(nn.Module):
    """A layer with a distribution of its weights, which are the means or, within `network`, drawn for all examples.

    Attributes
    ----------
    draw : number of the network; None for the means.
    """

    draw: int | None = None

    def noise(self, draw: int, shape: torch.Size | tuple[int, ...], number: int = 0) -> Tensor:
        """Standard normal numbers that follow from the numbers of the network and of the layer."""
        return torch.randn(shape, generator=torch.Generator().manual_seed(_SEED + 4096 * draw + number))


class Variational(Drawn):
    """A layer with independent weights w ~ N(mu, sigma^2), q, and the prior N(0, s^2); its bias is a plain parameter.

    In training the outputs are drawn, of each example its own, from the normal distribution that q gives them, with
    the mean f(x; mu) and the variance f(x^2; sigma^2): the local reparametrisation. Otherwise the weights are the
    means or, within `network`, drawn once for all examples.

    Parameters
    ----------
    layer : whose weights the means start from.
    sigma : initial standard deviation of the weights.
    prior_sigma : s.
    number : of the layer in its network, for draws of its own.

    Shapes
    ------
    Those of the layer. Parameters weight (mu), log_sigma of the same shape, and bias.

    References
    ----------
    C. Blundell et al., arXiv:1505.05424, section 3; D. P. Kingma, T. Salimans, M. Welling, arXiv:1506.02557, section
    2.3.
    """

    def __init__(self, layer: nn.Linear | nn.Conv2d, sigma: float, prior_sigma: float, number: int) -> None:
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias
        self.log_sigma = nn.Parameter(torch.full_like(layer.weight, math.log(sigma)))
        self.prior_sigma, self.number = prior_sigma, number
        self.convolution = None
        if isinstance(layer, nn.Conv2d):
            names = ("stride", "padding", "dilation", "groups")
            self.convolution = {name: getattr(layer, name) for name in names}

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            mean = self._map(x, self.weight, self.bias)
            variance = self._map(x**2, (2 * self.log_sigma).exp(), None)
            return mean + variance.clamp(min=1e-16).sqrt() * torch.randn_like(mean)
        if self.draw is None:
            return self._map(x, self.weight, self.bias)
        noise = self.noise(self.draw, self.weight.shape, self.number).to(self.weight)
        return self._map(x, self.weight + self.log_sigma.exp() * noise, self.bias)

    def kl(self) -> Tensor:
        """KL(q || prior) in nats, the sum over the weights of ln(s / sigma) + (sigma^2 + mu^2) / 2 s^2 - 1/2."""
        s = self.prior_sigma
        square = ((2 * self.log_sigma).exp() + self.weight**2) / s**2
        return (math.log(s) - self.log_sigma + square / 2 - 0.5).sum()

    def _map(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if self.convolution is None:
            return F.linear(x, weight, bias)
        return F.conv2d(x, weight, bias, **self.convolution)


def make_variational(model: nn.Module, sigma: float, prior_sigma: float) -> list[Variational]:
    """Replace the linear layers and convolutions of a model, in place; return them, none if it has none.

    Layers of other kinds, also those derived from these, and attention of torch, which reads its weights itself, stay.
    """
    made: dict[int, Variational] = {}
    for parent in list(model.modules()):
        if isinstance(parent, nn.MultiheadAttention | Variational):
            continue
        for name, child in parent.named_children():
            if type(child) is nn.Linear or (type(child) is nn.Conv2d and child.padding_mode == "zeros"):
                if id(child) not in made:
                    made[id(child)] = Variational(child, sigma, prior_sigma, len(made))
                setattr(parent, name, made[id(child)].train(child.training))
    return list(made.values())


@contextmanager
def network(model: nn.Module, draw: int) -> Iterator[None]:
    """Within the block a model in evaluation mode is the network of this number, its weights drawn."""
    layers = [layer for layer in model.modules() if isinstance(layer, Drawn)]
    for layer in layers:
        layer.draw = draw
    try:
        yield
    finally:
        for layer in layers:
            layer.draw = None
