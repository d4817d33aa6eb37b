"""What training minimises, and how a model's outputs become predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from hepexp.batch import Batch, DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.evaluator import Evaluator
from hepexp.metric import Metric

if TYPE_CHECKING:
    from hepexp.data.representations.representation import Representation


Model = TypeVar("Model")  # what an objective needs of a model, once `prepare` has let it pass


class Objective(nn.Module, Generic[Model]):
    """Base of every loss: the terms to minimise from (model, batch), and an evaluator per example.

    The learning loop is the same for all kinds of training. It calls `terms`, steps on "loss", logs every term, and
    passes the outputs of all examples to the objective's evaluator. An objective calls the model itself, as often as
    its kind of training requires:

    - classification: once; outputs "scores" (B, n_classes), probabilities.
    - reconstruction: once, against the batch; outputs "reconstruction" or an error per example.
    - contrastive: on two views, or on all examples of the batch; outputs "embedding" (B, D).
    - adversarial: an `AdversarialObjective` has terms for two players, the model and a critic that is a submodule of
    the objective; each gets its own optimiser.

    Parameters of its own (a temperature, prototypes) are ordinary `nn.Parameter`s and are trained and saved.

    Attributes
    ----------
    monitor : the logged value that selects the best checkpoint, triggers early stopping and drives a plateau schedule,
        and whether it is to be minimised or maximised.
    evaluator : how the outputs are evaluated; if it is built later, its class as an annotation.
    metrics : terms that are logged beside "loss", as train/<name>.
    min_batch : smallest number of examples in a training batch on each device, 2 or more if examples are compared.
    min_classes : smallest number of classes among the training examples, 2 if classes are told apart.
    needs : what it learns from, such as (example, class) or (example, real), see `Target`; a data set that lacks it is
        refused.
    takes_weights : whether its terms and its evaluator use the weights of the examples, `batch.weight`; if not, a data
        set with weights is refused.
    takes_views : whether its terms use two random views of each example, `batch.views`, where a data set has them; if
        not, such a data set is refused.
    needs_views : whether it can do nothing without them; a data set without views is refused.
    takes_mixtures : whether its terms use `batch.mixed_label` and `mixed_share`; if not, mixup is refused.
    of_the_end : whether it predicts by what it collects up to the end of the training; then the best epoch cannot be
        kept, the training not stop early, nor its weights be averaged.
    generates : whether it makes examples, see `generate`, which are then compared with those of the data set.
    draws : whether it trains a sampler of a known density, whose configurations and weights `hepexp sample` writes.
    sample : number of training examples that `see` gets before the training.
    n_train : number of training examples, once they are known; None if the data set does not say.
    """

    metrics: tuple[Metric, ...] = (
        Metric(
            "loss",
            "lower",
            "loss",
            "What training minimises; `hepexp show loss=NAME` gives its formula.",
            range="any number; >= 0 but for elbo, gaussian_nll, lie_gan, moments, and negative weights",
        ),
    )
    monitor: tuple[str, Literal["min", "max"]] = ("val/loss", "min")
    evaluator: Evaluator
    min_batch: int = 1
    min_classes: int = 1
    needs: tuple[tuple[str, str], ...] = ()
    takes_weights: bool = False
    takes_views: bool = False
    needs_views: bool = False
    takes_mixtures: bool = False
    of_the_end: bool = False
    generates: bool = False
    draws: bool = False
    sample: int = 0
    n_train: int | None = None

    def n_outputs(self, spec: DataSpec) -> int:
        """Number of outputs that a model gets for each example, if that is not fixed by the model itself."""
        return spec.n_classes

    def check_names(self, spec: DataSpec) -> None:
        """Refuse classes, targets or observers that it cannot use, before files are converted; nothing by default.

        Parameters
        ----------
        spec : their names; the sizes and scales of the data set are not known yet.

        Raises
        ------
        ConfigError : it cannot use them.
        """

    def own_views(self, representation: Representation | None) -> Callable[[Batch, int], tuple[Batch, Batch]] | None:
        """What draws the two views of a batch that it compares whatever `dataset.views` says, by a seed; None if none.

        Parameters
        ----------
        representation : of the data; None for a plug-in's data set without one.

        Raises
        ------
        ConfigError : there are no such views of these data.
        """
        return None

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        """Build what depends on the model's output or the data, such as a projector, and check that they fit.

        Parameters
        ----------
        model : the model, in evaluation mode.
        example : a batch of one example.
        spec : sizes and classes of the data set.

        Raises
        ------
        ConfigError : the model does not provide what the objective needs.
        """

    def see(self, model: Model, batches: Iterable) -> None:
        """Look at the first `sample` training examples, before a training begins: to take scales, or to refuse them.

        What it finds is to be kept in buffers, which are saved: a run that is resumed or evaluated does not look again.

        Raises
        ------
        ConfigError : the model and these examples are of no use to each other.
        """

    def after_step(self, model: Model, done: float) -> None:
        """Look at the model after a step of the optimiser; nothing by default.

        Parameters
        ----------
        done : fraction of the steps of the training, in (0, 1].
        """

    def gallery(self, model: Model, batch) -> dict[str, Tensor]:
        """What to keep of one test batch for the figures, such as images; nothing by default."""
        return {}

    def of_test(self, outputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Columns of the test besides those of `terms`, which take too long for each epoch; nothing by default.

        Parameters
        ----------
        outputs : the columns of all examples, see `Evaluator`.
        """
        return {}

    def learnt(self, model: Model) -> dict[str, Tensor]:
        """What to evaluate of the model itself besides its outputs, such as learnt generators; nothing by default."""
        return {}

    def boosted(self, batch: Batch) -> tuple[Literal["classes", "squares"], Tensor]:
        """What boosted trees are grown for: their loss, and the target (B,) of each example.

        Raises
        ------
        ConfigError : there is no such loss of trees.
        """
        raise ConfigError(
            f"boosted trees cannot be grown for {type(self).__name__}: choose loss=cross_entropy or loss=mse"
        )

    def outputs(self, model: Model, batch) -> dict[str, Tensor]:
        """The model's outputs for each example, without using its label: for `hepexp predict`.

        Raises
        ------
        ConfigError : the objective has no outputs for a single example.
        """
        raise ConfigError(f"{type(self).__name__} gives no predictions (it has no outputs)")

    def generate(self, model: Model, batch: Batch, random: torch.Generator, quick: bool = False) -> Batch:
        """A batch with the same conditions and new content; only asked of an objective that `generates`.

        Parameters
        ----------
        batch : class, additional variables and numbers of elements of what is to be generated; what else it holds is
            replaced.
        random : gives all random numbers, on the CPU, so that they do not depend on the device.
        quick : whether a cheaper approximation will do, as after each epoch.
        """
        raise NotImplementedError(f"{type(self).__name__} generates no examples")

    def terms(self, model: Model, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Loss terms and outputs of one batch.

        Parameters
        ----------
        model : the model being trained.
        batch : a batch from the data set's loader, such as a `JetBatch`.

        Returns
        -------
        terms : scalars, means over the batch; "loss" is the one to minimise, others are logged beside it.
        outputs : tensors with one row per example, detached; they include "loss" (B,) if each example has its own loss,
            from which the error of the mean follows. A loss that compares the examples of a batch has none.
        """
        raise NotImplementedError(f"{type(self).__name__} has no loss terms")

    def terms_of_epoch(self, model: Model, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """As `terms`, with the outputs that `Evaluator.quick` needs after each epoch; by default all of them."""
        return self.terms(model, batch)


def width_of(model: nn.Module, example) -> int:
    """D of a model that returns (1, D) for a batch of one example.

    Raises
    ------
    ConfigError : it returns something else.
    """
    with torch.no_grad():
        output = model(example)
    if not isinstance(output, Tensor):
        raise ConfigError(f"the loss needs a tensor (B, D) from {type(model).__name__}, got a {type(output).__name__}")
    if output.ndim != 2 or len(output) != len(example):
        shape = tuple(output.shape)
        raise ConfigError(f"the loss needs a tensor (B, D) from {type(model).__name__}, got {shape} for one example")
    return output.shape[1]
