"""Cross entropy of the predicted class probabilities."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.classification import ClassificationEvaluator
from hepexp.losses.objective import Objective, width_of
from hepexp.losses.rotated_logits import rotated_logits
from hepexp.losses.weighted import weighted_mean


class CrossEntropy(Objective):
    """-ln p(true class), averaged over the batch; the scores are the softmax of the logits.

    Of a mixture of two examples (dataset.augment.mixup), -(1 - l) ln p(class of the one) - l ln p(class of the other).

    Parameters
    ----------
    label_smoothing : fraction of the target probability that is spread evenly over all classes, in [0, 1).

    Raises
    ------
    ConfigError : label_smoothing outside [0, 1).
    """

    monitor = ("val/auc", "max")
    evaluator = ClassificationEvaluator()
    min_classes = 2
    needs = (("example", "class"),)
    takes_weights = True
    takes_mixtures = True

    def __init__(self, label_smoothing: float = 0.0):
        super().__init__()
        if not 0 <= label_smoothing < 1:
            raise ConfigError(f"loss.label_smoothing must be in [0, 1), got {label_smoothing}")
        self.label_smoothing = label_smoothing
        self.empty_pixel: tuple[float, ...] = ()

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        self.empty_pixel = spec.empty_pixel
        width = width_of(model, example)
        if width != spec.n_classes:
            raise ConfigError(
                f"loss=cross_entropy needs one output for each of {spec.n_classes} classes, {type(model).__name__} "
                f"gives {width}; choose a loss for embeddings, such as loss=supervised_contrastive"
            )

    def outputs(self, model: nn.Module, batch) -> dict[str, Tensor]:
        return {"scores": self._logits(model, batch).softmax(dim=-1)}

    def gallery(self, model: nn.Module, batch) -> dict[str, Tensor]:
        """Logits of the images and of rotated ones, of models that are to be compared so."""
        return rotated_logits(model, batch, self.empty_pixel)

    def terms(self, model: nn.Module, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        logits = self._logits(model, batch)
        each = self._each(logits, batch.label)
        if batch.mixed_label is not None:
            each = torch.lerp(each, self._each(logits, batch.mixed_label), batch.mixed_share.to(each))
        return {"loss": weighted_mean(each, batch.weight)}, {
            "scores": logits.detach().softmax(dim=-1),
            "loss": each.detach(),
        }

    def _each(self, logits: Tensor, label: Tensor) -> Tensor:
        return F.cross_entropy(logits, label, label_smoothing=self.label_smoothing, reduction="none")

    @staticmethod
    def _logits(model: nn.Module, batch) -> Tensor:
        logits = model(batch)
        return logits if logits.element_size() >= 4 else logits.float()  # bfloat16 has 3 digits for a softmax
