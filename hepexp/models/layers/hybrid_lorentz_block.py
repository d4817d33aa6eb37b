"""The Lorentz group equivariant block with circuits in place of some of its functions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hepexp.models.layers.lorentz_circuits import LorentzCircuits
from hepexp.models.layers.lorentz_edges_geometry import invariants, push
from hepexp.models.layers.lorentz_edges_layout import Layout
from hepexp.models.layers.precision import full_precision


class HybridLorentzBlock(nn.Module):
    """`LorentzBlock` written out pair by pair, with messages of width M = 2 n_hidden + 2, that of a circuit phi_e.

    The functions see only invariants, so the block is as equivariant as the classical one. Everything is computed in
    the precision of the parameters, except x in float64.

    Parameters
    ----------
    n_hidden : width H of h.
    n_scalars : input scalars per particle S, which phi_h sees again in every block.
    c : step of the coordinate update.
    last : whether it is the last block, which leaves x unchanged and has no phi_x.
    circuits : makes the functions.

    Shapes
    ------
    h (R, H), x (R, 4) GeV, scalars (R, S), metric (4, 4) in the dtype of x -> h (R, H), x (R, 4); R, see `Layout`.

    References
    ----------
    arXiv:2411.15315; the classical block: arXiv:2201.08187, section 3.2.
    """

    def __init__(self, n_hidden: int, n_scalars: int, c: float, last: bool, circuits: LorentzCircuits):
        super().__init__()
        self.c = c
        width, make = 2 * n_hidden + 2, circuits.makers
        self.phi_e = make["phi_e"](width, width)
        self.phi_h = make["phi_h"](n_hidden + width + n_scalars, width, n_hidden)
        self.phi_m = make["phi_m"](width)
        self.phi_x = None if last else make["phi_x"](width)

    def forward(self, h: Tensor, x: Tensor, scalars: Tensor, layout: Layout, metric: Tensor) -> tuple[Tensor, Tensor]:
        pair = layout.pair[:, None]
        with full_precision(h):
            s = invariants(x, metric, h.dtype, False, layout).s  # psi(|x_i - x_j|^2), psi(<x_i, x_j>)
            m = self.phi_e(torch.cat([layout.at_pairs(h), s.T], dim=1), layout.pair)
            m = m * self.phi_m(m) * pair  # equation (3.1)
            if self.phi_x is not None:
                steps = push(x, (self.phi_x(m) * pair)[:, 0], layout)
                x = x + self.c * steps / layout.neighbours.clamp(min=1)  # equation (3.4)
            seen = torch.cat([h, layout.sum_over_senders(m), scalars], dim=1)
            return h + self.phi_h(seen, layout.mask), x
