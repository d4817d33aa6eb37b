"""A network as files that torch runs without hepexp: TorchScript, for C++ too, and an exported program (.pt2)."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.export import ExportedProgram

from hepexp.export.network import ExportedNetwork
from hepexp.export.program import quiet, refusing


def write_pt2(network: ExportedNetwork, program: ExportedProgram, path: Path) -> None:
    """Write a program as torch.export.load reads it."""
    with refusing(network), quiet(), open(path, "wb") as file:
        torch.export.save(program, file)


def write_torchscript(network: ExportedNetwork, inputs: tuple[Tensor, ...], path: Path) -> None:
    """Write the network as torch.jit.load reads it, in Python and in C++."""
    with refusing(network), quiet(), torch.no_grad():
        torch.jit.trace(network, inputs, check_trace=False).save(str(path))
