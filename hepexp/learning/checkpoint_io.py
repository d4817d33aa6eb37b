"""Checkpoints that are whole or absent."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from lightning_fabric.plugins import TorchCheckpointIO

from hepexp.errors import HepexpError


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes beside the target, then renames: a full disk or a kill leaves the last good checkpoint as it was."""

    def save_checkpoint(self, checkpoint: dict, path: str | Path, storage_options=None) -> None:
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        try:
            with open(part, "wb") as file:
                torch.save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        except (OSError, RuntimeError) as error:  # torch's zip writer reports a failed write as RuntimeError
            cause = error if isinstance(error, OSError) else error.__context__ or error
            part.unlink(missing_ok=True)
            kept = f"the last good one is kept ({path})" if path.exists() else "there was none before it"
            raise HepexpError(
                f"cannot write checkpoint {path.name}: {cause}; {kept}; free some space, then `hepexp train --resume {path.parent.parent}`"
            ) from error
