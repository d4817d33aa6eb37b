"""Cross entropy of data against samples of the background's density: CATHODE."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.cathode import CathodeEvaluator
from hepexp.losses.cross_entropy import CrossEntropy
from hepexp.losses.flow_nll import same_numbers
from hepexp.losses.weighted import weighted_mean
from hepexp.models.cathode import Cathode


class CathodeLoss(CrossEntropy[Cathode]):
    """Mean of -ln p(label) of an example and -ln p(background) of a sample of the density at the example's c.

    All training examples are data, of label 1, which may hold signal. Each step draws new samples, so there are as many
    as one likes; data and samples have the same distribution of c. In the test the labels are the truth.

    Raises
    ------
    ConfigError : a model without a density.

    References
    ----------
    A. Hallin et al., arXiv:2109.00546, section III.
    """

    evaluator = CathodeEvaluator()
    min_classes = 1
    takes_mixtures = False

    def __init__(self) -> None:
        super().__init__()

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        if not isinstance(model, Cathode):
            raise ConfigError(f"loss=cathode needs model=cathode, not {type(model).__name__}")
        super().prepare(model, example, spec)

    def terms(self, model: Cathode, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        if self.training:
            drawn = model.of_samples(batch)
        else:
            with same_numbers(batch):
                drawn = model.of_samples(batch)
        logits = self._logits(model, batch)
        each = (self._each(logits, batch.label) + self._each(drawn, torch.zeros_like(batch.label))) / 2
        outputs = {"scores": logits.detach().softmax(dim=-1), "sample_scores": drawn.detach().softmax(dim=-1)}
        return {"loss": weighted_mean(each, batch.weight)}, {**outputs, "loss": each.detach()}
