"""The gauge-equivariant flow of U(1) links for a range of couplings at once."""

from __future__ import annotations

from collections.abc import Sequence
from math import log

import torch
from torch import Tensor

from hepexp.errors import ConfigError
from hepexp.models.lattice_u1 import LatticeU1
from hepexp.models.layers.von_mises import VonMisesMap


class LatticeU1Conditional(LatticeU1):
    """A density q(theta | beta): as `LatticeU1`, with networks that know beta, and a start of its own at each beta.

    Parameters
    ----------
    beta_min, beta_max : the range of inverse couplings in which it is trained and can be drawn from.
    n_sweeps, period, n_bins, widths, n_features, n_classes : as of `LatticeU1`.

    Attributes
    ----------
    beta : of draws where none is given; that of the loss's action.

    Raises
    ------
    ConfigError : values out of range, or as for `LatticeU1`.

    References
    ----------
    A. Singha, D. Chakrabarti, V. Arora, arXiv:2306.00581.
    """

    option = "lattice_u1_conditional"
    n_conditions = 2

    def __init__(
        self,
        beta_min: float = 1.0,
        beta_max: float = 5.0,
        n_sweeps: int = 1,
        period: int | None = None,
        n_bins: int = 8,
        widths: Sequence[int] = (32, 32),
        *,
        n_features: int,
        n_classes: int,
    ):
        if not 0 < beta_min < beta_max <= 100:
            raise ConfigError(
                f"model.beta_min and model.beta_max must be 0 < beta_min < beta_max <= 100, got {beta_min}, {beta_max}"
            )
        super().__init__(n_sweeps, period, n_bins, widths, n_features=n_features, n_classes=n_classes)
        self.beta_min, self.beta_max = beta_min, beta_max
        self.beta = beta_min

    def draw_betas(self, n: int) -> Tensor:
        """Inverse couplings (n,), uniform in the range."""
        like = next(self.parameters())
        uniform = torch.rand(n, device=like.device, dtype=like.dtype)
        return self.beta_min + (self.beta_max - self.beta_min) * uniform

    def draw(self, z: Tensor, beta: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Links (B, 2, L, L) and ln q (B,) of uniform links, at inverse couplings (B,)."""
        beta = self._of_each(z, beta)
        return self._move(z, VonMisesMap(beta), known=self._known(beta))

    def log_density(self, theta: Tensor, beta: Tensor | None = None) -> Tensor:
        """ln q (B,) of links (B, 2, L, L) at inverse couplings (B,)."""
        beta = self._of_each(theta, beta)
        return self._move(theta, VonMisesMap(beta), inverse=True, known=self._known(beta))[1]

    def _of_each(self, theta: Tensor, beta: Tensor | None) -> Tensor:
        return theta.new_full((len(theta),), self.beta) if beta is None else beta.to(theta)

    def _known(self, beta: Tensor) -> Tensor:
        """Two functions of beta (B, 2), from -1 to 1 in the range."""
        low, high = self.beta_min, self.beta_max
        linear = (2 * beta - low - high) / (high - low)
        return torch.stack([linear, (2 * beta.log() - log(low * high)) / log(high / low)], dim=1)
