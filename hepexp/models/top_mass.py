"""The mass of the top quark as a model: one number, of which a likelihood is differentiated."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hepexp.batch import Batch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_no_data


class TopMass(nn.Module):
    """A mass in GeV, the only parameter.

    Parameters
    ----------
    start : where a fit begins, in GeV.
    n_features : features of an example in the data set, which must be 0.

    Shapes
    ------
    A batch of B examples -> (B, 1), the mass.

    Raises
    ------
    ConfigError : a start that is not above 0 and at most 10,000 GeV, or a data set with features.
    """

    input = "features"
    lorentz_invariant = False

    def __init__(self, start: float = 165.0, *, n_features: int):
        super().__init__()
        if not 0 < start <= 10_000:
            raise ConfigError(f"model.start must be > 0 and <= 10,000 GeV, got {start}")
        require_no_data("top_mass", n_features)
        self.mass = nn.Parameter(torch.tensor(float(start)))

    def forward(self, batch: Batch) -> Tensor:
        return self.mass.expand(len(batch), 1)
