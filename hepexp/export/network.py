"""The network that is exported: raw inputs, their preparation, the model, and the scores of the classes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.store.ragged import Ragged
from hepexp.errors import ConfigError
from hepexp.evaluation.classifiers.scored_examples import Setting
from hepexp.evaluation.evaluators.classification import ClassificationEvaluator
from hepexp.export.inputs import inputs_of
from hepexp.export.tensors import BATCH, DTYPES, PARTICLES, TensorSpec
from hepexp.learning.components import Components
from hepexp.losses.sampled import SampledCrossEntropy

SCORES = "scores"


class ExportedNetwork(nn.Module):
    """A trained classifier from the inputs `tensors`, in their order, to probabilities (B, C) of the classes.

    Parameters
    ----------
    components : of the run, with the weights to be exported.

    Raises
    ------
    ConfigError : the run is not that of a classifier, or what its network reads cannot be prepared by a network.
    """

    def __init__(self, components: Components) -> None:
        super().__init__()
        objective, data = components.module.objective, components.data
        if not isinstance(objective.evaluator, ClassificationEvaluator) or not data.spec.class_names:
            raise ConfigError(
                f"a run with loss {type(objective).__name__} cannot be exported: only classifiers can, whose outputs "
                "are scores of classes"
            )
        if isinstance(objective, SampledCrossEntropy):
            raise ConfigError(
                f"a run with loss {type(objective).__name__} cannot be exported: each of its predictions draws "
                f"{objective.samples} networks by random numbers, which a file would not repeat; train with "
                "loss=cross_entropy or loss=evidential"
            )
        if not isinstance(data, HepDataModule):
            raise ConfigError(f"a run on {type(data).__name__} cannot be exported; expected a HepDataModule")
        self.inputs = inputs_of(data)
        self.model, self.objective = components.module.model, objective
        self.class_names = tuple(data.spec.class_names)
        self.eval().requires_grad_(False)

    @property
    def setting(self) -> Setting:
        """Classes, background and working points, as the run has judged them."""
        evaluator = self.objective.evaluator
        assert isinstance(evaluator, ClassificationEvaluator)
        assert evaluator.setting is not None, "the run has said it"
        return evaluator.setting

    @property
    def tensors(self) -> tuple[TensorSpec, ...]:
        """The inputs."""
        return self.inputs.tensors

    @property
    def output(self) -> TensorSpec:
        """The output."""
        meaning = f"probability of {', '.join(self.class_names)}, which add up to 1"
        return TensorSpec(SCORES, "float32", (BATCH, len(self.class_names)), "", meaning)

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.objective.outputs(self.model, self.inputs(*inputs))[SCORES].float()

    def feed(self, examples: Ragged) -> dict[str, NDArray]:
        """The inputs of examples of the store, by name."""
        return self.inputs.feed(examples)

    def in_order(self, fed: Mapping[str, NDArray]) -> tuple[Tensor, ...]:
        """Inputs as tensors, in the order of `tensors`."""
        return tuple(
            torch.from_numpy(np.ascontiguousarray(fed[one.name])).to(DTYPES[one.dtype]) for one in self.tensors
        )

    def dynamic_axes(self) -> tuple[dict[int, str], ...]:
        """For each input, the names of the axes that may have any length."""
        return tuple(
            {axis: name for axis, name in enumerate(one.axes) if name in (BATCH, PARTICLES)} for one in self.tensors
        )
