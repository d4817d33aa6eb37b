"""A plain transformer encoder over the particles of a jet: the baseline of every other transformer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_dropout
from hepexp.models.layers.attention import MultiHeadAttention, kept_for_each_pair, without_padding
from hepexp.models.layers.kinematic_features import FEATURE_NAMES, KINEMATIC, particle_features, reads_scalars
from hepexp.models.layers.pair_memory import require_pair_memory
from hepexp.models.layers.particle_pairs import ParticlePairs, Piece
from hepexp.models.weights import load_weights

SIZES = {"xs": (32, 2, 2), "s": (64, 4, 4), "m": (128, 8, 8), "l": (256, 12, 8)}  # width, blocks, heads
PAIRS_AT_A_TIME = 2**16


class EncoderBlock(nn.Module):
    """x + attention(norm x), then x + MLP(norm x).

    Parameters
    ----------
    dim : width of a particle; the MLP's hidden layer is four times as wide.
    n_heads : heads, which share the width equally.
    dropout : probability of dropping, in training, an attention weight or an element of what is added to x.

    References
    ----------
    Xiong et al., arXiv:2002.04745, section 3 (pre-norm).
    """

    def __init__(self, dim: int, n_heads: int, dropout: float):
        super().__init__()
        self.attention_norm, self.attention = nn.LayerNorm(dim), MultiHeadAttention(dim, n_heads, dropout)
        self.mlp = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, pieces: list[Piece], biases: list[Tensor]) -> Tensor:
        """x (R, dim); pieces are the jets that are attended to together, biases keep padding out of them."""
        qkv = self.attention.in_proj(self.attention_norm(x))
        heads = [
            self.attention.attend(piece.nodes(qkv).chunk(3, dim=-1), bias).flatten(0, 1)
            for piece, bias in zip(pieces, biases, strict=True)
        ]
        x = x + self.dropout(self.attention.out_proj(torch.cat(heads)))
        return x + self.dropout(self.mlp(x))


class Transformer(nn.Module):
    """Pre-norm transformer blocks over the particles of a jet, whose mean is classified.

    Nothing in it knows of jets: no features of pairs, no class token, no symmetry but that of permutations.

    Parameters
    ----------
    size : width, blocks and heads: xs 32, 2, 2; s 64, 4, 4; m 128, 8, 8; l 256, 12, 8.
    dropout : probability of dropping, in training, an attention weight or an element of what a block adds.
    use_scalars : whether to use the data set's scalars as well, such as the particle type; null for yes if they are
        those of `kinpid` or `full`, the feature sets of JetClass, or named in `data=files`.
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
    ConfigError : an unknown size, or a dropout outside [0, 1).

    References
    ----------
    Vaswani et al., arXiv:1706.03762, section 3.
    """

    input = "particles"
    feature_names = FEATURE_NAMES
    head = "classifier"
    lorentz_invariant = False
    invariant_about_beam = True

    def __init__(
        self,
        size: Literal["xs", "s", "m", "l"] = "m",
        dropout: float = 0.1,
        use_scalars: bool | None = None,
        weights: str | None = None,
        *,
        n_scalars: int,
        n_classes: int,
        scalar_names: Sequence[str] = (),
        own_scalars: bool = False,
    ):
        super().__init__()
        if size not in SIZES:
            raise ConfigError(f"model.size must be {', '.join(list(SIZES)[:-1])} or {list(SIZES)[-1]}, got {size}")
        require_dropout(dropout)
        dim, n_blocks, n_heads = SIZES[size]
        self.use_scalars = reads_scalars(use_scalars, own_scalars, scalar_names)
        self.embed = nn.Linear(len(KINEMATIC) + (n_scalars if self.use_scalars else 0), dim)
        self.blocks = nn.ModuleList(EncoderBlock(dim, n_heads, dropout) for _ in range(n_blocks))
        self.norm = nn.LayerNorm(dim)
        self.classifier = nn.Linear(dim, n_classes)
        self.kept = n_blocks * kept_for_each_pair(n_heads, dropout)
        load_weights(self, weights)

    def forward(self, batch: JetBatch) -> Tensor:
        dtype = self.classifier.weight.dtype
        if torch.is_grad_enabled():
            require_pair_memory(batch.mask, self.kept, dtype, padded=False)
        pairs = ParticlePairs.of(batch.mask, dtype, at_a_time=PAIRS_AT_A_TIME)
        x = self.embed(pairs.gather(particle_features(batch, self.use_scalars)).to(dtype))  # (R, dim)
        biases = [without_padding(piece.nodes(pairs.mask), dtype) for piece in pairs.pieces]
        for block in self.blocks:
            x = block(x, pairs.pieces, biases)
        total = pairs.sum_over_particles(self.norm(x) * pairs.weight[:, None])  # (B, dim)
        return self.classifier(total / batch.mask.sum(1, keepdim=True).clamp(min=1))
