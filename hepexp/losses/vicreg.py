"""VICReg: views agree, every dimension varies, and no two are correlated; there are no negatives."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from hepexp.errors import ConfigError
from hepexp.losses.embedding import EmbeddingObjective
from hepexp.losses.states import CircuitStates

EPS = 1e-4  # of the variance, as its root has no gradient at zero


class VICReg(EmbeddingObjective):
    """lambda s(Z, Z') + mu [v(Z) + v(Z')] / 2 + nu [c(Z) + c(Z')] for the projections Z, Z' (B, D) of two views.

    s is the mean over examples and dimensions of (z - z')^2; v = 1/D sum_j max(0, 1 - sqrt(Var z_j + 1e-4)); and
    c = 1/D sum_{i != j} C_ij^2, with the covariance matrix C of the dimensions. The factors 1/D in s and 1/2 at v are
    those of the authors' program, for which 25, 25 and 1 are meant. A collapsed embedding has the loss 0.99 mu.
    Variance and covariance are those of a whole batch: weights are refused.

    Parameters
    ----------
    invariance, variance, covariance : lambda, mu and nu.

    Raises
    ------
    ConfigError : a negative factor.

    References
    ----------
    A. Bardes, J. Ponce, Y. LeCun, arXiv:2105.04906, equations 1 to 6.
    """

    needs_views = True

    def __init__(
        self,
        invariance: float = 25.0,
        variance: float = 25.0,
        covariance: float = 1.0,
        projector: Sequence[int] = (128, 128),
        alpha: float = 1.0,
        states: CircuitStates | None = None,
        embedding_dim: int | None = None,
    ):
        super().__init__(projector, alpha, states, embedding_dim)
        for key, value in (("invariance", invariance), ("variance", variance), ("covariance", covariance)):
            if not 0 <= value < float("inf"):
                raise ConfigError(f"loss.{key} must be >= 0, got {value}")
        self.invariance, self.variance, self.covariance = invariance, variance, covariance

    def compare_views(self, first: Tensor, second: Tensor, label: Tensor, weight: Tensor | None = None) -> Tensor:
        pulled = (first - second).square().mean()
        spread = (_hinge(first) + _hinge(second)) / 2
        correlated = _off_diagonal(first) + _off_diagonal(second)
        return self.invariance * pulled + self.variance * spread + self.covariance * correlated


def _covariance(z: Tensor) -> Tensor:
    centred = z - z.mean(0)
    return centred.T @ centred / max(len(z) - 1, 1)


def _hinge(z: Tensor) -> Tensor:
    deviation = (_covariance(z).diagonal() + EPS).sqrt()
    return (1 - deviation).clamp(min=0).mean()


def _off_diagonal(z: Tensor) -> Tensor:
    squared = _covariance(z).square()
    return (squared.sum() - squared.diagonal().sum()) / z.shape[1]
