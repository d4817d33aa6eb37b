"""Dense networks: linear layers with activations between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import nn


def hidden_layers(
    n_in: int, widths: Sequence[int], activation: Callable[[], nn.Module], dropout: float | None = None
) -> nn.Sequential:
    """Linear layers of these widths, each followed by an activation.

    Parameters
    ----------
    activation : makes one, such as nn.ReLU.
    dropout : after each activation; None for no module there, which would count in the names of weights.

    Shapes
    ------
    (..., n_in) -> (..., widths[-1]).
    """
    layers: list[nn.Module] = []
    for a, b in pairwise((n_in, *widths)):
        layers += [nn.Linear(a, b), activation()]
        if dropout is not None:
            layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers)


def dense(
    n_in: int, widths: Sequence[int], n_out: int, activation: Callable[[], nn.Module], dropout: float | None = None
) -> nn.Sequential:
    """Hidden layers of these widths, as of `hidden_layers`, and a linear layer.

    Shapes
    ------
    (..., n_in) -> (..., n_out).
    """
    return hidden_layers(n_in, widths, activation, dropout).append(nn.Linear((n_in, *widths)[-1], n_out))
