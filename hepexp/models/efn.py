"""Energy Flow Network: a sum of learned features of directions, weighted with momentum fractions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.models.checks import require_widths
from hepexp.models.layers.dense import dense, hidden_layers
from hepexp.models.layers.jet_coordinates import jet_coordinates
from hepexp.models.weights import load_weights


class EFN(nn.Module):
    """F(sum_i z_i Phi(y_i, phi_i)), the general form of an infrared and collinear safe function of a jet.

    Phi sees only the direction of a particle relative to the jet axis, and z is its fraction of the jet's scalar pT
    sum, so neither a soft particle nor a collinear splitting changes the output. Phi and F are dense networks with
    ReLU.

    Parameters
    ----------
    phi_sizes : widths of Phi's layers; the last is the dimension of the latent space, in which particles are summed.
    f_sizes : widths of F's layers before the output.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    n_classes : number of outputs: classes of the data set, or what a loss of regression needs.

    Shapes
    ------
    p4 (B, N, 4) in GeV as (E, px, py, pz); mask (B, N), True for real particles -> logits (B, n_classes).

    Raises
    ------
    ConfigError : no layers, or a width below 1.

    References
    ----------
    Komiske, Metodiev and Thaler, arXiv:1810.05165, equation 1.3 and section 3.2.
    """

    input = "particles"
    head = "f"
    lorentz_invariant = False
    invariant_about_beam = True
    invariant_along_beam = True
    irc_safe = True

    def __init__(
        self,
        phi_sizes: Sequence[int] = (100, 100, 256),
        f_sizes: Sequence[int] = (100, 100, 100),
        weights: str | None = None,
        *,
        n_classes: int,
    ):
        super().__init__()
        require_widths(phi_sizes=phi_sizes, f_sizes=f_sizes)
        self.phi = hidden_layers(2, phi_sizes, nn.ReLU)
        self.f = dense(phi_sizes[-1], f_sizes, n_classes, nn.ReLU)
        load_weights(self, weights)

    def forward(self, batch: JetBatch) -> Tensor:
        jet, dtype = jet_coordinates(batch.p4, batch.mask), next(self.phi.parameters()).dtype
        pt = torch.where(batch.mask, jet.pt, 0)
        z = (pt / pt.sum(1, keepdim=True)).to(dtype)
        directions = torch.stack([jet.dy, jet.dphi], dim=-1).to(dtype)  # (B, N, 2)
        return self.f((z[..., None] * self.phi(directions)).sum(1))
