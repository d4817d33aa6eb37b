"""Lorentz Group Network: Clebsch-Gordan products of representations of the Lorentz group."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_positive, require_widths
from hepexp.models.layers.jet_coordinates import TYPICAL_MULTIPLICITY
from hepexp.models.layers.kinematic_features import reads_scalars
from hepexp.models.layers.lorentz_group_level import LorentzGroupLevel
from hepexp.models.layers.lorentz_irreps import SCALAR, VECTOR, reached, vector_components
from hepexp.models.layers.pair_memory import require_pair_memory
from hepexp.models.layers.symmetry_breaking import SymmetryBreaking
from hepexp.models.weights import load_weights
from hepexp.module_list import ModuleList
from hepexp.precision import full_precision


class LGN(nn.Module):
    """Lorentz Group Network.

    Each particle carries channels of representations (k, n) of the Lorentz group: first its mass, its scalars and its
    four-momentum. Each level multiplies them with themselves and with those of all other particles, decomposes the
    products by Clebsch-Gordan coefficients, and mixes the channels of each representation; this is its only
    nonlinearity besides a perceptron on scalars. The scalars of all levels, summed over particles, are classified.

    Parameters
    ----------
    n_channels : complex channels of each representation, at the input and after each level.
    k_max : the largest k and n of representations that are kept; each level at most doubles those that there are.
    n_basis : pairs of functions in the basis of the radial functions of |p_i - p_j|^2.
    n_hidden : hidden layers of each perceptron on scalars; 0 for no perceptrons.
    width : of these layers, as a multiple of the number of their inputs.
    scale : factor of four-momenta in GeV, which makes them of order one: their powers grow with each level.
    symmetry_breaking : what the network learns of the frame. beam: the two beams are particles, and two scalars tell
        particles from beams. none is Lorentz-invariant. scalars: log pT and others of each particle.
        both: beam and scalars.
    use_scalars : whether to use the data set's scalars as well, such as the particle type; null for yes if they are
        named in `data=files`.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    n_scalars : scalars per particle in the data set.
    n_classes : number of outputs: classes of the data set, or what a loss of regression needs.
    has_beams : whether the first two particles of each jet are the beams.
    own_scalars : whether the user of the data set has named its scalars one by one.

    Shapes
    ------
    p4 (B, N, 4) in GeV as (E, px, py, pz); scalars (B, N, n_scalars); mask (B, N), True for real particles
    -> logits (B, n_classes).

    Raises
    ------
    ConfigError : an invalid size, fewer than two numbers of channels, too many products, or beams added twice.

    References
    ----------
    Bogatskiy et al., arXiv:2006.04780, sections 4 and 5.
    """

    input = "particles"
    head = "classifier"
    lorentz_invariant: bool
    invariant_about_beam = True  # whatever breaks the symmetry

    def __init__(
        self,
        n_channels: Sequence[int] = (2, 3, 4, 3),
        k_max: int = 2,
        n_basis: int = 10,
        n_hidden: int = 3,
        width: int = 2,
        scale: float = 0.005,
        symmetry_breaking: Literal["none", "beam", "scalars", "both"] = "beam",
        use_scalars: bool | None = None,
        weights: str | None = None,
        *,
        n_scalars: int,
        n_classes: int,
        has_beams: bool = False,
        own_scalars: bool = False,
    ):
        super().__init__()
        require_widths(n_channels=n_channels)
        require_positive(k_max=k_max, n_basis=n_basis, width=width, scale=scale)
        if len(n_channels) < 2:
            raise ConfigError(f"model.n_channels must be those of the input and of each level, got {list(n_channels)}")
        if n_hidden < 0:
            raise ConfigError(f"model.n_hidden must be >= 0, got {n_hidden}")
        self.lorentz_invariant = symmetry_breaking == "none"
        self.scale, self.use_scalars = scale, reads_scalars(use_scalars, own_scalars)
        self.breaking = SymmetryBreaking(symmetry_breaking, n_scalars if self.use_scalars else 0, has_beams)
        n_first = n_channels[0]
        self.of_scalars = nn.Linear(self.breaking.n_scalars + 1, 2 * n_first, bias=False)
        self.of_momenta = nn.Parameter(torch.randn(n_first, 2) / 2**0.5)
        irreps = [SCALAR, VECTOR]
        self.levels: ModuleList[LorentzGroupLevel] = ModuleList()
        for i, (n_in, n_out) in enumerate(pairwise(n_channels)):
            kept = reached(irreps, k_max) if i < len(n_channels) - 2 else [SCALAR]  # of the last only scalars are read
            self.levels.append(LorentzGroupLevel(irreps, kept, n_in, n_out, n_basis, n_hidden, width))
            irreps = kept
        self.classifier = nn.Linear(2 * sum(n_channels), n_classes)
        with torch.no_grad():  # its inputs are sums over particles: the first logits are of order one for typical jets
            self.classifier.weight /= TYPICAL_MULTIPLICITY
        load_weights(self, weights)

    def forward(self, batch: JetBatch) -> Tensor:
        batch = self.breaking(batch)
        kept = sum(level.n_per_pair for level in self.levels) if torch.is_grad_enabled() else self.levels[0].n_per_pair
        require_pair_memory(batch.mask, kept, self.classifier.weight.dtype, padded=True)
        x, p, z = self.inputs(batch)
        with full_precision(z):
            scalars = [x[..., 0]]
            for level in self.levels:
                x = level(x, p, z, batch.mask) * batch.mask[..., None, None]
                scalars.append(x[..., 0])
            invariant = torch.view_as_real(torch.cat(scalars, dim=-1).sum(1))  # (B, all channels, 2)
            return self.classifier(invariant.flatten(1))

    def inputs(self, batch: JetBatch) -> tuple[Tensor, Tensor, Tensor]:
        """Representations (0, 0) and (1, 1) of each particle (B, N, C, 5), (1, 1) of its four-momentum (B, N, 4),
        and |p_i - p_j|^2 (B, N, N)."""
        dtype, real = self.classifier.weight.dtype, batch.mask[..., None]
        with full_precision(batch.p4):
            p4 = torch.where(real, batch.p4, 0) * self.scale
            gram = p4 @ torch.cat([p4[..., :1], -p4[..., 1:]], dim=-1).mT
            square = gram.diagonal(dim1=-2, dim2=-1)
            z = (square[..., :, None] + square[..., None, :] - 2 * gram).to(dtype)
            mass = (square.abs() + 1e-12).sqrt()[..., None]
            scalars = torch.cat([mass.to(dtype), batch.scalars.to(dtype)], dim=-1)
            mixed = self.of_scalars(torch.where(real, scalars, 0)).unflatten(-1, (-1, 2))
            p = torch.complex(*(part.to(dtype) for part in vector_components(p4)))
            vectors = p[..., None, :] * torch.view_as_complex(self.of_momenta)[:, None]  # (B, N, C, 4)
            return torch.cat([torch.view_as_complex(mixed)[..., None], vectors], dim=-1), p, z
