"""The Lorentz Group Network as its equations are written: a Clebsch-Gordan product for each pair, path by path.

The reference for speed and for numerical agreement.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.models.layers.lorentz_group_level import LorentzGroupLevel
from hepexp.models.layers.lorentz_irreps import (
    SCALAR,
    VECTOR,
    Irrep,
    Layout,
    Path,
    dimension,
    paths,
    spin_coefficients,
    square_paths,
)
from hepexp.models.lgn import LGN


def product(x: Tensor, y: Tensor, path: Path) -> Tensor:
    """The Clebsch-Gordan product of x (..., D) and y (..., D') along one path, complex."""
    first, second = (spin_coefficients(*spin).to(x.real.dtype) for spin in zip(*path, strict=True))
    coefficients = torch.einsum("abc,xyz->axbycz", first, second)
    coefficients = coefficients.reshape([dimension(irrep) for irrep in path]).to(x.dtype)
    return torch.einsum("...a,...b,abc->...c", x, y, coefficients)


class PairwiseLGN(nn.Module):
    """The function of an LGN model with its own parameters."""

    def __init__(self, model: LGN):
        super().__init__()
        self.model = model

    def forward(self, batch: JetBatch) -> Tensor:
        model = self.model
        batch = model.breaking(batch)
        x, p, z = model.inputs(batch)
        layout = Layout([SCALAR, VECTOR])
        at = {irrep: x[..., layout.at[irrep]] for irrep in layout.irreps}
        p_ij = p[:, :, None] - p[:, None]  # (B, N, N, 4)
        places = torch.arange(batch.mask.shape[1])
        pair = batch.mask[:, :, None] & batch.mask[:, None] & (places[:, None] != places)
        scalars = [at[SCALAR]]
        for level in model.levels:
            at = self._level(level, at, p_ij, z, pair)
            at = {irrep: values * batch.mask[..., None, None] for irrep, values in at.items()}
            scalars.append(at[SCALAR])
        invariant = torch.view_as_real(torch.cat(scalars, dim=2).sum(1)[..., 0])
        return model.classifier(invariant.flatten(1))

    def _level(
        self, level: LorentzGroupLevel, x: dict[Irrep, Tensor], p_ij: Tensor, z: Tensor, pair: Tensor
    ) -> dict[Irrep, Tensor]:
        radial, kept = level.radial, level.mixing.kept
        basis = radial.a + radial.b / (1 + radial.c.square() * z.abs()[..., None])
        f, g = (
            torch.complex(*(F.linear(basis, mix.weight, mix.bias) * pair[..., None]).unflatten(-1, (-1, 2)).unbind(-1))
            for mix in radial.mix
        )  # (B, N, N, C)
        edges = {SCALAR: f[..., None], VECTOR: g[..., None] * p_ij[:, :, :, None]}
        features = {irrep: [x[irrep]] if irrep in x else [] for irrep in kept}
        for edge in (SCALAR, VECTOR):
            for path in paths([edge], list(x), kept):
                of_pairs = product(edges[edge], x[path.right][:, None], path)  # (B, N, N, C, dimension)
                features[path.to].append(of_pairs.sum(2))
        for path in square_paths(list(x), kept):
            features[path.to].append(product(x[path.left], x[path.right], path))
        mixed = {}
        for irrep, weight in zip(kept, level.mixing.weights, strict=True):
            # the channels of a path lie apart in the weights of the model, which has all paths of a channel together
            mixed[irrep] = torch.view_as_complex(weight) @ torch.cat(_in_order(features[irrep], irrep, level), dim=2)
        if level.perceptron is not None:
            values = torch.view_as_real(mixed[SCALAR][..., 0].contiguous()).flatten(-2)
            values = level.perceptron(values).unflatten(-1, (-1, 2)).contiguous()
            mixed[SCALAR] = torch.view_as_complex(values)[..., None]
        return mixed


def _in_order(parts: list[Tensor], irrep: Irrep, level: LorentzGroupLevel) -> list[Tensor]:
    """Own, neighbours plain, products with neighbours, squares; within each group all paths of a channel together."""
    is_in = int(irrep in level.layout.irreps)
    n_products = len([path for path in paths([VECTOR], level.layout.irreps, level.mixing.kept) if path.to == irrep])
    sizes = [is_in, is_in, n_products]
    groups, start = [], 0
    for size in [*sizes, len(parts) - sum(sizes)]:
        if size:
            groups.append(torch.stack(parts[start : start + size], dim=3).flatten(2, 3))
        start += size
    return groups
