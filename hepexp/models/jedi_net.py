"""JEDI-net: an interaction network over all pairs of particles of a jet, with a sum over particles."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_positive
from hepexp.models.layers.dense import dense, hidden_layers
from hepexp.models.layers.jet_coordinates import TINY, jet_coordinates
from hepexp.models.layers.kinematic_features import pseudorapidity
from hepexp.models.layers.pair_memory import require_pair_memory
from hepexp.models.layers.particle_pairs import ParticlePairs
from hepexp.models.weights import load_weights

ACTIVATIONS = {"relu": nn.ReLU, "elu": nn.ELU, "selu": nn.SELU}
N_INPUTS = 16
GEV = 100.0  # energies and momenta are divided by it, so that all inputs are of order one
PAIRS_AT_A_TIME = 2**14


class JEDINet(nn.Module):
    """phi_C(sum_i phi_O(x_i, sum_j f_R(x_i, x_j))): effects of pairs, features of particles, classes of jets.

    f_R, phi_O and phi_C have three layers, the second half as wide as the first. The first layer of f_R is evaluated
    for each particle, not for each pair: W [x_i, x_j] = W_1 x_i + W_2 x_j.

    Parameters
    ----------
    n_hidden : width of the first layers.
    n_effects : D_E, numbers that describe the effect of one particle on another.
    n_features : D_O, learned features of a particle.
    activation : relu, elu or selu, after all layers but the last of phi_C.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    n_classes : number of outputs: classes of the data set, or what a loss of regression needs.

    Shapes
    ------
    p4 (B, N, 4) in GeV as (E, px, py, pz); mask (B, N), True for real particles, which come first
    -> logits (B, n_classes).

    Raises
    ------
    ConfigError : a size below 1 (n_hidden: 2), or an unknown activation.

    References
    ----------
    Moreno et al., arXiv:1908.05318, section 4, with the sum over O. The widths are those of the authors' large network
    for top tagging (jmduarte/JEDInet-code, python/JetImageClassifier_INTop_Test.py).
    """

    input = "particles"
    head = "phi_c"
    lorentz_invariant = False

    def __init__(
        self,
        n_hidden: int = 128,
        n_effects: int = 64,
        n_features: int = 64,
        activation: Literal["relu", "elu", "selu"] = "relu",
        weights: str | None = None,
        *,
        n_classes: int,
    ):
        super().__init__()
        require_positive(n_effects=n_effects, n_features=n_features)
        if n_hidden < 2:
            raise ConfigError(f"model.n_hidden must be > 1, got {n_hidden}")
        if activation not in ACTIVATIONS:
            raise ConfigError(f"model.activation must be one of {', '.join(ACTIVATIONS)}, got {activation}")
        act = ACTIVATIONS[activation]
        widths = [n_hidden, n_hidden // 2]
        self.f_r = hidden_layers(2 * N_INPUTS, [*widths, n_effects], act)
        self.phi_o = hidden_layers(N_INPUTS + n_effects, [*widths, n_features], act)
        self.phi_c = dense(n_features, widths, n_classes, act)
        self.kept = n_hidden + n_hidden // 2 + n_effects  # for each pair until the backward pass
        load_weights(self, weights)

    def forward(self, batch: JetBatch) -> Tensor:
        dtype = next(self.phi_c.parameters()).dtype
        if torch.is_grad_enabled():
            require_pair_memory(batch.mask, self.kept, dtype, padded=False)
        pairs = ParticlePairs.of(batch.mask, dtype, at_a_time=PAIRS_AT_A_TIME)
        x = pairs.gather(jedi_features(batch.p4, batch.mask)).to(dtype)  # (R, 16)
        o = self.phi_o(torch.cat([x, self.effects(x, pairs)], dim=1))  # (R, D_O)
        return self.phi_c(pairs.sum_over_particles(o * pairs.weight[:, None]))

    def effects(self, x: Tensor, pairs: ParticlePairs) -> Tensor:
        """sum_j f_R(x_i, x_j) over the other particles j of the jet, (R, D_E)."""
        layers: list[Any] = list(self.f_r)
        first, act, *others = layers
        receiver, sender = x @ first.weight[:, :N_INPUTS].T + first.bias, x @ first.weight[:, N_INPUTS:].T
        found = []
        for piece in pairs.pieces:
            e = act(piece.nodes(receiver)[:, :, None] + piece.nodes(sender)[:, None])  # (jets, n, n, n_hidden)
            for layer in others:
                e = layer(e)
            found.append((e * piece.square(pairs.pair_mask)[..., None]).sum(2).flatten(0, 1))
        return torch.cat(found)


def jedi_features(p4: Tensor, mask: Tensor) -> Tensor:
    """The sixteen inputs of the paper's section 3, (B, N, 16), zero for padding.

    Momenta and energies are in units of 100 GeV. Rotated coordinates have the jet's principal axis, weighted with pT,
    along the first.
    """
    jet = jet_coordinates(p4, mask)
    e, px, py, pz = torch.where(mask[..., None], p4, torch.ones_like(p4)).unbind(-1)  # gradients are finite at 1
    total = torch.where(mask[..., None], p4, 0).sum(1, keepdim=True)
    direction, axis = (
        p[..., 1:] / p[..., 1:].norm(dim=-1, keepdim=True).clamp(min=TINY)
        for p in (torch.stack([e, px, py, pz], -1), total)
    )
    eta, phi = pseudorapidity(torch.stack([e, px, py, pz], -1)), torch.atan2(py, px)
    deta = eta - pseudorapidity(total)
    angle = principal_angle(deta.detach(), jet.dphi.detach(), torch.where(mask, jet.pt, 0).detach())
    cos, sin = angle.cos(), angle.sin()
    columns = [
        *(px / GEV, py / GEV, pz / GEV, e / GEV, jet.e_rel, jet.pt / GEV, jet.pt_rel),
        *(eta, deta, deta * cos + jet.dphi * sin),
        *(phi, jet.dphi, jet.dphi * cos - deta * sin),
        (deta.square() + jet.dphi.square() + 1e-12).sqrt(),  # its gradient is finite even on the axis
        *(direction[..., 2], (direction * axis).sum(-1)),
    ]
    return torch.where(mask[..., None], torch.stack(columns, dim=-1), 0)


def principal_angle(x: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    """Angle of the principal axis through the origin to the x axis, (B, 1), in (-pi/2, pi/2]."""
    xx, yy, xy = ((weight * product).sum(1, keepdim=True) for product in (x * x, y * y, x * y))
    return torch.atan2(2 * xy, xx - yy) / 2
