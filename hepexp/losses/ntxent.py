"""NT-Xent, the loss of SimCLR: the other view of an example, among all other views of the batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from hepexp.losses.all_pairs import of_rows
from hepexp.losses.similarity import SimilarityObjective
from hepexp.losses.states import CircuitStates
from hepexp.losses.weighted import weighted_mean


class NTXent(SimilarityObjective):
    """-ln [exp(s_ij / tau) / sum_{a != i} exp(s_ia / tau)], averaged over the 2 B views i of a batch of B examples.

    j is the other view of the same example; negatives are the 2 (B - 1) views of the others, whatever their class. s is
    the cosine of two projections, or the fidelity of their states. A collapsed embedding has the loss ln(2 B - 1). A
    weight is that of the example of i, as in supervised_contrastive.

    References
    ----------
    T. Chen et al., arXiv:2002.05709, equation 1; for jets: B. M. Dillon et al., arXiv:2108.04253 (JetCLR).
    """

    takes_weights = True
    needs_views = True

    def __init__(
        self,
        temperature: float = 0.1,
        projector: Sequence[int] = (128, 32),
        learn_temperature: bool = False,
        similarity: Literal["cosine", "fidelity"] = "cosine",
        alpha: float = 1.0,
        states: CircuitStates | None = None,
        embedding_dim: int | None = None,
    ):
        super().__init__(temperature, learn_temperature, similarity, projector, alpha, states, embedding_dim)

    def compare_views(self, first: Tensor, second: Tensor, label: Tensor, weight: Tensor | None = None) -> Tensor:
        z = self.rows(torch.cat([first, second]))
        views = torch.arange(len(z), device=z.device)
        partner = views.roll(len(first))

        def each(i: Tensor) -> Tensor:
            logits = self.logits(z[i], z).masked_fill(i[:, None] == views, -torch.inf)
            return logits.logsumexp(dim=1) - logits.gather(1, partner[i, None])[:, 0]

        found = of_rows(each, len(z), len(z), z.device)
        return weighted_mean(found, None if weight is None else weight.repeat(2))
