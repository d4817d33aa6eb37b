"""PELICAN: permutation-equivariant layers on the inner products of all pairs of four-momenta."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_dropout, require_positive
from hepexp.models.layers.kinematic_features import reads_scalars
from hepexp.models.layers.masked_batch_norm import MaskedBatchNorm
from hepexp.models.layers.pair_memory import require_pair_memory
from hepexp.models.layers.particle_pairs import ParticlePairs
from hepexp.models.layers.permutation_equivariant import Eq1to2, Eq2to0, Eq2to2, Multiplicity
from hepexp.models.layers.symmetry_breaking import SymmetryBreaking
from hepexp.models.weights import load_weights
from hepexp.module_list import ModuleList
from hepexp.precision import full_precision

SIZES = {"m": (132, 78), "s": (60, 35), "xs": (25, 15)}  # channels between blocks, and of messages
N_FROM_SCALARS = 10  # channels that scalars of particles get
AVERAGE = 49  # particles of a top jet, on average


class Embedding(nn.Module):
    """Inner products d to ((1 + |d|)^a - 1) / a with its sign, for several learned powers a: between d and log d.

    Shapes
    ------
    d (E,) GeV^2 -> (E, n_channels).
    """

    def __init__(self, n_channels: int):
        super().__init__()
        self.root = nn.Parameter(torch.linspace(0.05, 0.5, n_channels))  # of a

    def forward(self, d: Tensor) -> Tensor:
        power = self.root.square() + 1e-6
        return torch.expm1(d.abs().log1p()[:, None] * power) / power * d.sign()[:, None]


class Messages(nn.Module):
    """A linear layer, LeakyReLU and batch norm over real pairs, for each pair; then dropout.

    Shapes
    ------
    x (E, n_in), real (E,) 1 for real pairs and 0 for padding -> (E, n_out), zero for padding.
    """

    def __init__(self, n_in: int, n_out: int, dropout: float):
        super().__init__()
        self.linear, self.norm, self.dropout = nn.Linear(n_in, n_out), MaskedBatchNorm(n_out), nn.Dropout(dropout)

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        x = F.leaky_relu(self.linear(x), inplace=True)
        return self.dropout(self.norm(x, real) * real[:, None])


class PELICAN(nn.Module):
    """Permutation Equivariant and Lorentz Invariant Aggregator Network.

    Its only inputs of momenta are the inner products of all pairs of particles, which are all that a Lorentz-invariant
    function can depend on. Blocks of a message layer and a permutation-equivariant linear layer act on features of
    pairs; means over all of them are classified.

    Parameters
    ----------
    size : channels between blocks and of messages: m 132 and 78, s 60 and 35, xs 25 and 15.
    n_blocks : number of blocks.
    dropout : probability of dropping a feature of a pair, and one of the jet, in training.
    symmetry_breaking : what the network learns of the frame. beam: the two beams are particles, and two scalars tell
        particles from beams; it is then invariant under rotations about the beams alone. none is
        Lorentz-invariant. scalars: log pT and others of each particle. both: beam and
        scalars.
    use_scalars : whether to use the data set's scalars as well, such as the particle type; null for yes if they are
        named in `data=files`.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    n_scalars : scalars per particle in the data set.
    n_classes : number of outputs: classes of the data set, or what a loss of regression needs.
    has_beams : whether the first two particles of each jet are the beams.
    own_scalars : whether the user of the data set has named its scalars one by one.

    Shapes
    ------
    p4 (B, N, 4) in GeV as (E, px, py, pz); scalars (B, N, n_scalars); mask (B, N), True for real particles, which come
    first -> logits (B, n_classes).

    Raises
    ------
    ConfigError : an unknown size, a number of blocks below 1, a dropout outside [0, 1), or beams added twice.

    References
    ----------
    Bogatskiy et al., arXiv:2211.00454, sections 2 and 3; arXiv:2307.16506, sections 3 to 5.
    """

    input = "particles"
    head = "classifier"
    lorentz_invariant: bool
    invariant_about_beam = True  # whatever breaks the symmetry

    def __init__(
        self,
        size: Literal["m", "s", "xs"] = "m",
        n_blocks: int = 5,
        dropout: float = 0.025,
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
        require_positive(n_blocks=n_blocks)
        require_dropout(dropout)
        if size not in SIZES:
            raise ConfigError(f"model.size must be m, s or xs, got {size}")
        self.lorentz_invariant = symmetry_breaking == "none"
        self.use_scalars = reads_scalars(use_scalars, own_scalars)
        self.breaking = SymmetryBreaking(symmetry_breaking, n_scalars if self.use_scalars else 0, has_beams)
        self.channels = n, n_message = SIZES[size]
        n_from_scalars = N_FROM_SCALARS if self.breaking.n_scalars else 0
        self.embedding = Embedding(n - n_from_scalars)
        self.of_scalars = Eq1to2(self.breaking.n_scalars, n_from_scalars) if n_from_scalars else None
        self.messages = ModuleList(Messages(n, n_message, dropout) for _ in range(n_blocks + 1))
        self.blocks = ModuleList(Eq2to2(n_message, n) for _ in range(n_blocks))
        self.out, self.dropout = Eq2to0(n_message, n), nn.Dropout(dropout)
        self.classifier = nn.Linear(n, n_classes)
        load_weights(self, weights)

    def forward(self, batch: JetBatch) -> Tensor:
        batch = self.breaking(batch)
        dtype, (n, n_message) = self.classifier.weight.dtype, self.channels
        kept = len(self.messages) if torch.is_grad_enabled() else 1
        require_pair_memory(batch.mask, kept * (n + 5 * n_message), dtype, padded=False)
        pairs = ParticlePairs.of(batch.mask, dtype)
        multiplicity = Multiplicity(batch.mask.sum(1, keepdim=True).clamp(min=1).to(dtype), AVERAGE)
        real = pairs.real_pairs()  # (E,)
        with full_precision(batch.p4):
            p4 = pairs.gather(torch.where(batch.mask[..., None], batch.p4, 0))
            x = self.embedding(pairs.inner_products(p4).to(dtype))  # (E, C)
            if self.of_scalars is not None:
                scalars = pairs.gather(torch.where(batch.mask[..., None], batch.scalars, 0)).to(dtype)
                found = F.leaky_relu(self.of_scalars(scalars, pairs, multiplicity))
                x = torch.cat([x, found], dim=1)
        for message, block in zip(self.messages, self.blocks, strict=False):
            x = message(x, real).to(dtype)
            with full_precision(x):
                x = F.leaky_relu(block(x, pairs, multiplicity), inplace=True)
        x = self.messages[-1](x, real).to(dtype)
        with full_precision(x):
            x = self.out(x, pairs, multiplicity)  # (B, C)
        return self.classifier(self.dropout(x))
