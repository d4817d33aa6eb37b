"""Contrastive loss on pairs: a siamese network learns a distance."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.pairs import PairEvaluator
from hepexp.losses.all_pairs import partners
from hepexp.losses.embedding import EmbeddingObjective
from hepexp.losses.states import CircuitStates
from hepexp.losses.weighted import weighted_mean


class PairLoss(EmbeddingObjective):
    """mean[y d^2 + (1 - y) max(0, m - d)^2] over a pair in one class (y = 1) and one in two (y = 0) per example.

    The partners of an example are drawn from its batch. A collapsed embedding (all d = 0) has the loss m^2 / 2.

    The weight of a pair is the product of those of its examples, with which the mean over all pairs is that of
    independent examples from the weighted distribution.

    Parameters
    ----------
    margin : m, the distance beyond which examples of different classes no longer repel each other.
    projector : widths of a projector's layers; empty, as in the paper, for none.

    Raises
    ------
    ConfigError : a margin that is not positive.

    References
    ----------
    R. Hadsell, S. Chopra, Y. LeCun, "Dimensionality reduction by learning an invariant mapping", CVPR 2006, equation 4.
    """

    evaluator: PairEvaluator
    monitor = ("val/loss", "min")  # neighbours agree long before the distances are right
    takes_weights = True

    def __init__(
        self,
        margin: float = 1.0,
        projector: Sequence[int] = (),
        alpha: float = 1.0,
        states: CircuitStates | None = None,
        embedding_dim: int | None = None,
    ):
        super().__init__(projector, alpha, states, embedding_dim)
        if not 0 < margin < float("inf"):
            raise ConfigError(f"loss.margin must be > 0, got {margin}")
        self.margin = margin
        self.evaluator = PairEvaluator()

    def compare(self, projection: Tensor, label: Tensor, weight: Tensor | None = None) -> Tensor:
        same, different = (partners(label, of_class, self.training) for of_class in (True, False))
        near = (projection - projection[same]).square().sum(1)
        far = (projection - projection[different]).square().sum(1).clamp(min=1e-12).sqrt()
        # an example alone in its class, or in a batch of a single class, is its own partner: such pairs are left out
        itself = torch.arange(len(label), device=label.device)
        pulled, pushed = near * (same != itself), (self.margin - far).clamp(min=0).square() * (different != itself)
        pairs = (same != itself).sum() + (different != itself).sum()
        if weight is None:
            return (pulled + pushed).sum() / pairs.clamp(min=1)
        of_pairs = [weight * weight[partner] * (partner != itself) for partner in (same, different)]
        return weighted_mean(torch.cat([pulled, pushed]), torch.cat(of_pairs))
