"""What a training minimises, and how a model's outputs become predictions."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.readout import Readout
from hepexp.metric import Metric


class Objective(nn.Module):
    """Base of every loss: the terms to minimise from (model, batch), and a readout per example.

    The learning loop knows no kind of training. It calls `terms`, steps on "loss", logs every term, and hands the
    outputs of all examples to the objective's readout. An objective calls the model itself, so that it
    may do so as often as its kind needs:

    - classification: once; outputs "scores" (B, n_classes), probabilities.
    - reconstruction: once, against the batch; outputs "reconstruction" or an error per example.
    - contrastive: on two views, or on all examples of the batch; outputs "embedding" (B, D).
    - adversarial: an `AdversarialObjective` has terms of two players, the model and a critic that the objective holds
      as a submodule; each gets an optimiser of its own.

    Parameters of its own (a temperature, prototypes) are ordinary `nn.Parameter`s and are trained and saved.

    Attributes
    ----------
    monitor : the logged value that picks the best checkpoint, stops early and drives a plateau schedule, and whether
        less or more of it is better.
    readout : how the outputs are judged; where it is built later, its class as an annotation.
    metrics : terms that are logged beside "loss", as train/<name>.
    min_batch : examples that a batch of the training must have on each device, 2 where they are compared.
    min_classes : classes that the training examples must have, 2 where classes are told apart.
    """

    metrics: tuple[Metric, ...] = (
        Metric("loss", "lower", "loss", "What the training minimises; `hepexp show loss=NAME` has its formula."),
    )
    monitor: tuple[str, Literal["min", "max"]] = ("val/loss", "min")
    readout: Readout
    min_batch: int = 1
    min_classes: int = 1

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        """Build what depends on the model's output or the data, such as a projector, and check that they fit.

        Parameters
        ----------
        model : the model, in evaluation mode.
        example : a batch of one example.
        spec : sizes and classes of the data set.

        Raises
        ------
        ConfigError : the model does not give what the objective needs.
        """

    def gallery(self, model: nn.Module, batch) -> dict[str, Tensor]:
        """What is kept to be drawn of one batch of the test, such as images; nothing by default."""
        return {}

    def learnt(self, model: nn.Module) -> dict[str, Tensor]:
        """What is judged of the model itself beside its outputs, such as learnt generators; nothing by default."""
        return {}

    def outputs(self, model: nn.Module, batch) -> dict[str, Tensor]:
        """What the model says of each example, without looking at its label: for `hepexp predict`.

        Raises
        ------
        ConfigError : the objective says nothing of a single example.
        """
        raise ConfigError(f"{type(self).__name__} gives no predictions (it has no outputs)")

    def terms(self, model: nn.Module, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Loss terms and outputs of one batch.

        Parameters
        ----------
        model : the model being trained.
        batch : what the data set's loader gives, such as a `JetBatch`.

        Returns
        -------
        terms : scalars, means over the batch; "loss" is the one to minimise, others are logged beside it.
        outputs : tensors with one row per example, detached; "loss" (B,) among them where an example has a loss of its
            own, from which the error of the mean follows. A loss that compares the examples of a batch has none.
        """
        raise NotImplementedError(f"{type(self).__name__} has no terms")


def width_of(model: nn.Module, example) -> int:
    """D of a model that gives (1, D) for a batch of one example.

    Raises
    ------
    ConfigError : it gives something else.
    """
    with torch.no_grad():
        output = model(example)
    if not isinstance(output, Tensor):
        raise ConfigError(f"the loss needs a tensor (B, D) from {type(model).__name__}, got a {type(output).__name__}")
    if output.ndim != 2 or len(output) != len(example):
        shape = tuple(output.shape)
        raise ConfigError(f"the loss needs a tensor (B, D) from {type(model).__name__}, got {shape} for one example")
    return output.shape[1]
