"""A level of the Lorentz Group Network: Clebsch-Gordan products with neighbours and with itself, mixed linearly."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.models.layers.dense import dense
from hepexp.models.layers.lorentz_irreps import (
    VECTOR,
    Irrep,
    Layout,
    Product,
    paths,
    square_paths,
)
from hepexp.module_list import ModuleList


class RadialFunctions(nn.Module):
    """Complex functions of |p_i - p_j|^2 for each channel: sums of a + b / (1 + c^2 |z|), mixed linearly.

    Parameters
    ----------
    n_basis : pairs of functions in the basis.
    n_channels : channels C.

    Shapes
    ------
    z (B, N, N), pair (B, N, N) True for different real particles -> with the neighbour itself, and with p_i - p_j,
    complex (B, C, N, N) each, zero where there is no pair.
    """

    def __init__(self, n_basis: int, n_channels: int):
        super().__init__()
        self.a, self.b, self.c = (nn.Parameter(torch.randn(2 * n_basis)) for _ in range(3))
        self.mix = ModuleList(nn.Linear(2 * n_basis, 2 * n_channels) for _ in range(2))

    def forward(self, z: Tensor, pair: Tensor) -> tuple[Tensor, Tensor]:
        basis = self.a + self.b / (1 + self.c.square() * z.abs()[..., None])  # (B, N, N, 2 n_basis)
        weight, bias = torch.cat([m.weight for m in self.mix]), torch.cat([m.bias for m in self.mix])
        values = F.linear(basis, weight, bias).movedim(-1, 1) * pair[:, None]  # (B, 4 C, N, N)
        f, g = torch.complex(*values.unflatten(1, (-1, 2)).unbind(2)).chunk(2, dim=1)
        return f, g


class Mixing(nn.Module):
    """Complex linear maps from the channels of each representation to new ones.

    Shapes
    ------
    {representation: (..., channels, dimension)} -> (..., n_channels, all kept representations side by side).
    """

    def __init__(self, n_in: dict[Irrep, int], n_channels: int):
        super().__init__()
        self.kept = list(n_in)
        # real and imaginary parts; variance 1/2 each, shared by all channels of a representation
        self.weights = nn.ParameterList(torch.randn(n_channels, n, 2) / math.sqrt(2 * n) for n in n_in.values())

    def forward(self, x: dict[Irrep, Tensor]) -> Tensor:
        mixed = [torch.view_as_complex(w) @ x[irrep] for irrep, w in zip(self.kept, self.weights, strict=True)]
        return torch.cat(mixed, dim=-1)


class LorentzGroupLevel(nn.Module):
    """x_i to a mixture of x_i, of x_i (x) x_i, and of sum_j f_ij(|p_i - p_j|^2) (1 + (p_i - p_j)) (x) x_j.

    The sum over neighbours never forms a product for a pair: with the products of p_j and x_j, and one with the sum of
    f_ij x_j, its sums are matrix products of the radial functions with features of particles.

    Parameters
    ----------
    irreps : representations of x, the scalar first.
    kept : representations of the result, the scalar first.
    n_in, n_out : channels C of x and of the result.
    n_basis : of the radial functions.
    n_hidden : hidden layers of the perceptron of the scalars, 0 for none.
    width : of its layers, as a multiple of its inputs.

    Shapes
    ------
    x (B, N, C, D) complex, representations side by side, zero for padding; p (B, N, 4) complex, components of (1, 1);
    z (B, N, N) |p_i - p_j|^2; mask (B, N) -> (B, N, n_out, D').

    References
    ----------
    arXiv:2006.04780, section 4 and equation 2 of section 4.2.
    """

    def __init__(
        self,
        irreps: Sequence[Irrep],
        kept: Sequence[Irrep],
        n_in: int,
        n_out: int,
        n_basis: int,
        n_hidden: int,
        width: int,
    ):
        super().__init__()
        self.layout, momenta = Layout(irreps), Layout([VECTOR])
        self.n_per_pair = 4 * (2 * n_basis) + 8 * n_in  # numbers that the radial functions keep for each pair
        self.radial = RadialFunctions(n_basis, n_in)
        of_neighbours, of_itself = paths([VECTOR], irreps, kept), square_paths(irreps, kept)
        self.with_momentum = Product(momenta, self.layout, of_neighbours)
        self.square = Product(self.layout, self.layout, of_itself)
        found = [path.to for path in [*of_neighbours, *of_itself]]
        n_features = {irrep: (found.count(irrep) + 2 * (irrep in irreps)) * n_in for irrep in kept}
        self.mixing = Mixing(n_features, n_out)
        widths = [2 * n_out * width] * n_hidden
        self.perceptron = dense(2 * n_out, widths, 2 * n_out, nn.LeakyReLU) if n_hidden else None

    def forward(self, x: Tensor, p: Tensor, z: Tensor, mask: Tensor) -> Tensor:
        own = self._slices(x)
        features = {irrep: [own[irrep]] if irrep in own else [] for irrep in self.mixing.kept}
        for found in (*self.neighbours(x, p, z, mask), self.square(x, x)):
            for irrep, values in found.items():
                if irrep in features:
                    features[irrep].append(values.flatten(-3, -2))
        mixed = self.mixing({irrep: torch.cat(parts, dim=-2) for irrep, parts in features.items()})
        return mixed if self.perceptron is None else _scalars_through(self.perceptron, mixed)

    def neighbours(self, x: Tensor, p: Tensor, z: Tensor, mask: Tensor) -> tuple[dict[Irrep, Tensor], ...]:
        """sum_j f_ij x_j, and sum_j g_ij (p_i - p_j) (x) x_j, by representation."""
        different = ~torch.eye(mask.shape[1], dtype=torch.bool, device=mask.device)
        f, g = self.radial(z, mask[:, :, None] & mask[:, None] & different)
        at = x.transpose(1, 2)  # (B, C, N, D)
        products = self.with_momentum.flat(p[:, None], at)
        plain = (f @ at).transpose(1, 2)
        sums, of_products = (g @ torch.cat([at, products], dim=-1)).split([at.shape[-1], products.shape[-1]], dim=-1)
        moved = self.with_momentum.flat(p[:, None], sums) - of_products
        own = {irrep: values[..., None, :] for irrep, values in self._slices(plain).items()}
        return own, self.with_momentum.split(moved.transpose(1, 2))

    def _slices(self, x: Tensor) -> dict[Irrep, Tensor]:
        return {irrep: x[..., at] for irrep, at in self.layout.at.items()}


def _scalars_through(perceptron: nn.Module, x: Tensor) -> Tensor:
    scalars = torch.view_as_real(x[..., 0].contiguous())  # (B, N, C, 2)
    scalars = perceptron(scalars.flatten(-2)).unflatten(-1, (-1, 2)).contiguous()
    return torch.cat([torch.view_as_complex(scalars)[..., None], x[..., 1:]], dim=-1)
