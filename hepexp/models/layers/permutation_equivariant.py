"""Linear layers that commute with permutations of particles, between features of jets, particles and pairs (PELICAN).

Features of pairs x_ij have 15 such maps to features of pairs: two keep the pair (x_ij, x_ji), three take the diagonal
x_ii to itself, to its row and to its column, and ten take means over a row, a column, the diagonal or all to the
diagonal, rows, columns or everywhere. Only the first two cost a matrix product for each pair: all others are products
for each particle, of sums that several maps share. Of 15 products a pair, 2 remain.

Means are scaled by (N / N0)^alpha, alpha learned for each channel and map, so that a layer can take a sum.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from hepexp.models.layers.pair_aggregation import Aggregates, aggregate, spread
from hepexp.models.layers.particle_pairs import ParticlePairs


class Multiplicity:
    """Number of particles N of each jet of a batch.

    Parameters
    ----------
    n : (B, 1), at least 1, in the dtype of the network.
    average : N0, a typical number.
    """

    def __init__(self, n: Tensor, average: float):
        self.n, self._log = n, (n / average).log()

    def scale(self, alpha: Tensor) -> Tensor:
        """(N / N0)^alpha for alpha (...), (B, ...)."""
        return (self._log.view(-1, *[1] * alpha.ndim) * alpha).exp()


def _factorised(*shape: int, variance: float) -> nn.Parameter:
    return nn.Parameter(torch.randn(shape) * math.sqrt(variance))


class Eq2to2(nn.Module):
    """The 15 maps from pairs to pairs with their biases, of all pairs and of the diagonal.

    The weight of map b from channel d to channel s is a_db u_ds + c_sb v_ds: nearly as expressive as d s b numbers.

    Parameters
    ----------
    n_in, n_out : channels C, S.

    Shapes
    ------
    x (E, C), zero for padding -> (E, S), not masked.

    References
    ----------
    arXiv:2211.00454, section 2.2 and arXiv:2307.16506, sections 3 and 4.
    """

    def __init__(self, n_in: int, n_out: int):
        super().__init__()
        self.a, self.c = _factorised(n_in, 15, variance=1 / 15), _factorised(n_out, 15, variance=1 / 15)
        self.u, self.v = _factorised(n_in, n_out, variance=1 / n_in), _factorised(n_in, n_out, variance=1 / n_in)
        self.alpha = nn.Parameter(torch.rand(n_in, 10))
        self.bias, self.diagonal_bias = nn.Parameter(torch.zeros(n_out)), nn.Parameter(torch.zeros(n_out))

    def weights(self) -> Tensor:
        """Of each map, (15, S, C): of x_ij, x_ji, and x_ii on the diagonal, as x_jj and as x_ii; of the means of
        columns, then of rows, on the diagonal, as that of j and as that of i; of the mean of the diagonal everywhere
        and on the diagonal; of the mean of all everywhere and on the diagonal."""
        return torch.einsum("db,ds->bsd", self.a, self.u) + torch.einsum("sb,ds->bsd", self.c, self.v)

    def forward(self, x: Tensor, pairs: ParticlePairs, multiplicity: Multiplicity) -> Tensor:
        w = self.weights()
        rows, columns, diagonal = aggregate(x, pairs)
        n, scale = multiplicity.n, multiplicity.scale(self.alpha)  # (B, 1), (B, C, 10)
        totals = [pairs.sum_over_particles(diagonal) / n, pairs.sum_over_particles(rows) / n.square()]  # (B, C)
        of_row, of_column = pairs.of_jet(1 / n) * rows, pairs.of_jet(1 / n) * columns  # (R, C)

        # what goes to the diagonal, to columns j and to rows i, each mean with a power of N of its own
        means = pairs.of_jet(scale[..., :6].flatten(1)).unflatten(1, (-1, 6))
        to_diagonal = [diagonal, of_column * means[..., 0], of_row * means[..., 3]]
        to_columns = [diagonal, of_column * means[..., 1], of_row * means[..., 4]]
        to_rows = [diagonal, of_column * means[..., 2], of_row * means[..., 5]]
        everywhere = torch.cat([totals[0] * scale[..., 6], totals[1] * scale[..., 8]], dim=1)
        on_diagonal = torch.cat([totals[0] * scale[..., 7], totals[1] * scale[..., 9]], dim=1)
        to = Aggregates(
            rows=_mix(to_rows, w[4:11:3]) + pairs.of_jet(everywhere @ _beside(w[11:14:2]).T + self.bias),
            columns=_mix(to_columns, w[3:10:3]),
            diagonal=_mix(to_diagonal, w[2:9:3]) + pairs.of_jet(on_diagonal @ _beside(w[12::2]).T + self.diagonal_bias),
        )
        return spread(x, _beside(w[:2]), to, pairs)


def _beside(weights: Tensor) -> Tensor:
    """Weights (k, S, C) of k maps as one matrix (S, k C)."""
    return weights.transpose(0, 1).flatten(1)


def _mix(features: list[Tensor], weights: Tensor) -> Tensor:
    return torch.cat(features, dim=-1) @ _beside(weights).T


class Eq1to2(nn.Module):
    """The five maps from features of particles x_i to pairs: x_i and their mean on the diagonal, x_j, x_i, the mean.

    Parameters
    ----------
    n_in, n_out : channels C, S.

    Shapes
    ------
    x (R, C), zero for padding -> (E, S), not masked.
    """

    def __init__(self, n_in: int, n_out: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(5, n_out, n_in) * math.sqrt(2 / (5 * n_in)))
        self.alpha = nn.Parameter(torch.zeros(n_in, 5))
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x: Tensor, pairs: ParticlePairs, multiplicity: Multiplicity) -> Tensor:
        scale = multiplicity.scale(self.alpha)  # (B, C, 5)
        mean = pairs.sum_over_particles(x) / multiplicity.n
        own = [x * pairs.of_jet(scale[..., b]) for b in range(3)]
        to = Aggregates(
            rows=own[2] @ self.weight[2].T + pairs.of_jet(mean * scale[..., 4] @ self.weight[4].T + self.bias),
            columns=own[1] @ self.weight[1].T,
            diagonal=own[0] @ self.weight[0].T + pairs.of_jet(mean * scale[..., 3] @ self.weight[3].T),
        )
        nothing = x.new_zeros(pairs.pair_mask.shape[0], 0)
        return spread(nothing, x.new_zeros(len(self.bias), 0), to, pairs)


class Eq2to0(nn.Module):
    """The two maps from pairs to the jet: the means over all pairs and over the diagonal, each after a LeakyReLU.

    Parameters
    ----------
    n_in, n_out : channels C, S.

    Shapes
    ------
    x (E, C), zero for padding -> (B, S).
    """

    def __init__(self, n_in: int, n_out: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2, n_out, n_in) * math.sqrt(2 / n_in))
        self.alpha = nn.Parameter(torch.rand(n_in, 2))
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x: Tensor, pairs: ParticlePairs, multiplicity: Multiplicity) -> Tensor:
        rows, _, diagonal = aggregate(x, pairs)
        n, scale = multiplicity.n, multiplicity.scale(self.alpha)
        means = [pairs.sum_over_particles(rows) / n.square(), pairs.sum_over_particles(diagonal) / n]
        means = [nn.functional.leaky_relu(mean * scale[..., b]) for b, mean in enumerate(means)]
        return _mix(means, self.weight) + self.bias
