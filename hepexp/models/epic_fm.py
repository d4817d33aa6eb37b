"""EPiC flow matching: the velocity field of a flow from noise to point clouds."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hepexp.batch import CloudBatch
from hepexp.models.checks import require_positive
from hepexp.models.layers.conditions import Conditions
from hepexp.models.layers.epic import EPiCStack, Pooling, activation, linear
from hepexp.models.layers.time_features import time_features
from hepexp.models.weights import load_weights


class EPiCFlow(nn.Module):
    """The velocity of each point of a cloud y at time t, for loss=flow_matching, or its noise, for loss=diffusion.

    The time enters every layer as sin and cos of k pi t, k = 1 ... n_frequencies, and so do the conditions. The
    output is a linear function of the last features of a point: it must be able to have any sign and size.

    Parameters
    ----------
    n_hidden : width of the points and of the hidden layers.
    n_global : number of global features.
    n_layers : EPiC layers.
    n_frequencies : of the time.
    sum_scale : factor on the sum over points.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    n_point_features : features of each point in the data set.
    n_classes : classes of the data set; of several, each is a condition.
    n_extras : additional variables of an example, all of them conditions.

    Shapes
    ------
    points (B, N, F), mask (B, N), label (B,), extras (B, n_extras), t (B,) in [0, 1] -> output (B, N, F), zero for
    padding. Without t, that at t = 0, the data.

    Raises
    ------
    ConfigError : a size that is not positive.

    References
    ----------
    E. Buhmann et al., arXiv:2310.00049, section 3; layers of arXiv:2301.08128.
    """

    input = "cloud"
    lorentz_invariant = False

    def __init__(
        self,
        n_hidden: int = 128,
        n_global: int = 10,
        n_layers: int = 6,
        n_frequencies: int = 6,
        sum_scale: float = 0.01,
        weights: str | None = None,
        *,
        n_point_features: int,
        n_classes: int,
        n_extras: int,
    ):
        super().__init__()
        sizes = {"n_hidden": n_hidden, "n_global": n_global, "n_layers": n_layers, "n_frequencies": n_frequencies}
        require_positive(**sizes, sum_scale=sum_scale)
        self.n_frequencies = n_frequencies
        self.conditions = Conditions(n_classes, n_extras)
        n_context = 2 * n_frequencies + self.conditions.n
        self.embed = linear(n_point_features + n_context, n_hidden)
        self.pool = Pooling(sum_scale)
        self.global_1 = linear(2 * n_hidden + n_context, n_hidden)
        self.global_2 = linear(n_hidden, n_global)
        self.layers = EPiCStack(n_layers, n_hidden, n_global, n_context, sum_scale)
        self.head = linear(n_hidden, n_point_features)
        load_weights(self, weights)

    def forward(self, batch: CloudBatch, t: Tensor | None = None) -> Tensor:
        dtype, mask = next(self.head.parameters()).dtype, batch.mask
        y = torch.where(mask[..., None], batch.points, 0).to(dtype)
        t = torch.zeros(len(y), device=y.device, dtype=dtype) if t is None else t.to(dtype)
        context = torch.cat([time_features(t, self.n_frequencies), self.conditions(batch, dtype)], dim=1)
        points = torch.cat([y, context[:, None].expand(-1, y.shape[1], -1)], dim=2)
        points = activation(self.embed(points))
        state = activation(self.global_1(torch.cat([self.pool(points, mask), context], dim=1)))
        state = activation(self.global_2(state))
        points, _ = self.layers(points, state, context, mask)
        return torch.where(mask[..., None], self.head(points), 0)
