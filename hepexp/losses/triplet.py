"""Triplet loss: an example is nearer to one of its class than to any of another, by a margin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import torch
from torch import Tensor

from hepexp.errors import ConfigError
from hepexp.losses.all_pairs import of_rows, partners
from hepexp.losses.embedding import EmbeddingObjective, on_sphere
from hepexp.losses.states import CircuitStates
from hepexp.losses.weighted import weighted_mean


class TripletLoss(EmbeddingObjective):
    """max(0, d_ip^2 - d_in^2 + m), averaged over examples i; p is of i's class, n of another one.

    d is the distance of projections on the unit sphere, d^2 = 2 - 2 cos. A collapsed embedding (all d = 0) has the
    loss m. Examples without p or n in the batch are left out. A weight is that of the example i.

    Parameters
    ----------
    margin : m; squared distances are at most 4.
    mining : `hard` takes the farthest p and the nearest n in the batch, `random` draws both.

    Raises
    ------
    ConfigError : a margin that is not between 0 and 4.

    References
    ----------
    F. Schroff, D. Kalenichenko, J. Philbin, arXiv:1503.03832, equation 3; A. Hermans, L. Beyer, B. Leibe,
    arXiv:1703.07737, equation 5 (batch-hard).
    """

    takes_weights = True

    def __init__(
        self,
        margin: float = 0.2,
        mining: Literal["random", "hard"] = "random",
        projector: Sequence[int] = (128, 32),
        alpha: float = 1.0,
        states: CircuitStates | None = None,
        embedding_dim: int | None = None,
    ):
        super().__init__(projector, alpha, states, embedding_dim)
        if not 0 < margin < 4:
            raise ConfigError(f"loss.margin must be between 0 and 4, got {margin}")
        self.margin, self.is_hard = margin, mining == "hard"

    def compare(self, projection: Tensor, label: Tensor, weight: Tensor | None = None) -> Tensor:
        z = on_sphere(projection)
        positive, negative = self._triplets(z.detach(), label)
        near, far = ((z - z[chosen]).square().sum(1) for chosen in (positive, negative))
        # where there is none of its class, or of another, an example or one of the wrong kind stands in
        itself = torch.arange(len(z), device=z.device)
        complete = (positive != itself) & (label[positive] == label) & (label[negative] != label)
        weight = torch.ones_like(near) if weight is None else weight
        return weighted_mean((near - far + self.margin).clamp(min=0) * complete, weight * complete)

    @torch.no_grad()
    def _triplets(self, z: Tensor, label: Tensor) -> Iterable[Tensor]:
        """p and n (B,) of each example."""
        if not self.is_hard:
            return [partners(label, same, self.training) for same in (True, False)]
        itself = torch.arange(len(z), device=z.device)

        def hardest(i: Tensor) -> Tensor:
            cosine, same = z[i] @ z.T, label[i, None] == label
            farthest = cosine.masked_fill(~same | (i[:, None] == itself), torch.inf).argmin(1)
            return torch.stack([farthest, cosine.masked_fill(same, -torch.inf).argmax(1)], dim=1)

        return of_rows(hardest, len(z), len(z), z.device).unbind(1)
