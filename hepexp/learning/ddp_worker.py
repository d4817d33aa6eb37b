"""A further rank of a distributed training: python -m hepexp.learning.ddp_worker RUN_FOLDER [CHECKPOINT]."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch
from omegaconf import OmegaConf

from hepexp.errors import Interrupted
from hepexp.interrupts import Interrupts
from hepexp.learning.components import build_components
from hepexp.learning.ddp import ready_file
from hepexp.learning.fit import fit
from hepexp.outputs import enduring
from hepexp.tracking.run_folder import RunFolder


def main() -> int:
    folder = RunFolder(Path(sys.argv[1]))
    resume_from = Path(sys.argv[2]) if len(sys.argv) > 2 and sys.argv[2] else None
    config = folder.config
    config.trainer.progress = False
    OmegaConf.set_readonly(config, True)
    with enduring(), Interrupts() as interrupts:
        try:
            components = build_components(config, trained=resume_from is not None, record=folder.path / "config.yaml")
            ready_file(folder, int(os.environ["LOCAL_RANK"])).touch()
            fit(components, folder, interrupts, report=lambda row, epoch: None, resume_from=resume_from)
        except Interrupted as end:
            return end.exit_code
        finally:
            if torch.distributed.is_initialized():
                torch.distributed.destroy_process_group()  # its threads may abort the interpreter at exit
    return 0


if __name__ == "__main__":
    sys.exit(main())
