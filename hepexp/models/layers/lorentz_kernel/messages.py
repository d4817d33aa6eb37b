"""The edge part of a Lorentz group equivariant block: messages between all pairs, never all in memory at once.

A pair costs two n_hidden x n_hidden products forward and four backward. The pairs of a few jets at a time go through
all of them while their rows stay in the cache; the backward pass recomputes the messages of a piece, which costs about
as much as keeping them and avoids tensors of size N^2 n_hidden.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hepexp.exporting import Function
from hepexp.models.layers.cache_blocking import linear, run
from hepexp.models.layers.particle_pairs import ParticlePairs, Piece
from hepexp.precision import full_precision


class EdgeWeights(NamedTuple):
    """What the edges share: c (2, H) of the first layer, then phi_e's second layer, phi_m, and phi_x (None without)."""

    c: Tensor
    w2: Tensor
    b2: Tensor
    wm: Tensor
    bm: Tensor
    w3: Tensor | None
    b3: Tensor | None
    w4: Tensor | None


class _Nodes(NamedTuple):
    """One piece of what enters: p, q (b, n, H), s (b n^2, 2) and pair (b n^2,)."""

    p: Tensor
    q: Tensor
    s: Tensor
    pair: Tensor

    @classmethod
    def cut(cls, piece: Piece, p: Tensor, q: Tensor, s: Tensor, pair: Tensor) -> _Nodes:
        return cls(piece.nodes(p), piece.nodes(q), s[:, piece.pairs].t(), pair[piece.pairs])


def _messages(node: _Nodes, w: EdgeWeights) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """u = ReLU(p_i + q_j + s c), the gate (E,), m = gate ReLU(w2 u + b2) and r = ReLU(w3 m + b3); each (E, H)."""
    width = node.p.shape[-1]
    u = torch.add(node.p[:, :, None], node.q[:, None]).view(-1, width)
    u = u.addmm_(node.s, w.c).relu_().to(w.w2.dtype)
    m = linear(u, w.w2, w.b2, relu=True)
    gate = torch.addmv(w.bm, m, w.wm).sigmoid_().mul_(node.pair)
    m.mul_(gate[:, None])
    r = None if w.w3 is None else linear(m, w.w3, w.b3, relu=True)
    return u, gate, m, r


def _piece_forward(node: _Nodes, w: EdgeWeights) -> tuple[Tensor, Tensor | None]:
    b, n, width = node.p.shape
    _, _, m, r = _messages(node, w)
    agg = m.view(b * n, n, width).sum(1, dtype=node.p.dtype)
    coef = None if r is None or w.w4 is None else torch.mv(r, w.w4).to(agg.dtype).mul_(node.pair)
    return agg, coef


def _piece_backward(node: _Nodes, w: EdgeWeights, agg_grad: Tensor, coef_grad: Tensor | None, want_s: bool):
    """Gradients of p, q, s of the piece, then its share of the gradient of each weight, in the order of EdgeWeights."""
    b, n, width = node.p.shape
    u, gate, m, r = _messages(node, w)
    relu_backward = torch.ops.aten.threshold_backward
    in_place = torch.ops.aten.threshold_backward.grad_input
    if r is None or coef_grad is None or w.w3 is None or w.w4 is None:  # all of them, without phi_x
        g_w3 = g_b3 = g_w4 = None
        g_m = agg_grad[:, :, None].expand(b, n, n, width).to(m.dtype).reshape(-1, width)
    else:
        # The gradient of w3 m + b3 is g_coef w4 where r > 0; w4 is the same for all pairs and waits outside.
        g_coef = (coef_grad * node.pair).to(m.dtype)
        g_w4 = torch.mv(r.t(), g_coef)
        open_ = relu_backward(g_coef[:, None].expand_as(r), r, 0)
        g_b3 = open_.sum(0).mul_(w.w4)
        g_w3 = linear(open_.t(), m.t()).mul_(w.w4[:, None])
        g_m = linear(open_, (w.w4[:, None] * w.w3).t())
        g_m.view(b, n, n, width).add_(agg_grad[:, :, None].to(m.dtype))
    # m = gate v: v is positive where m is, and g_logit = (g_m . v) gate (1 - gate) = (g_m . m) (1 - gate).
    g_logit = torch.mul(g_m, m).sum(1).mul_(1 - gate)
    g_wm = torch.mv(m.t(), g_logit / gate.clamp(min=torch.finfo(gate.dtype).tiny))
    g_v = g_m.mul_(gate[:, None]).addcmul_(g_logit[:, None], w.wm)
    g_v = in_place(g_v, m, 0, grad_input=g_v)
    g_w2, g_b2 = linear(g_v.t(), u.t()), g_v.sum(0)
    g_u = linear(g_v, w.w2.t())
    g_u = in_place(g_u, u, 0, grad_input=g_u).to(node.p.dtype)
    pairs = g_u.view(b, n, n, width)
    g_s = linear(g_u, w.c).t() if want_s else None
    nodes = (pairs.sum(2).flatten(0, 1), pairs.sum(1).flatten(0, 1), g_s)
    return *nodes, torch.mm(node.s.t(), g_u), g_w2, g_b2, g_wm, g_logit.sum()[None], g_w3, g_b3, g_w4


class _Edges(Function):
    @staticmethod
    def forward(ctx, pairs: ParticlePairs, p: Tensor, q: Tensor, s: Tensor, *weights):
        w = EdgeWeights(*weights)
        ctx.pairs = pairs
        ctx.save_for_backward(p, q, s, *weights)
        results = run(lambda piece: _piece_forward(_Nodes.cut(piece, p, q, s, pairs.pair_mask), w), pairs.pieces)
        agg, coef = zip(*(result for _, result in results), strict=True)
        return torch.cat(agg), None if w.w3 is None else torch.cat(coef)

    @staticmethod
    @once_differentiable
    def backward(ctx, agg_grad: Tensor, coef_grad: Tensor | None):
        p, q, s, *weights = ctx.saved_tensors
        w, pairs, want_s = EdgeWeights(*weights), ctx.pairs, ctx.needs_input_grad[3]

        def job(piece: Piece):
            at_pairs = None if coef_grad is None else coef_grad[piece.pairs]
            node = _Nodes.cut(piece, p, q, s, pairs.pair_mask)
            return _piece_backward(node, w, piece.nodes(agg_grad), at_pairs, want_s)

        p_grads, q_grads, s_grads, *shares = zip(*(result for _, result in run(job, pairs.pieces)), strict=True)
        # In the order of the pieces, whichever thread finished first: the same sum to the last digit.
        weight_grads = [None if g[0] is None else torch.stack(g).sum(0) for g in shares]
        s_grad = torch.cat(s_grads, dim=1) if want_s else None
        return None, torch.cat(p_grads), torch.cat(q_grads), s_grad, *weight_grads


def edge_messages(
    p: Tensor, q: Tensor, s: Tensor, weights: EdgeWeights, pairs: ParticlePairs
) -> tuple[Tensor, Tensor | None]:
    """Messages m_ij = phi_m phi_e of all pairs: their sum over j, and phi_x(m_ij).

    Parameters
    ----------
    p, q : (R, H), the part of phi_e's normalised first layer that belongs to the receiving and the sending particle.
    s : (2, E), the invariants of each pair.
    weights : EdgeWeights; may be of lower precision than p, q, s, which then sets that of the matrix products.

    Returns
    -------
    sum_j m_ij (R, H) and phi_x(m_ij) (E,), zero where there is no pair, or None without phi_x.
    """
    with full_precision(p):
        return _Edges.apply(pairs, p, q, s, *weights)
