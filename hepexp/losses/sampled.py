"""Classification by several passes of a network that is drawn from a distribution: mean prediction and uncertainty."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn

from hepexp.errors import ConfigError
from hepexp.losses.cross_entropy import CrossEntropy
from hepexp.losses.weighted import weighted_mean


class SampledCrossEntropy(CrossEntropy):
    """Cross entropy in training; in validation, test and prediction the mean over the passes of several networks.

    Beside the mean probabilities there are `spread`, their standard deviation over the passes, `aleatoric`, the mean
    entropy, and `epistemic`, the entropy of the mean less that, in nats.

    Parameters
    ----------
    samples : number of passes.

    Raises
    ------
    ConfigError : fewer than 2 passes.
    """

    def __init__(self, samples: int) -> None:
        super().__init__()
        if samples < 2:
            raise ConfigError(f"loss.samples must be >= 2, got {samples}")
        self.samples = samples

    @abstractmethod
    def network(self, model: nn.Module, draw: int, batch) -> AbstractContextManager[object]:
        """A context in which the model is the network of this number."""

    def outputs(self, model: nn.Module, batch) -> dict[str, Tensor]:
        return of_passes(self.passes(model, batch))

    def passes(self, model: nn.Module, batch) -> Tensor:
        """Probabilities (M, B, C) of each network."""
        return torch.stack([self._pass(model, batch, draw) for draw in range(self.samples)])

    def terms(self, model: nn.Module, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        if self.training:
            return super().terms(model, batch)
        outputs = self.outputs(model, batch)
        true = outputs["scores"].gather(1, batch.label[:, None])[:, 0]
        each = -true.clamp(min=torch.finfo(true.dtype).tiny).log()
        return {"loss": weighted_mean(each, batch.weight)}, {**outputs, "loss": each}

    def _pass(self, model: nn.Module, batch, draw: int) -> Tensor:
        with torch.no_grad(), self.network(model, draw, batch):
            return self._logits(model, batch).softmax(dim=-1)

    def refuse_same(self, model: nn.Module, example, remedy: str) -> None:
        """Raise ConfigError if two networks give an example the same scores: then nothing is drawn."""
        if torch.equal(self._pass(model, example, 0), self._pass(model, example, 1)):
            raise ConfigError(f"{type(model).__name__} predicts the same in each pass: {remedy}")


def of_passes(p: Tensor) -> dict[str, Tensor]:
    """Mean, spread and uncertainties of probabilities (M, B, C), as `of_networks` of several runs."""
    mean = p.mean(0)
    aleatoric = entropy(p).mean(0)
    return {
        "scores": mean,
        "spread": p.std(0),
        "aleatoric": aleatoric,
        "epistemic": (entropy(mean) - aleatoric).clamp(min=0),
    }


def entropy(p: Tensor) -> Tensor:
    """-sum_c p_c ln p_c (...,) in nats, of probabilities (..., C)."""
    return torch.special.entr(p).sum(-1)
