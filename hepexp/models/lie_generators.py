"""Learnt generators of a group of linear transformations, for LieGAN: a base class, and two that read vectors."""

from __future__ import annotations

from typing import Generic

import torch
from torch import Tensor, nn

from hepexp.batch import AnyBatch, FeatureBatch, JetBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_positive
from hepexp.precision import full_precision

_N_DRAWS = 1024  # coefficients that evaluation cycles through


class LieGenerators(nn.Module, Generic[AnyBatch]):
    """g = exp(sum_i z_i L_i) with z_i ~ N(0, spread^2), the same for all K vectors of an example.

    To read vectors from another representation of the data, write a subclass that names it in `input` and implements
    `vectors`. A network that it needs, such as a frozen encoder, is a submodule like any other.

    Parameters
    ----------
    n : dimension of the vectors.
    n_channels : generators L_i.
    spread : standard deviation of z.
    initial : standard deviation of the initial entries of each L_i; with 0 training would never leave the identity.

    Shapes
    ------
    generators (n_channels, n, n); z (B, n_channels); vectors (B, K, n).

    Raises
    ------
    ConfigError : n below 1, channels below 1 or more than n^2, a spread or an initial value that is not positive.

    References
    ----------
    J. Yang, R. Walters, N. Dehmamy, R. Yu, arXiv:2302.00236, section 4.
    """

    input: str
    draws: Tensor
    lorentz_invariant = False

    def __init__(self, n: int, n_channels: int, spread: float, initial: float):
        super().__init__()
        if n < 1:
            raise ConfigError(f"model.n must be >= 1, got {n}")
        if not 1 <= n_channels <= n * n:
            raise ConfigError(
                f"model.n_channels must be between 1 and {n * n}, all independent {n} x {n} matrices, got {n_channels}"
            )
        require_positive(spread=spread, initial=initial)
        self.n, self.n_channels, self.spread = n, n_channels, spread
        self.generators = nn.Parameter(initial * torch.randn(n_channels, n, n))
        draws = torch.randn(_N_DRAWS, n_channels, generator=torch.Generator().manual_seed(0))
        self.register_buffer("draws", draws, persistent=False)

    def vectors(self, batch: AnyBatch) -> Tensor:
        """The vectors (B, K, n) of each example, zero where it has fewer than K."""
        raise NotImplementedError(f"{type(self).__name__} does not define which vectors it reads")

    def check(self, example: AnyBatch) -> None:
        """Raise ConfigError if a typical example does not have the vectors asked for."""

    def draw(self, batch: AnyBatch) -> Tensor:
        """Coefficients z of each example: drawn anew in training, otherwise fixed for each example."""
        if self.training:
            return self.spread * torch.randn(len(batch), self.n_channels).to(self.draws)
        return self.spread * self.draws[batch.index % _N_DRAWS]

    def transform(self, vectors: Tensor, z: Tensor) -> Tensor:
        """The vectors (B, K, n) transformed by the group elements exp(sum_i z_i L_i), one for each example."""
        with full_precision(vectors):  # large entries cancel in an exponential
            g = torch.matrix_exp(torch.einsum("bc,cij->bij", z, self.generators))
            return torch.einsum("bij,bkj->bki", g, vectors)

    def forward(self, batch: AnyBatch) -> Tensor:
        return self.transform(self.vectors(batch), self.draw(batch))


class LiePoints(LieGenerators[FeatureBatch]):
    """Generators that act on points: the features of an example are the components of one or more vectors.

    Parameters
    ----------
    n : dimension n of the vectors.
    n_channels : generators L_i.
    spread : standard deviation of their coefficients.
    initial : standard deviation of their entries at the start.
    n_features : features of an example in the data set.

    Shapes
    ------
    features (B, K n) -> transformed vectors (B, K, n).

    Raises
    ------
    ConfigError : values out of range, or features that do not make a whole number of vectors.
    """

    input = "features"

    def __init__(self, n: int = 2, n_channels: int = 1, spread: float = 1.0, initial: float = 0.3, *, n_features: int):
        super().__init__(n, n_channels, spread, initial)
        if n_features % n:
            raise ConfigError(f"model.n must divide the {n_features} features of an example, got {n}")

    def vectors(self, batch: FeatureBatch) -> Tensor:
        return batch.features.to(self.generators.dtype).unflatten(1, (-1, self.n))


class LieMomenta(LieGenerators[JetBatch]):
    """Generators that act on the four-momenta (E, px, py, pz) of the hardest particles of a jet.

    Parameters
    ----------
    n_leading : K, the number of particles of highest transverse momentum; a jet with fewer is padded with zero vectors,
        which linear transformations leave unchanged.
    unit : unit of momentum in GeV, chosen so that components are of order one.
    n_channels : generators L_i; the Lorentz algebra has six, and a seventh leaves room for a dilation.
    spread : standard deviation of their coefficients.
    initial : standard deviation of their entries at the start.

    Shapes
    ------
    p4 (B, N, 4) in GeV, mask (B, N) -> transformed vectors (B, K, 4) in units.

    Raises
    ------
    ConfigError : values out of range; from `check`, a typical jet with fewer than K particles.
    """

    input = "particles"

    def __init__(
        self, n_leading: int = 2, unit: float = 100.0, n_channels: int = 7, spread: float = 1.0, initial: float = 0.1
    ):
        super().__init__(4, n_channels, spread, initial)
        if n_leading < 1:
            raise ConfigError(f"model.n_leading must be >= 1, got {n_leading}")
        if not unit > 0:
            raise ConfigError(f"model.unit must be > 0 GeV, got {unit}")
        self.n_leading, self.unit = n_leading, unit

    def check(self, example: JetBatch) -> None:
        particles = int(example.mask.sum(1).min())
        if particles < self.n_leading:
            raise ConfigError(
                f"model.n_leading must be <= {particles}, the particles of a typical example, got {self.n_leading}"
            )

    def vectors(self, batch: JetBatch) -> Tensor:
        pt = torch.where(batch.mask, batch.p4[..., 1:3].norm(dim=-1), -1.0)
        missing = self.n_leading - pt.shape[1]
        p4 = batch.p4
        if missing > 0:  # a batch of small jets alone
            pt, p4 = nn.functional.pad(pt, (0, missing), value=-1.0), nn.functional.pad(p4, (0, 0, 0, missing))
        hardest = pt.topk(self.n_leading, dim=1).indices
        return (p4.take_along_dim(hardest[..., None], dim=1) / self.unit).to(self.generators.dtype)
