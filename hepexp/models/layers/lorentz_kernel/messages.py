"""The edge part of a Lorentz group equivariant block: messages between all pairs, never all in memory at once.

A pair costs two n_hidden x n_hidden products forward and four backward, 12 n_hidden^2 operations, which is the floor.
The pairs of a few jets at a time go through all of them while their rows stay in the cache. On a CPU the outputs of the
two products, 8 n_hidden bytes a pair in float32, wait in memory for the backward pass: to write and read them takes
less time than to multiply again. Where they are too many, and on other devices, the backward pass recomputes them, for
16 n_hidden^2 operations in all.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from hepexp.exporting import applied, is_exported
from hepexp.models.layers.cache_blocking import add_product, gradient_of_weight, linear, run
from hepexp.models.layers.particle_pairs import ParticlePairs, Piece
from hepexp.precision import full_precision

KEPT = 2**28  # bytes that a block may keep for its backward pass, 256 MiB


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


class Messages(NamedTuple):
    """The gate (E,), m = gate ReLU(w2 u + b2) and r = ReLU(w3 m + b3), (E, H) each; r is None without phi_x."""

    gate: Tensor
    m: Tensor
    r: Tensor | None


def _first(piece: Piece, p: Tensor, q: Tensor, s: Tensor, w: EdgeWeights) -> Tensor:
    """u = ReLU(p_i + q_j + s_ij c) of a piece, (E, H)."""
    z = torch.add(piece.nodes(p)[:, :, None], piece.nodes(q)[:, None]).flatten(0, 2)
    return z.addmm_(s[:, piece.pairs].t(), w.c).relu_().to(w.w2.dtype)


def _messages(u: Tensor, pair: Tensor, w: EdgeWeights) -> Messages:
    m = linear(u, w.w2, w.b2, relu=True)
    gate = torch.addmv(w.bm, m, w.wm).sigmoid_().mul_(pair)
    m.mul_(gate[:, None])
    return Messages(gate, m, None if w.w3 is None else linear(m, w.w3, w.b3, relu=True))


def _backward(
    u: Tensor,
    messages: Messages,
    s: Tensor,
    pair: Tensor,
    w: EdgeWeights,
    m_grad: Tensor,
    coef_grad: Tensor | None,
    want_s: bool,
):
    """Gradients of z = p_i + q_j and s, then the pairs' share in that of each weight, in the order of EdgeWeights.

    Parameters
    ----------
    m_grad : (E, H), of the messages but for what phi_x does with them; overwritten.
    coef_grad : (E,), of phi_x.
    """
    gate, m, r = messages
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
    g_z = in_place(g_u, u, 0, grad_input=g_u).to(s.dtype)
    g_s = linear(g_z, w.c).t() if want_s else None
    return g_z, g_s, torch.mm(s.t(), g_z), g_w2, g_b2, g_wm, g_logit.sum()[None], g_w3, g_b3, g_w4


class _Edges(Function):
    @staticmethod
    def forward(ctx, pairs: ParticlePairs, keep: bool, p: Tensor, q: Tensor, s: Tensor, *weights):
        w = EdgeWeights(*weights)

        def job(piece: Piece) -> tuple[Tensor, Tensor | None, Messages | None]:
            pair = pairs.pair_mask[piece.pairs]
            messages = _messages(_first(piece, p, q, s, w), pair, w)
            _, m, r = messages
            coef = None if r is None or w.w4 is None else torch.mv(r, w.w4).to(p.dtype).mul_(pair)
            agg = m.view(piece.jets * piece.n, piece.n, -1).sum(1, dtype=p.dtype)
            return agg, coef, messages if keep else None

        agg, coef, kept = zip(*(result for _, result in run(job, pairs.pieces)), strict=True)
        ctx.pairs, ctx.keep = pairs, keep
        ctx.save_for_backward(p, q, s, *weights, *(chain(*kept) if keep else ()))
        return torch.cat(agg), None if w.w3 is None else torch.cat(coef)

    @staticmethod
    @once_differentiable
    def backward(ctx, agg_grad: Tensor, coef_grad: Tensor | None):
        saved, n = ctx.saved_tensors, 3 + len(EdgeWeights._fields)
        (p, q, s), w, rest = saved[:3], EdgeWeights(*saved[3:n]), iter(saved[n:])
        pairs, want_s = ctx.pairs, ctx.needs_input_grad[4]
        kept = [Messages(*islice(rest, 3)) if ctx.keep else None for _ in pairs.pieces]

        def job(of: tuple[Piece, Messages | None]):
            piece, messages = of
            shape = (piece.jets, piece.n, piece.n, p.shape[1])
            m_grad = (
                piece.nodes(agg_grad)[:, :, None]
                .to(w.w2.dtype)
                .expand(shape)
                .clone(memory_format=torch.contiguous_format)
            )
            at_pairs = None if coef_grad is None else coef_grad[piece.pairs]
            u, own_s, pair = _first(piece, p, q, s, w), s[:, piece.pairs].t(), pairs.pair_mask[piece.pairs]
            messages = messages or _messages(u, pair, w)
            g_z, *others = _backward(u, messages, own_s, pair, w, m_grad.flatten(0, 2), at_pairs, want_s)
            g_z = g_z.view(shape)
            return g_z.sum(2).flatten(0, 1), g_z.sum(1).flatten(0, 1), *others

        results = run(job, list(zip(pairs.pieces, kept, strict=True)))
        p_grads, q_grads, s_grads, *shares = zip(*(result for _, result in results), strict=True)
        # In the order of the pieces, whichever thread finished first: the same sum to the last digit.
        weight_grads = [None if g[0] is None else torch.stack(g).sum(0) for g in shares]
        s_grad = torch.cat(s_grads, dim=1) if want_s else None
        return None, None, torch.cat(p_grads), torch.cat(q_grads), s_grad, *weight_grads


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
        return applied(_Edges, pairs, _may_keep(p, weights, pairs), p, q, s, *weights)


def _may_keep(p: Tensor, weights: EdgeWeights, pairs: ParticlePairs) -> bool:
    """Whether the messages are kept for the backward pass; an exported network has none, nor a number of pairs."""
    if is_exported() or p.device.type != "cpu" or not torch.is_grad_enabled():
        return False
    return 2 * len(pairs.pair_mask) * p.shape[1] * weights.w2.element_size() <= KEPT
