"""Start a model from a file of weights."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import Tensor, nn

from hepexp.config.paths import runs_dir
from hepexp.errors import ConfigError


def load_weights(model: nn.Module, file: str) -> None:
    """Load a state dict into a model, every key of it.

    A relative file is looked for in the working directory, then under runs/. It is a checkpoint of a run, whose keys
    carry the prefix `model.`, or a bare state dict; a prefix `module.`, as wrappers for several devices leave it, is
    dropped.

    Raises
    ------
    ConfigError : the file is missing or is no state dict, or a key or a shape differs; the first is named.
    """
    found, wanted = read_state_dict(file), model.state_dict()
    for key, tensor in wanted.items():
        if key not in found:
            raise ConfigError(f"model.weights: {file} has no {key}; it belongs to another model")
        if found[key].shape != tensor.shape:
            theirs, ours = tuple(found[key].shape), tuple(tensor.shape)
            raise ConfigError(f"model.weights: {key} in {file} has shape {theirs}, this model's has {ours}")
    unexpected = next((key for key in found if key not in wanted), None)
    if unexpected is not None:
        raise ConfigError(f"model.weights: {file} has {unexpected}, which this model has not")
    model.load_state_dict(found)


def read_state_dict(file: str) -> dict[str, Tensor]:
    """The tensors of a file of weights, by the names that the model gives them."""
    path = next((path for path in (Path(file), runs_dir() / file) if path.is_file()), None)
    if path is None:
        raise ConfigError(f"model.weights: there is no file {file}, here or under {runs_dir()}")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, OSError):
        raise ConfigError(f"model.weights: {file} is damaged, or holds more than tensors") from None
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        prefix = "model."
        content = {k.removeprefix(prefix): v for k, v in content["state_dict"].items() if k.startswith(prefix)}
    if not isinstance(content, dict) or not all(isinstance(v, Tensor) for v in content.values()):
        raise ConfigError(f"model.weights: {file} holds no state dict (names and tensors)")
    return {key.removeprefix("module."): value for key, value in content.items()}
