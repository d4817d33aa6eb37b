"""Supervised contrastive loss: examples of one class attract each other, all others repel."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from hepexp.errors import ConfigError
from hepexp.losses.embedding import EmbeddingObjective, on_sphere
from hepexp.losses.weighted import weighted_mean


class SupervisedContrastive(EmbeddingObjective):
    """-1/|P(i)| sum_{p in P(i)} ln [exp(z_i z_p / tau) / sum_{a != i} exp(z_i z_a / tau)], averaged over examples i.

    P(i) is the set of other examples of i's class in the batch; examples without any are left out. For structureless
    embeddings the loss is close to ln(B - 1).

    A weight is that of the example i, sum_i w_i l_i / sum_i |w_i|. The examples with which it is compared count alike,
    as a sum of exp(z_i z_a / tau) with negative weights need not have a logarithm.

    Parameters
    ----------
    temperature : tau.
    projector : widths of the projector's layers.

    Raises
    ------
    ConfigError : a temperature that is not positive.

    References
    ----------
    P. Khosla et al., arXiv:2004.11362, equation 2.
    """

    takes_weights = True

    def __init__(self, temperature: float = 0.1, projector: Sequence[int] = (128, 32)):
        super().__init__(projector)
        if not 0 < temperature < float("inf"):
            raise ConfigError(f"loss.temperature must be > 0, got {temperature}")
        self.temperature = temperature

    def compare(self, projection: Tensor, label: Tensor, weight: Tensor | None = None) -> Tensor:
        z = on_sphere(projection)
        itself = torch.eye(len(z), dtype=torch.bool, device=z.device)
        similarity = (z @ z.T / self.temperature).masked_fill(itself, -torch.inf)
        log_share = (similarity - similarity.logsumexp(dim=1, keepdim=True)).masked_fill(itself, 0)
        positive = (label[:, None] == label) & ~itself
        count = positive.sum(1)
        each = -(log_share * positive).sum(1) / count.clamp(min=1)
        # an example without positives does not contribute: its sum is zero, so only the divisor needs care
        if weight is None:
            return each.sum() / (count > 0).sum().clamp(min=1)
        return weighted_mean(each, weight * (count > 0))
