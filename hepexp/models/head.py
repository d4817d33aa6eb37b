"""The head of a model: the layers after the learned features, which fine-tuning replaces; the rest is its body."""

from __future__ import annotations

from torch import nn


def head_of(model: nn.Module) -> str:
    """The name of the submodule that is a model's head.

    It is what the model's class declares, `head = "classifier"`, or the last of its layers that has parameters.
    """
    declared = getattr(type(model), "head", None)
    if isinstance(declared, str):
        return declared
    last = next(reversed([name for name, _ in model.named_parameters()]), "")
    return last.rpartition(".")[0] or last


def is_within(name: str, module: str) -> bool:
    """Whether a parameter or buffer belongs to a submodule, or is itself of this name."""
    return name == module or name.startswith(f"{module}.")
