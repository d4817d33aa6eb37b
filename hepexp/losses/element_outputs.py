"""What a model gives for each element of an example, as rows without padding."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hepexp.batch import GraphBatch
from hepexp.errors import ConfigError


def of_elements(model: nn.Module, batch) -> tuple[Tensor, Tensor, Tensor]:
    """Outputs (m, C) of all elements, the example (m,) of each, and which are real (m,).

    Of particles, (B, N, C), m = B N with padding; of nodes, (M, C), m = M.
    """
    found = model(batch)
    found = found if found.element_size() >= 4 else found.float()  # bfloat16 has 3 digits
    if isinstance(batch, GraphBatch):
        return found, batch.graph, torch.ones_like(batch.graph, dtype=torch.bool)
    example = torch.arange(len(batch), device=found.device)[:, None].expand(found.shape[:2])
    return found.flatten(0, 1), example.flatten(), batch.mask.flatten()


def places(example: Tensor, n: int) -> Tensor:
    """The place (m,) of each element in its example (m,), which is in rising order and below n."""
    first = sums(torch.ones_like(example), example, n).cumsum(0).roll(1)
    first[0] = 0
    return torch.arange(len(example), device=example.device) - first[example]


def sums(values: Tensor, example: Tensor, n: int) -> Tensor:
    """Sums (n, ...) over the elements of each example of values (m, ...)."""
    return values.new_zeros(n, *values.shape[1:]).index_add(0, example, values)


def check_elements(model: nn.Module, example, target: Tensor | None, names: str, width: int, loss: str) -> None:
    """Refuse a model that does not give a row of `width` outputs for each element.

    Parameters
    ----------
    example : a batch of one example.
    target : the targets of its elements (..., T), None where the representation has none.
    names : of the targets; loss : of the loss, as it is chosen.

    Raises
    ------
    ConfigError : it does not, or there are no targets.
    """
    name = type(model).__name__
    if target is None:
        raise ConfigError(f"{name} reads a representation without {names} of each element")
    with torch.no_grad():
        found = model(example)
    if not isinstance(found, Tensor) or tuple(found.shape) != (*target.shape[:-1], width):
        raise ConfigError(
            f"{loss} needs a row of {width} outputs for each element; {name} does not give them; choose a model that "
            "does, such as model=gin model.level=node"
        )
