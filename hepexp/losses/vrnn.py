"""The loss of a variational recurrent network over the constituents of jets, and its anomaly score."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.sequences import SequenceEvaluator
from hepexp.losses.objective import Objective
from hepexp.losses.weighted import weighted_mean
from hepexp.models.jet_vrnn import JetVRNN, Sequence


class Vrnn(Objective[JetVRNN]):
    """Mean over constituents of |y_t - x_t|^2 + kl_weight s_t KL_t, averaged over jets.

    x_t is a constituent, y_t its reconstruction, and KL_t the divergence of what it says of the latent variables from
    what the constituents before it let expect. With `weighted`, s_t is the constituent's share of the jet's pT times
    their number T, 1 on average: what soft constituents surprise with is of less interest; otherwise s_t = 1.

    The anomaly score is 1 - exp(-KL), with the mean of s_t KL_t over the constituents of a jet.

    Parameters
    ----------
    kl_weight : lambda.
    weighted : whether the divergence of a constituent counts by its share of pT.

    Raises
    ------
    ConfigError : a negative weight, or a model that is no such network.

    References
    ----------
    A. Kahn et al., arXiv:2105.09274; ATLAS, arXiv:2306.03637.
    """

    evaluator = SequenceEvaluator()
    monitor = ("val/loss", "min")
    takes_weights = True
    sample = 2000

    def __init__(self, kl_weight: float = 0.1, weighted: bool = True) -> None:
        super().__init__()
        if not 0 <= kl_weight < float("inf"):
            raise ConfigError(f"loss.kl_weight must be >= 0, got {kl_weight}")
        self.kl_weight, self.weighted = kl_weight, weighted

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        if not isinstance(model, JetVRNN):
            raise ConfigError(f"loss=vrnn needs model=jet_vrnn, not {type(model).__name__}")

    def see(self, model: JetVRNN, batches: Iterable) -> None:
        model.take_scales(list(batches))

    def outputs(self, model: JetVRNN, batch) -> dict[str, Tensor]:
        return self._describe(batch, *self._parts(model.steps(batch)))

    def terms(self, model: JetVRNN, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        error, kl = self._parts(model.steps(batch))
        each = error + self.kl_weight * kl
        loss = {"loss": weighted_mean(each, batch.weight)}
        return loss, {"loss": each.detach(), **self._describe(batch, error.detach(), kl.detach())}

    def _parts(self, found: Sequence) -> tuple[Tensor, Tensor]:
        """Squared error and divergence (B,) of each jet."""
        n = found.mask.sum(1)
        error = (found.y - found.x).square().sum((1, 2)) / n
        weight = found.share if self.weighted else 1 / n[:, None]
        return error, (weight * found.kl).sum(1)

    @staticmethod
    def _describe(batch, error: Tensor, kl: Tensor) -> dict[str, Tensor]:
        jet = torch.where(batch.mask[..., None], batch.p4, 0).sum(1)
        squared = jet[:, 0].square() - jet[:, 1:].square().sum(1)
        return {"error": error, "kl": kl, "multiplicity": batch.mask.sum(1), "mass": squared.clamp(min=0).sqrt()}
