"""Multi-head attention over the particles of padded jets, with a bias on each pair of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.models.layers.fast_linear import AttentionDropout, Linear, product


def without_padding(mask: Tensor, dtype: torch.dtype, bias: Tensor | None = None) -> Tensor:
    """The bias that keeps attention away from padding: a large negative number for keys that are no particles.

    It is finite, so a jet without particles gives finite outputs.

    Parameters
    ----------
    mask : (B, N) True for real particles.
    dtype : of the attention's input.
    bias : (B, n_heads or 1, Q, N) to which it is added; None for zero.

    Returns
    -------
    Tensor, shape (B, n_heads or 1, Q or 1, N).
    """
    zero = torch.zeros((), dtype=dtype, device=mask.device)
    return torch.where(mask[:, None, None], zero if bias is None else bias.to(dtype), torch.finfo(dtype).min / 2)


def kept_for_each_pair(n_heads: int, dropout: float) -> float:
    """Numbers that attention keeps for each pair of particles until the backward pass.

    The weight of each head, and with dropout also what is left of it and 16 random bits.
    """
    return n_heads * (2.5 if dropout else 1)


class MultiHeadAttention(nn.Module):
    """softmax(q k^T / sqrt(dim / n_heads) + bias) v in each head, between linear layers.

    Parameters
    ----------
    dim : width of a token.
    n_heads : heads, which share the width equally.
    dropout : probability of dropping an attention weight in training.

    Shapes
    ------
    x (B, Q, dim); context (B, N, dim), or None for x itself; bias broadcastable to (B, n_heads, Q, N), such as
    `without_padding` gives -> (B, Q, dim).

    References
    ----------
    Vaswani et al., arXiv:1706.03762, section 3.2; with a bias, arXiv:2202.03772, equation 4.
    """

    def __init__(self, dim: int, n_heads: int, dropout: float = 0.0):
        super().__init__()
        self.n_heads = n_heads
        self.in_proj = Linear(dim, 3 * dim)  # of q, k and v, in this order
        self.out_proj = Linear(dim, dim)
        self.dropout = AttentionDropout(dropout)

    def forward(self, x: Tensor, bias: Tensor | None = None, context: Tensor | None = None) -> Tensor:
        if context is None:
            q, k, v = self.in_proj(x).chunk(3, dim=-1)
        else:
            dim = self.out_proj.in_features
            q = product(x, self.in_proj.weight[:dim], self.in_proj.bias[:dim])
            k, v = product(context, self.in_proj.weight[dim:], self.in_proj.bias[dim:]).chunk(2, dim=-1)
        return self.out_proj(self.attend((q, k, v), bias))

    def attend(self, qkv: Sequence[Tensor], bias: Tensor | None = None) -> Tensor:
        """The heads' outputs side by side, (B, Q, dim), of q (B, Q, dim), k and v (B, N, dim)."""
        q, k, v = (t.unflatten(-1, (self.n_heads, -1)).transpose(1, 2) for t in qkv)  # (B, heads, Q or N, width)
        bias = None if bias is None else bias.to(q.dtype)
        if q.device.type == "cpu" and q.requires_grad:
            out = self._attend_in_steps(q, k, v, bias)
        else:
            out = F.scaled_dot_product_attention(q, k, v, bias, self.dropout.p if self.dropout.training else 0.0)
        return out.transpose(1, 2).flatten(2)

    def _attend_in_steps(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None) -> Tensor:
        """The same: on a CPU torch's function is slower where the bias has a gradient or weights are dropped."""
        scores = (q * q.shape[-1] ** -0.5) @ k.mT
        return self.dropout((scores if bias is None else scores + bias).softmax(-1)) @ v
