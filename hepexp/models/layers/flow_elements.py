"""What models of particle flow read of a track or tower, and what they say of its particle."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from hepexp.errors import ConfigError

# scalars of each element, in GeV and unscaled; E of a track is its momentum
FEATURES = (
    *("is_tower", "is_track", "pt", "eta", "sin_phi", "cos_phi", "energy", "em", "had"),
    *("eta_out", "sin_phi_out", "cos_phi_out", "charge"),
)
MOMENTUM = ("pt", "eta", "sin_phi", "cos_phi", "energy")  # those of them that a particle has, too
IN_GEV = [FEATURES.index(name) for name in ("pt", "energy", "em", "had")]
CLASSES = NONE, CHARGED_HADRON, NEUTRAL_HADRON, PHOTON, ELECTRON, MUON = range(6)
N_LOGITS, N_MOMENTUM = len(CLASSES), len(MOMENTUM)
N_OUTPUTS = N_LOGITS + 1 + N_MOMENTUM  # the charge is between them


def check_features(model: str, scalar_names: Sequence[str]) -> None:
    """Raise ConfigError for particles that are no tracks and towers."""
    if tuple(scalar_names) != FEATURES:
        raise ConfigError(f"model={model} needs tracks and towers as elements, as data=particle_flow has them")


def feature(scalars: Tensor, *names: str) -> tuple[Tensor, ...]:
    """The columns (B, N) of these names of scalars (B, N, 13)."""
    return tuple(scalars[..., FEATURES.index(name)] for name in names)


def compressed(scalars: Tensor) -> Tensor:
    """The scalars (B, N, 13) with energies E and momenta in GeV as ln(1 + E)."""
    features = scalars.clone()
    features[..., IN_GEV] = scalars[..., IN_GEV].log1p()
    return features


def divided(outputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Logits (..., 6), charge (...) and (pT, eta, sin phi, cos phi, E) (..., 5) of outputs (..., 12)."""
    return outputs[..., :N_LOGITS], outputs[..., N_LOGITS], outputs[..., N_LOGITS + 1 :]


def momentum_of(scalars: Tensor, correction: Tensor) -> Tensor:
    """(pT, eta, sin phi, cos phi, E) of particles, those of their elements where the corrections (..., 5) are zero."""
    wide = torch.promote_types(correction.dtype, torch.float32)
    return corrected(torch.stack(feature(scalars.to(wide), *MOMENTUM), -1), correction)


def corrected(momentum: Tensor, correction: Tensor) -> Tensor:
    """Momenta (..., 5) with corrections (a, b, c, d, e): pT e^a, eta + b, sin phi + c, cos phi + d and E e^(a + e).

    Exponents are limited to +-5 smoothly. The numbers are at least of float32, in which momenta are given, whatever the
    precision of the network.
    """
    wide = torch.promote_types(correction.dtype, torch.float32)
    pt, eta, sine, cosine, energy = momentum.to(wide).unbind(-1)
    a, b, c, d, e = correction.to(wide).unbind(-1)
    scale, scale_of_energy = (5 * torch.tanh(exponent / 5) for exponent in (a, a + e))
    return torch.stack([pt * scale.exp(), eta + b, sine + c, cosine + d, energy * scale_of_energy.exp()], -1)
