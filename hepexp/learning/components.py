"""From a frozen config to the objects of an experiment."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig
from torch import nn

from hepexp.batch import REPRESENTATIONS, DataSpec
from hepexp.config import kind, needs, new_head, schema, targets
from hepexp.config.annotations import TARGET, is_node
from hepexp.config.build import construct
from hepexp.config.content import content_of
from hepexp.config.suggest import did_you_mean
from hepexp.data.loading.experiment_data import ExperimentData
from hepexp.errors import ConfigError
from hepexp.evaluation.options import EvaluationOptions
from hepexp.learning import contracts
from hepexp.learning.adversarial import AdversarialModule
from hepexp.learning.boosting import BoostingModule
from hepexp.learning.channels_last import channels_last
from hepexp.learning.fine_tuning import frozen_at_random, spare_fresh
from hepexp.learning.generation import Generation
from hepexp.learning.memory_guard import within_memory
from hepexp.learning.module import ExperimentModule
from hepexp.learning.optimizers import Optimizer
from hepexp.learning.trainer import TrainerOptions
from hepexp.losses.adversarial import AdversarialObjective
from hepexp.models.boosted_trees import BoostedTrees
from hepexp.models.weights import load_body
from hepexp.quantum.backend import Backend

MOST_SHOWN = 5  # scalars, in a line


@dataclass
class Components:
    """What the groups of a config build.

    Parameters
    ----------
    taken : which weights a model with a new head took from a file, and which are fresh; None for other models.
    spared : fresh layers that `optimizer.freeze` or `optimizer.lr_factor` name and that are trained at the full rate.
    frozen : which layers are frozen with random weights; empty if none are.
    unread : which named scalars of the data set the model does not read; empty if it reads them.
    off_centre : how padding has moved images away from the centre about which the model is invariant; empty if it has
        not.
    untrained : makes a model of the same kind with random weights, those of the seed.
    """

    data: ExperimentData
    module: ExperimentModule
    trainer: TrainerOptions
    backend: Backend
    taken: str | None = None
    spared: Sequence[str] = ()
    frozen: str = ""
    unread: str = ""
    off_centre: str = ""
    untrained: Callable[[], nn.Module] | None = None

    @property
    def noun(self) -> str:
        """What an example is called; a data set from a plug-in need not say."""
        return getattr(self.data, "noun", "example")


def build_components(config: DictConfig, trained: bool = False, record: Path | None = None) -> Components:
    """Build data set, model, objective, optimiser and trainer options.

    Initial weights depend on the seed alone, and on files of weights (`model.weights`).

    Parameters
    ----------
    config : frozen config.
    trained : a checkpoint will replace the weights, so those files are not read and need not exist any more.
    record : the file that the config was read from, for error messages; None if it was composed.

    Raises
    ------
    ConfigError : a value that a constructor refuses, or a model that cannot read the data set.
    DataError : files that cannot be read, the record among them. Nothing is imported or called before all of the
        config has been checked.
    """
    content = content_of(config)
    if record is None:
        schema.check_nodes(content, kind.OF_EVERY_RUN, config.get("choices") or {})
    else:
        schema.check_record(content, record)
    options = construct(config.trainer, "trainer")
    optimizer = construct(config.optimizer, "optimizer")
    evaluation = construct(config.evaluation, "evaluation") if "evaluation" in config else EvaluationOptions()
    backend = construct(config.backend, "backend")
    with within_memory(config.loss, "loss"):
        objective = construct(config.loss, "loss", backend=backend)
    contracts.check_terms(objective)
    contracts.check_end(objective, options)
    data = construct(config.dataset, "dataset", seed=config.seed)
    reads = targets.load(config.model._target_, kind.of_group("model")).input
    if reads not in REPRESENTATIONS:
        raise ConfigError(
            f"{config.model._target_} has input = {reads!r}; expected one of {', '.join(REPRESENTATIONS)}"
            f"{did_you_mean(str(reads), REPRESENTATIONS)}"
        )
    if reads not in data.representations:
        raise ConfigError(
            f"model {config.choices.model} reads {reads}, data set {config.choices.dataset} gives "
            f"{', '.join(data.representations)}; choose another model or data set"
        )
    devices, of_all = options.devices * options.num_nodes, _smallest_batch(config.dataset)
    batch = sys.maxsize if of_all is None else of_all // devices
    contracts.check_examples(objective, data, batch)
    if of_all is not None:
        contracts.check_shares(objective, of_all, devices)
    data.represent_as(reads)
    draw_views = contracts.check_views(objective, data)
    augment = contracts.check_augmentation(objective, data)
    contracts.check_names(objective, evaluation, data)
    data.prepare_data()
    data.setup()
    spec = data.spec
    torch.manual_seed(config.seed)
    node, body_from = _split(content_of(config.model, resolve=True))
    if trained:
        node, body_from = _without_files_of_weights(node), None
    given = _for_model(spec, objective.n_outputs(spec))
    with within_memory(config.model, "model"):
        model = construct(node, "model", **given, backend=backend)
    taken, fresh = (None, []) if body_from is None else load_body(model, body_from)
    objective.n_train = len(data.splits["train"]) if getattr(data, "splits", None) else None
    with within_memory(config.loss, "loss"):
        objective.prepare(model.eval(), data.typical_example(), spec)
    if batch == 1:
        contracts.check_single(model, data.typical_example())  # after `prepare`, which gives chains their action
    if objective.sample and not trained and not needs.missing(content):
        objective.see(model, data.loader_of("train", objective.sample))
    contracts.check_evaluator(objective)
    objective.evaluator = objective.evaluator.with_options(evaluation, spec)
    contracts.check_few_labels(objective.evaluator, data)
    columns = contracts.check_columns(objective.evaluator.columns, data)
    model.train()
    if options.channels_last:
        channels_last(model)
    spared = spare_fresh(optimizer, model, objective, fresh)
    if spared:
        taken = "; ".join([str(taken), *spared])
    module: ExperimentModule
    if isinstance(objective, AdversarialObjective):
        module = AdversarialModule(model, objective, optimizer, config.seed, options)
    elif isinstance(model, BoostedTrees):
        objective.boosted(data.typical_example())  # refuses a loss that they cannot be grown for
        module = BoostingModule(model, objective, optimizer, config.seed, options)
    else:
        module = ExperimentModule(model, objective, optimizer, seed=config.seed, compile_model=options.compile)
    module.draw_views, module.augment = draw_views, augment
    if columns:
        module.columns = columns
    if objective.generates:
        module.generation = Generation(objective, data, evaluation)
    module.weighted = evaluation.weighted
    module.mean_weight = getattr(data, "mean_weight", None)
    if n := objective.evaluator.references:
        module.references = lambda: data.loader_of("train", n)
    module.training_examples = lambda: data.loader_of("train")
    frozen = "" if trained or body_from or _has_weights(node) else _frozen(optimizer, model, objective, node)
    unread = _unread(model, reads, config.model._target_, spec)
    off_centre = _off_centre(model, getattr(data, "representation", None))

    def untrained() -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            return construct(_without_files_of_weights(node), "model", **given, backend=copy.deepcopy(backend))

    return Components(data, module, options, backend, taken, spared, frozen, unread, off_centre, untrained)


def _frozen(optimizer: Optimizer, model: nn.Module, objective: nn.Module, node: Mapping[str, Any]) -> str:
    """The layers that are frozen although nothing was learnt in them; empty if there are none."""
    if parts := _frozen_parts(model, node):
        wanted = ", ".join(f"model.{part}.weights=RUN" for part in parts)
        return f"{', '.join(parts)} with random weights, which no training changes; to take those of a run: {wanted}"
    layers = frozen_at_random(optimizer, model, objective)
    shown = ", ".join(layers[:MOST_SHOWN]) + ", ..." * (len(layers) > MOST_SHOWN)
    return f"{shown} with random weights; to start from those of a run: model.weights=RUN" if layers else ""


def _frozen_parts(model: nn.Module, node: Mapping[str, Any]) -> list[str]:
    """Networks inside a model that it never trains, such as an oracle or an encoder, though they could be loaded."""
    return [
        key
        for key, value in node.items()
        if is_node(value)
        and "weights" in schema.signature(value[TARGET]).parameters
        and isinstance(part := getattr(model, key, None), nn.Module)
        and (weights := list(part.parameters()))
        and not any(weight.requires_grad for weight in weights)
    ]


def _off_centre(model: nn.Module, representation: object) -> str:
    """How padding moves images away from the centre about which a model is invariant; empty if it does not."""
    side, shape = getattr(representation, "pad_to", None), getattr(representation, "shape", None)
    if side is None or shape is None or not getattr(model, "invariant_under_right_angles", False):
        return ""
    if all((side - pixels) % 2 == 0 for pixels in shape[1:]):
        return ""
    return (
        f"dataset.image.pad_to={side} moves {shape[1]} x {shape[2]} pixels half a pixel off the centre, so that the "
        f"network is no longer exactly invariant under rotations of them by 90 degrees; it is with {side + 1}"
    )


def _has_weights(node: Mapping[str, Any]) -> bool:
    """Whether a model, or one inside it, starts from a file of weights."""
    return any(
        _has_weights(value) if isinstance(value, Mapping) else key == "weights" and isinstance(value, str)
        for key, value in node.items()
    )


def _unread(model: nn.Module, reads: str, target: str, spec: DataSpec) -> str:
    """The named scalars that a model does not read, and how it would; empty if it reads them, or there are none."""
    if hasattr(model, "pathways"):  # each reads what it reads
        return ""
    known = schema.signature(target)
    if reads == "graph" or not spec.scalar_names:  # nodes have them among their features
        return ""
    if {"n_scalars", "scalar_names"} & {*known.runtime} and getattr(model, "use_scalars", True):
        return ""
    shown = ", ".join(spec.scalar_names[:MOST_SHOWN])
    more = f" and {len(spec.scalar_names) - MOST_SHOWN} more" if len(spec.scalar_names) > MOST_SHOWN else ""
    how = "; model.use_scalars=true reads them" if "use_scalars" in known.parameters else ""
    return f"not read by this model: {shown}{more}{how}"


def _for_model(spec: DataSpec, n_outputs: int) -> dict[str, Any]:
    """What a model's constructor can ask for; its `n_classes` is the number of outputs that the loss needs."""
    return {**{field.name: getattr(spec, field.name) for field in fields(spec)}, "n_classes": n_outputs}


def _split(node: Mapping[str, Any]) -> tuple[Mapping[str, Any], str | None]:
    """The node of a model without `model.head`, and the file that a model with a new head takes its body from."""
    known = schema.signature(node[TARGET]).parameters
    return new_head.split(node) if known.get(new_head.KEY) is new_head.PARAMETER else (node, None)


def _without_files_of_weights(node: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of a model, and of any models inside it, with random initial weights."""
    inner = {key: _without_files_of_weights(value) for key, value in node.items() if isinstance(value, Mapping)}
    random = {key: None for key, value in node.items() if key == "weights" and isinstance(value, str)}
    return {**node, **inner, **random}


def _smallest_batch(dataset: DictConfig) -> int | None:
    """Examples in a training batch, on all devices; None for a plug-in's data set without these keys."""
    return min((size for key in ("batch_size", "n_train") if (size := dataset.get(key)) is not None), default=None)
