"""The energy of the particle that starts a shower, as a model of showers needs it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hepexp.batch import Batch
from hepexp.errors import ConfigError

ENERGY = "energy"  # among the extras of a data set


class ParticleEnergy(nn.Module):
    """Energies (B,) in GeV, from the standardised extras (B, X) of a batch.

    Parameters
    ----------
    extra_names, extra_scales : of the data set, see DataSpec.

    Raises
    ------
    ConfigError : the energy is not among the extras.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, extra_names: tuple[str, ...], extra_scales: tuple[tuple[float, float], ...]):
        super().__init__()
        if ENERGY not in extra_names or len(extra_scales) != len(extra_names):
            raise ConfigError(
                f"the model needs the energy of the particle: set 'data.extras=[{ENERGY}]', got {list(extra_names)}"
            )
        self.column = extra_names.index(ENERGY)
        mean, std = extra_scales[self.column]
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("std", torch.tensor(std))

    def forward(self, batch: Batch) -> Tensor:
        return batch.extras[:, self.column].to(self.mean.dtype) * self.std + self.mean
