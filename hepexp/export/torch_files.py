"""A network as files that torch runs without hepexp: TorchScript, for C++ too, and an exported program (.pt2)."""

from __future__ import annotations

import io
from pathlib import Path

import torch
from torch import Tensor
from torch.export import ExportedProgram

from hepexp.export.network import ExportedNetwork
from hepexp.export.program import quiet, refusing


def write_pt2(network: ExportedNetwork, program: ExportedProgram, path: Path) -> None:
    """Write a program as torch.export.load reads it."""
    content = io.BytesIO()
    with refusing(network), quiet():
        torch.export.save(program, content)
    path.write_bytes(content.getbuffer())


def write_torchscript(network: ExportedNetwork, inputs: tuple[Tensor, ...], path: Path) -> None:
    """Write the network as torch.jit.load reads it, in Python and in C++."""
    with refusing(network), quiet(), torch.no_grad():
        content = torch.jit.trace(network, inputs, check_trace=False).save_to_buffer()
    path.write_bytes(content)
