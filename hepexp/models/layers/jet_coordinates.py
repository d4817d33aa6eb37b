"""Coordinates of a jet's particles relative to the jet, the inputs of taggers that are not Lorentz-invariant."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

TINY = 1e-20  # GeV^2: keeps the rapidity of a rounded massless particle along the beam finite
LEAST_SHARE = 1e-3  # of the sum of pT; what is at rest, as a whole event is, has hardly any pT to divide by
TYPICAL_MULTIPLICITY = 40  # particles of a jet, for the first weights of what follows a sum over them


@dataclass(frozen=True)
class JetCoordinates:
    """Particles relative to the jet axis; each (B, N) in the dtype of the momenta.

    Padding is a particle with the jet's own momentum, so that logarithms and gradients are finite there.

    Parameters
    ----------
    pt : transverse momentum, GeV.
    e : energy, GeV.
    pt_rel : pT divided by the jet's pT, or by 1e-3 of the sum of the particles' pT if that is more.
    e_rel : energy divided by the jet's energy.
    dy : rapidity minus the jet's.
    dphi : azimuth minus the jet's, radians in (-pi, pi].
    """

    pt: Tensor
    e: Tensor
    pt_rel: Tensor
    e_rel: Tensor
    dy: Tensor
    dphi: Tensor


def rapidity(p4: Tensor) -> Tensor:
    """y = asinh(pz / mT) with mT^2 = (E - pz)(E + pz), which stays accurate for a particle close to the beam."""
    e, _, _, pz = p4.unbind(-1)
    return torch.asinh(pz / ((e - pz) * (e + pz)).clamp(min=TINY).sqrt())


def jet_coordinates(p4: Tensor, mask: Tensor) -> JetCoordinates:
    """Coordinates of particles relative to the jet, whose momentum is the sum of the particles'.

    Rapidity is used, not pseudorapidity: its differences are invariant under boosts along the beam, and it is what the
    quark/gluon files contain. The two agree for massless particles.

    Parameters
    ----------
    p4 : (B, N, 4) four-momenta (E, px, py, pz), GeV.
    mask : (B, N) True for real particles.
    """
    jet = torch.where(mask[..., None], p4, 0).sum(1, keepdim=True)
    p4 = torch.where(mask[..., None], p4, jet)
    e, px, py, _ = p4.unbind(-1)
    jet_e, jet_px, jet_py, _ = jet.unbind(-1)
    pt, jet_pt = torch.hypot(px, py), torch.hypot(jet_px, jet_py)
    # The angle between the transverse momenta, from their cross and dot products: no wrapping at +-pi.
    dphi = torch.atan2(jet_px * py - jet_py * px, jet_px * px + jet_py * py)
    scale = jet_pt.maximum(LEAST_SHARE * torch.where(mask, pt, 0).sum(1, keepdim=True))
    return JetCoordinates(pt, e, pt / scale, e / jet_e, rapidity(p4) - rapidity(jet), dphi)
