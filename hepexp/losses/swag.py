"""SWAG: predictions averaged over networks like those that a training passes through at its end."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.losses.sampled import SampledCrossEntropy, of_passes
from hepexp.models.layers.weight_moments import WeightMoments

_MOST_RANK = 1000  # deviations, each as large as the network


class Swag(SampledCrossEntropy):
    """Cross entropy; predictions are means over networks drawn from a normal distribution of the weights.

    Its mean and covariance are those of the weights at even distances over the last part of the training, in which the
    rate should not fall: with a constant rate a training ends in a stationary distribution around a minimum. Until two
    networks have been seen, the present one predicts, without a spread.

    Parameters
    ----------
    first : fraction of the training after which networks are looked at.
    snapshots : number of networks.
    rank : number of the last of them whose deviations from the mean are kept; the others enter mean and variances.
    scale : factor on the width of the distribution; 0 for the mean alone, stochastic weight averaging.
    samples : number of networks drawn for each prediction.

    Raises
    ------
    ConfigError : a fraction outside [0, 1), fewer than 2 snapshots, a rank below 2 or above the snapshots, a negative
        scale, fewer than 2 draws.

    References
    ----------
    W. Maddox et al., arXiv:1902.02476.
    """

    of_the_end = True
    moments: WeightMoments

    def __init__(
        self, first: float = 0.5, snapshots: int = 30, rank: int = 20, scale: float = 1.0, samples: int = 20
    ) -> None:
        super().__init__(samples)
        if not 0 <= first < 1:
            raise ConfigError(f"loss.first must be in [0, 1), got {first}")
        if snapshots < 2:
            raise ConfigError(f"loss.snapshots must be >= 2, got {snapshots}")
        if not 2 <= rank <= min(snapshots, _MOST_RANK):
            raise ConfigError(
                f"loss.rank must be between 2 and loss.snapshots, {min(snapshots, _MOST_RANK)}, got {rank}"
            )
        if not 0 <= scale <= 100:
            raise ConfigError(f"loss.scale must be in [0, 100], got {scale}")
        self.first, self.snapshots, self.rank, self.scale = first, snapshots, rank, scale

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        super().prepare(model, example, spec)
        self.moments = WeightMoments(model, self.rank)

    def after_step(self, model: nn.Module, done: float) -> None:
        share = (done - self.first) / (1 - self.first)  # of the last part of the training
        if share * self.snapshots >= int(self.moments.n) + 1 - 1e-9:
            self.moments.add(model)

    def outputs(self, model: nn.Module, batch) -> dict[str, Tensor]:
        if self.moments.n < 2:
            with torch.no_grad():
                p = self._logits(model, batch).softmax(dim=-1)
            return of_passes(torch.stack([p, p]))
        return super().outputs(model, batch)

    def network(self, model: nn.Module, draw: int, batch) -> AbstractContextManager[None]:
        return self.moments.network(model, draw, self.scale)
