"""Training with few labels: the trained network with a new linear layer, and beside it the same one from scratch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice

import numpy as np
import torch
from pytorch_lightning.plugins.precision import Precision
from torch import nn

from hepexp.batch import Batch
from hepexp.evaluation.embeddings.few_labels import (
    FINE_TUNED,
    FROM_SCRATCH,
    empty_class,
    labelled_subset,
    scores_column,
)
from hepexp.evaluation.evaluators.embedding import EmbeddingEvaluator
from hepexp.evaluation.evaluators.evaluator import Outputs
from hepexp.learning.components import Components
from hepexp.learning.schedules import SCHEDULES
from hepexp.learning.steps_bar import steps_bar
from hepexp.losses.cross_entropy import CrossEntropy
from hepexp.losses.objective import width_of


class Labelled:
    """Trains networks on some of the labels; both kinds see the same batches, and end at the rate zero.

    Parameters
    ----------
    components : of a run that has been tested, as its device and precision are taken.
    steps : of each training.
    """

    def __init__(self, components: Components, steps: int) -> None:
        self.module, self.data, self.steps = components.module, components.data, steps
        self.untrained = components.untrained
        self.device: torch.device = self.module.trainer.strategy.root_device
        self.precision: Precision = self.module.trainer.precision_plugin
        self.objective: CrossEntropy = CrossEntropy()

    def networks(self) -> dict[str, nn.Module]:
        """A copy of the trained network and one with random weights, with the same new layer, all of it trainable."""
        assert self.untrained is not None, "every composed model can be made anew"
        scratch = self.untrained()
        tuned = copy.deepcopy(self.module.model)
        for ours, fresh in zip(tuned.parameters(), scratch.parameters(), strict=True):
            ours.requires_grad_(fresh.requires_grad)  # what the training froze is trained here
        tuned = self.precision.convert_module(tuned).to(self.device).eval()
        layer = nn.Linear(width_of(tuned, self._placed(self.data.typical_example())), self.data.spec.n_classes)
        bodies = {FINE_TUNED: tuned, FROM_SCRATCH: self.precision.convert_module(scratch).to(self.device)}
        heads = {name: self.precision.convert_module(copy.deepcopy(layer)).to(self.device) for name in bodies}
        return {name: nn.Sequential(body, heads[name]) for name, body in bodies.items()}

    def train(self, network: nn.Module, batches: Iterable[Batch], done: Callable[[], None]) -> None:
        """Minimise the cross entropy of so many batches as there are steps.

        Parameters
        ----------
        done : called after each step.
        """
        optimizer = torch.optim.Adam(network.parameters(), lr=self.module.optimizer.lr)
        is_float16 = getattr(self.precision, "scaler", None) is not None  # in which small gradients would vanish
        scaler = torch.amp.GradScaler(self.device.type, enabled=is_float16)
        network.train()
        for step, batch in enumerate(islice(batches, self.steps)):
            optimizer.param_groups[0]["lr"] = self.module.optimizer.lr * SCHEDULES["cosine"](step / self.steps)
            with self.precision.forward_context():
                loss = self.objective.terms(network, self._placed(batch))[0]["loss"]
            optimizer.zero_grad()
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            done()

    @torch.no_grad()
    def scores(self, network: nn.Module, batches: Iterable[Batch]) -> np.ndarray:
        """Probabilities of the classes (n, C), in the order of the index."""
        network.eval()
        index, scores = [], []
        for batch in batches:
            with self.precision.forward_context():
                scores.append(self.objective.outputs(network, self._placed(batch))["scores"].float().cpu())
            index.append(batch.index)
        return torch.cat(scores).numpy()[np.argsort(torch.cat(index).numpy())]

    def _placed(self, batch: Batch) -> Batch:
        return self.precision.convert_input(batch).to(self.device)


def few_label_scores(components: Components, split: str, outputs: Outputs) -> Outputs:
    """The columns `fine_tuned/scores_at_<fraction>` and `from_scratch/...` of a split, where the evaluator needs them.

    Batches and random weights follow from the seed. The trained network and the random numbers of the run stay as they
    are, and the split is only looked at at the end.

    Parameters
    ----------
    outputs : of the test of this split, among them `training/index` and `training/label`.
    """
    evaluator = components.module.objective.evaluator
    steps, seed, data = evaluator.fine_tune_steps, components.module.seed, components.data
    if not (steps and isinstance(evaluator, EmbeddingEvaluator)):
        return {}
    assert hasattr(data, "shuffled"), "contracts.check_few_labels refuses other data sets"
    label, found = outputs["training/label"], {}
    fractions = [f for f in evaluator.label_fractions if not empty_class(label, f, evaluator.class_names)]
    labelled = Labelled(components, steps)
    devices = [labelled.device] if labelled.device.type == "cuda" else []
    with torch.random.fork_rng(devices), steps_bar(components, "fine-tuning with {task.description}", "steps") as bar:
        for fraction in fractions:
            chosen = outputs["training/index"][labelled_subset(label, fraction, seed)]
            torch.manual_seed(seed)
            for name, network in labelled.networks().items():
                torch.manual_seed(seed)  # for dropout
                done = partial(bar, f"{fraction:g} of the labels", 2 * steps * len(fractions))
                labelled.train(network, data.shuffled(chosen), done)
                found[scores_column(name, fraction)] = labelled.scores(network, data.loader_of(split))
    return found
