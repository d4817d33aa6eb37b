"""The blocks of steerable_cnn for SO(2) and O(2): which components fields have, and where they come from."""

from __future__ import annotations

from typing import Literal

from torch import nn

from hepexp.models.layers.irrep_layers import FourierELU, IrrepBatchNorm, NormReLU
from hepexp.models.layers.irreps import SCALAR, Field, Irrep, fed, irrep_basis
from hepexp.models.layers.steerable import SteerableBlock

GROUPS = {"SO2": False, "O2": True}  # whether with reflections
NonLinearity = Literal["fourier", "norm"]


class IrrepBlocks:
    """Builds the convolutions of a network, one after another: from scalars, over fields, to scalars again.

    - fourier: a field has the Fourier coefficients of a function on the group up to the highest frequency L: 2 L + 1
      channels for SO(2), 4 L + 2 for O(2). The non-linearity is an ELU of its values at 4 (L + 1) rotations, for O(2)
      with and without a reflection.
    - norm: a field has a scalar and a component of each frequency up to L, 2 L + 1 channels; for O(2) no pseudoscalar,
      of which the first convolution has none to give, and the non-linearity makes none. The first and the last but one
      have no frequencies above 2, which do not come from scalars nor lead to them.

    Parameters
    ----------
    group : a key of GROUPS.
    max_frequency : L.
    nonlinearity : `fourier` or `norm`.
    """

    def __init__(self, group: str, max_frequency: int, nonlinearity: NonLinearity):
        self.reflects = GROUPS[group]
        self.nonlinearity = nonlinearity
        self.n_angles = 4 * (max_frequency + 1)  # a multiple of four: it commutes with rotations by 90 degrees
        self.whole = whole_field(max_frequency, self.reflects and nonlinearity == "fourier")
        self.field: Field = SCALAR  # of the latest output

    def next(self, n_in: int, n_out: int, left: int) -> SteerableBlock:
        """The next block, from n_in to n_out fields, after which there are so many left; the last one gives scalars."""
        into, made = self.field, fed(self.field, self.whole if left else SCALAR, self.reflects)
        activation: nn.Module
        if not left:
            self.field, activation = SCALAR, nn.ReLU()
        elif self.nonlinearity == "fourier":
            self.field, activation = self.whole, FourierELU(made, self.whole, self.n_angles, self.reflects)
        else:
            if left == 1:
                made = tuple(irrep for irrep in made if fed((irrep,), SCALAR, self.reflects))
            self.field, activation = made, NormReLU(n_out, made)
        basis = irrep_basis(into, made, self.reflects)
        return SteerableBlock(basis, n_in, n_out, IrrepBatchNorm(n_out, made), activation)


def whole_field(max_frequency: int, of_functions: bool) -> Field:
    """A scalar and the frequencies up to the highest; for functions on O(2) a pseudoscalar too, and each one twice."""
    frequencies = [Irrep(k) for k in range(1, max_frequency + 1) for _ in range(1 + of_functions)]
    return (Irrep(0), *([Irrep(0, odd=True)] if of_functions else []), *frequencies)
