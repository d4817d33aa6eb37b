"""SwAV: each view predicts the other's soft assignment to prototypes, which all prototypes share evenly."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hepexp.errors import ConfigError
from hepexp.losses.embedding import EmbeddingObjective, on_sphere
from hepexp.losses.states import CircuitStates
from hepexp.losses.temperature import require_temperatures


class SwAV(EmbeddingObjective):
    """-1/2 sum_k [q'_k ln p_k + q_k ln p'_k] of the two views of each example, averaged over examples.

    p = softmax(z c_k / tau) over K prototypes c_k, on the unit sphere as z is; q are codes without a gradient: the
    assignment of a batch to prototypes with the largest sum of z c_k + eps entropy under which all prototypes get equal
    shares, by Sinkhorn's iterations. A collapsed embedding has the loss ln K or more. The shares are those of a
    whole batch: weights are refused.

    Parameters
    ----------
    prototypes : K, several for each class.
    temperature : tau.
    eps : of the entropy; for small ones each example belongs to one prototype.
    iterations : of Sinkhorn's algorithm.
    queue : number of projections of earlier steps that share the prototypes with those of a batch, which helps where a
        batch is smaller than K.

    Raises
    ------
    ConfigError : a number out of range.

    References
    ----------
    M. Caron et al., arXiv:2006.09882, equations 1 to 5; M. Cuturi, arXiv:1306.0895 (Sinkhorn's algorithm).
    """

    needs_views = True
    queue: Tensor

    def __init__(
        self,
        prototypes: int = 64,
        temperature: float = 0.1,
        eps: float = 0.05,
        iterations: int = 3,
        queue: int = 0,
        projector: Sequence[int] = (128, 32),
        alpha: float = 1.0,
        states: CircuitStates | None = None,
        embedding_dim: int | None = None,
    ):
        super().__init__(projector, alpha, states, embedding_dim)
        for key, value, least in (("prototypes", prototypes, 2), ("iterations", iterations, 1), ("queue", queue, 0)):
            if value < least:
                raise ConfigError(f"loss.{key} must be >= {least}, got {value}")
        require_temperatures(temperature=temperature, eps=eps)
        self.n_prototypes, self.temperature, self.eps = prototypes, temperature, eps
        self.iterations, self.n_queue = iterations, queue

    def prepare_width(self, width: int) -> None:
        self.prototypes = nn.Parameter(on_sphere(torch.randn(self.n_prototypes, width)))
        self.register_buffer("queue", torch.zeros(2, self.n_queue, width))  # zeros until it is filled

    def compare_views(self, first: Tensor, second: Tensor, label: Tensor, weight: Tensor | None = None) -> Tensor:
        z = on_sphere(torch.stack([first, second]))
        scores = z @ on_sphere(self.prototypes).T
        with torch.no_grad():
            codes = torch.stack([self._codes(own, queue) for own, queue in zip(scores, self.queue, strict=True)])
            if self.training and self.n_queue:
                self.queue = torch.cat([z.to(self.queue.dtype), self.queue], dim=1)[:, : self.n_queue]
        log_p = (scores / self.temperature).log_softmax(dim=-1)
        return -(codes.flip(0) * log_p).sum(-1).mean()

    def _codes(self, scores: Tensor, queue: Tensor) -> Tensor:
        """The codes (B, K) of a view with these scores, together with what waits in its queue."""
        earlier = queue.to(scores.dtype) @ on_sphere(self.prototypes).T
        there = torch.cat([scores.new_ones(len(scores)), queue.square().sum(1).sign().to(scores.dtype)])
        return sinkhorn(torch.cat([scores, earlier]), self.eps, self.iterations, there)[: len(scores)]


def sinkhorn(scores: Tensor, eps: float, iterations: int, there: Tensor | None = None) -> Tensor:
    """Q (B, K) with rows that add up to 1 and, after many iterations, columns that add up to B / K.

    It is of the form u_i exp(scores_ik / eps) v_k.

    Parameters
    ----------
    there : (B,) 1 for rows that count in the columns, 0 for those that do not; None if all do.
    """
    log_q = scores / eps  # of logarithms, as exp(1 / eps) overflows for a small eps
    share = 0.0 if there is None else there.log()[:, None]
    for _ in range(iterations):
        log_q = log_q - (log_q + share).logsumexp(0, keepdim=True)
        log_q = log_q - log_q.logsumexp(1, keepdim=True)
    return log_q.exp()
