"""A normalising flow on the unit cube, of couplings by rational-quadratic splines."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hepexp.batch import Batch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_no_data, require_widths
from hepexp.models.layers.dense import dense
from hepexp.models.layers.rational_quadratic import n_parameters, spline


class SplineFlow(nn.Module):
    """A density q(x) on the unit cube that can be drawn from and evaluated: uniform points z, moved by couplings.

    Each coupling moves half of the components by monotone splines, whose parameters a network computes of the other
    half. The halves are those of the binary digits of the components' numbers, each digit twice, so that after 2 ceil
    log2 d couplings every component has moved with every other.

    Parameters
    ----------
    n_bins : of a spline.
    min_bin : smallest width and height of a bin.
    widths : of the hidden layers of the networks.
    n_features : features of an example in the data set, which must be 0: the flow draws its own points.
    n_classes : d, components of a point: what the loss integrates over.

    Shapes
    ------
    A batch of B examples -> points x and log q(x) (B, d + 1).

    Raises
    ------
    ConfigError : values out of range, a data set with features, or fewer than two components.

    References
    ----------
    C. Durkan et al., arXiv:1906.04032; binary permutations: C. Gao, J. Isaacson, C. Krause, arXiv:2001.05486; the
    recipe: T. Heimel et al., arXiv:2212.06172.
    """

    input = "features"
    lorentz_invariant = False

    def __init__(
        self,
        n_bins: int = 10,
        min_bin: float = 1e-3,
        widths: Sequence[int] = (32, 32, 32),
        *,
        n_features: int,
        n_classes: int,
    ):
        super().__init__()
        if not 2 <= n_bins <= 1000:
            raise ConfigError(f"model.n_bins must be from 2 to 1,000, got {n_bins}")
        if not 0 < min_bin < 1 / n_bins:
            raise ConfigError(f"model.min_bin must be > 0 and < 1 / model.n_bins = {1 / n_bins:g}, got {min_bin}")
        require_widths(widths=widths)
        require_no_data("spline_flow", n_features)
        if n_classes < 2:
            raise ConfigError(
                f"model=spline_flow needs a loss over two or more dimensions, such as loss=importance_sampling, got "
                f"{n_classes}"
            )
        self.d, self.min_bin = n_classes, min_bin
        self.couplings = nn.ModuleList(_Coupling(moved, fixed, n_bins, widths) for moved, fixed in _halves(self.d))

    def draw(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """x and log q(x) (B,) of uniform points z (B, d)."""
        log_q = z.new_zeros(len(z))
        for coupling in self.couplings:
            z, log_slope = coupling(z, self.min_bin, inverse=False)
            log_q = log_q - log_slope
        return z, log_q

    def invert(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """z and log q(x) (B,) of points x (B, d)."""
        log_q = x.new_zeros(len(x))
        for coupling in reversed(self.couplings):
            x, log_slope = coupling(x, self.min_bin, inverse=True)
            log_q = log_q + log_slope
        return x, log_q

    def forward(self, batch: Batch) -> Tensor:
        like = next(self.parameters())
        x, log_q = self.draw(torch.rand(len(batch), self.d, dtype=like.dtype, device=like.device))
        return torch.cat([x, log_q[:, None]], dim=1)


class _Coupling(nn.Module):
    """Moves some components by splines that depend on the others."""

    def __init__(self, moved: list[int], fixed: list[int], n_bins: int, widths: Sequence[int]):
        super().__init__()
        self.moved, self.fixed, self.n_bins = moved, fixed, n_bins
        self.network = dense(len(fixed), widths, len(moved) * n_parameters(n_bins), nn.LeakyReLU)
        for parameter in self.network[-1].parameters():
            nn.init.zeros_(parameter)  # the flow begins as the identity

    def forward(self, x: Tensor, min_bin: float, inverse: bool) -> tuple[Tensor, Tensor]:
        parameters = self.network(2 * x[:, self.fixed] - 1).unflatten(1, (len(self.moved), n_parameters(self.n_bins)))
        moved, log_slope = spline(x[:, self.moved], parameters, min_bin, inverse)
        result = x.clone()
        result[:, self.moved] = moved
        return result, log_slope.sum(1)


def _halves(d: int) -> list[tuple[list[int], list[int]]]:
    """The components that move and those that do not, of each coupling."""
    halves = []
    for digit in range((d - 1).bit_length()):
        ones = [k for k in range(d) if k >> digit & 1]
        zeros = [k for k in range(d) if not k >> digit & 1]
        halves += [(ones, zeros), (zeros, ones)]
    return halves
