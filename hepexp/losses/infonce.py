"""InfoNCE: the positive of an example among negatives of the batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from hepexp.losses.all_pairs import of_rows, partners
from hepexp.losses.similarity import SimilarityObjective
from hepexp.losses.states import CircuitStates
from hepexp.losses.weighted import weighted_mean


class InfoNCE(SimilarityObjective):
    """-ln [exp(s_ip / tau) / (exp(s_ip / tau) + sum_{n in N(i)} exp(s_in / tau))], averaged over examples i.

    - positives=labels: p is another example of i's class, drawn from the batch at each step, and N(i) are the examples
      of other classes, or, with negatives=all as in QMLHEP VI, all others but p: then some negatives are of i's own
      class, which a positive attracts and they repel. An example alone in its class is left out.
    - positives=views: i is the first view of an example, p its second view, and N(i) are the second views of all other
      examples of the batch, as in the original. A collapsed embedding has the loss ln B.

    s is the cosine of two projections, or the fidelity of their states. A weight is that of the example i.

    Parameters
    ----------
    positives : `labels`, examples of one class, or `views`, two views of each example (dataset.views).
    negatives : with positives=labels, `other_classes` or `all`.

    References
    ----------
    A. van den Oord, Y. Li, O. Vinyals, arXiv:1807.03748, equation 4.
    """

    takes_weights = True

    def __init__(
        self,
        temperature: float = 0.1,
        positives: Literal["labels", "views"] = "labels",
        negatives: Literal["other_classes", "all"] = "other_classes",
        projector: Sequence[int] = (128, 32),
        learn_temperature: bool = False,
        similarity: Literal["cosine", "fidelity"] = "cosine",
        alpha: float = 1.0,
        states: CircuitStates | None = None,
        embedding_dim: int | None = None,
    ):
        super().__init__(temperature, learn_temperature, similarity, projector, alpha, states, embedding_dim)
        self.needs_views = positives == "views"
        self.all_negatives = negatives == "all"

    def compare_views(self, first: Tensor, second: Tensor, label: Tensor, weight: Tensor | None = None) -> Tensor:
        if not self.needs_views:
            return super().compare_views(first, second, label, weight)
        queries, keys = self.rows(first), self.rows(second)

        def each(i: Tensor) -> Tensor:
            logits = self.logits(queries[i], keys)
            return logits.logsumexp(dim=1) - logits.gather(1, i[:, None])[:, 0]

        return weighted_mean(of_rows(each, len(queries), len(keys), queries.device), weight)

    def compare(self, projection: Tensor, label: Tensor, weight: Tensor | None = None) -> Tensor:
        z = self.rows(projection)
        others = torch.arange(len(z), device=z.device)
        positive = partners(label, True, self.training)

        def each(i: Tensor) -> Tensor:
            chosen = positive[i, None]
            left_out = i[:, None] == others if self.all_negatives else label[i, None] == label
            logits = self.logits(z[i], z)
            among = logits.masked_fill(left_out & (others != chosen), -torch.inf)
            return among.logsumexp(dim=1) - logits.gather(1, chosen)[:, 0]

        found = of_rows(each, len(z), len(z), z.device)
        has_positive = positive != others
        weight = torch.ones_like(found) if weight is None else weight
        return weighted_mean(found * has_positive, weight * has_positive)
