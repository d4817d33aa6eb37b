"""Checkpoints that are either complete or absent."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import torch
from lightning_fabric.plugins import TorchCheckpointIO

from hepexp.atomic import atomic
from hepexp.errors import ConfigError, HepexpError
from hepexp.models.weights import read_tensors

OTHER = {"last.ckpt": "best.ckpt", "best.ckpt": "last.ckpt"}


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes beside the target, then renames: after a full disk or a kill the last good checkpoint is unchanged."""

    def save_checkpoint(self, checkpoint: dict, path: str | Path, storage_options=None) -> None:
        path = Path(path)
        try:
            with atomic(path) as part, open(part, "wb") as file:
                torch.save(checkpoint, file)
        except (OSError, RuntimeError) as error:  # torch's zip writer reports a failed write as RuntimeError
            cause = next((e for e in (error, error.__context__) if isinstance(e, OSError)), error)
            kept = f"the last good one is kept at {path}" if path.exists() else "there was none before it"
            raise HepexpError(
                f"cannot write checkpoint {path.name}: {cause}; {kept}; "
                f"free some space, then `hepexp train --resume {path.parent.parent}`"
            ) from error


def read_checkpoint(path: Path) -> dict:
    """The checkpoint of a run.

    Raises
    ------
    ConfigError : the file is missing, broken or not a checkpoint of a run; the message names the run's other checkpoint
        if that one can be read.
    """
    try:
        return _read(path)
    except ConfigError as error:
        other = path.parent / OTHER.get(path.name, "")
        try:
            _read(other)
        except ConfigError:
            raise error from None
        offer = f"{other.name} beside it is intact: --checkpoint {other.stem}"
        if path.name == "last.ckpt":
            offer += f" evaluates it, and to resume from it: {shlex.join(['cp', str(other), str(path)])}"
        raise ConfigError(f"{error}; {offer}") from None


def _read(path: Path) -> dict:
    if not os.path.exists(path):
        raise ConfigError(f"no checkpoint {path}; was the run stopped before its first epoch ended?")
    content = read_tensors(path, "checkpoint ")
    if not isinstance(content, dict) or not isinstance(content.get("state_dict"), dict):
        raise ConfigError(f"checkpoint {path} is not one that a run wrote: it has no state_dict")
    return content
