"""Particle Transformer: attention between the particles of a jet, biased by the features of each pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.errors import ConfigError
from hepexp.exporting import applied
from hepexp.models.checks import require_dropout, require_positive, require_widths
from hepexp.models.layers.attention import kept_for_each_pair, without_padding
from hepexp.models.layers.cache_blocking import Chunk, run
from hepexp.models.layers.embeddings import Embedding, PairEmbedding
from hepexp.models.layers.kinematic_features import (
    FEATURE_NAMES,
    KINEMATIC,
    SCALES,
    check_scales,
    particle_features,
    reads_scalars,
)
from hepexp.models.layers.normformer import ClassBlock, ParticleBlock, glorot, shrink
from hepexp.models.layers.pair_features import Symmetric, log_pair_features, triangle
from hepexp.models.layers.pair_memory import require_pair_memory
from hepexp.models.layers.particle_pairs import ParticlePairs
from hepexp.models.weaver_layout import PARTICLE_TRANSFORMER, WeaverLayout
from hepexp.models.weights import load_weights
from hepexp.module_list import ModuleList

ScaleName = Literal["log_pt", "log_e", "log_pt_rel", "log_e_rel", "delta_r"]  # of SCALES
SOMEWHERE = torch.tensor([1.0, 1.0, 0.0, 0.0], dtype=torch.float64)  # GeV; where padding goes, its logarithms finite
PAIRS_AT_A_TIME = 2**16
JETS_AT_A_TIME = 16  # in evaluation: with fewer, the calls cost more than the work


class ParticleTransformer(nn.Module):
    """Transformer blocks whose attention is biased by features of pairs; class attention then reads out the jet.

    Parameters
    ----------
    n_blocks : particle attention blocks.
    n_class_blocks : class attention blocks.
    n_heads : attention heads in each.
    embed_widths : widths of the layers that embed a particle; the last is that of the blocks, and n_heads divides it.
    pair_widths : hidden widths of the layers that embed a pair.
    dropout : probability of dropping, in training, an attention weight, a hidden unit of a block's MLP, or an element
        of what a particle block adds to its input.
    use_scalars : whether to use the data set's scalars as well, such as the particle type; null for yes if they are
        those of `kinpid` or `full`, the feature sets of JetClass, or named in `data=files`.
    scales : shift and factor with which each kinematic input is standardised; null for the authors'.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict, also with the layout of
        weaver-core.
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
    ConfigError : a size below 1, heads that do not divide the width, a dropout outside [0, 1), unknown or incomplete
        scales, or weights of another network.

    References
    ----------
    Qu, Li and Qian, arXiv:2202.03772, section 3.
    """

    input = "particles"
    feature_names = FEATURE_NAMES
    head = "fc"
    weaver: WeaverLayout | None = PARTICLE_TRANSFORMER
    lorentz_invariant = False
    invariant_about_beam = True

    def __init__(
        self,
        n_blocks: int = 8,
        n_class_blocks: int = 2,
        n_heads: int = 8,
        embed_widths: Sequence[int] = (128, 512, 128),
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
        super().__init__()
        require_positive(n_blocks=n_blocks, n_class_blocks=n_class_blocks, n_heads=n_heads)
        require_widths(embed_widths=embed_widths, pair_widths=pair_widths)
        require_dropout(dropout)
        dim = embed_widths[-1]
        if dim % n_heads:
            raise ConfigError(f"model.n_heads must divide the last of model.embed_widths ({dim}), got {n_heads}")
        self.use_scalars = reads_scalars(use_scalars, own_scalars, scalar_names)
        self.scales = check_scales(scales or SCALES)
        # The state dict that the authors publish fixes the names of these modules and of those inside.
        self.embed = Embedding(len(KINEMATIC) + (n_scalars if self.use_scalars else 0), embed_widths)
        self.pair_embed = PairEmbedding([*pair_widths, n_heads])
        self.blocks = ModuleList(ParticleBlock(dim, n_heads, dropout) for _ in range(n_blocks))
        self.cls_blocks = ModuleList(ClassBlock(dim, n_heads) for _ in range(n_class_blocks))
        self.norm = nn.LayerNorm(dim)
        self.fc = nn.Sequential(nn.Linear(dim, n_classes))
        self.cls_token = nn.Parameter(torch.empty(1, 1, dim))
        self.reset_parameters()
        # Numbers kept for each pair until the backward pass: the layers of its embedding, half of them as (i, j) and
        # (j, i) share it, the biases, and the weights of each block.
        self.kept = sum(pair_widths) / 2 + 1.5 * n_heads + n_blocks * kept_for_each_pair(n_heads, dropout)
        load_weights(self, weights)

    def reset_parameters(self) -> None:
        """Linear layers as Glorot and Bengio, q, k and v by themselves; what a block adds starts smaller with depth."""
        nn.init.trunc_normal_(self.cls_token, std=0.02)
        for module in (self.embed, self.blocks, self.cls_blocks, self.fc):
            glorot(module)
        for depth, block in enumerate(self.blocks, start=1):
            for layer in (block.attn.out_proj, block.fc2):
                shrink(layer, depth)

    def forward(self, batch: JetBatch) -> Tensor:
        # Without gradients and batch statistics, each thread of a CPU takes a few jets through the whole network.
        works_alone = not (self.training or torch.is_grad_enabled() or torch.compiler.is_compiling())
        if not works_alone or batch.mask.device.type != "cpu" or len(batch) <= JETS_AT_A_TIME:
            return self._logits(batch)
        order = batch.mask.sum(1).argsort(descending=True, stable=True)
        starts = range(0, len(batch), JETS_AT_A_TIME)
        chunks = [Chunk(start, min(start + JETS_AT_A_TIME, len(batch)), 1) for start in starts]

        def logits(chunk: Chunk) -> Tensor:
            rows = order[chunk.start : chunk.stop]
            mask = batch.mask[rows]
            n = int((mask * torch.arange(1, mask.shape[1] + 1)).max())
            return self._logits(
                replace(batch, p4=batch.p4[rows, :n], scalars=batch.scalars[rows, :n], mask=mask[:, :n])
            )

        found = torch.cat([part for _, part in run(logits, chunks)])
        return torch.empty_like(found).index_copy_(0, order, found)

    def _logits(self, batch: JetBatch) -> Tensor:
        dtype, mask = self.norm.weight.dtype, batch.mask
        if torch.is_grad_enabled():
            require_pair_memory(mask, self.kept, dtype, padded=False)
        pairs = ParticlePairs.of(mask, dtype, at_a_time=PAIRS_AT_A_TIME)
        x = pairs.gather(particle_features(batch, self.use_scalars, self.scales)).to(dtype)
        x = self.among_particles(self.embed(x, pairs.weight), batch.p4, pairs)  # (R, dim)
        x, token = pairs.scatter(x), self.cls_token[0].repeat(mask.shape[0], 1)  # (B, N, dim), (B, dim)
        with_token = without_padding(F.pad(mask, (1, 0), value=True), x.dtype)
        for block in self.cls_blocks:
            token = block(token, x, with_token)
        return self.fc(self.norm(token))

    def among_particles(self, x: Tensor, p4: Tensor, pairs: ParticlePairs) -> Tensor:
        """The particles (R, dim) after the blocks in which they attend to each other; p4 (B, N, 4)."""
        (biases,) = self.interactions(p4, pairs)
        for block in self.blocks:
            x = block(x, pairs.pieces, biases)
        return x

    def interactions(self, p4: Tensor, pairs: ParticlePairs, n_last: int = 1) -> list[list[Tensor]]:
        """The last layers of the embedded pairs, each as (jets, width, n, n) of every piece of the batch.

        They are large and negative towards padding, so that a softmax leaves it out.
        """
        dtype = self.norm.weight.dtype
        somewhere = SOMEWHERE.to(p4.device, p4.dtype, non_blocking=True)
        p4 = torch.where(pairs.mask[:, None], pairs.gather(p4), somewhere)
        features, weights = [], []
        for piece in pairs.pieces:
            real = piece.nodes(pairs.mask)
            i, j = triangle(piece.n, p4.device)
            features.append(log_pair_features(piece.nodes(p4), dtype).flatten(0, 1))
            weights.append((real[:, i] & real[:, j]).flatten())
        layers = self.pair_embed(torch.cat(features), torch.cat(weights).to(dtype), n_last)  # each (pairs, width)
        found = []
        for embedded in layers:
            squares = []
            for piece, rows in zip(pairs.pieces, embedded.split([x.shape[0] for x in features]), strict=True):
                square = applied(Symmetric, rows.unflatten(0, (piece.jets, -1)), piece.n)
                squares.append(without_padding(piece.nodes(pairs.mask), dtype, square))
            found.append(squares)
        return found
