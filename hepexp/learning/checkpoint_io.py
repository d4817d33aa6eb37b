"""Checkpoints that are whole or absent."""

from __future__ import annotations

from pathlib import Path

import torch
from lightning_fabric.plugins import TorchCheckpointIO

from hepexp.atomic import atomic
from hepexp.errors import HepexpError


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes beside the target, then renames: a full disk or a kill leaves the last good checkpoint as it was."""

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
