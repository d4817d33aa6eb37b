"""Transformer blocks with the norms of NormFormer: among the particles of a jet, and from a class token to them."""

from __future__ import annotations

from typing import Generic, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.models.layers.attention import MultiHeadAttention
from hepexp.models.layers.fast_linear import Dropout, Linear, product
from hepexp.models.layers.particle_pairs import Piece

A = TypeVar("A", bound=nn.Module)


class Block(nn.Module, Generic[A]):
    """x + norm(scaled heads of attention(norm x)), then w x + MLP(norm x), with a norm inside the MLP (NormFormer).

    Parameters
    ----------
    dim : width of a particle; the MLP's hidden layer is four times as wide.
    n_heads : heads, which share the width equally.
    dropout : probability of dropping, in training, an attention weight, a hidden unit, or an element of what is added.

    References
    ----------
    arXiv:2202.03772, section 3 and figure 3; Shleifer et al., arXiv:2110.09456.
    """

    Attention: type[A]

    def __init__(self, dim: int, n_heads: int, dropout: float):
        super().__init__()
        self.pre_attn_norm = nn.LayerNorm(dim)
        self.attn = self.Attention(dim, n_heads, dropout)
        self.post_attn_norm = nn.LayerNorm(dim)
        self.dropout = Dropout(dropout)
        self.pre_fc_norm = nn.LayerNorm(dim)
        self.fc1 = Linear(dim, 4 * dim)
        self.act_dropout = Dropout(dropout)
        self.post_fc_norm = nn.LayerNorm(4 * dim)
        self.fc2 = Linear(4 * dim, dim)
        self.c_attn = nn.Parameter(torch.ones(n_heads))
        self.w_resid = nn.Parameter(torch.ones(dim))

    def scale(self) -> Tensor:
        """The factor of the head that each place (dim,) belongs to."""
        return self.c_attn.repeat_interleave(len(self.w_resid) // len(self.c_attn))

    def add_heads(self: Block[MultiHeadAttention], x: Tensor, heads: Tensor) -> Tensor:
        """x (..., dim) and the outputs of its heads, (..., dim)."""
        scale, out = self.scale(), self.attn.out_proj  # of each place, after the projection
        return self.add(x, product(heads, out.weight * scale[:, None], out.bias * scale))

    def add(self, x: Tensor, attended: Tensor) -> Tensor:
        """x (..., dim), what attention makes of it, and what the MLP makes of both."""
        x = x + self.dropout(self.post_attn_norm(attended))
        hidden = self.act_dropout(F.gelu(self.fc1(self.pre_fc_norm(x))))
        return torch.addcmul(self.dropout(self.fc2(self.post_fc_norm(hidden))), self.w_resid, x)


class ParticleBlock(Block[MultiHeadAttention]):
    """Attention of all particles of a jet to all, with a bias for each head and pair."""

    Attention = MultiHeadAttention

    def forward(self, x: Tensor, pieces: list[Piece], biases: list[Tensor]) -> Tensor:
        qkv = self.attn.in_proj(self.pre_attn_norm(x))
        heads = [
            self.attn.attend(piece.nodes(qkv).chunk(3, dim=-1), bias).flatten(0, 1)
            for piece, bias in zip(pieces, biases, strict=True)
        ]
        return self.add_heads(x, heads[0] if len(heads) == 1 else torch.cat(heads))


class ClassBlock(Block[MultiHeadAttention]):
    """Attention of a class token to itself and to all particles, without dropout.

    With one query q, q . (W_k u + b_k) = (W_k^T q) . u up to a constant, and sum_n a_n (W_v u_n + b_v) =
    W_v (sum_n a_n u_n) + b_v: neither keys nor values are computed for each particle.

    References
    ----------
    Touvron et al., arXiv:2103.17239, section 3.
    """

    Attention = MultiHeadAttention

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
        return self.add_heads(token, torch.einsum("bhd,hwd->bhw", mean, w_v).flatten(1) + b_v)


@torch.no_grad()
def glorot(module: nn.Module) -> None:
    """Initialise linear layers as Glorot and Bengio, those of q, k and v each by itself."""
    for name, layer in module.named_modules():
        if isinstance(layer, nn.Linear):
            for part in layer.weight.chunk(3) if name.endswith("in_proj") else [layer.weight]:
                nn.init.xavier_uniform_(part)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


@torch.no_grad()
def shrink(layer: nn.Linear, depth: int) -> None:
    """Let what a block of this depth, counted from one, adds to its input start smaller than that of those before."""
    layer.weight /= (2 * depth) ** 0.5
