"""A trained classifier with the Laplace approximation of the posterior of its last layer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import torch
from rich.progress import track
from torch import Tensor, nn

from hepexp.console import PlainConsole
from hepexp.errors import ConfigError
from hepexp.learning.components import Components
from hepexp.losses.cross_entropy import CrossEntropy, at_least_single
from hepexp.losses.sampled import SampledCrossEntropy
from hepexp.losses.weighted import weight_of
from hepexp.models.layers.gaussian_head import GaussianHead, curvature, flat, prior_precision, softmax_hessian
from hepexp.models.layers.variational import network

SAMPLES = 100


class LaplaceCrossEntropy(SampledCrossEntropy):
    """Mean prediction of networks with last layers drawn from the posterior; what is before is evaluated once."""

    def network(self, model: nn.Module, draw: int, batch) -> AbstractContextManager[None]:
        return network(model, draw)

    def passes(self, model: nn.Module, batch) -> Tensor:
        head = next(layer for layer in model.modules() if isinstance(layer, GaussianHead))
        with torch.no_grad():
            with _inputs(head) as seen:
                self._logits(model, batch)
            found = []
            for draw in range(self.samples):
                with network(head, draw):
                    found.append(at_least_single(head(seen[0])).softmax(dim=-1))
        return torch.stack(found)


def add_laplace(components: Components) -> float:
    """Give a rebuilt run a normal posterior of its last layer, from the curvature on the training examples.

    Its predictions are then means over 100 networks, with `spread`, `aleatoric` and `epistemic`. Weights of the
    examples count by their ratios: as in the loss, their mean absolute value is made 1, so that there is as much
    evidence as there are examples.

    Returns
    -------
    The precision of the prior, by maximum evidence.

    Raises
    ------
    ConfigError : another loss than cross entropy, or a network that does not end with a linear layer.

    References
    ----------
    D. J. C. MacKay, Neural Computation 4 (1992) 448; A. Kristiadi, M. Hein, P. Hennig, arXiv:2002.10118 (one layer).
    """
    module = components.module
    model, objective = module.model.eval(), module.objective
    if type(objective) is not CrossEntropy:
        raise ConfigError(f"--laplace is for loss=cross_entropy, got {type(objective).__name__}")
    name, head = _head(model, components.data.typical_example())
    size = head.out_features * (head.in_features + 1)
    matrix, n, total = torch.zeros(size, size, dtype=torch.float64), 0, 0.0
    shown = components.trainer.progress and PlainConsole(stderr=True).is_terminal
    batches = components.data.loader_of("train")
    for batch in track(batches, "curvature", console=PlainConsole(stderr=True), disable=not shown, transient=True):
        with torch.no_grad(), _inputs(head) as seen:
            hessian = softmax_hessian(model(batch))
        weight = weight_of(batch)
        weight = hessian.new_ones(len(hessian)) if weight is None else weight.double()
        matrix += curvature(seen[0], hessian * weight[:, None, None])
        n, total = n + len(weight), total + float(weight.abs().sum())
    matrix *= n / max(total, torch.finfo(torch.float64).tiny)
    precision = prior_precision(matrix, flat(head))
    posterior = GaussianHead(head, matrix + precision * torch.eye(size, dtype=torch.float64))
    parent, _, own = name.rpartition(".")
    setattr(model.get_submodule(parent), own, posterior.eval())
    laplace = LaplaceCrossEntropy(SAMPLES)
    laplace.evaluator, laplace.empty_pixel = objective.evaluator, objective.empty_pixel
    module.objective = laplace
    return precision


def _head(model: nn.Module, example) -> tuple[str, nn.Linear]:
    """The linear layer whose outputs are the logits, and its name."""
    layers = {name: layer for name, layer in model.named_modules() if isinstance(layer, nn.Linear)}
    for name, layer in reversed(layers.items()):
        found: list[Tensor] = []
        handle = layer.register_forward_hook(lambda _, inputs, output, found=found: found.append(output))
        with torch.no_grad():
            logits = model(example)
        handle.remove()
        if len(found) == 1 and found[0].shape == logits.shape and torch.equal(found[0], logits):
            return name, layer
    raise ConfigError(f"--laplace: {type(model).__name__} does not end with a linear layer")


@contextmanager
def _inputs(layer: nn.Module) -> Iterator[list[Tensor]]:
    """Collects the inputs of a layer that is called in the block."""
    seen: list[Tensor] = []
    handle = layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    try:
        yield seen
    finally:
        handle.remove()
