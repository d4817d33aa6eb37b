"""What a model and a loss must provide to be trained; a plug-in that lacks it is named in the error."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Sequence
from typing import get_type_hints

import torch
from numpy.typing import NDArray
from torch import nn

from hepexp.batch import Batch, DataSpec
from hepexp.config.metrics import find
from hepexp.data.representations.representation import Representation
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.evaluator import Evaluator
from hepexp.evaluation.options import EvaluationOptions
from hepexp.learning.trainer import TrainerOptions
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
TYPICAL_VIEWS = {"particles": "rotate=180", "image": "crop=0.3", "graph": "drop_edges=0.1"}  # for a message
WORSE = {"max": "lower", "min": "higher"}


def check_terms(objective: Objective) -> None:
    """Raise ConfigError for a loss without terms."""
    if type(objective).terms is Objective.terms:
        raise ConfigError(f"loss {_name(type(objective))} has no method terms(model, batch)")


def check_end(objective: Objective, options: TrainerOptions) -> None:
    """Raise ConfigError if a loss that collects up to the end of the training would be tested at another epoch."""
    if not objective.of_the_end:
        return
    wanted = {"keep": "last", "patience": None, "ema": None, "swa": None}
    wrong = [name for name, value in wanted.items() if getattr(options, name) != value]
    if wrong:
        keys = " ".join(f"trainer.{name}={'null' if wanted[name] is None else wanted[name]}" for name in wrong)
        raise ConfigError(f"{type(objective).__name__} predicts by networks of the end of the training: set {keys}")


def check_shares(objective: Objective, batch: int, devices: int) -> None:
    """Raise ConfigError if a loss that compares the examples of all devices would get more of them from some."""
    if objective.min_batch > 1 and batch % devices:
        raise ConfigError(
            f"{type(objective).__name__} compares the examples of all devices, so dataset.batch_size, and "
            f"dataset.n_train if it is smaller, must be a multiple of their number, {devices}, got {batch}"
        )


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
        purpose = "is evaluated by how classes are told apart" if objective.needs_views else "tells classes apart"
        raise ConfigError(
            f"{name} {purpose}, so it needs training examples of >= {objective.min_classes} classes, but "
            f"all of them are of {' or '.join(classes)}; see dataset.classes and dataset.train_classes"
        )


def check_views(objective: Objective, data: object) -> Callable[[Batch, int], tuple[Batch, Batch]] | None:
    """What draws two random views of a batch, by a seed; None if no views are turned on and the loss has none itself.

    Parameters
    ----------
    data : data set, whose representation has been chosen.

    Raises
    ------
    ConfigError : the loss needs views and there are none, or the other way round; a view that does not fit the data.
    """
    name, views = type(objective).__name__, getattr(data, "views", None)
    representation = getattr(data, "representation", None)
    if views and not objective.takes_views:
        raise ConfigError(
            f"{name} compares no views of examples: leave out {views.first}, or choose a loss on embeddings, such as "
            "loss=supervised_contrastive"
        )
    if views:
        return views.of(representation)
    if objective.needs_views:
        offered = TYPICAL_VIEWS.get(representation.name) if representation and hasattr(data, "views") else None
        how = f"turn some on, such as dataset.views.{offered}" if offered else "there are none of these data"
        raise ConfigError(f"{name} compares two random views of each example; {how}; see: hepexp show dataset=NAME")
    return objective.own_views(representation)


def check_augmentation(objective: Objective, data: object) -> Callable[[Batch, int], Batch] | None:
    """What transforms a training batch at random, by a seed; None if nothing is turned on.

    Parameters
    ----------
    data : data set, whose representation has been chosen.

    Raises
    ------
    ConfigError : a transformation that does not fit the loss, or the data.
    """
    name, augment = type(objective).__name__, getattr(data, "augment", None)
    if not augment:
        return None
    if augment.mixup and not objective.takes_mixtures:
        raise ConfigError(
            f"{name} does not take mixtures of classes: leave out dataset.augment.mixup, or choose loss=cross_entropy"
        )
    if augment.mixup and getattr(data, "weighted", False):
        raise ConfigError(
            "dataset.augment.mixup does not mix the weights of examples: leave it out, or dataset.weight, "
            "dataset.balance and dataset.reweight"
        )
    made = augment.of(getattr(data, "representation", None))
    moves = next((key for key, step in zip(augment.on, made.steps, strict=True) if not step.keeps_elements), None)
    if moves and any(getattr(data, f"{of}_targets", ()) for of in ("element", "pair", "edge")):
        raise ConfigError(
            f"{moves} may drop or reorder elements, whose targets it does not move: leave it out, or "
            "dataset.element_targets, dataset.pair_targets and dataset.edge_targets"
        )
    return made


def check_names(objective: Objective, evaluation: EvaluationOptions, data: object) -> None:
    """Refuse what the names of classes, targets, observers and columns rule out, before files are converted.

    Parameters
    ----------
    data : data set, whose representation has been chosen; one of a plug-in may not know its names before it is set up.

    Raises
    ------
    ConfigError : figures of merit, a background or working points that are not defined for these classes or this loss,
        or that need a column which is not there; targets that the loss cannot use.
    """
    names = getattr(data, "names", None)
    if not isinstance(names, DataSpec):
        return
    objective.check_names(names)
    edges = getattr(data, "edge_targets", ())
    if ("pair", "class") in objective.needs and edges and not getattr(data, "pair_targets", ()):
        _check_edges(edges, getattr(data, "representation", None))  # a data set with edges has one
    if hasattr(objective, "evaluator"):
        check_columns(objective.evaluator.with_options(evaluation, names).columns, data)
    elif (later := _evaluator_of(objective)) and later.with_options is Evaluator.with_options:
        evaluation.refuse_metrics(later.__name__)
        evaluation.refuse_few_labels(later.__name__)


def _check_edges(targets: Sequence[str], representation: Representation | None) -> None:
    """Raise ConfigError unless the examples are graphs with the edges that the targets belong to."""
    if not getattr(representation, "reads_edges", False):
        is_graph = representation is not None and representation.name == "graph"
        how = (
            "dataset.graph.edges=given" if is_graph else "a model that reads graphs, such as model=gin model.level=edge"
        )
        raise ConfigError(
            f"dataset.edge_targets=[{', '.join(targets)}] belong to the edges in the files (dataset.edges), which "
            f"this run does not read: choose {how}"
        )


def _evaluator_of(objective: Objective) -> type[Evaluator] | None:
    """The class of an evaluator that a loss makes only when it is prepared, as its annotation says; None if unknown."""
    try:
        found = get_type_hints(type(objective)).get("evaluator")
    except NameError:  # imported for type checkers alone
        return None
    return found if isinstance(found, type) and issubclass(found, Evaluator) else None


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


def check_few_labels(evaluator: Evaluator, data: object) -> None:
    """Raise ConfigError if networks are to be trained with few labels, and the data set gives no such batches."""
    if evaluator.fine_tune_steps and not hasattr(data, "shuffled"):
        raise ConfigError(
            f"evaluation.fine_tune_steps needs batches of some of the training examples, which {_name(type(data))} "
            "does not give (its method shuffled); leave it out"
        )


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
