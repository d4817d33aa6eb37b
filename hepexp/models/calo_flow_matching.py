"""Flow matching of calorimeter showers: energies of the layers for that of the particle, then cells given both."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hepexp.batch import FeatureBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_positive
from hepexp.models.layers.conditions import Conditions
from hepexp.models.layers.particle_energy import ParticleEnergy
from hepexp.models.layers.residual_velocity import ResidualVelocity
from hepexp.models.layers.time_features import time_features
from hepexp.models.weights import load_weights


class CaloFlowMatching(nn.Module):
    """The velocities of flows from noise to showers, one for each variable of the features, for loss=flow_matching.

    With data.features.variables=[layer_fractions,log_cells] they are p(layers | E) and p(cells | layers, E). Each has a
    network of its own: the state, the stages before it, the time and the conditions enter a residual network whose
    blocks all see time and conditions.

    Parameters
    ----------
    widths : of the network of each stage, or one for all.
    n_blocks : residual blocks of each network.
    n_frequencies : of the time.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    n_features, feature_sizes : of the data set; a stage has the features of one variable.
    n_classes : classes of the data set; of several, each is a condition.
    n_extras, extra_names, extra_scales : additional variables of an example, all of them conditions; of the energy of
        the particle, which must be among them, the logarithm too.

    Shapes
    ------
    features (B, F), label (B,), extras (B, n_extras), t (B,) in [0, 1], stage -> velocities of the features of that
    stage, or (B, F) of all without one. Without t, those at t = 0, the data.

    Raises
    ------
    ConfigError : a size that is not positive, a width too many or too few, or no energy among the extras.

    References
    ----------
    Stages: L. Favaro, A. Ore, S. Palacios Schweitzer, T. Plehn, arXiv:2405.09629; flows: Y. Lipman et al.,
    arXiv:2210.02747.
    """

    input = "features"
    lorentz_invariant = False

    def __init__(
        self,
        widths: Sequence[int] = (128, 512),
        n_blocks: int = 4,
        n_frequencies: int = 6,
        weights: str | None = None,
        *,
        n_features: int,
        feature_sizes: tuple[int, ...],
        n_classes: int,
        n_extras: int,
        extra_names: tuple[str, ...],
        extra_scales: tuple[tuple[float, float], ...],
    ):
        super().__init__()
        self.stages = feature_sizes or (n_features,)
        widths = list(widths) * (len(self.stages) if len(widths) == 1 else 1)
        if len(widths) != len(self.stages):
            raise ConfigError(
                f"model.widths must be one width, or {len(self.stages)}, one for each of data.features.variables, got "
                f"{widths}"
            )
        require_positive(**{f"widths[{i}]": width for i, width in enumerate(widths)})
        require_positive(n_blocks=n_blocks, n_frequencies=n_frequencies)
        self.n_frequencies = n_frequencies
        self.energy = ParticleEnergy(extra_names, extra_scales)
        self.conditions = Conditions(n_classes, n_extras)
        n_context = 2 * n_frequencies + self.conditions.n + 1
        before = [sum(self.stages[:k]) for k in range(len(self.stages))]
        self.networks = nn.ModuleList(
            ResidualVelocity(n, n_context + n_before, width, n_blocks)
            for n, n_before, width in zip(self.stages, before, widths, strict=True)
        )
        load_weights(self, weights)

    def forward(self, batch: FeatureBatch, t: Tensor | None = None, stage: int | None = None) -> Tensor:
        dtype = self.energy.mean.dtype
        y = batch.features.to(dtype)
        t = torch.zeros(len(y), device=y.device, dtype=dtype) if t is None else t.to(dtype)
        energy = self.energy(batch).clamp(min=1e-3).log()[:, None] - 3  # about 0 for 20 GeV
        context = torch.cat([time_features(t, self.n_frequencies), self.conditions(batch, dtype), energy], dim=1)
        wanted = range(len(self.stages)) if stage is None else [stage]
        return torch.cat([self._of(k, y, context) for k in wanted], dim=1)

    def _of(self, stage: int, y: Tensor, context: Tensor) -> Tensor:
        start = sum(self.stages[:stage])
        own = y[:, start : start + self.stages[stage]]
        return self.networks[stage](own, torch.cat([context, y[:, :start]], dim=1))
