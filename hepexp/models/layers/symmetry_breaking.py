"""What tells a Lorentz-invariant network of the detector: the beams, or quantities that depend on the frame."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from hepexp.batch import JetBatch
from hepexp.errors import ConfigError
from hepexp.models.layers.kinematic_features import KINEMATIC, kinematic_features

WAYS = ("none", "beam", "scalars", "both")
# GeV; of mass 1, so their sum is the direction of time
BEAMS = torch.tensor([[2**0.5, 0.0, 0.0, 1.0], [2**0.5, 0.0, 0.0, -1.0]], dtype=torch.float64)


class SymmetryBreaking:
    """How the inputs of a Lorentz-invariant network break the symmetry, as the detector and the selection of jets do.

    Beams are two particles before those of each jet. With them the network is invariant only under what leaves the
    beams as they are: rotations about their axis and, if both are exchanged, its reflection. Two more scalars tell
    the particles of the jet from the beams. Kinematic scalars, log pT and others, change under boosts.

    Parameters
    ----------
    how : none, beam, scalars or both.
    n_scalars : scalars per particle in the data set; 0 for a network that reads none of them.
    has_beams : whether the data set has put beams before the particles (`dataset.beams=true`).

    Attributes
    ----------
    n_scalars : scalars per particle after it.
    n_beams : particles that it adds.

    Raises
    ------
    ConfigError : `how` is none of these, or beams would be added twice.

    References
    ----------
    Beams: arXiv:2201.08187, section 4, and arXiv:2211.00454, section 3.
    """

    def __init__(self, how: str, n_scalars: int, has_beams: bool):
        if how not in WAYS:
            raise ConfigError(f"model.symmetry_breaking must be none, beam, scalars or both, got {how}")
        self.beams, self.kinematics = how in ("beam", "both"), how in ("scalars", "both")
        if self.beams and has_beams:
            raise ConfigError(
                f"model.symmetry_breaking={how} adds beams, and dataset.beams=true has already: choose one of them"
            )
        self.reads_scalars = n_scalars > 0
        self.n_beams = len(BEAMS) if self.beams else 0
        self.n_scalars = n_scalars + (len(KINEMATIC) if self.kinematics else 0) + self.n_beams

    def __call__(self, batch: JetBatch) -> JetBatch:
        """The batch as the network sees it: without scalars that it does not read, with others, and with beams."""
        if not self.reads_scalars:
            batch = replace(batch, scalars=batch.scalars[..., :0])
        scalars = [batch.scalars]
        if self.kinematics:
            found = torch.where(batch.mask[..., None], kinematic_features(batch.p4, batch.mask), 0)
            scalars.append(found.to(batch.scalars.dtype))
        if not self.beams:
            return replace(batch, scalars=torch.cat(scalars, dim=-1)) if self.kinematics else batch
        real = batch.mask.to(batch.scalars.dtype)[..., None]
        more = torch.cat([*scalars, real, torch.zeros_like(real)], dim=-1)
        of_beam = torch.cat([more.new_zeros(more.shape[-1] - 1), more.new_ones(1)])
        beams = BEAMS.to(batch.p4.device, batch.p4.dtype, non_blocking=True)
        return replace(
            batch,
            p4=_before(beams, batch.p4),
            scalars=_before(of_beam.expand(self.n_beams, -1), more),
            mask=_before(batch.mask.new_ones(self.n_beams), batch.mask),
        )


def _before(first: Tensor, x: Tensor) -> Tensor:
    """The same entries (K, ...) before those of x (B, N, ...)."""
    return torch.cat([first.expand(x.shape[0], *first.shape), x], dim=1)
