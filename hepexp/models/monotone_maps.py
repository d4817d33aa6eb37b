"""Monotone maps of one number each, as networks with positive weights."""

from __future__ import annotations

from math import log

import torch
from torch import Tensor, nn

from hepexp.batch import Batch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_no_data, require_positive


class MonotoneMaps(nn.Module):
    """As many increasing functions as the loss asks for, which do not share weights:

        T(z) = e^a z + b + sum_j e^(u_j) tanh(e^(v_j) (z - c_j))

    In one dimension every increasing map is the optimal transport of a density to its image, with ln p' = ln p - ln T'.
    They begin close to the identity.

    Parameters
    ----------
    n_units : steps of the sum, J.
    reach : the centres c_j begin evenly between -reach and reach, each unit as wide as their distance.
    n_features : features of an example in the data set, which must be 0.
    n_classes : number of maps, set by the loss.

    Shapes
    ------
    A batch of B examples -> normal numbers, mapped (B, n_classes).

    Raises
    ------
    ConfigError : values out of range, or a data set with features.
    """

    input = "features"
    lorentz_invariant = False

    def __init__(self, n_units: int = 12, reach: float = 2.0, *, n_features: int, n_classes: int):
        super().__init__()
        require_positive(n_units=n_units, reach=reach)
        if n_units > 1000 or reach > 1000:
            raise ConfigError(f"model.n_units and model.reach must be <= 1,000, got {n_units} and {reach:g}")
        require_no_data("monotone_maps", n_features)
        self.log_slope = nn.Parameter(torch.zeros(n_classes, 1))
        self.shift = nn.Parameter(torch.zeros(n_classes, 1))
        self.log_height = nn.Parameter(torch.full((n_classes, 1, n_units), -5.0))
        self.log_steepness = nn.Parameter(torch.full((n_classes, 1, n_units), log(max(n_units - 1, 1) / (2 * reach))))
        self.centre = nn.Parameter(torch.linspace(-reach, reach, n_units).expand(n_classes, 1, n_units).clone())

    def transport(self, z: Tensor, maps: slice = slice(None)) -> tuple[Tensor, Tensor]:
        """T(z) and ln T'(z) of numbers z (m, B), one row for each of the maps."""
        steepness, slope = self.log_steepness[maps].exp(), self.log_slope[maps].exp()
        step = torch.tanh(steepness * (z[..., None] - self.centre[maps]))
        height = self.log_height[maps].exp()
        mapped = slope * z + self.shift[maps] + (height * step).sum(-1)
        return mapped, (slope + (height * steepness * (1 - step.square())).sum(-1)).log()

    def forward(self, batch: Batch) -> Tensor:
        z = torch.randn(len(self.shift), len(batch), dtype=self.shift.dtype, device=self.shift.device)
        return self.transport(z)[0].T
