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
from hepexp.models.layers.cache_blocking import add_product, gradient_of_weight, linear, run
from hepexp.models.layers.particle_pairs import ParticlePairs, Piece
from hepexp.precision import full_precision


class EdgeWeights(NamedTuple):
    """What the edges share: c (S, H) of the first layer, then phi_e's second layer, phi_m, and phi_x (None without)."""

    c: Tensor
    w2: Tensor
    b2: Tensor
    wm: Tensor
    bm: Tensor
    w3: Tensor | None
    b3: Tensor | None
    w4: Tensor | None


def _cut(piece: Piece, p: Tensor, q: Tensor, s: Tensor, pair: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """One piece of what enters: z = p_i + q_j (E, H), s (E, S) and pair (E,)."""
    z = torch.add(piece.nodes(p)[:, :, None], piece.nodes(q)[:, None]).flatten(0, 2)
    return z, s[:, piece.pairs].t(), pair[piece.pairs]


def _messages(z: Tensor, s: Tensor, pair: Tensor, w: EdgeWeights) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """u = ReLU(z + s c), the gate (E,), m = gate ReLU(w2 u + b2) and r = ReLU(w3 m + b3); each (E, H)."""
    u = z.addmm_(s, w.c).relu_().to(w.w2.dtype)
    m = linear(u, w.w2, w.b2, relu=True)
    gate = torch.addmv(w.bm, m, w.wm).sigmoid_().mul_(pair)
    m.mul_(gate[:, None])
    r = None if w.w3 is None else linear(m, w.w3, w.b3, relu=True)
    return u, gate, m, r


def _forward(z: Tensor, s: Tensor, pair: Tensor, w: EdgeWeights) -> tuple[Tensor, Tensor | None]:
    """Messages (E, H) and phi_x of them (E,)."""
    _, _, m, r = _messages(z, s, pair, w)
    return m, None if r is None or w.w4 is None else torch.mv(r, w.w4).to(z.dtype).mul_(pair)


def _backward(
    z: Tensor, s: Tensor, pair: Tensor, w: EdgeWeights, m_grad: Tensor, coef_grad: Tensor | None, want_s: bool
):
    """Gradients of z and s, then the share of the pairs in that of each weight, in the order of EdgeWeights.

    Parameters
    ----------
    m_grad : (E, H), of the messages but for what phi_x does with them; overwritten, as z is.
    coef_grad : (E,), of phi_x.
    """
    u, gate, m, r = _messages(z, s, pair, w)
    relu_backward = torch.ops.aten.threshold_backward
    in_place = torch.ops.aten.threshold_backward.grad_input
    g_m = m_grad
    if r is None or coef_grad is None or w.w3 is None or w.w4 is None:  # all of them, without phi_x
        g_w3 = g_b3 = g_w4 = None
    else:
        # The gradient of w3 m + b3 is g_coef w4 where r > 0; w4 is the same for all pairs and waits outside.
        g_coef = (coef_grad * pair).to(m.dtype)
        g_w4 = torch.mv(r.t(), g_coef)
        open_ = relu_backward(g_coef[:, None].expand_as(r), r, 0)
        g_b3 = open_.sum(0).mul_(w.w4)
        g_w3 = gradient_of_weight(open_, m).mul_(w.w4[:, None])
        g_m = add_product(g_m, open_, w.w4[:, None] * w.w3)
    # m = gate v: v is positive where m is, and g_logit = (g_m . v) gate (1 - gate) = (g_m . m) (1 - gate).
    g_logit = torch.mul(g_m, m).sum(1).mul_(1 - gate)
    g_wm = torch.mv(m.t(), g_logit / gate.clamp(min=torch.finfo(gate.dtype).tiny))
    g_v = g_m.mul_(gate[:, None]).addcmul_(g_logit[:, None], w.wm)
    g_v = in_place(g_v, m, 0, grad_input=g_v)
    g_w2, g_b2 = gradient_of_weight(g_v, u), g_v.sum(0)
    g_u = linear(g_v, w.w2.t())
    g_z = in_place(g_u, u, 0, grad_input=g_u).to(z.dtype)
    g_s = linear(g_z, w.c).t() if want_s else None
    return g_z, g_s, torch.mm(s.t(), g_z), g_w2, g_b2, g_wm, g_logit.sum()[None], g_w3, g_b3, g_w4


class _Edges(Function):
    @staticmethod
    def forward(ctx, pairs: ParticlePairs, p: Tensor, q: Tensor, s: Tensor, *weights):
        w = EdgeWeights(*weights)
        ctx.pairs = pairs
        ctx.save_for_backward(p, q, s, *weights)

        def job(piece: Piece) -> tuple[Tensor, Tensor | None]:
            m, coef = _forward(*_cut(piece, p, q, s, pairs.pair_mask), w)
            return m.view(piece.jets * piece.n, piece.n, -1).sum(1, dtype=p.dtype), coef

        agg, coef = zip(*(result for _, result in run(job, pairs.pieces)), strict=True)
        return torch.cat(agg), None if w.w3 is None else torch.cat(coef)

    @staticmethod
    @once_differentiable
    def backward(ctx, agg_grad: Tensor, coef_grad: Tensor | None):
        p, q, s, *weights = ctx.saved_tensors
        w, pairs, want_s = EdgeWeights(*weights), ctx.pairs, ctx.needs_input_grad[3]

        def job(piece: Piece):
            shape = (piece.jets, piece.n, piece.n, p.shape[1])
            m_grad = (
                piece.nodes(agg_grad)[:, :, None]
                .to(w.w2.dtype)
                .expand(shape)
                .clone(memory_format=torch.contiguous_format)
            )
            at_pairs = None if coef_grad is None else coef_grad[piece.pairs]
            z, own_s, pair = _cut(piece, p, q, s, pairs.pair_mask)
            g_z, *others = _backward(z, own_s, pair, w, m_grad.flatten(0, 2), at_pairs, want_s)
            g_z = g_z.view(shape)
            return g_z.sum(2).flatten(0, 1), g_z.sum(1).flatten(0, 1), *others

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
    s : (S, E), the invariants of each pair.
    weights : EdgeWeights; may be of lower precision than p, q, s, which then sets that of the matrix products.

    Returns
    -------
    sum_j m_ij (R, H) and phi_x(m_ij) (E,), zero where there is no pair, or None without phi_x.
    """
    with full_precision(p):
        return _Edges.apply(pairs, p, q, s, *weights)
