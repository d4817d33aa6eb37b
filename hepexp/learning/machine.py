"""Whether this machine has what the group `trainer` asks for."""

from __future__ import annotations

import os

from pytorch_lightning.accelerators import CUDAAccelerator, MPSAccelerator

from hepexp.errors import ConfigError
from hepexp.learning.ddp import started_from_outside
from hepexp.learning.trainer import TrainerOptions

GPUS = {"gpu": (CUDAAccelerator, MPSAccelerator), "cuda": (CUDAAccelerator,), "mps": (MPSAccelerator,)}


def check_machine(options: TrainerOptions) -> None:
    """Refuse options that this machine cannot meet, before anything is written.

    Raises
    ------
    ConfigError : no such accelerator, fewer devices than asked for, or several nodes on which nothing was started.
    """
    asked = options.accelerator
    usable = [kind for kind in GPUS.get(asked, GPUS["gpu"]) if asked != "cpu" and kind.is_available()]
    if asked in GPUS and not usable:
        raise ConfigError(f"trainer.accelerator={asked}: PyTorch finds none on this machine; use auto or cpu")
    # Two processes on one core are slow, but they show that a distributed training works before it goes to a cluster.
    there_are = usable[0].auto_device_count() if usable else max(os.cpu_count() or 1, 2)
    if options.devices > there_are:
        what = "GPUs" if usable else "CPU processes"
        raise ConfigError(f"trainer.devices must be <= {there_are} on this machine ({what}), got {options.devices}")
    if options.num_nodes > 1 and not started_from_outside():
        raise ConfigError(
            f"trainer.num_nodes={options.num_nodes}: start hepexp on each node with srun or torchrun, or use 1"
        )
    options.build([])  # what only Lightning knows, such as a precision that the accelerator lacks
