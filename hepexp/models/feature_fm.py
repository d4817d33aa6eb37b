"""Flow matching of features: the velocity field of a flow from noise to examples, under their conditions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hepexp.batch import FeatureBatch
from hepexp.models.checks import require_positive
from hepexp.models.layers.conditions import Conditions
from hepexp.models.layers.residual_velocity import ResidualVelocity
from hepexp.models.layers.time_features import time_features
from hepexp.models.weights import load_weights


class FeatureFlowMatching(nn.Module):
    """The velocity v(y, t) of features y at time t, a residual network, for loss=flow_matching.

    Parameters
    ----------
    width : of the network.
    n_blocks : residual blocks, all of which see time and conditions.
    n_frequencies : of the time.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    n_features : of the data set.
    n_classes : classes of the data set; of several, each is a condition.
    n_extras : additional variables of an example, all of them conditions.

    Shapes
    ------
    features (B, F), label (B,), extras (B, n_extras), t (B,) in [0, 1] -> velocities (B, F). Without t, those at t = 0,
    the data.

    Raises
    ------
    ConfigError : a size that is not positive.

    References
    ----------
    Y. Lipman et al., arXiv:2210.02747.
    """

    input = "features"
    lorentz_invariant = False

    def __init__(
        self,
        width: int = 128,
        n_blocks: int = 2,
        n_frequencies: int = 6,
        weights: str | None = None,
        *,
        n_features: int,
        n_classes: int,
        n_extras: int,
    ):
        super().__init__()
        require_positive(width=width, n_blocks=n_blocks, n_frequencies=n_frequencies)
        self.n_frequencies = n_frequencies
        self.conditions = Conditions(n_classes, n_extras)
        self.network = ResidualVelocity(n_features, 2 * n_frequencies + self.conditions.n, width, n_blocks)
        load_weights(self, weights)

    def forward(self, batch: FeatureBatch, t: Tensor | None = None) -> Tensor:
        dtype = next(self.network.parameters()).dtype
        y = batch.features.to(dtype)
        t = torch.zeros(len(y), device=y.device, dtype=dtype) if t is None else t.to(dtype)
        context = torch.cat([time_features(t, self.n_frequencies), self.conditions(batch, dtype)], dim=1)
        return self.network(y, context)
