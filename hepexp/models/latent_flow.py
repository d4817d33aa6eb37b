"""Vector fields whose flows leave an oracle unchanged: the symmetries of a function that is known or was learnt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Generic

import torch
from torch import Tensor, nn

from hepexp.batch import AnyBatch, FeatureBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_positive, require_widths
from hepexp.models.layers.metric_matrix import metric_matrix
from hepexp.models.layers.vector_fields import DenseFields, LinearFields


class Flow(nn.Module, Generic[AnyBatch]):
    """Vector fields xi_a on the points x of examples, and an oracle phi(x), a network that stays frozen.

    A subclass says what the points are, and evaluates the network there. Of a network that classifies, phi has a
    component for each class but the first, ln p_c(x) / p_1(x), which does not level off as the probabilities do.

    Parameters
    ----------
    n : components of a point.
    oracle : the network; None where `phi` and `answers` need none.
    n_channels : number of fields.
    widths : widths of the hidden layers of a network that gives the fields; null for linear ones, xi_a(x) = W_a x. A
        network can follow the level sets of any oracle with fewer outputs than x has components, symmetric or not.
    initial : standard deviation of the entries of W_a at the start.

    Shapes
    ------
    points (B, n) -> fields (B, n_channels, n).

    Raises
    ------
    ConfigError : values out of range.
    """

    lorentz_invariant = False

    def __init__(self, n: int, oracle: nn.Module | None, n_channels: int, widths: Sequence[int] | None, initial: float):
        super().__init__()
        if n_channels < 1:
            raise ConfigError(f"model.n_channels must be >= 1, got {n_channels}")
        if widths is None and n_channels > n * n:
            raise ConfigError(
                f"model.n_channels must be <= {n * n}, all independent {n} x {n} matrices, got {n_channels}"
            )
        require_positive(initial=initial)
        if widths is None:
            self.fields: LinearFields | DenseFields = LinearFields(n, n_channels, initial)
        else:
            require_widths(widths=widths)
            self.fields = DenseFields(n, n_channels, widths)
        self.oracle = None if oracle is None else oracle.requires_grad_(False)

    def train(self, mode: bool = True) -> Flow:
        super().train(mode)
        if self.oracle is not None:
            self.oracle.eval()
        return self

    @property
    def generators(self) -> Tensor | None:
        """The matrices W_a (n_channels, n, n); None if the fields are not linear."""
        return getattr(self.fields, "generators", None)

    def points(self, batch: AnyBatch) -> Tensor:
        """The points x (B, n)."""
        raise NotImplementedError(f"{type(self).__name__} does not define which points it reads")

    def logits(self, x: Tensor, batch: AnyBatch) -> Tensor:
        """The outputs (B, C) of the network at points x (B, n) in place of those of the batch."""
        raise NotImplementedError(f"{type(self).__name__} does not define its oracle")

    def phi(self, x: Tensor, batch: AnyBatch) -> Tensor:
        """The oracle (B, m) at points x (B, n)."""
        logits = self.logits(x, batch)
        return logits[:, 1:] - logits[:, :1] if logits.shape[1] > 1 else logits

    def answers(self, x: Tensor, batch: AnyBatch) -> Tensor:
        """What shows whether the oracle is saturated (B, C): the probabilities of classes, otherwise phi itself."""
        logits = self.logits(x, batch)
        return logits.softmax(1) if logits.shape[1] > 1 else logits

    def gradient(self, x: Tensor, batch: AnyBatch) -> Tensor:
        """The gradients of the oracle (B, m, n) at points x (B, n)."""
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            phi = self.phi(x, batch)
            rows = [torch.autograd.grad(one.sum(), x, retain_graph=True)[0] for one in phi.unbind(1)]
        return torch.stack(rows, dim=1)

    def forward(self, batch: AnyBatch) -> Tensor:
        return self.fields(self.points(batch))


class LatentFlow(Flow[FeatureBatch]):
    """A flow on the features of examples; the oracle is a quadratic form phi(x) = x^T J x, or a trained network.

    Parameters
    ----------
    metric : J of a quadratic form: euclidean, minkowski, a symmetric list of rows, or a run that has found one; null
        with an oracle.
    oracle : a network trained beforehand that reads features; it stays frozen. null for the quadratic form.
    n_channels : number of fields.
    widths : widths of the hidden layers of a network that gives the fields; null for linear ones, xi_a(x) = W_a x.
    initial : standard deviation of the entries of W_a at the start.
    n_features : n, features of an example in the data set, the components of x.

    Shapes
    ------
    features (B, n) -> fields (B, n_channels, n).

    Raises
    ------
    ConfigError : values out of range, a metric of another dimension, both a metric and an oracle or neither.

    References
    ----------
    R. T. Forestano et al., arXiv:2301.05638 and arXiv:2302.05383; A. Roman et al., arXiv:2302.00806.
    """

    input = "features"

    def __init__(
        self,
        metric: str | list[list[float]] | None = "euclidean",
        oracle: nn.Module | None = None,
        n_channels: int = 1,
        widths: Sequence[int] | None = None,
        initial: float = 0.3,
        *,
        n_features: int,
    ):
        if (metric is None) == (oracle is None):
            raise ConfigError(
                "model needs one oracle: a quadratic form (model.metric), or a network (model.oracle) and "
                "model.metric=null"
            )
        if oracle is not None and oracle.input != self.input:
            raise ConfigError(f"model.oracle must read {self.input}, but {type(oracle).__name__} reads {oracle.input}")
        super().__init__(n_features, oracle, n_channels, widths, initial)
        self.metric = None if metric is None else metric_matrix(metric, n_features)  # no buffer: it stays float64

    def points(self, batch: FeatureBatch) -> Tensor:
        return batch.features.to(next(self.fields.parameters()).dtype, copy=True)

    def logits(self, x: Tensor, batch: FeatureBatch) -> Tensor:
        if self.oracle is None:
            return super().logits(x, batch)
        return self.oracle(replace(batch, features=x))

    def phi(self, x: Tensor, batch: FeatureBatch) -> Tensor:
        if self.metric is None:
            return super().phi(x, batch)
        return torch.einsum("bi,ij,bj->b", x, self.metric.to(x), x)[:, None]

    def answers(self, x: Tensor, batch: FeatureBatch) -> Tensor:
        return super().answers(x, batch) if self.metric is None else self.phi(x, batch)
