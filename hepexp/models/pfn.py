"""Particle Flow Network: a sum of per-particle features, then a classifier (deep sets)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.models.checks import require_widths
from hepexp.models.layers.dense import dense, hidden_layers
from hepexp.models.layers.jet_coordinates import jet_coordinates
from hepexp.models.layers.kinematic_features import reads_scalars
from hepexp.models.weights import load_weights


class PFN(nn.Module):
    """F(sum_i Phi(p_i)), the general form of a function of a set of particles.

    Phi and F are dense networks with ReLU. A particle is (z, y, phi): its fraction of the jet's scalar pT sum and its
    position relative to the jet axis; with scalars that hold the particle type this is the paper's PFN-ID.

    Parameters
    ----------
    phi_sizes : widths of Phi's layers; the last is the dimension of the latent space, in which particles are summed.
    f_sizes : widths of F's layers before the output.
    use_scalars : whether to use the data set's scalars as well, such as the particle type; null for yes if they are
        named in `data=files`.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    n_scalars : scalars per particle in the data set.
    n_classes : number of outputs: classes of the data set, or what a loss of regression needs.
    own_scalars : whether the user of the data set has named its scalars one by one.

    Shapes
    ------
    p4 (B, N, 4) in GeV as (E, px, py, pz); scalars (B, N, n_scalars); mask (B, N), True for real particles
    -> logits (B, n_classes).

    Raises
    ------
    ConfigError : no layers, or a width below 1.

    References
    ----------
    Komiske, Metodiev and Thaler, arXiv:1810.05165, equation 1.2 and section 3.2.
    """

    input = "particles"
    feature_names = ("z", "delta y", "delta phi")
    lorentz_invariant = False
    invariant_about_beam = True
    invariant_along_beam = True

    def __init__(
        self,
        phi_sizes: Sequence[int] = (100, 100, 256),
        f_sizes: Sequence[int] = (100, 100, 100),
        use_scalars: bool | None = None,
        weights: str | None = None,
        *,
        n_scalars: int,
        n_classes: int,
        own_scalars: bool = False,
    ):
        super().__init__()
        require_widths(phi_sizes=phi_sizes, f_sizes=f_sizes)
        self.use_scalars = reads_scalars(use_scalars, own_scalars)
        self.phi = hidden_layers(3 + (n_scalars if self.use_scalars else 0), phi_sizes, nn.ReLU)
        self.f = dense(phi_sizes[-1], f_sizes, n_classes, nn.ReLU)
        load_weights(self, weights)

    def forward(self, batch: JetBatch) -> Tensor:
        mask = batch.mask[..., None]
        jet = jet_coordinates(batch.p4, batch.mask)
        pt = torch.where(batch.mask, jet.pt, 0)
        z = pt / pt.sum(1, keepdim=True)
        x = torch.stack([z, jet.dy, jet.dphi], dim=-1).to(next(self.phi.parameters()).dtype)  # (B, N, 3)
        if self.use_scalars:
            x = torch.cat([x, batch.scalars.to(x.dtype)], dim=-1)
        return self.f((self.phi(x) * mask).sum(1))
