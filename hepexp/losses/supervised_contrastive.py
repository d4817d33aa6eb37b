"""Supervised contrastive loss: examples of one class attract each other, all others repel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from hepexp.losses.all_pairs import of_rows, others_of_class
from hepexp.losses.similarity import SimilarityObjective
from hepexp.losses.states import CircuitStates
from hepexp.losses.weighted import weighted_mean


class SupervisedContrastive(SimilarityObjective):
    """-1/|P(i)| sum_{p in P(i)} ln [exp(s_ip / tau) / sum_{a != i} exp(s_ia / tau)], averaged over examples i.

    P(i) is the set of other examples of i's class in the batch; examples without any are left out. s is the cosine of
    two projections, or the fidelity of their states. For structureless embeddings the loss is close to ln(B - 1).

    A weight is that of the example i, sum_i w_i l_i / sum_i |w_i|. The examples with which it is compared count alike,
    as a sum of exp(s_ia / tau) with negative weights need not have a logarithm.

    References
    ----------
    P. Khosla et al., arXiv:2004.11362, equation 2.
    """

    takes_weights = True

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

    def compare(self, projection: Tensor, label: Tensor, weight: Tensor | None = None) -> Tensor:
        z = self.rows(projection)
        others = torch.arange(len(z), device=z.device)
        count = others_of_class(label)

        def each(i: Tensor) -> Tensor:
            itself = i[:, None] == others
            logits = self.logits(z[i], z).masked_fill(itself, -torch.inf)
            log_share = (logits - logits.logsumexp(dim=1, keepdim=True)).masked_fill(itself, 0)
            return -(log_share * (label[i, None] == label)).sum(1) / count[i].clamp(min=1)

        found = of_rows(each, len(z), len(z), z.device)
        # an example without positives does not contribute: its sum is zero, so only the divisor needs care
        if weight is None:
            return found.sum() / (count > 0).sum().clamp(min=1)
        return weighted_mean(found, weight * (count > 0))
