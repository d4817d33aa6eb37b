"""LorentzNet as written in its paper, on a list of edges: the reference for speed and for numerical agreement."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hepexp.batch import JetBatch


def psi(z: Tensor) -> Tensor:
    """sgn(z) ln(1 + |z|)."""
    return torch.sign(z) * torch.log(1 + torch.abs(z))


def minkowski(a: Tensor, b: Tensor) -> Tensor:
    """<a, b> of rows (E, 4), metric (+,-,-,-)."""
    product = a * b
    return 2 * product[:, 0] - product.sum(1)


class EdgeListBlock(nn.Module):
    """One block; receivers i and senders j are index tensors over all edges of the batch."""

    def __init__(self, n_hidden: int, n_scalars: int, c: float, last: bool):
        super().__init__()
        self.c = c
        self.phi_e = nn.Sequential(
            nn.Linear(2 * n_hidden + 2, n_hidden, bias=False),
            nn.BatchNorm1d(n_hidden),
            nn.ReLU(),
            nn.Linear(n_hidden, n_hidden),
            nn.ReLU(),
        )
        self.phi_h = nn.Sequential(
            nn.Linear(2 * n_hidden + n_scalars, n_hidden),
            nn.BatchNorm1d(n_hidden),
            nn.ReLU(),
            nn.Linear(n_hidden, n_hidden),
        )
        self.phi_m = nn.Sequential(nn.Linear(n_hidden, 1), nn.Sigmoid())
        self.phi_x = None
        if not last:
            self.phi_x = nn.Sequential(nn.Linear(n_hidden, n_hidden), nn.ReLU(), nn.Linear(n_hidden, 1, bias=False))
            nn.init.xavier_uniform_(next(self.phi_x[2].parameters()), gain=0.001)

    def forward(self, h: Tensor, x: Tensor, scalars: Tensor, i: Tensor, j: Tensor) -> tuple[Tensor, Tensor]:
        difference = x[i] - x[j]
        norms = psi(minkowski(difference, difference))[:, None]
        dots = psi(minkowski(x[i], x[j]))[:, None]
        m = self.phi_e(torch.cat([h[i], h[j], norms, dots], dim=1))
        m = m * self.phi_m(m)
        if self.phi_x is not None:
            neighbours = x.new_zeros(len(x), 1).index_add_(0, i, x.new_ones(len(i), 1))
            push = torch.zeros_like(x).index_add_(0, i, difference * self.phi_x(m))
            x = x + self.c * push / neighbours.clamp(min=1)
        agg = torch.zeros_like(h).index_add_(0, i, m.to(h.dtype))
        return h + self.phi_h(torch.cat([h, agg, scalars], dim=1)), x


class EdgeListLorentzNet(nn.Module):
    """The same model as `hepexp.models.lorentz_net.LorentzNet`, with the same parameters under the same names.

    It computes in the dtype of its parameters. To list the edges, it reads the masks back from a GPU.
    """

    def __init__(
        self,
        n_hidden: int = 72,
        n_blocks: int = 6,
        c: float = 1e-3,
        dropout: float = 0.2,
        *,
        n_scalars: int,
        n_classes: int,
    ):
        super().__init__()
        self.embedding = nn.Linear(n_scalars, n_hidden)
        self.LGEBs = nn.ModuleList(
            EdgeListBlock(n_hidden, n_scalars, c, last=k == n_blocks - 1) for k in range(n_blocks)
        )
        self.graph_dec = nn.Sequential(
            nn.Linear(n_hidden, n_hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(n_hidden, n_classes)
        )

    def forward(self, batch: JetBatch) -> Tensor:
        dtype, mask = self.embedding.weight.dtype, batch.mask
        different = ~torch.eye(mask.shape[1], dtype=torch.bool, device=mask.device)
        pair = mask[:, :, None] & mask[:, None, :] & different
        jet, i, j = pair.nonzero(as_tuple=True)
        row = mask.reshape(-1).cumsum(0).view_as(mask) - 1
        i, j = row[jet, i], row[jet, j]
        x, scalars = batch.p4[mask].to(dtype), batch.scalars[mask].to(dtype)
        h = self.embedding(scalars)
        for block in self.LGEBs:
            h, x = block(h, x, scalars, i, j)
        total = h.new_zeros(len(mask), h.shape[1]).index_add_(0, mask.nonzero()[:, 0], h)
        return self.graph_dec(total / mask.sum(1, keepdim=True).clamp(min=1))
