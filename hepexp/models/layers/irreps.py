"""Fields of the rotations SO(2), or of the rotations and reflections O(2), of the plane, and the kernels between them.

A component of frequency k > 0 is two channels, real and imaginary part of a complex number z that a rotation by an
angle a multiplies by e^{ika}, and that a reflection conjugates. A scalar, k = 0, is one channel, the real part of z; a
pseudoscalar, which a reflection negates, is the imaginary part.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor

from hepexp.models.layers.circular_harmonics import circular_harmonic
from hepexp.models.layers.steerable_basis import SIZE, SteerableBasis

# rings of a 3 x 3 kernel: radius and width of their Gaussian profile, and the highest frequency; as in escnn
RINGS = ((0.0, 0.005, 0), (1.0, 0.4, 2))


class Irrep(NamedTuple):
    """An irreducible component of a field; only one of frequency 0 can be odd, a pseudoscalar."""

    frequency: int
    odd: bool = False

    @property
    def units(self) -> tuple[complex, ...]:
        """The complex number that each of its channels multiplies."""
        return (1, 1j) if self.frequency else (1j,) if self.odd else (1,)

    @property
    def size(self) -> int:
        """Number of channels."""
        return len(self.units)


Field = tuple[Irrep, ...]
SCALAR: Field = (Irrep(0),)


def size_of(field: Field) -> int:
    """Number of channels of a field."""
    return sum(irrep.size for irrep in field)


def irrep_basis(field_in: Field, field_out: Field, reflects: bool) -> SteerableBasis:
    """A basis of the 3 x 3 kernels that map one field to another and commute with rotations, and with reflections.

    From frequency m to n they are z -> c R(r) e^{i(n - m)phi} z and z -> c R(r) e^{i(n + m)phi} z*, on each ring R. c
    is complex, for O(2) real. phi is the angle from the vertical, the axis of the reflection. A rotation by 90 degrees
    moves pixels to pixels, so the kernels commute with it to all digits.

    Parameters
    ----------
    field_in, field_out : components of one field each.
    reflects : whether the group is O(2) rather than SO(2).

    References
    ----------
    Weiler and Cesa, arXiv:1911.08251, section 2.4 and appendix F.3.
    """
    kernels: list[Tensor] = []
    spread, row = [], 0
    for out in field_out:
        column, n = 0, len(kernels)
        for into in field_in:
            for part in _kernels(into, out, reflects):
                kernel = torch.zeros(size_of(field_out), size_of(field_in), SIZE, SIZE, dtype=torch.float64)
                kernel[row : row + out.size, column : column + into.size] = part * (out.size**0.5 / part.norm())
                kernels.append(kernel)
            column += into.size
        found = len(kernels) - n
        spread += [found**-0.5] * found  # components of variance one from inputs of variance one
        row += out.size
    return SteerableBasis(torch.stack(kernels), torch.tensor(spread, dtype=torch.float64))


def fed(field_in: Field, field_out: Field, reflects: bool) -> Field:
    """The components of a field to which there is any kernel from another one.

    From scalars there is none to a pseudoscalar, nor to a frequency above 2, which 3 x 3 pixels cannot sample.
    """
    return tuple(out for out in field_out if any(True for into in field_in for _ in _kernels(into, out, reflects)))


def fourier_matrix(field: Field, n_angles: int, reflects: bool) -> Tensor:
    """The values of a function on the group, from the coefficients of its Fourier series, (elements, channels).

    The elements are n rotations by multiples of 360 / n degrees, and for O(2) the same after a reflection. In O(2)
    components of frequency k > 0 come in pairs.

    References
    ----------
    Cesa, Lang and Weiler, ICLR 2022, section 3 (escnn's FourierPointwise).
    """
    delta: list[complex] = []  # the coefficients of a function that is centred on the identity
    for irrep in field:
        second = reflects and irrep.frequency and field[: len(delta)].count(irrep)
        delta.append((1j if second else 1) * 2**0.5 if irrep.frequency else irrep.units[0])
    rows = []
    for mirrored in (False, True)[: 1 + reflects]:
        for step in range(n_angles):
            z = [
                (value.conjugate() if mirrored else value) * _turn(irrep.frequency * step, n_angles)
                for value, irrep in zip(map(complex, delta), field, strict=True)
            ]
            rows.append(
                [(x * u.conjugate()).real for x, i in zip(z, field, strict=True) for u in map(complex, i.units)]
            )
    matrix = torch.tensor(rows, dtype=torch.float64)
    return matrix / matrix[0].norm()


def _turn(steps: int, n: int) -> complex:
    """e^{2 pi i steps / n}, exact where it is 1, i, -1 or -i."""
    quarters, rest = divmod(4 * (steps % n), n)
    angle = torch.tensor(torch.pi / 2 * rest / n, dtype=torch.float64)
    return complex(angle.cos().item(), angle.sin().item()) * (1, 1j, -1, -1j)[quarters]


def _kernels(into: Irrep, out: Irrep, reflects: bool) -> Iterator[Tensor]:
    """The kernels (channels out, channels in, 3, 3) between two components."""
    maps = [(out.frequency - into.frequency, False)]
    if into.frequency and out.frequency:  # a real number is its own conjugate
        maps.append((out.frequency + into.frequency, True))
    for (radius, width, highest), (frequency, conjugates), c in product(RINGS, maps, (1, 1j)[: 2 - reflects]):
        if abs(frequency) > highest:
            continue
        harmonic = c * circular_harmonic(SIZE, radius, width, frequency)
        columns = [harmonic * (complex(unit).conjugate() if conjugates else unit) for unit in into.units]
        parts = [[(column * complex(unit).conjugate()).real for column in columns] for unit in out.units]
        kernel = torch.stack([torch.stack(row) for row in parts])
        if kernel.abs().max() > 0:
            yield kernel
