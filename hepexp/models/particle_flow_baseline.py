"""The classical baseline of particle flow: E - p in each tower, without anything to train."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_positive
from hepexp.models.layers.flow_elements import (
    CHARGED_HADRON,
    ELECTRON,
    MUON,
    N_LOGITS,
    NEUTRAL_HADRON,
    NONE,
    PHOTON,
    check_features,
    feature,
)
from hepexp.models.layers.pair_memory import require_pair_memory

SURE = 10.0  # logit of the class that is chosen; those of the others are 0
ENDCAP = 1.65  # |eta| from which the cells of the HCAL are larger
Pair = tuple[float, float]


class ParticleFlowBaseline(nn.Module):
    """Each track is a particle, and each tower what it has significantly more than the tracks that point to it.

    A track points to the nearest tower of each calorimeter of which it enters the cell. It is an electron if the energy
    E in the ECAL fits its momentum p, |E - p| < `electron` sigma_ECAL(p), a muon if both calorimeters together have
    less than p - `muon` sigma_HCAL(p), and a charged hadron otherwise. What a tower has more than its tracks, those of
    electrons in the ECAL and of charged hadrons in the HCAL, is a photon or a neutral hadron with the energy of the
    difference if that is above `excess` sigma(E); a tower without such tracks always is one.

    sigma_ECAL(E) = f(eta) sqrt(0.008^2 E^2 + 0.11^2 E + 0.40^2), f = 1 + 0.64 eta^2 up to |eta| = 1.5 and 2.16 + 5.6
    (|eta| - 2)^2 beyond, and sigma_HCAL(E) = sqrt(0.05^2 E^2 + 1.5^2 E), in GeV, are those of the simulation.

    Parameters
    ----------
    electron, muon, excess : in standard deviations.
    least_electron : GeV, least momentum of an electron.
    ecal, hcal, hcal_endcap : half the width of a cell in eta and in azimuth; the last for |eta| > 1.65.
    scalar_names : of the scalars of an element, which must be those of tracks and towers.

    Shapes
    ------
    scalars (B, N, 13); mask (B, N) -> (B, N, 12): 6 logits, charge, pT [GeV], eta, sin phi, cos phi, E [GeV].

    Raises
    ------
    ConfigError : a number that is not positive, or other data.

    References
    ----------
    CMS, arXiv:1706.04965, section 4 (particle flow); J. Pata et al., arXiv:2101.08578, section 3 (the simulation).
    """

    input = "particles"
    lorentz_invariant = False

    def __init__(
        self,
        electron: float = 2.0,
        muon: float = 3.0,
        excess: float = 2.0,
        least_electron: float = 2.0,
        ecal: Pair = (0.0090, 0.0090),
        hcal: Pair = (0.0445, 0.0445),
        hcal_endcap: Pair = (0.09, 0.089),
        *,
        scalar_names: Sequence[str],
    ):
        super().__init__()
        check_features("particle_flow_baseline", scalar_names)
        require_positive(electron=electron, muon=muon, excess=excess, least_electron=least_electron)
        for name, pair in (("ecal", ecal), ("hcal", hcal), ("hcal_endcap", hcal_endcap)):
            if len(pair) != 2 or not all(0 < half < 1 for half in pair):
                raise ConfigError(f"model.{name} must be two numbers > 0 and < 1, got {list(pair)}")
        self.electron, self.muon, self.excess, self.least_electron = electron, muon, excess, least_electron
        self.ecal, self.hcal, self.hcal_endcap = ecal, hcal, hcal_endcap

    def forward(self, batch: JetBatch) -> Tensor:
        require_pair_memory(batch.mask, 12, torch.float64, padded=True)
        x = batch.scalars.double()
        is_tower, is_track, pt, eta, sine, cosine, energy, charge = feature(
            x, "is_tower", "is_track", "pt", "eta", "sin_phi", "cos_phi", "energy", "charge"
        )
        em, had = feature(x, "em", "had")
        track, in_ecal, in_hcal = is_track > 0, em > 0, had > 0
        endcap = eta.abs() > ENDCAP
        to_ecal = self._points_to(x, in_ecal, _half(self.ecal, self.ecal, endcap))
        to_hcal = self._points_to(x, in_hcal, _half(self.hcal, self.hcal_endcap, endcap))
        e_ecal, e_hcal = (points.to(x.dtype) @ e[..., None] for points, e in ((to_ecal, em), (to_hcal, had)))
        e_ecal, e_hcal = e_ecal.squeeze(-1), e_hcal.squeeze(-1)
        fits = (e_ecal - energy).abs() < self.electron * _ecal_width(energy, eta)
        electron = track & (e_ecal > 0) & fits & (energy > self.least_electron)
        muon = track & ~electron & (e_ecal + e_hcal < energy - self.muon * _hcal_width(energy))
        hadron = track & ~electron & ~muon
        of_electrons, of_hadrons = (energy * electron)[:, None], (energy * hadron)[:, None]
        tracked = (of_electrons @ to_ecal.to(x.dtype) + of_hadrons @ to_hcal.to(x.dtype)).squeeze(1)
        left = energy - tracked
        width = torch.where(in_ecal, _ecal_width(energy, eta), _hcal_width(energy))
        neutral = (is_tower > 0) & ((tracked == 0) | (left > self.excess * width))
        found = torch.full_like(track, NONE, dtype=torch.long)
        for kind, chosen in ((CHARGED_HADRON, hadron), (ELECTRON, electron), (MUON, muon)):
            found[chosen] = kind
        found[neutral & in_ecal], found[neutral & ~in_ecal] = PHOTON, NEUTRAL_HADRON
        energy = torch.where(neutral, left, energy)
        pt = torch.where(neutral, left / eta.cosh(), pt)
        logits = SURE * F.one_hot(found, N_LOGITS).to(x.dtype)
        return torch.cat([logits, torch.stack([charge, pt, eta, sine, cosine, energy], -1)], -1).float()

    @staticmethod
    def _points_to(x: Tensor, towers: Tensor, half: tuple[Tensor, Tensor]) -> Tensor:
        """Whether each element (rows) is a track that points to this tower (columns), (B, N, N)."""
        is_track, eta, sine, cosine = feature(x, "is_track", "eta", "sin_phi", "cos_phi")
        eta_out, sine_out, cosine_out = feature(x, "eta_out", "sin_phi_out", "cos_phi_out")
        across = sine_out[..., None] * cosine[:, None] - cosine_out[..., None] * sine[:, None]
        along = cosine_out[..., None] * cosine[:, None] + sine_out[..., None] * sine[:, None]
        deta = (eta_out[..., None] - eta[:, None]) / half[0][:, None]
        dphi = torch.atan2(across, along) / half[1][:, None]
        farther = torch.maximum(deta.abs(), dphi.abs())
        farther = farther.masked_fill(~(towers[:, None] & (is_track > 0)[..., None]), torch.inf)
        distance, nearest = farther.min(-1, keepdim=True)
        return torch.zeros_like(farther, dtype=torch.bool).scatter(-1, nearest, distance <= 1)


def _half(barrel: Pair, endcap: Pair, is_endcap: Tensor) -> tuple[Tensor, Tensor]:
    """Half widths (B, N) in eta and azimuth of the cells of towers."""
    eta, phi = (torch.where(is_endcap, outer, inner) for inner, outer in zip(barrel, endcap, strict=True))
    return eta.double(), phi.double()


def _ecal_width(energy: Tensor, eta: Tensor) -> Tensor:
    factor = torch.where(eta.abs() <= 1.5, 1 + 0.64 * eta**2, 2.16 + 5.6 * (eta.abs() - 2) ** 2)
    return factor * (0.008**2 * energy**2 + 0.11**2 * energy + 0.40**2).sqrt()


def _hcal_width(energy: Tensor) -> Tensor:
    return (0.05**2 * energy**2 + 1.5**2 * energy).sqrt()
