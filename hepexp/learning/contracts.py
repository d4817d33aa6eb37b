"""What a model and a loss must provide to be trained; a plug-in that lacks it is named in the error."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Sequence

import torch
from numpy.typing import NDArray
from torch import nn

from hepexp.config.metrics import find
from hepexp.errors import ConfigError
from hepexp.losses.objective import Objective

NEEDS = {
    ("example", "class"): "examples with a class",
    ("example", "real"): "real numbers to predict for each example",
    ("element", "class"): "a class for each particle or node",
    ("element", "real"): "real numbers to predict for each particle or node",
    ("pair", "class"): "groups of particles or nodes that belong together",
}
HOW = {
    ("example", "class"): "the data set has no classes; choose a loss of regression, see: hepexp list loss",
    ("element", "class"): "name them in dataset.element_targets (or element_classes), see: hepexp show dataset=NAME",
    ("element", "real"): "name them in dataset.element_targets, see: hepexp show dataset=NAME",
    ("pair", "class"): "name them in dataset.pair_targets (or edge_targets), see: hepexp show dataset=NAME",
    ("example", "real"): "name them in dataset.targets, such as dataset.targets=[mass], see: hepexp show dataset=NAME",
}
WORSE = {"max": "lower", "min": "higher"}


def check_terms(objective: Objective) -> None:
    """Raise ConfigError for a loss without terms."""
    if type(objective).terms is Objective.terms:
        raise ConfigError(f"loss {_name(type(objective))} has no method terms(model, batch)")


def check_examples(objective: Objective, data: object, batch: int) -> None:
    """Refuse examples from which a loss can learn nothing, before they are read.

    Parameters
    ----------
    data : data set; if it names the classes of its training examples, `train_names`, there must be enough of them.
    batch : examples in a batch on one device.

    Raises
    ------
    ConfigError : what the loss learns from is not in the data, or examples have weights that it does not use; too few
        examples in a batch, or too few classes among the training examples.
    """
    name = type(objective).__name__
    offers = getattr(data, "offers", {("example", "class")})
    _check_needs(objective, offers)
    if getattr(data, "weighted", False) and not objective.takes_weights:
        raise ConfigError(
            f"{name} does not use the weights of examples; leave out dataset.weight, dataset.balance and "
            "dataset.reweight"
        )
    if batch < objective.min_batch:
        raise ConfigError(
            f"{name} compares the examples of a batch, so dataset.batch_size and dataset.n_train must be >= "
            f"{objective.min_batch} for each device, got {batch}"
        )
    classes = getattr(data, "train_names", None) if ("example", "class") in offers else None
    if classes is not None and len(classes) < objective.min_classes:
        raise ConfigError(
            f"{name} tells classes apart, so it needs training examples of >= {objective.min_classes} classes, but "
            f"all of them are of {' or '.join(classes)}; see dataset.classes and dataset.train_classes"
        )


def _check_needs(objective: Objective, offers: Collection[tuple[str, str]]) -> None:
    for need in objective.needs:
        if need not in offers:
            if need == ("example", "real") and ("element", "real") in offers and hasattr(objective, "of"):
                raise ConfigError("dataset.element_targets are of each particle or node: set loss.of=element")
            raise ConfigError(
                f"{type(objective).__name__} needs {NEEDS.get(need, ' '.join(need))}; "
                f"{HOW.get(need, 'the data set has none')}"
            )


def check_columns(names: Sequence[str], data: object) -> Callable[[NDArray], dict[str, NDArray]] | None:
    """What reads the columns that figures of merit need of the examples at some rows; None if they need nothing.

    Raises
    ------
    ConfigError : the data set has no such column.
    """
    if not names:
        return None
    if not hasattr(data, "quantities"):
        raise ConfigError(
            f"evaluation.metrics: {', '.join(names)} of an example is not known for {type(data).__name__}"
        )
    try:
        return data.quantities(names)
    except ConfigError as error:
        raise ConfigError(f"evaluation.metrics: {str(error).partition(': ')[2]}") from error


def check_single(model: nn.Module, example: object) -> None:
    """Raise ConfigError if a model that normalises over its batch would be trained on one example at a time."""
    try:
        with torch.no_grad():
            copy.deepcopy(model).train()(example)
    except ValueError as error:
        raise ConfigError(
            f"{_name(type(model))} cannot train on one example at a time ({error}): dataset.batch_size must be >= 2"
        ) from error


def check_evaluator(objective: Objective) -> None:
    """Raise ConfigError for a loss that does not say how it is evaluated, or that would select the worst epoch."""
    if not hasattr(objective, "evaluator"):
        renamed = "; it is called evaluator now, no longer readout" if hasattr(objective, "readout") else ""
        raise ConfigError(
            f"loss {_name(type(objective))} has no evaluator, which says how its outputs are evaluated, "
            f"such as ClassificationEvaluator(){renamed}"
        )
    key, mode = objective.monitor
    metric = find(key, _name(type(objective)))
    if metric is not None and metric.better == WORSE[mode]:
        raise ConfigError(
            f"loss {_name(type(objective))} has monitor = {(key, mode)}, but of {key} {metric.better} values are "
            f"better; see: hepexp show metric={key}"
        )


def _name(target: Callable) -> str:
    return f"{target.__module__}.{target.__qualname__}"
