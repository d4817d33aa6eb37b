"""Normalising flow of the features of an example, given the last of them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Literal

import torch
from torch import Tensor, nn

from hepexp.batch import FeatureBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_widths
from hepexp.models.layers.logit_box import LogitBox
from hepexp.models.weights import load_weights

_MOST = 100  # transforms, or bins


class FeatureFlow(nn.Module):
    """p(x | c) of all features but the last, x, for a value of the last, c, such as the dijet mass.

    A masked autoregressive flow of the package zuko: affine transformations, or rational-quadratic splines. It acts on
    x in a box that is mapped to all real numbers, and c is standardised; both with the scales of training examples.

    Parameters
    ----------
    kind : `spline`, monotonic splines, of which few suffice; `affine`, as in CATHODE.
    n_transforms : number of autoregressive transformations, each of which reverses the order of the variables.
    widths : hidden layers of the network of each of them.
    bins : of each spline.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    n_features : features of an example in the data set, with c; they are not to be standardised there.

    Shapes
    ------
    features (B, n_features) -> ln p (B, 1), in the inverse of the units of x.

    Raises
    ------
    ConfigError : zuko is not installed, a value out of range, or a data set with fewer than two features.

    References
    ----------
    G. Papamakarios, T. Pavlakou, I. Murray, arXiv:1705.07057 (affine); C. Durkan et al., arXiv:1906.04032 (splines).
    """

    input = "features"
    lorentz_invariant = False

    condition_mean: Tensor
    condition_std: Tensor

    def __init__(
        self,
        kind: Literal["spline", "affine"] = "spline",
        n_transforms: int = 3,
        widths: Sequence[int] = (64, 64),
        bins: int = 8,
        weights: str | None = None,
        *,
        n_features: int,
    ):
        super().__init__()
        require_widths(widths=widths)
        for name, value, least in (("n_transforms", n_transforms, 1), ("bins", bins, 2)):
            if not least <= value <= _MOST:
                raise ConfigError(f"model.{name} must be between {least} and {_MOST}, got {value}")
        if kind not in ("spline", "affine"):
            raise ConfigError(f"model.kind must be spline or affine, got {kind!r}")
        if n_features < 2:
            raise ConfigError(
                f"model=feature_flow needs two features or more, the last as a condition, got {n_features}"
            )
        if find_spec("zuko") is None:
            raise ConfigError("zuko is not installed; pip install 'hepexp[flows]'")
        import zuko  # takes a second to import

        self.n_variables = n_features - 1
        keys = {"context": 1, "transforms": n_transforms, "hidden_features": tuple(widths)}
        made = zuko.flows.NSF(self.n_variables, bins=bins, **keys) if kind == "spline" else None
        self.flow = made if made is not None else zuko.flows.MAF(self.n_variables, **keys)
        self.box = LogitBox(self.n_variables)
        self.register_buffer("condition_mean", torch.zeros(1))
        self.register_buffer("condition_std", torch.ones(1))
        load_weights(self, weights)

    def take_scales(self, features: Tensor) -> None:
        """Take the box and the scales of examples (N, n_features)."""
        self.box.take(features[:, :-1].to(self.box.low.dtype))
        self.condition_mean.copy_(features[:, -1:].mean(0))
        self.condition_std.copy_(features[:, -1:].std(0, correction=0).clamp(min=1e-6))

    def log_prob(self, features: Tensor) -> Tensor:
        """ln p(x | c) (B,) of features (B, n_features)."""
        x = features[:, :-1]
        return self.flow(self._condition(features)).log_prob(self.box(x)) + self.box.log_slope(x)

    def draw(self, features: Tensor) -> Tensor:
        """A sample of x for the c of each example, in the variables of the box (B, n_features - 1)."""
        return self.flow(self._condition(features)).sample()

    def sample(self, features: Tensor) -> Tensor:
        """A sample of x for the c of each example (B, n_features - 1)."""
        return self.box.inverse(self.draw(features))

    def _condition(self, features: Tensor) -> Tensor:
        return (features[:, -1:].to(self.condition_mean.dtype) - self.condition_mean) / self.condition_std

    def forward(self, batch: FeatureBatch) -> Tensor:
        return self.log_prob(batch.features)[:, None]
