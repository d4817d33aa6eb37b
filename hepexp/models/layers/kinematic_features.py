"""The kinematic inputs of ParticleNet and Particle Transformer, with the standardisation of their authors."""

from __future__ import annotations

import torch
from torch import Tensor

from hepexp.models.layers.jet_coordinates import TINY, jet_coordinates

# The order of the columns in the authors' configurations, with what the data add between the first five and the last.
KINEMATIC = ("log pT", "log E", "log pT / pT(jet)", "log E / E(jet)", "Delta R", "Delta eta", "Delta phi")
N_BEFORE = 5


def standardise(x: Tensor, shift: float, scale: float) -> Tensor:
    """(x - shift) scale, clipped to [-5, 5] so that one soft or hard particle cannot dominate."""
    return ((x - shift) * scale).clamp(-5, 5)


def kinematic_features(p4: Tensor, mask: Tensor) -> Tensor:
    """The seven features KINEMATIC, (B, N, 7); finite but meaningless for padding.

    Delta eta has the sign of the jet's pseudorapidity, so a jet and its mirror image at the other end of the detector
    look alike. Angles are not rescaled.

    Parameters
    ----------
    p4 : (B, N, 4) four-momenta (E, px, py, pz), GeV.
    mask : (B, N) True for real particles.

    References
    ----------
    arXiv:2202.03772, table 2, and the authors' configurations (jet-universe/particle_transformer, data/*/*_kin.yaml).
    """
    jet, deta = jet_coordinates(p4, mask), signed_deta(p4, mask)
    delta_r = (deta.square() + jet.dphi.square() + 1e-12).sqrt()  # its gradient is finite even on the axis
    columns = [
        standardise(jet.pt.log(), 1.7, 0.7),
        standardise(jet.e.log(), 2.0, 0.7),
        standardise(jet.pt_rel.log(), -4.7, 0.7),
        standardise(jet.e_rel.log(), -4.7, 0.7),
        standardise(delta_r, 0.2, 4.0),
        deta,
        jet.dphi,
    ]
    return torch.stack(columns, dim=-1)


def with_scalars(kinematic: Tensor, scalars: Tensor) -> Tensor:
    """Kinematic features (..., 7) and the data's scalars (..., S) in the order of the authors' configurations."""
    return torch.cat([kinematic[..., :N_BEFORE], scalars, kinematic[..., N_BEFORE:]], dim=-1)


def pseudorapidity(p4: Tensor) -> Tensor:
    """eta = asinh(pz / pT)."""
    _, px, py, pz = p4.unbind(-1)
    return torch.asinh(pz / (px.square() + py.square()).clamp(min=TINY).sqrt())


def signed_deta(p4: Tensor, mask: Tensor) -> Tensor:
    """(eta - eta(jet)) sgn eta(jet), (B, N)."""
    jet = torch.where(mask[..., None], p4, 0).sum(1, keepdim=True)
    axis = pseudorapidity(jet)
    return (pseudorapidity(torch.where(mask[..., None], p4, jet)) - axis) * torch.where(axis < 0, -1.0, 1.0)
