"""More-Interaction Particle Transformer: blocks that mix particles by features of pairs alone, then those of ParT."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from hepexp.errors import ConfigError
from hepexp.models.checks import require_positive, require_widths
from hepexp.models.layers.attention import kept_for_each_pair
from hepexp.models.layers.fast_linear import AttentionDropout, Linear, product
from hepexp.models.layers.normformer import Block, glorot, shrink
from hepexp.models.layers.particle_pairs import ParticlePairs, Piece
from hepexp.models.particle_transformer import ParticleTransformer
from hepexp.models.weights import load_weights
from hepexp.module_list import ModuleList

ScaleName = Literal["log_pt", "log_e", "log_pt_rel", "log_e_rel", "delta_r"]  # of SCALES
SIZES = {"m": 64, "l": 128}  # width of a particle
EMBED_WIDTHS = (128, 512)  # of the layers before that width


class InteractionAttention(nn.Module):
    """softmax(U) V: a mean over the particles of a jet whose weights are given, one set for each head.

    Parameters
    ----------
    dim : width of a particle.
    n_heads : heads, which share the width equally; one for each channel of the embedded pairs.
    dropout : probability of dropping a weight in training.

    Shapes
    ------
    values (jets, n, dim), weights (jets, n_heads, n, n) -> (jets, n, dim).
    """

    def __init__(self, dim: int, n_heads: int, dropout: float):
        super().__init__()
        self.n_heads = n_heads
        self.value = Linear(dim, dim, bias=False)
        self.dropout = AttentionDropout(dropout)

    def forward(self, values: Tensor, weights: Tensor) -> Tensor:
        values = values.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)  # (jets, n_heads, n, width)
        return (self.dropout(weights).to(values.dtype) @ values).transpose(1, 2).flatten(2)


class InteractionBlock(Block[InteractionAttention]):
    """A block of ParT without queries and keys: what a particle receives depends on the others linearly."""

    Attention = InteractionAttention

    def forward(self, x: Tensor, pieces: list[Piece], weights: list[Tensor]) -> Tensor:
        values = product(self.pre_attn_norm(x), self.attn.value.weight * self.scale()[:, None])
        attended = [self.attn(piece.nodes(values), w).flatten(0, 1) for piece, w in zip(pieces, weights, strict=True)]
        return self.add(x, torch.cat(attended))


class MIParticleTransformer(ParticleTransformer):
    """Interaction blocks, whose attention weights are a softmax of embedded pairs; then the blocks of ParT.

    Pairs are embedded once, in as many channels as interaction blocks have heads (U_1); one more layer makes of them
    the bias of each head in the other blocks (U_2).

    Parameters
    ----------
    size : width of a particle: m 64 (MIParT), l 128 (MIParT-L).
    n_mi_blocks : interaction blocks.
    n_blocks : particle attention blocks.
    n_class_blocks : class attention blocks.
    n_heads : attention heads in each of the last two; they divide the width.
    pair_widths : widths of the layers that embed a pair; the last is the number of heads in an interaction block, and
        divides the width of a particle.
    dropout : probability of dropping, in training, an attention weight, a hidden unit of a block's MLP, or an element
        of what a block adds to its input; none in class attention blocks.
    use_scalars : whether to use the data set's scalars as well, such as the particle type; null for yes if they are
        those of `kinpid` or `full`, the feature sets of JetClass, or named in `data=files`.
    scales : shift and factor with which each kinematic input is standardised; null for those of ParT.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    n_scalars : scalars per particle in the data set.
    n_classes : number of outputs: classes of the data set, or what a loss of regression needs.
    scalar_names : of the data set's scalars, if they have names.
    own_scalars : whether the user of the data set has named its scalars one by one.

    Shapes
    ------
    p4 (B, N, 4) in GeV as (E, px, py, pz); scalars (B, N, n_scalars); mask (B, N), True for real particles, which come
    first -> logits (B, n_classes).

    Raises
    ------
    ConfigError : an unknown size, a number below 1, heads that do not divide the width, a dropout outside [0, 1),
        unknown or incomplete scales, or more pairs than fit into memory.

    References
    ----------
    Wu et al., arXiv:2407.08682, section 2 and figure 1; layers as in the authors' USST-HEP/MIParT,
    example_MIParticleTransformer.py.
    """

    weaver = None  # its authors publish no weights

    def __init__(
        self,
        size: Literal["m", "l"] = "m",
        n_mi_blocks: int = 5,
        n_blocks: int = 5,
        n_class_blocks: int = 2,
        n_heads: int = 8,
        pair_widths: Sequence[int] = (64, 64, 64),
        dropout: float = 0.1,
        use_scalars: bool | None = None,
        scales: Mapping[ScaleName, Sequence[float]] | None = None,
        weights: str | None = None,
        *,
        n_scalars: int,
        n_classes: int,
        scalar_names: Sequence[str] = (),
        own_scalars: bool = False,
    ):
        if size not in SIZES:
            raise ConfigError(f"model.size must be {' or '.join(SIZES)}, got {size}")
        require_positive(n_mi_blocks=n_mi_blocks, n_heads=n_heads)
        require_widths(pair_widths=pair_widths)
        dim, n_mi_heads = SIZES[size], pair_widths[-1]
        for key, n in (("model.n_heads", n_heads), ("the last of model.pair_widths", n_mi_heads)):
            if dim % n:
                raise ConfigError(f"{key} must divide the width of a particle ({dim} with model.size={size}), got {n}")
        super().__init__(
            n_blocks,
            n_class_blocks,
            n_heads,
            [*EMBED_WIDTHS, dim],
            pair_widths,
            dropout,
            use_scalars,
            scales,
            n_scalars=n_scalars,
            n_classes=n_classes,
            scalar_names=scalar_names,
            own_scalars=own_scalars,
        )
        self.mi_blocks = ModuleList(InteractionBlock(dim, n_mi_heads, dropout) for _ in range(n_mi_blocks))
        glorot(self.mi_blocks)
        for depth, block in enumerate(self.mi_blocks, start=1):
            shrink(block.fc2, depth)
        # And of the wider interactions: they, their softmax, and what each block keeps of it after dropout.
        dropped = kept_for_each_pair(n_mi_heads, dropout) - n_mi_heads
        self.kept += 2.5 * n_mi_heads + n_mi_blocks * dropped
        load_weights(self, weights)

    def among_particles(self, x: Tensor, p4: Tensor, pairs: ParticlePairs) -> Tensor:
        interactions, biases = self.interactions(p4, pairs, n_last=2)  # U_1 and U_2
        weights = [u.softmax(-1) for u in interactions]
        for mi_block in self.mi_blocks:
            x = mi_block(x, pairs.pieces, weights)
        for block in self.blocks:
            x = block(x, pairs.pieces, biases)
        return x
