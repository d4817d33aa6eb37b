"""The forward pass of LorentzNet's released code, written plainly from the paper's equations."""

from __future__ import annotations

import torch
from torch import Tensor

from hepexp.batch import JetBatch
from hepexp.bench.edge_list import EdgeListLorentzNet
from tests.jets import pad


def psi(z: Tensor) -> Tensor:
    """Equation (3.3) of arXiv:2201.08187."""
    return z.sign() * (1 + z.abs()).log()


def published_forward(net: EdgeListLorentzNet, jets: JetBatch, length: int) -> tuple[Tensor, bool]:
    """Logits (B, n_classes) with every jet padded to one length, and whether the clamp acted.

    Padding has no edges, but it is a node like others to phi_h, and is counted in the mean of the last step.
    """
    jets = pad(jets, length - jets.mask.shape[1])
    dtype = net.embedding.weight.dtype
    pairs = jets.mask[:, :, None] & jets.mask[:, None] & ~torch.eye(length, dtype=torch.bool)
    jet, i, j = pairs.nonzero(as_tuple=True)
    i, j = jet * length + i, jet * length + j
    x, scalars = jets.p4.flatten(0, 1).to(dtype), jets.scalars.flatten(0, 1).to(dtype)
    sign = torch.tensor([1.0, -1.0, -1.0, -1.0], dtype=dtype)
    n_neighbours = torch.bincount(i, minlength=len(x)).clamp(min=1)[:, None]
    clamped = False
    h = net.embedding(scalars)
    for block in net.LGEBs:
        d = x[i] - x[j]
        s = torch.stack([psi((d * d) @ sign), psi((x[i] * x[j]) @ sign)], dim=1)
        m = block.phi_e(torch.cat([h[i], h[j], s], dim=1))
        m = m * block.phi_m(m)  # equation (3.1)
        if block.phi_x is not None:
            push = d * block.phi_x(m)
            clamped |= bool((push.abs() > 100).any())
            steps = torch.zeros_like(x).index_add(0, i, push.clamp(-100, 100))
            x = x + block.c * steps / n_neighbours  # equation (3.4)
        messages = torch.zeros_like(h).index_add(0, i, m)
        h = h + block.phi_h(torch.cat([h, messages, scalars], dim=1))
    h = (h * jets.mask.reshape(-1, 1)).view(len(jets), length, -1)
    return net.graph_dec(h.sum(1) / length), clamped
