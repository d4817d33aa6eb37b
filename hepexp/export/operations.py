"""Operations that ONNX lacks, or that its runtime has in single precision alone, by those that it has."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.export import default_decompositions

aten = torch.ops.aten


def hypot(x: Tensor, y: Tensor) -> Tensor:
    """sqrt(x^2 + y^2); momenta in GeV are far from where squares overflow."""
    return (x * x + y * y).sqrt()


def asinh(x: Tensor) -> Tensor:
    """sgn(x) ln(1 + |x| + x^2 / (1 + sqrt(1 + x^2))), accurate near 0."""
    size = x.abs()
    found = (size + size * size / (1 + (size * size + 1).sqrt())).log1p()
    return torch.where(x < 0, -found, found)


def atan2(y: Tensor, x: Tensor) -> Tensor:
    """The angle in single precision, and in double precision how far (x, y) is rotated against it.

    The runtime has the arctangent of single precision alone; of the angle d that remains, about 1e-7, d^3 is nothing.
    """
    if x.dtype != torch.float64:
        return NotImplemented
    length = (x * x + y * y).sqrt().clamp(min=1e-300)
    x, y = x / length, y / length
    angle = torch.atan2(y.float(), x.float()).double()
    cos, sin = angle.cos(), angle.sin()
    return angle + (y * cos - x * sin) / (x * cos + y * sin).clamp(min=0.5)


def copysign(x: Tensor, y: Tensor) -> Tensor:
    """|x| with the sign of y; that of -0 is +."""
    return torch.where(y < 0, -x.abs(), x.abs())


def cdist(x: Tensor, y: Tensor, p: float, mode: int | None) -> Tensor:
    """Euclidean distances (..., N, M) of rows, from their differences."""
    if p != 2:
        return NotImplemented
    return (x[..., :, None, :] - y[..., None, :, :]).square().sum(-1).sqrt()


def add(x: Tensor, y: Tensor | float, *, alpha: float = 1) -> Tensor:
    """x + y; the runtime takes a number below 1e-8 for 0 and leaves the sum out, so it is added to a multiple of x."""
    small = float(y) * alpha if isinstance(y, int | float) else 0
    if not 0 < abs(small) < 1e-7 or not x.is_floating_point():
        return NotImplemented
    factor = 2.0 ** math.ceil(-math.log2(abs(small)))  # a power of 2 rounds nothing
    return (x * factor + small * factor) / factor


def sort(x: Tensor, *, stable: bool, dim: int = -1, descending: bool = False) -> tuple[Tensor, Tensor]:
    """All of them in order: TopK of ONNX puts the lower index first where values are equal."""
    return aten.topk(x, x.shape[dim], dim, descending, True)


OURS: dict[torch._ops.OpOverload, Callable] = {
    aten.hypot.default: hypot,
    aten.asinh.default: asinh,
    aten.atan2.default: atan2,
    aten.copysign.Tensor: copysign,
    aten._cdist_forward.default: cdist,
    aten.sort.stable: sort,
    aten.add.Tensor: add,
}


def in_operations_of_onnx(program: torch.export.ExportedProgram) -> torch.export.ExportedProgram:
    """The same program without the operations above."""
    table = default_decompositions()
    table.update(OURS)
    return program.run_decompositions(table)
