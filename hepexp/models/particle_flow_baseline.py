"""The classical baseline of particle flow: E - p in each tower, without anything to train."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

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
ROUNDING = 2.0**-11  # of the directions of a track and a tower together, as the simulation stores them
HCAL_RINGS = (1.653, 1.74, 1.83, 1.93, 2.043, 2.172, 2.322, 2.5, 2.65, 2.868, 2.95, 3.125)
# a and b per GeV of sigma(pT) / pT = hypot(a, b pT) of electrons, up to |eta| = 0.5, 1.5 and beyond
ELECTRON_REGIONS, ELECTRON_TRACK = (0.5, 1.5), ((0.03, 1.3e-3), (0.05, 1.7e-3), (0.15, 3.1e-3))
Pair = tuple[float, float]


class ParticleFlowBaseline(nn.Module):
    """Each track is a particle, and each tower what it has significantly more than the tracks that point to it.

    A track points to the nearest tower of each calorimeter of which it enters the cell. It is an electron if the energy
    E in the ECAL fits its momentum p, |E - p| < `electron` sqrt(sigma_ECAL(p)^2 + sigma_track(p)^2), a muon if both
    calorimeters together have less than p - `muon` sigma_HCAL(p), and a charged hadron otherwise. What a tower has more
    than its tracks, those of electrons in the ECAL and of charged hadrons in the HCAL, is a photon or a neutral hadron
    with the energy of the difference if that is above `excess` sigma(E), in the ECAL with sigma_track of its electrons
    added in quadrature; a tower without such tracks always is one.

    All widths are those of the simulation, in GeV: sigma_HCAL(E) = sqrt(0.05^2 E^2 + 1.5^2 E); sigma_ECAL(E) = f(eta)
    sqrt(0.008^2 E^2 + 0.11^2 E + 0.40^2), f = 1 + 0.64 eta^2 up to |eta| = 1.5 and 2.16 + 5.6 (|eta| - 2)^2 up to 2.5,
    and sqrt(0.107^2 E^2 + 2.08^2 E) beyond; of electrons' tracks, sigma_track(p) = p sqrt(a^2 + b^2 pT^2), a = 0.03,
    0.05, 0.15 and b = 1.3, 1.7, 3.1 x 10^-3 / GeV up to |eta| = 0.5, 1.5 and beyond. For tracks eta is where they leave
    the tracker.

    There are no muon chambers in these data. A muon is a track without energy in the calorimeters, which a hadron can
    also be by a fluctuation: below p = 21 GeV, where p - 3 sigma_HCAL(p) < 0, no track is taken for one.

    Parameters
    ----------
    electron, muon, excess : in standard deviations.
    least_electron : GeV, least momentum of an electron.
    ecal, hcal : half the width of a cell in eta and in azimuth, in the HCAL within its first ring; 2^-11 is added, to
        which the simulation rounds directions.
    hcal_rings : edges in |eta| of the rings of the HCAL's endcaps.
    hcal_ring_phi : half the width in azimuth of a cell of these rings.
    scalar_names : of the scalars of an element, which must be those of tracks and towers.

    Shapes
    ------
    scalars (B, N, 13); mask (B, N) -> (B, N, 12): 6 logits, charge, pT [GeV], eta, sin phi, cos phi, E [GeV].

    Raises
    ------
    ConfigError : a number that is not positive, edges that do not rise, or other data.

    References
    ----------
    CMS, arXiv:1706.04965, section 4 (particle flow); J. Pata et al., arXiv:2101.08578, section 3 (the simulation);
    Delphes, arXiv:1307.6346, and its CMS card (resolutions and cells).
    """

    input = "particles"
    lorentz_invariant = False

    def __init__(
        self,
        electron: float = 2.0,
        muon: float = 3.0,
        excess: float = 2.0,
        least_electron: float = 2.0,
        ecal: Pair = (0.0087, 0.0087266),
        hcal: Pair = (0.0435, 0.0436332),
        hcal_rings: Sequence[float] = HCAL_RINGS,
        hcal_ring_phi: float = 0.0872665,
        *,
        scalar_names: Sequence[str],
    ):
        super().__init__()
        check_features("particle_flow_baseline", scalar_names)
        require_positive(electron=electron, muon=muon, excess=excess, least_electron=least_electron)
        for name, pair in (("ecal", ecal), ("hcal", hcal)):
            if len(pair) != 2 or not all(0 < half < 1 for half in pair):
                raise ConfigError(f"model.{name} must be two numbers > 0 and < 1, got {list(pair)}")
        if not 0 < hcal_ring_phi < 1:
            raise ConfigError(f"model.hcal_ring_phi must be > 0 and < 1, got {hcal_ring_phi}")
        rising = all(0 < low < high < float("inf") for low, high in pairwise(hcal_rings))
        if len(hcal_rings) < 2 or not rising:
            raise ConfigError(f"model.hcal_rings must be two or more numbers > 0 that rise, got {list(hcal_rings)}")
        self.electron, self.muon, self.excess, self.least_electron = electron, muon, excess, least_electron
        self.ecal, self.hcal, self.rings, self.ring_phi = ecal, hcal, tuple(hcal_rings), hcal_ring_phi

    def forward(self, batch: JetBatch) -> Tensor:
        require_pair_memory(batch.mask, 12, torch.float64, padded=True, remedy="choose a smaller dataset.batch_size")
        x = batch.scalars if batch.scalars.device.type == "mps" else batch.scalars.double()  # MPS has no float64
        is_tower, is_track, pt, eta, sine, cosine, energy, charge = feature(
            x, "is_tower", "is_track", "pt", "eta", "sin_phi", "cos_phi", "energy", "charge"
        )
        em, had, eta_out = feature(x, "em", "had", "eta_out")
        track, in_ecal, in_hcal = is_track > 0, em > 0, had > 0
        to_ecal = self._points_to(x, in_ecal, *(torch.full_like(eta, half) for half in self.ecal))
        to_hcal = self._points_to(x, in_hcal, *self._half_of_hcal(eta))
        e_ecal, e_hcal = (points.to(x.dtype) @ e[..., None] for points, e in ((to_ecal, em), (to_hcal, had)))
        e_ecal, e_hcal = e_ecal.squeeze(-1), e_hcal.squeeze(-1)
        of_track = energy * _electron_width(pt, eta_out)
        fits = (e_ecal - energy).abs() < self.electron * torch.hypot(_ecal_width(energy, eta_out), of_track)
        electron = track & (e_ecal > 0) & fits & (energy > self.least_electron)
        muon = track & ~electron & (e_ecal + e_hcal < energy - self.muon * _hcal_width(energy))
        hadron = track & ~electron & ~muon
        of_electrons, of_hadrons = (energy * electron)[:, None], (energy * hadron)[:, None]
        tracked = (of_electrons @ to_ecal.to(x.dtype) + of_hadrons @ to_hcal.to(x.dtype)).squeeze(1)
        left = energy - tracked
        variance = ((of_track.square() * electron)[:, None] @ to_ecal.to(x.dtype)).squeeze(1)
        in_tower = torch.where(in_ecal, _ecal_width(energy, eta), _hcal_width(energy))
        width = (in_tower.square() + variance).sqrt()
        neutral = (is_tower > 0) & ((tracked == 0) | (left > self.excess * width))
        found = torch.full_like(track, NONE, dtype=torch.long)
        for kind, chosen in ((CHARGED_HADRON, hadron), (ELECTRON, electron), (MUON, muon)):
            found[chosen] = kind
        found[neutral & in_ecal], found[neutral & ~in_ecal] = PHOTON, NEUTRAL_HADRON
        energy = torch.where(neutral, left, energy)
        pt = torch.where(neutral, left / eta.cosh(), pt)
        logits = SURE * F.one_hot(found, N_LOGITS).to(x.dtype)
        return torch.cat([logits, torch.stack([charge, pt, eta, sine, cosine, energy], -1)], -1).float()

    def _half_of_hcal(self, eta: Tensor) -> tuple[Tensor, Tensor]:
        """Half widths (B, N) in eta and azimuth of the cells of the HCAL at these eta."""
        edges = eta.new_tensor(self.rings)
        ring = torch.bucketize(eta.abs(), edges, right=True) - 1
        half = edges.diff()[ring.clamp(0, len(edges) - 2)] / 2
        return torch.where(ring < 0, self.hcal[0], half), torch.where(ring < 0, self.hcal[1], self.ring_phi)

    @staticmethod
    def _points_to(x: Tensor, towers: Tensor, half_eta: Tensor, half_phi: Tensor) -> Tensor:
        """Whether each element (rows) is a track that points to this tower (columns), (B, N, N)."""
        is_track, eta, sine, cosine = feature(x, "is_track", "eta", "sin_phi", "cos_phi")
        eta_out, sine_out, cosine_out = feature(x, "eta_out", "sin_phi_out", "cos_phi_out")
        across = sine_out[..., None] * cosine[:, None] - cosine_out[..., None] * sine[:, None]
        along = cosine_out[..., None] * cosine[:, None] + sine_out[..., None] * sine[:, None]
        deta = (eta_out[..., None] - eta[:, None]) / (half_eta + ROUNDING)[:, None]
        dphi = torch.atan2(across, along) / (half_phi + ROUNDING)[:, None]
        farther = torch.maximum(deta.abs(), dphi.abs())
        farther = farther.masked_fill(~(towers[:, None] & (is_track > 0)[..., None]), torch.inf)
        distance, nearest = farther.min(-1, keepdim=True)
        return torch.zeros_like(farther, dtype=torch.bool).scatter(-1, nearest, distance <= 1)


def _ecal_width(energy: Tensor, eta: Tensor) -> Tensor:
    eta = eta.abs()
    factor = torch.where(eta <= 1.5, 1 + 0.64 * eta**2, 2.16 + 5.6 * (eta - 2) ** 2)
    core = (0.008**2 * energy**2 + 0.11**2 * energy + 0.40**2).sqrt()
    return torch.where(eta <= 2.5, factor * core, (0.107**2 * energy**2 + 2.08**2 * energy).sqrt())


def _electron_width(pt: Tensor, eta: Tensor) -> Tensor:
    """Relative, of the momentum of an electron's track that leaves the tracker at eta."""
    region = torch.bucketize(eta.abs(), eta.new_tensor(ELECTRON_REGIONS))
    a, b = eta.new_tensor(ELECTRON_TRACK)[region].unbind(-1)
    return torch.hypot(a, b * pt)


def _hcal_width(energy: Tensor) -> Tensor:
    return (0.05**2 * energy**2 + 1.5**2 * energy).sqrt()
