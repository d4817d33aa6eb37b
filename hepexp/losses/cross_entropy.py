"""Cross entropy of the predicted class probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.classification import ClassificationEvaluator
from hepexp.losses.objective import Objective, width_of
from hepexp.losses.rotated_logits import rotated_logits
from hepexp.losses.small_elements import NAMES, SmallElements, squared_change
from hepexp.losses.weighted import weighted_mean

if TYPE_CHECKING:
    from hepexp.data.representations.representation import Representation


Network = TypeVar("Network", bound=nn.Module)


class CrossEntropy(Objective[Network]):
    """-ln p(true class), averaged over the batch; the scores are the softmax of the logits.

    Of a mixture of two examples (dataset.augment.mixup), -(1 - l) ln p(class of the one) - l ln p(class of the other).

    With an equivariance penalty lambda, plus lambda times the squared change of the logits z, less their mean over the
    classes, under small elements g of a symmetry group, |z(g x) - z(x)|^2 / C. Each example has an element of its own,
    drawn anew in each training step from seed, step and rank, and the same in each validation; the same units of the
    network are dropped for g x as for x.

    Parameters
    ----------
    label_smoothing : fraction of the target probability that is spread evenly over all classes, in [0, 1).
    equivariance_penalty : lambda; 0 for none.
    equivariance_group : its elements, named as in `dataset.views`: of jets `lorentz`, a rotation about any axis and a
        boost in any direction; `rotate`, about the axis of the jet; `boost`, along it; `translate`, a boost along the
        beam and a rotation about it; of images `rotate`. null for lorentz, or rotate of images. With a penalty of 0,
        validation and test measure how far the group is broken by a network that does not know of it, if it is named.
    equivariance_size : largest angle, in radians, and largest rapidity of an element.

    Raises
    ------
    ConfigError : label_smoothing outside [0, 1), a negative penalty, a size that is not small; a group that does not
        act on what the model reads.

    References
    ----------
    P. Hebbar et al., arXiv:2511.01982 (the penalty); their boosts are large ones.
    """

    monitor = ("val/auc", "max")
    evaluator = ClassificationEvaluator()
    min_classes = 2
    needs = (("example", "class"),)
    takes_weights = True
    takes_mixtures = True

    def __init__(
        self,
        label_smoothing: float = 0.0,
        equivariance_penalty: float = 0.0,
        equivariance_group: Literal["lorentz", "rotate", "boost", "translate"] | None = None,
        equivariance_size: float = 0.1,
    ):
        super().__init__()
        if not 0 <= label_smoothing < 1:
            raise ConfigError(f"loss.label_smoothing must be in [0, 1), got {label_smoothing}")
        if not equivariance_penalty >= 0:
            raise ConfigError(f"loss.equivariance_penalty must be >= 0, got {equivariance_penalty}")
        if equivariance_group not in (None, *NAMES):
            raise ConfigError(
                f"loss.equivariance_group must be null or one of {', '.join(NAMES)}, got {equivariance_group!r}"
            )
        if not 0 < equivariance_size <= 3:
            raise ConfigError(f"loss.equivariance_size must be in (0, 3], got {equivariance_size}")
        self.label_smoothing = label_smoothing
        self.penalty, self.group, self.size = equivariance_penalty, equivariance_group, equivariance_size
        if self.penalty or self.group:
            self.evaluator = ClassificationEvaluator(measures_breaking=True)
        self.empty_pixel: tuple[float, ...] = ()

    def own_views(self, representation: Representation | None) -> SmallElements | None:
        if not (self.penalty or self.group):
            return None
        return SmallElements.of(self.group, self.size, representation)

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        self.empty_pixel = spec.empty_pixel
        width = width_of(model, example)
        if width != spec.n_classes:
            raise ConfigError(
                f"loss=cross_entropy needs one output for each of {spec.n_classes} classes, {type(model).__name__} "
                f"gives {width}; choose a loss for embeddings, such as loss=supervised_contrastive"
            )

    def boosted(self, batch) -> tuple[Literal["classes", "squares"], Tensor]:
        if type(self) is not CrossEntropy:  # with other terms
            return super().boosted(batch)
        if self.label_smoothing or self.penalty:
            raise ConfigError("boosted trees need loss.label_smoothing=0 and loss.equivariance_penalty=0")
        return "classes", batch.label

    def outputs(self, model: Network, batch) -> dict[str, Tensor]:
        return {"scores": self._logits(model, batch).softmax(dim=-1)}

    def gallery(self, model: Network, batch) -> dict[str, Tensor]:
        """Logits of the images and of rotated ones, of models that are to be compared so."""
        return rotated_logits(model, batch, self.empty_pixel)

    def learnt(self, model: Network) -> dict[str, Tensor]:
        """The weight of the free pathway of a network that has one."""
        return {"free_weight": model.get_parameter("free_weight")} if hasattr(model, "pathways") else {}

    def terms(self, model: Network, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        views = getattr(batch, "views", None)
        moved = None
        if views and (self.penalty or not self.training):
            devices = [batch.label.device] if batch.label.is_cuda else []
            # afterwards the random numbers start again: the same units are dropped. The examples themselves come
            # last, so that estimates of batch norms are theirs.
            with torch.random.fork_rng(devices, enabled=model.training):
                moved = self._logits(model, views[1])
        split = None if self.training else getattr(model, "pathways", None)
        pathways = None if split is None else split(batch)
        logits = self._logits(model, batch) if pathways is None else at_least_single(sum(pathways))
        each = self._each(logits, batch.label)
        if batch.mixed_label is not None:
            each = torch.lerp(each, self._each(logits, batch.mixed_label), batch.mixed_share.to(each))
        terms, outputs = {}, {"scores": logits.detach().softmax(dim=-1)}
        if pathways is not None:
            outputs["pathways"] = torch.stack(pathways, dim=1).detach()
        if moved is not None:
            change = squared_change(logits, moved)
            terms["equivariance_penalty"] = weighted_mean(change, _sizes(batch.weight))
            outputs |= {"logits": logits.detach(), "squared_change": change.detach()}
            outputs["moved_scores"] = moved.detach().softmax(dim=-1)
            # an example of negative weight must not reward the breaking of the symmetry
            each = each + self.penalty * (change if batch.weight is None else batch.weight.sign().to(change) * change)
        return {"loss": weighted_mean(each, batch.weight), **terms}, {**outputs, "loss": each.detach()}

    def _each(self, logits: Tensor, label: Tensor) -> Tensor:
        return F.cross_entropy(logits, label, label_smoothing=self.label_smoothing, reduction="none")

    @staticmethod
    def _logits(model: Network, batch) -> Tensor:
        return at_least_single(model(batch))


def at_least_single(logits: Tensor) -> Tensor:
    return logits if logits.element_size() >= 4 else logits.float()  # bfloat16 has 3 digits for a softmax


def _sizes(weight: Tensor | None) -> Tensor | None:
    return None if weight is None else weight.abs()
