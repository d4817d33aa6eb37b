"""The Lorentz group equivariant block (LGEB) of LorentzNet, as its paper writes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from hepexp.models.layers.masked_batch_norm import MaskedBatchNorm
from hepexp.models.layers.particle_pairs import ParticlePairs
from hepexp.precision import full_precision

CLAMP = 100.0  # GeV, of the published code


class NormedSequential(nn.Sequential):
    """Layers whose second is a batch norm over weighted rows, e.g. 1 for real ones and 0 for padding.

    Shapes
    ------
    x (R, n_in), weight of each row in the statistics (R,) or None for 1 -> (R, n_out).
    """

    def forward(self, x: Tensor, weight: Tensor | None = None) -> Tensor:
        first, norm, *others = self
        x = norm(first(x), weight)
        for layer in others:
            x = layer(x)
        return x


def message(n_in: int, width: int) -> NormedSequential:
    """phi_e: h_i, h_j and their invariants to a message."""
    return NormedSequential(
        nn.Linear(n_in, width, bias=False), MaskedBatchNorm(width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()
    )


def update(n_in: int, width: int, n_out: int) -> NormedSequential:
    """phi_h: h_i, its messages and the input scalars to the change of h_i."""
    return NormedSequential(nn.Linear(n_in, width), MaskedBatchNorm(width), nn.ReLU(), nn.Linear(width, n_out))


def gate(width: int) -> nn.Sequential:
    """phi_m: a message to its weight in (0, 1)."""
    return nn.Sequential(nn.Linear(width, 1), nn.Sigmoid())


def small_step(width: int) -> nn.Linear:
    """The last layer of phi_x, which initially hardly moves the coordinates."""
    step = nn.Linear(width, 1, bias=False)
    nn.init.xavier_uniform_(step.weight, gain=0.001)
    return step


def move(width: int) -> nn.Sequential:
    """phi_x: a message to how far x_i moves along x_i - x_j."""
    step = small_step(width)
    return nn.Sequential(nn.Linear(width, width), nn.ReLU(), step)


Networks = Mapping[str, Callable[..., nn.Module]]
NETWORKS: Networks = {"phi_e": message, "phi_h": update, "phi_m": gate, "phi_x": move}


def psi(z: Tensor) -> Tensor:
    """sgn(z) ln(1 + |z|), equation (3.3): linear near 0, otherwise logarithmic."""
    return z.abs().log1p().copysign(z)


class LorentzBlock(nn.Module):
    """Messages from pairwise invariants move the coordinates x along x_i - x_j and update the scalars h.

    This is the plain form, which holds all pairs in memory at once; `lorentz_kernel` has a fast one. It computes in the
    precision of the parameters, and coordinates and invariants in that of x.

    Parameters
    ----------
    n_hidden : width H of h.
    n_scalars : input scalars per particle S, which phi_h sees again in every block.
    c : step of the coordinate update.
    last : whether it is the last block, which leaves x unchanged and has no phi_x.
    published : clamp the steps as the published code does, see `LorentzNet`.
    n_message : width M of the messages; None for H.
    functions : what makes phi_e, phi_h, phi_m and phi_x; networks by default.
    n_metrics : number K of metrics J, each of which gives every pair two invariants.

    Shapes
    ------
    h (R, H), x (R, 4) GeV, scalars (R, S), metrics J (K, 4, 4) in the dtype of x -> h (R, H), x (R, 4); R and E, see
    `ParticlePairs`.

    References
    ----------
    arXiv:2201.08187, section 3.2.
    """

    def __init__(
        self,
        n_hidden: int,
        n_scalars: int,
        c: float,
        last: bool,
        published: bool = False,
        n_message: int | None = None,
        functions: Networks = NETWORKS,
        n_metrics: int = 1,
    ):
        super().__init__()
        width = n_message or n_hidden
        self.c, self.published = c, published
        self.phi_e = functions["phi_e"](2 * (n_hidden + n_metrics), width)
        self.phi_h = functions["phi_h"](n_hidden + width + n_scalars, width, n_hidden)
        self.phi_m = functions["phi_m"](width)
        self.phi_x = None if last else functions["phi_x"](width)

    def forward(
        self, h: Tensor, x: Tensor, scalars: Tensor, pairs: ParticlePairs, metric: Tensor
    ) -> tuple[Tensor, Tensor]:
        real = pairs.pair_mask[:, None]  # (E, 1), 0 for padding and i = j
        with full_precision(h):
            (h_i, h_j), (x_i, x_j) = (pairs.both(v) for v in (h, x))  # (E, H), (E, 4)
            x_ij = x_i - x_j
            lowered = [pairs.both(x @ j) for j in metric]  # J x, (E, 4) of i and of j
            norms = [((y_i - y_j) * x_ij).sum(1) for y_i, y_j in lowered]
            dots = [(y_i * x_j).sum(1) for y_i, _ in lowered]
            products = torch.stack(norms + dots, dim=1)
            s_ij = psi(products.to(h.dtype))  # (E, 2 K), psi(|x_i - x_j|^2), psi(<x_i, x_j>), equation (3.3)
            m_ij = self.phi_e(torch.cat([h_i, h_j, s_ij], dim=1), pairs.pair_mask)  # (E, M)
            m_ij = m_ij * self.phi_m(m_ij) * real  # equation (3.1)
            if self.phi_x is not None:
                step = x_ij * (self.phi_x(m_ij) * real)  # (E, 4)
                step = step.clamp(-CLAMP, CLAMP) if self.published else step
                x = x + self.c * pairs.sum_over_senders(step) / pairs.neighbours.clamp(min=1)  # equation (3.4)
            m_i = pairs.sum_over_senders(m_ij)  # (R, M)
            return h + self.phi_h(torch.cat([h, m_i, scalars], dim=1), pairs.weight), x
