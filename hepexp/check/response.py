"""What a network says of examples, in either precision, and by how much that changes."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from hepexp.batch import Batch
from hepexp.errors import ConfigError
from hepexp.evaluation.bootstrap import error_of, mean, ones, replicas
from hepexp.evaluation.classifiers.accuracy import Accuracy
from hepexp.evaluation.classifiers.auc import Auc
from hepexp.evaluation.classifiers.judge import Judge
from hepexp.evaluation.classifiers.scored_examples import ScoredExamples, Setting
from hepexp.evaluation.evaluators.evaluator import ELEMENT
from hepexp.losses.objective import Objective

N_BOOTSTRAP = 200
NAMES = ("scores", "predicted", "embedding")  # of outputs, by falling priority


@dataclass(frozen=True)
class Answers:
    """Outputs of a network.

    Shapes
    ------
    index, label (n,); weight (n,) or None; values (n, K): probabilities of the classes, or what else it says.
    """

    index: NDArray[np.int64]
    label: NDArray[np.int64]
    weight: NDArray[np.float64] | None
    values: NDArray[np.float64]


class Response:
    """A network in evaluation mode, in one precision.

    Parameters
    ----------
    model, objective : of the run; they are copied.
    dtype : float32 or float64, of weights and buffers.
    device : on which it is evaluated.
    """

    def __init__(self, model: nn.Module, objective: Objective, dtype: torch.dtype, device: torch.device) -> None:
        self.model = copy.deepcopy(model).to(device, dtype).eval()
        self.objective = copy.deepcopy(objective).to(device, dtype).eval()
        self.device = device

    def __call__(self, batches: Iterable[Batch]) -> Answers:
        """The outputs in the order of their index.

        Raises
        ------
        ConfigError : the objective has none for each example.
        """
        found: dict[str, list[torch.Tensor]] = {"index": [], "label": [], "weight": [], "values": []}
        with torch.no_grad():
            for batch in batches:
                batch = batch.to(self.device)
                found["values"].append(self._values(batch).double().cpu())
                found["index"].append(batch.index.cpu())
                found["label"].append(batch.label.cpu())
                found["weight"] += [] if batch.weight is None else [batch.weight.double().cpu()]
        index, label, values = (torch.cat(found[name]).numpy() for name in ("index", "label", "values"))
        order = np.argsort(index, kind="stable")
        weight = torch.cat(found["weight"]).numpy()[order] if found["weight"] else None
        return Answers(index[order], label[order], weight, values[order])

    def _values(self, batch: Batch) -> torch.Tensor:
        outputs = self.objective.outputs(self.model, batch)
        name = next((name for name in NAMES if name in outputs), None)
        if name is None or any(key.startswith(ELEMENT) for key in outputs):
            raise ConfigError(
                f"hepexp check is for networks with scores, values or an embedding of each example; the outputs of "
                f"{type(self.objective).__name__} are {', '.join(outputs) or 'none'}"
            )
        return outputs[name].flatten(1) if outputs[name].ndim > 1 else outputs[name][:, None]


class Figures:
    """Figures of the answers to examples as they are, and of how others differ from them.

    Parameters
    ----------
    unchanged : answers to the examples as they are.
    setting : the classes, if the values are their probabilities; None otherwise.
    seed : of the bootstrap replicas, which are the same for all.
    """

    def __init__(self, unchanged: Answers, setting: Setting | None, seed: int) -> None:
        self.unchanged, self.setting, self.seed = unchanged, setting, seed
        self.n = len(unchanged.index)
        self._draws = list(replicas(self.n, N_BOOTSTRAP, seed, unchanged.weight))
        self._own = self._judge(unchanged) if setting else None
        self._own_draws = [self._own(weight) for weight in self._draws] if self._own else []

    def of(self, answers: Answers) -> dict[str, float | None]:
        """Accuracy and AUC with bootstrap errors over examples, and the change of the AUC with that of the pairs."""
        if self._own is None:
            return {}
        judge = self._judge(answers)
        draws, own = [judge(weight) for weight in self._draws], self._own()
        found: dict[str, float | None] = {}
        for name, value in judge().items():
            found[name] = value
            found[f"{name}_err"], _ = error_of([draw[name] for draw in draws], self.n)
            pairs = [draw[name] - before[name] for draw, before in zip(draws, self._own_draws, strict=True)]
            found[f"{name}_change"] = value - own[name]
            found[f"{name}_change_err"], _ = error_of(pairs, self.n)
        return found

    def change(self, answers: Answers) -> dict[str, float]:
        """Largest and mean absolute change of a probability, or of a value in units of its spread over examples."""
        difference = np.abs(answers.values - self.unchanged.values)
        if self.setting is None:
            spread = self.unchanged.values.std(0)
            difference = difference / np.where(spread > 0, spread, 1)
        of_each = difference.max(1)
        sizes = np.abs(ones(self.n, answers.weight))
        return {"largest_change": float(of_each.max()), "mean_change": mean(of_each, sizes)}

    def _judge(self, answers: Answers) -> Judge:
        examples = ScoredExamples(answers.values, answers.label, answers.weight, self.setting)
        return Judge([Accuracy(), Auc()], examples)
