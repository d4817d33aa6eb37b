"""The edge part of a Lorentz group equivariant block: messages between all pairs, never all in memory at once.

A pair costs two n_hidden x n_hidden products forward and four backward. The pairs of a few jets at a time go through
all of them while their rows stay in the cache; backward computes a chunk's messages again, which costs about what
keeping them would, and leaves nothing of size N^2 n_hidden behind.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hepexp.models.layers.chunks import Chunk, run
from hepexp.models.layers.products import linear


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
    """One chunk of what enters: p, q (b, n, H), s (E, 2) and pair (E,), where E = b n^2."""

    p: Tensor
    q: Tensor
    s: Tensor
    pair: Tensor

    @classmethod
    def cut(cls, chunk: Chunk, p: Tensor, q: Tensor, s: Tensor, pair: Tensor) -> _Nodes:
        jets, n = slice(chunk.start, chunk.stop), chunk.n
        flat = s[:, jets, :n, :n].reshape(2, -1).t()
        return cls(p[jets, :n], q[jets, :n], flat, pair[jets, :n, :n].reshape(-1))


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


def _chunk_forward(node: _Nodes, w: EdgeWeights) -> tuple[Tensor, Tensor | None]:
    b, n, width = node.p.shape
    _, _, m, r = _messages(node, w)
    agg = m.view(b, n, n, width).sum(2, dtype=node.p.dtype)
    coef = None if r is None else torch.mv(r, w.w4).mul_(node.pair).view(b, n, n)
    return agg, coef


def _chunk_backward(node: _Nodes, w: EdgeWeights, agg_grad: Tensor, coef_grad: Tensor | None, want_s: bool):
    """Gradients of p, q, s of the chunk, then its share of the gradient of each weight, in the order of EdgeWeights."""
    b, n, width = node.p.shape
    u, gate, m, r = _messages(node, w)
    relu_backward = torch.ops.aten.threshold_backward
    in_place = torch.ops.aten.threshold_backward.grad_input
    if r is None:
        g_w3 = g_b3 = g_w4 = None
        g_m = agg_grad[:, :, None].expand(b, n, n, width).to(m.dtype).reshape(-1, width)
    else:
        # The gradient of w3 m + b3 is g_coef w4 where r > 0; w4 is the same for all pairs and waits outside.
        g_coef = (coef_grad.reshape(-1) * node.pair).to(m.dtype)
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
    g_s = linear(g_u, w.c).t().view(2, b, n, n) if want_s else None
    nodes = (pairs.sum(2), pairs.sum(1), g_s)
    return *nodes, torch.mm(node.s.t(), g_u), g_w2, g_b2, g_wm, g_logit.sum()[None], g_w3, g_b3, g_w4


class _Edges(torch.autograd.Function):
    @staticmethod
    def forward(ctx, chunks: list[Chunk], pair: Tensor, p: Tensor, q: Tensor, s: Tensor, *weights: Tensor | None):
        w = EdgeWeights(*weights)
        ctx.chunks = chunks
        ctx.save_for_backward(pair, p, q, s, *weights)
        ctx.set_materialize_grads(False)
        agg = torch.zeros_like(p)
        coef = None if w.w3 is None else torch.zeros_like(pair)
        for (start, stop, n), (a, c) in run(lambda k: _chunk_forward(_Nodes.cut(k, p, q, s, pair), w), chunks):
            agg[start:stop, :n] = a
            if coef is not None:
                coef[start:stop, :n, :n] = c
        return agg, coef

    @staticmethod
    @once_differentiable
    def backward(ctx, agg_grad: Tensor | None, coef_grad: Tensor | None):
        pair, p, q, s, *weights = ctx.saved_tensors
        w, want_s = EdgeWeights(*weights), ctx.needs_input_grad[4]
        agg_grad = torch.zeros_like(p) if agg_grad is None else agg_grad
        if w.w3 is not None and coef_grad is None:
            coef_grad = torch.zeros_like(pair)

        def job(k: Chunk):
            jets, n = slice(k.start, k.stop), k.n
            at_pairs = None if coef_grad is None else coef_grad[jets, :n, :n]
            return _chunk_backward(_Nodes.cut(k, p, q, s, pair), w, agg_grad[jets, :n], at_pairs, want_s)

        g_p, g_q = torch.zeros_like(p), torch.zeros_like(q)
        g_s = torch.zeros_like(s) if want_s else None
        shares = []
        for (start, stop, n), (a, b, c, *share) in run(job, ctx.chunks):
            g_p[start:stop, :n], g_q[start:stop, :n] = a, b
            if want_s:
                g_s[:, start:stop, :n, :n] = c
            shares.append(share)
        # In the order of the chunks, whichever thread was first: the same sum to the last digit.
        g_weights = [None if g[0] is None else torch.stack(g).sum(0) for g in zip(*shares, strict=True)]
        return None, None, g_p, g_q, g_s, *g_weights


def edge_messages(
    p: Tensor, q: Tensor, s: Tensor, pair: Tensor, weights: EdgeWeights, chunks: list[Chunk]
) -> tuple[Tensor, Tensor | None]:
    """Messages m_ij = phi_m phi_e of all pairs: their sum over j, and phi_x(m_ij).

    Parameters
    ----------
    p, q : (B, N, H), the part of phi_e's normalised first layer that belongs to the receiving and the sending particle.
    s : (2, B, N, N), the invariants of each pair.
    pair : (B, N, N), 1 for two different real particles, else 0.
    weights : EdgeWeights; may be of lower precision than p, q, s, which then sets that of the matrix products.
    chunks : the jets worked at a time, see `chunks.split`.

    Returns
    -------
    sum_j m_ij (B, N, H) and phi_x(m_ij) (B, N, N), zero where there is no pair; None in place of it without phi_x.
    """
    with torch.autocast(p.device.type, enabled=False):
        return _Edges.apply(chunks, pair, p, q, s, *weights)
