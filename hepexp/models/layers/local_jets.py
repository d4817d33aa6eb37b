"""Jets whose particles are each seen in a local frame of their own, where what a network reads is invariant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hepexp.models.layers.jet_coordinates import JetCoordinates, rapidity
from hepexp.models.particle_net import published_features

if TYPE_CHECKING:
    from lloca.framesnet.frames import Frames

SOFTEST = 1e-6  # GeV: below it, a momentum has no direction
N_FEATURES = 7  # of published_features


@dataclass(frozen=True)
class LocalJets:
    """Jets in local frames.

    Parameters
    ----------
    p4 : (B, N, 4) four-momentum of each particle in its frame, GeV, zero for padding.
    jet : (B, N, 4) that of the jet in the frame of each particle.
    p_ref : (B, 4) that of the jet in the frame in which the local frames are given.
    frames : the transformations (B, N, 4, 4) to the local frames.
    scalars : (B, N, S) in the type of the weights, zero for padding.
    mask : (B, N) True for real particles.
    """

    p4: Tensor
    jet: Tensor
    p_ref: Tensor
    frames: Frames
    scalars: Tensor
    mask: Tensor

    @classmethod
    def of(cls, p4: Tensor, jet: Tensor, frames: Frames, scalars: Tensor, mask: Tensor) -> LocalJets:
        """From the momenta of particles (B, N, 4), zero for padding, and of the jet (B, 4) in one frame."""
        both = torch.stack([p4, jet[:, None].expand_as(p4)], dim=-1)  # (B, N, 4, 2)
        local, local_jet = (frames.matrices @ both).unbind(-1)
        return cls(local, local_jet, jet, frames, scalars, mask)

    def without_first(self, n: int) -> LocalJets:
        """Without the first n particles of each jet, and the last n scalars of each particle."""
        parts = {name: getattr(self.frames, name)[:, n:] for name in ("matrices", "inv", "det", "parity")}
        scalars = self.scalars[:, n:, : self.scalars.shape[-1] - n]
        return LocalJets(
            self.p4[:, n:], self.jet[:, n:], self.p_ref, type(self.frames)(**parts), scalars, self.mask[:, n:]
        )

    def coordinates(self) -> JetCoordinates:
        """Each particle relative to the jet in its frame, where they may be at rest or back to back."""
        (e, px, py, _), (jet_e, jet_px, jet_py, _) = self.p4.unbind(-1), self.jet.unbind(-1)
        pt, jet_pt = ((x.square() + y.square() + SOFTEST**2).sqrt() for x, y in ((px, py), (jet_px, jet_py)))
        e, jet_e = (x.clamp(min=SOFTEST) for x in (e, jet_e))
        cross, dot = jet_px * py - jet_py * px, jet_px * px + jet_py * py
        # back to back is at pi, whichever way the last digit is rounded
        cross = torch.where(cross.abs() < 1e-10 * pt * jet_pt, 0, cross)
        dphi = torch.atan2(cross, dot + SOFTEST**2)
        return JetCoordinates(pt, e, pt / jet_pt, e / jet_e, rapidity(self.p4) - rapidity(self.jet), dphi)

    def features(self) -> Tensor:
        """The kinematic features of ParticleNet and the scalars, (B, N, N_FEATURES + S), zero for padding."""
        kinematic = published_features(self.coordinates()).to(self.scalars.dtype)
        return torch.where(self.mask[..., None], torch.cat([kinematic, self.scalars], dim=-1), 0)
