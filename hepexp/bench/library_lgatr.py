"""The network of the package lgatr with nothing of ours around it: a reference for speed and agreement."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.models.layers.symmetry_breaking import BEAMS
from hepexp.models.lgatr import UNIT, LGATr


class LibraryLGATr(nn.Module):
    """L-GATr on tokens as its package takes them: a class token, two beams, and particles, all of them real.

    Parameters
    ----------
    ours : with symmetry_breaking=beam and no scalars of the data set; its weights are copied.

    Shapes
    ------
    p4 (B, N, 4) in GeV as (E, px, py, pz), without padding -> logits (B, n_classes).
    """

    beams: Tensor

    def __init__(self, ours: LGATr):
        super().__init__()
        self.slim, self.net = ours.slim, copy.deepcopy(ours.net)
        self.register_buffer("beams", BEAMS.clone())

    def forward(self, batch: JetBatch) -> Tensor:
        dtype, n_jets = next(self.net.parameters()).dtype, len(batch)
        particles = batch.p4.to(dtype) / UNIT
        p4 = F.pad(torch.cat([self.beams.to(dtype).expand(n_jets, -1, -1), particles], dim=1), (0, 0, 1, 0))
        kind = torch.tensor([2, 1, 1] + [0] * particles.shape[1])  # class token, beam, particle
        scalars = F.one_hot(kind, 3).to(dtype).expand(n_jets, -1, -1)
        if self.slim:
            return self.net(p4[:, :, None], scalars)[1][:, 0]
        from lgatr import embed_vector

        multivectors = embed_vector(p4[:, :, None])
        multivectors[:, 0, :, 0] = 1
        return self.net(multivectors, scalars)[0][:, 0, :, 0]
