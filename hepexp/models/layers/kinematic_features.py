"""The kinematic inputs of ParticleNet and Particle Transformer, with the standardisation of their authors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from hepexp.batch import PARTICLE_TYPE, JetBatch
from hepexp.errors import ConfigError
from hepexp.models.layers.jet_coordinates import TINY, jet_coordinates

# In the order of the authors' configurations; what the data add comes between the first five and the last.
KINEMATIC = ("log_pt", "log_e", "log_pt_rel", "log_e_rel", "delta_r", "delta_eta", "delta_phi")
SCALES = {  # (shift, factor); angles are not rescaled
    "log_pt": (1.7, 0.7),
    "log_e": (2.0, 0.7),
    "log_pt_rel": (-4.7, 0.7),
    "log_e_rel": (-4.7, 0.7),
    "delta_r": (0.2, 4.0),
}
# what a network that reads `particle_features` calls them; the data's scalars come where the dots are
FEATURE_NAMES = (*KINEMATIC[: len(SCALES)], ..., *KINEMATIC[len(SCALES) :])
MOST_SHIFT, MOST_FACTOR = 100, 1000


def are_published(scalar_names: Sequence[str]) -> bool:
    """Whether scalars with these names are those of kinpid or full, the authors' feature sets."""
    return set(PARTICLE_TYPE) <= set(scalar_names)


def reads_scalars(asked: bool | None, own: bool, scalar_names: Sequence[str] = ()) -> bool:
    """Whether a model reads the scalars of a data set.

    Parameters
    ----------
    asked : `model.use_scalars`; None for yes if the user has named them, or if they are the authors' feature sets.
    own : whether the user has named them one by one.
    scalar_names : of the scalars; empty for a model that was published without the authors' sets.
    """
    return own or are_published(scalar_names) if asked is None else asked


def check_scales(scales: Mapping[Any, Sequence[float]]) -> dict[str, tuple[float, float]]:
    """Shift and factor by the names of SCALES.

    Raises
    ------
    ConfigError : a name is missing or unknown, a value is not two numbers, or they leave nothing of the input, which is
        of order one to ten (logarithms, and a distance) and clipped at 5.
    """
    if set(scales) != set(SCALES) or any(len(pair) != 2 for pair in scales.values()):
        given = ", ".join(f"{name}: {list(pair)}" for name, pair in scales.items())
        raise ConfigError(f"model.scales must have [shift, factor] of {', '.join(SCALES)}, got {{{given}}}")
    for name, (shift, factor) in scales.items():
        if not (abs(shift) <= MOST_SHIFT and 1 / MOST_FACTOR <= abs(factor) <= MOST_FACTOR):
            raise ConfigError(
                f"model.scales.{name} must be a shift from -{MOST_SHIFT} to {MOST_SHIFT} and a factor from "
                f"{1 / MOST_FACTOR:g} to {MOST_FACTOR}, got [{shift}, {factor}]: nothing would be left of this input"
            )
    return {name: (float(shift), float(factor)) for name, (shift, factor) in scales.items()}


def standardise(x: Tensor, shift: float, scale: float) -> Tensor:
    """(x - shift) scale, clipped to [-5, 5] so that one soft or hard particle cannot dominate."""
    return ((x - shift) * scale).clamp(-5, 5)


def kinematic_features(p4: Tensor, mask: Tensor, scales: Mapping[str, tuple[float, float]] = SCALES) -> Tensor:
    """The seven features KINEMATIC, (B, N, 7); finite but meaningless for padding.

    Delta eta has the sign of the jet's pseudorapidity, so a jet and its mirror image at the other end of the detector
    look alike.

    Parameters
    ----------
    p4 : (B, N, 4) four-momenta (E, px, py, pz), GeV.
    mask : (B, N) True for real particles.
    scales : shift and factor by the names of SCALES.

    References
    ----------
    arXiv:2202.03772, table 2, and the authors' configurations (jet-universe/particle_transformer, data/*/*_kin.yaml).
    """
    jet, deta = jet_coordinates(p4, mask), signed_deta(p4, mask)
    delta_r = (deta.square() + jet.dphi.square() + 1e-12).sqrt()  # its gradient is finite even on the axis
    values = {
        "log_pt": jet.pt.log(),
        "log_e": jet.e.log(),
        "log_pt_rel": jet.pt_rel.log(),
        "log_e_rel": jet.e_rel.log(),
        "delta_r": delta_r,
    }
    columns = [standardise(value, *scales[name]) for name, value in values.items()]
    return torch.stack([*columns, deta, jet.dphi], dim=-1)


def with_scalars(kinematic: Tensor, scalars: Tensor) -> Tensor:
    """Kinematic features (..., 7) and the data's scalars (..., S) in the order of the authors' configurations."""
    return torch.cat([kinematic[..., : len(SCALES)], scalars, kinematic[..., len(SCALES) :]], dim=-1)


def particle_features(batch: JetBatch, use_scalars: bool, scales: Mapping[str, tuple[float, float]] = SCALES) -> Tensor:
    """The inputs of a batch: kinematic features and, if asked for, the data's scalars; (B, N, F), zero for padding."""
    x = kinematic_features(batch.p4, batch.mask, scales)
    if use_scalars:
        x = with_scalars(x, batch.scalars.to(x.dtype))
    return torch.where(batch.mask[..., None], x, 0)


def pseudorapidity(p4: Tensor) -> Tensor:
    """eta = asinh(pz / pT)."""
    _, px, py, pz = p4.unbind(-1)
    return torch.asinh(pz / (px.square() + py.square()).clamp(min=TINY).sqrt())


def signed_deta(p4: Tensor, mask: Tensor) -> Tensor:
    """(eta - eta(jet)) sgn eta(jet), (B, N)."""
    jet = torch.where(mask[..., None], p4, 0).sum(1, keepdim=True)
    axis = pseudorapidity(jet)
    return (pseudorapidity(torch.where(mask[..., None], p4, jet)) - axis) * torch.where(axis < 0, -1.0, 1.0)
