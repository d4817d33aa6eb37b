"""Whether what a checkpoint holds beside the weights, of the optimiser and the loops, can be restored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from hepexp.errors import ConfigError
from hepexp.learning.checkpoint_io import OTHER, read_checkpoint

KINDS = {
    "epoch": int,
    "global_step": int,
    "loops": dict,
    "callbacks": dict,
    "optimizer_states": list,
    "lr_schedulers": list,
}


def check_training_state(path: Path, parameters: Iterable[torch.Tensor]) -> None:
    """Refuse a checkpoint from which a training cannot be resumed, before anything is recorded.

    Parameters
    ----------
    path : of last.ckpt.
    parameters : of the network.

    Raises
    ------
    ConfigError : the file cannot be read, or its state of the training is damaged; names the part.
    """
    checkpoint, shapes = read_checkpoint(path), {parameter.shape for parameter in parameters}
    if wrong := _wrong_with(checkpoint, shapes):
        raise damaged(path, wrong)


def damaged(path: Path, wrong: str) -> ConfigError:
    """The error for a checkpoint with something wrong."""
    other = path.with_name(OTHER.get(path.name, ""))
    remedy = f"copy {other.name} over it to resume from there" if other.is_file() else "train anew"
    return ConfigError(f"{path.name} is damaged: {wrong}, in {path}; {remedy}")


def _wrong_with(checkpoint: Mapping[str, Any], shapes: set[torch.Size]) -> str | None:
    for key, kind in KINDS.items():
        if not isinstance(checkpoint.get(key), kind):
            return f"{key} is {_of(checkpoint.get(key))}, expected {kind.__name__}"
    for place, state in enumerate(checkpoint["optimizer_states"]):
        key = f"optimizer_states[{place}]"
        if not isinstance(state, dict) or not isinstance(state.get("state"), dict):
            return f"{key} is not the state of an optimiser"
        groups = state.get("param_groups")
        if not isinstance(groups, list) or not all(
            isinstance(group, dict) and isinstance(group.get("params"), list) for group in groups
        ):
            return f"{key} has no groups of parameters"
        for number, values in state["state"].items():
            if not isinstance(values, dict):
                return f"{key}, parameter {number}: {_of(values)}, expected dict"
            for name, value in values.items():
                if isinstance(value, torch.Tensor):
                    if value.ndim and value.shape not in shapes:
                        return f"{key}, parameter {number}: {name} has shape {tuple(value.shape)}, as no parameter has"
                elif value is not None and not isinstance(value, int | float):
                    return f"{key}, parameter {number}: {name} is {_of(value)}, expected a tensor"
    if not all(isinstance(schedule, dict) for schedule in checkpoint["lr_schedulers"]):
        return "lr_schedulers holds something else than the states of schedules"
    return None


def _of(value: object) -> str:
    return "missing" if value is None else type(value).__name__
