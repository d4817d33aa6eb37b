"""What a model and a loss must have to be trained; a plug-in's may lack it, and is then named."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from hepexp.errors import ConfigError
from hepexp.losses.objective import Objective

FORMS = "particles, image, graph or features"


def input_of(target: Callable) -> str:
    """The form of the data that a model reads, asked of its class before anything is loaded.

    Raises
    ------
    ConfigError : it does not say.
    """
    reads = getattr(target, "input", None)
    if not isinstance(reads, str):
        raise ConfigError(f"model {_name(target)} must say what it reads: input = one of {FORMS}")
    return reads


def check_module(model: object) -> None:
    """Refuse, by a ConfigError, a model that is no module of torch."""
    if not isinstance(model, nn.Module):
        raise ConfigError(f"model {_name(type(model))} must be a torch.nn.Module")


def check_terms(objective: object) -> None:
    """Refuse, by a ConfigError, a loss that is no objective or has no terms."""
    if not isinstance(objective, Objective):
        raise ConfigError(f"loss {_name(type(objective))} must be a hepexp.losses.objective.Objective")
    if type(objective).terms is Objective.terms:
        raise ConfigError(f"loss {_name(type(objective))} has no method terms(model, batch)")


def check_readout(objective: Objective) -> None:
    """Refuse, by a ConfigError, a loss that does not say how it is judged."""
    if not hasattr(objective, "readout"):
        raise ConfigError(
            f"loss {_name(type(objective))} has no readout, which says how its outputs are judged, "
            "such as ClassificationReadout()"
        )


def _name(target: Callable) -> str:
    return f"{target.__module__}.{target.__qualname__}"
