"""Particle Transformer: attention between the particles of a jet, biased by the features of each pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_dropout, require_positive, require_widths
from hepexp.models.layers.attention import MultiHeadAttention, without_padding
from hepexp.models.layers.cache_blocking import Chunk, linear, run
from hepexp.models.layers.edge_conv import affine
from hepexp.models.layers.edge_conv_steps import GELU, NONE, NormaliseMultiply
from hepexp.models.layers.fast_linear import Dropout, Linear, product
from hepexp.models.layers.kinematic_features import (
    KINEMATIC,
    SCALES,
    check_scales,
    particle_features,
    reads_scalars,
)
from hepexp.models.layers.masked_batch_norm import MaskedBatchNorm
from hepexp.models.layers.pair_features import Symmetric, log_pair_features, triangle
from hepexp.models.layers.particle_pairs import ParticlePairs, Piece
from hepexp.models.weaver_layout import PARTICLE_TRANSFORMER
from hepexp.models.weights import load_weights
from hepexp.precision import full_precision

ScaleName = Literal["log_pt", "log_e", "log_pt_rel", "log_e_rel", "delta_r"]  # of SCALES
N_PAIR_FEATURES = 4
SOMEWHERE = torch.tensor([1.0, 1.0, 0.0, 0.0], dtype=torch.float64)  # GeV; where padding goes, its logarithms finite
PAIRS_AT_A_TIME = 2**16
JETS_AT_A_TIME = 16  # in evaluation: with fewer, the calls cost more than the work
ROWS_AT_A_TIME = 1024  # of the pair embedding: a few tensors of them fit the cache of a core


class Embedding(nn.Module):
    """A batch norm over particles, then layers of [layer norm, linear, GELU]."""

    def __init__(self, n_in: int, widths: Sequence[int]):
        super().__init__()
        self.input_bn = MaskedBatchNorm(n_in)
        layers = [(nn.LayerNorm(n), Linear(n, m), nn.GELU()) for n, m in pairwise([n_in, *widths])]
        self.embed = nn.Sequential(*(module for layer in layers for module in layer))

    def forward(self, x: Tensor, weight: Tensor) -> Tensor:
        return self.embed(self.input_bn(x, weight))


class PairEmbedding(nn.Module):
    """A batch norm over pairs, then layers of [linear, batch norm, GELU]; the last has one number for each head."""

    def __init__(self, widths: Sequence[int]):
        super().__init__()
        layers = [(nn.Linear(n, m), MaskedBatchNorm(m), nn.GELU()) for n, m in pairwise([N_PAIR_FEATURES, *widths])]
        first = MaskedBatchNorm(N_PAIR_FEATURES)
        self.embed = nn.Sequential(first, *(module for layer in layers for module in layer))

    def forward(self, x: Tensor, weight: Tensor) -> Tensor:
        """x (P, 4), and the weight (P,) of each pair in the batch statistics -> (P, heads)."""
        if not self.training and not (torch.is_grad_enabled() and self.embed[0].weight.requires_grad):
            return self._without_statistics(x)
        w, bounds = weight[:, None], [*range(0, len(x), ROWS_AT_A_TIME), len(x)]
        norms = [layer for layer in self.embed if isinstance(layer, MaskedBatchNorm)]
        linears = [layer for layer in self.embed if isinstance(layer, nn.Linear)]
        with full_precision(x):
            z, moments, activation = x[:, None], total_and_spread(x, weight), NONE
            for norm, layer in zip(norms, linears, strict=False):
                scale, shift = affine(norm, moments, w)
                z, *moments = NormaliseMultiply.apply(z, scale, shift, layer.weight, layer.bias, w, bounds, activation)
                activation = GELU
            scale, shift = affine(norms[-1], moments, w)
            return F.gelu(torch.addcmul(shift, z[:, 0], scale))

    def _without_statistics(self, x: Tensor) -> Tensor:
        """The same in evaluation: a batch norm is then a factor and a shift, and part of a linear layer."""
        norms = [layer.affine(None) for layer in self.embed if isinstance(layer, MaskedBatchNorm)]
        linears = [layer for layer in self.embed if isinstance(layer, nn.Linear)]
        scale, shift = norms[0]
        x = torch.addcmul(shift, x, scale)
        folded = [
            (layer.weight * scale[:, None], torch.addcmul(shift, layer.bias, scale))
            for layer, (scale, shift) in zip(linears, norms[1:], strict=True)
        ]
        with full_precision(x):
            found = []
            for rows in x.split(ROWS_AT_A_TIME):
                for weight, bias in folded:
                    rows = F.gelu(linear(rows, weight, bias))
                found.append(rows)
            return torch.cat(found)


def total_and_spread(x: Tensor, weight: Tensor) -> list[Tensor]:
    """sum w x and sum w (x - mean)^2 of x (P, C)."""
    total = weight @ x
    return [total, weight @ (x - total / weight.sum().clamp(min=1)).square()]


class Block(nn.Module):
    """x + norm(scaled heads of attention(norm x)), then w x + MLP(norm x), with a norm inside the MLP (NormFormer).

    References
    ----------
    arXiv:2202.03772, section 3 and figure 3; Shleifer et al., arXiv:2110.09456.
    """

    def __init__(self, dim: int, n_heads: int, dropout: float):
        super().__init__()
        self.pre_attn_norm = nn.LayerNorm(dim)
        self.attn = MultiHeadAttention(dim, n_heads, dropout)
        self.post_attn_norm = nn.LayerNorm(dim)
        self.dropout = Dropout(dropout)
        self.pre_fc_norm = nn.LayerNorm(dim)
        self.fc1 = Linear(dim, 4 * dim)
        self.act_dropout = Dropout(dropout)
        self.post_fc_norm = nn.LayerNorm(4 * dim)
        self.fc2 = Linear(4 * dim, dim)
        self.c_attn = nn.Parameter(torch.ones(n_heads))
        self.w_resid = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor, heads: Tensor) -> Tensor:
        """x (..., dim) and the outputs of its heads, (..., dim)."""
        scale = self.c_attn.repeat_interleave(x.shape[-1] // len(self.c_attn))  # of each place, after the projection
        out = product(heads, self.attn.out_proj.weight * scale[:, None], self.attn.out_proj.bias * scale)
        x = x + self.dropout(self.post_attn_norm(out))
        hidden = self.act_dropout(F.gelu(self.fc1(self.pre_fc_norm(x))))
        return torch.addcmul(self.dropout(self.fc2(self.post_fc_norm(hidden))), self.w_resid, x)


class ParticleBlock(Block):
    """Attention of all particles of a jet to all, with a bias for each head and pair."""

    def forward(self, x: Tensor, pieces: list[Piece], biases: list[Tensor]) -> Tensor:
        qkv = self.attn.in_proj(self.pre_attn_norm(x))
        heads = [
            self.attn.attend(*piece.nodes(qkv).chunk(3, dim=-1), bias).flatten(0, 1)
            for piece, bias in zip(pieces, biases, strict=True)
        ]
        return super().forward(x, heads[0] if len(heads) == 1 else torch.cat(heads))


class ClassBlock(Block):
    """Attention of a class token to itself and to all particles, without dropout.

    With one query q, q . (W_k u + b_k) = (W_k^T q) . u up to a constant, and sum_n a_n (W_v u_n + b_v) =
    W_v (sum_n a_n u_n) + b_v: neither keys nor values are computed for each particle.

    References
    ----------
    Touvron et al., arXiv:2103.17239, section 3.
    """

    def __init__(self, dim: int, n_heads: int):
        super().__init__(dim, n_heads, dropout=0.0)

    def forward(self, token: Tensor, x: Tensor, bias: Tensor) -> Tensor:
        """token (B, dim), x (B, N, dim), bias (B, 1, 1, 1 + N) -> (B, dim)."""
        u = self.pre_attn_norm(torch.cat([token[:, None], x], dim=1))
        n_heads, dim = self.attn.n_heads, token.shape[-1]
        w_q, w_k, w_v = self.attn.in_proj.weight.unflatten(0, (3, n_heads, -1))  # each (heads, width, dim)
        b_q, _, b_v = self.attn.in_proj.bias.chunk(3)
        q = F.linear(token, w_q.flatten(0, 1), b_q).unflatten(-1, (n_heads, -1))  # (B, heads, width)
        q = torch.einsum("bhw,hwd->bhd", q, w_k)[:, None]  # (B, 1, heads, dim): a query for each head
        mean = F.scaled_dot_product_attention(q, u[:, None], u[:, None], bias, scale=(dim // n_heads) ** -0.5)[:, 0]
        return super().forward(token, torch.einsum("bhd,hwd->bhw", mean, w_v).flatten(1) + b_v)


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
    weights : file with a state dict to start from: a checkpoint of a run, or one with the layout of weaver-core.
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
    head = "fc"
    weaver = PARTICLE_TRANSFORMER
    lorentz_invariant = False

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
        self.blocks = nn.ModuleList(ParticleBlock(dim, n_heads, dropout) for _ in range(n_blocks))
        self.cls_blocks = nn.ModuleList(ClassBlock(dim, n_heads) for _ in range(n_class_blocks))
        self.norm = nn.LayerNorm(dim)
        self.fc = nn.Sequential(nn.Linear(dim, n_classes))
        self.cls_token = nn.Parameter(torch.empty(1, 1, dim))
        self.reset_parameters()
        load_weights(self, weights)

    def reset_parameters(self) -> None:
        """Linear layers as Glorot and Bengio, q, k and v by themselves; what a block adds starts smaller with depth."""
        nn.init.trunc_normal_(self.cls_token, std=0.02)
        for name, layer in self.named_modules():
            if isinstance(layer, nn.Linear) and not name.startswith("pair_embed"):
                for part in layer.weight.chunk(3) if name.endswith("in_proj") else [layer.weight]:
                    nn.init.xavier_uniform_(part)
                nn.init.zeros_(layer.bias)
        with torch.no_grad():
            for depth, block in enumerate(self.blocks, start=1):
                for layer in (block.attn.out_proj, block.fc2):
                    layer.weight /= (2 * depth) ** 0.5

    def forward(self, batch: JetBatch) -> Tensor:
        # Without gradients and batch statistics, each thread of a CPU takes a few jets through the whole network.
        if self.training or torch.is_grad_enabled() or batch.mask.device.type != "cpu" or len(batch) <= JETS_AT_A_TIME:
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
        pairs = ParticlePairs.of(mask, dtype, at_a_time=PAIRS_AT_A_TIME)
        x = pairs.gather(particle_features(batch, self.use_scalars, self.scales)).to(dtype)
        x = self.embed(x, pairs.weight)  # (R, dim)
        biases = self.biases(batch.p4, pairs, dtype)
        for block in self.blocks:
            x = block(x, pairs.pieces, biases)
        x, token = pairs.scatter(x), self.cls_token[0].repeat(len(mask), 1)  # (B, N, dim), (B, dim)
        with_token = without_padding(F.pad(mask, (1, 0), value=True), x.dtype)
        for block in self.cls_blocks:
            token = block(token, x, with_token)
        return self.fc(self.norm(token))

    def biases(self, p4: Tensor, pairs: ParticlePairs, dtype: torch.dtype) -> list[Tensor]:
        """The attention's bias in each piece of the batch, (jets, heads, n, n)."""
        somewhere = SOMEWHERE.to(p4.device, p4.dtype, non_blocking=True)
        p4 = torch.where(pairs.mask[:, None], pairs.gather(p4), somewhere)
        features, weights = [], []
        for piece in pairs.pieces:
            real = piece.nodes(pairs.mask)
            i, j = triangle(piece.n, p4.device)
            features.append(log_pair_features(piece.nodes(p4), dtype).flatten(0, 1))
            weights.append((real[:, i] & real[:, j]).flatten())
        embedded = self.pair_embed(torch.cat(features), torch.cat(weights).to(dtype))  # (pairs, heads)
        found = []
        for piece, rows in zip(pairs.pieces, embedded.split([len(x) for x in features]), strict=True):
            bias = Symmetric.apply(rows.unflatten(0, (piece.jets, -1)), piece.n)
            found.append(without_padding(piece.nodes(pairs.mask), dtype, bias))
        return found
