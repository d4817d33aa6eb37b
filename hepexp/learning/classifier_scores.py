"""Classifiers between generated and true examples, and between two samples of the truth: the null."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from hepexp.evaluation.evaluators.evaluator import Outputs
from hepexp.evaluation.evaluators.generation import CLASSIFIED, FLOOR, LEVELS, MADE, TRUTH
from hepexp.evaluation.generation.classifier_keys import ClassifierKeys
from hepexp.learning.components import Components
from hepexp.learning.steps_bar import steps_bar
from hepexp.models.layers.dense import dense


def classifier_scores(components: Components, outputs: Outputs) -> Outputs:
    """Columns `classified/<sample>/<level>` (m, 2): label, 1 for the truth, and score of examples that were tested.

    Networks and batches follow from the seed; the random numbers of the run stay as they are.

    Parameters
    ----------
    components : of a run that has been tested.
    outputs : of that test.
    """
    generation, module = components.module.generation, components.module
    if generation is None or not generation.classifier.epochs:
        return {}
    keys, found, device = generation.classifier, {}, module.trainer.strategy.root_device
    with (
        torch.random.fork_rng([device] if device.type == "cuda" else []),
        steps_bar(components, "training classifiers, {task.description}", "epochs") as done,
    ):
        for name, level in LEVELS.items():
            samples = generation.inputs(level, outputs["index"])
            for other in (MADE, FLOOR) if samples else ():
                said = partial(done, f"{name} level", 2 * len(LEVELS) * keys.splits * keys.epochs)
                found[f"{CLASSIFIED}{other}{level}"] = told_apart(
                    samples[TRUTH], samples[other], keys, module.seed, device, said
                )
    return found


def told_apart(
    true: NDArray,
    other: NDArray,
    keys: ClassifierKeys,
    seed: int,
    device: torch.device | str = "cpu",
    done: Callable[[], None] = lambda: None,
) -> NDArray[np.float64]:
    """Label and score (m, 2) of the tested examples of two samples, of which the larger is cut.

    Parameters
    ----------
    true, other : (n, F) and (l, F) float32.
    done : called after each epoch.
    """
    n = min(len(true), len(other))
    x = torch.from_numpy(np.concatenate([true[:n], other[:n]])).to(device)
    label = torch.cat([torch.ones(n), torch.zeros(n)]).to(device)
    found = [np.zeros((0, 2))]
    for parts in keys.parts(n, seed):
        train, choose, test = (torch.from_numpy(np.concatenate([part, n + part])).to(device) for part in parts)
        torch.manual_seed(seed)
        fresh = dense(x.shape[1], keys.widths, 1, nn.LeakyReLU).append(nn.Flatten(0))
        network = _trained(fresh.to(device), x, label, train, choose, keys, done)
        with torch.no_grad():
            scores = _answers(network, x, test, keys.batch_size).sigmoid()
        found.append(torch.stack([label[test], scores], 1).double().cpu().numpy())
    return np.concatenate(found)


def _trained(
    network: nn.Module,
    x: Tensor,
    label: Tensor,
    train: Tensor,
    choose: Tensor,
    keys: ClassifierKeys,
    done: Callable[[], None],
) -> nn.Module:
    """The network of the epoch with the smallest cross entropy of the rows to choose by."""
    optimizer = torch.optim.Adam(network.parameters(), lr=keys.lr)
    best, least = copy.deepcopy(network), torch.inf
    for _ in range(keys.epochs):
        for rows in train[torch.randperm(len(train)).to(train.device)].split(keys.batch(len(train))):
            loss = binary_cross_entropy_with_logits(network(x[rows]), label[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            answers = _answers(network, x, choose, keys.batch_size)
            value = float(binary_cross_entropy_with_logits(answers, label[choose]))
        if value < least:
            best, least = copy.deepcopy(network), value
        done()
    return best


def _answers(network: nn.Module, x: Tensor, rows: Tensor, at_once: int) -> Tensor:
    return torch.cat([network(x[part]) for part in rows.split(at_once)])
