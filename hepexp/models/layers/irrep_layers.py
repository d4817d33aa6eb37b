"""Normalisation and non-linearities of fields of SO(2) or O(2); the channels of n fields are n blocks in a row."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.models.layers.irreps import Field, Irrep, fourier_matrix, size_of
from hepexp.precision import full_precision


class IrrepBatchNorm(nn.Module):
    """Batch normalisation with one variance and scale for each component of a field; scalars have a mean and a shift.

    Components that a rotation or a reflection changes have mean zero, and their variance is the mean of |z|^2 over
    their number of channels.

    Parameters
    ----------
    n_fields : fields of the input.
    field : components of each, scalars first.
    eps : added to the variance.
    momentum : weight of the newest batch in the running estimates.

    Shapes
    ------
    (B, n_fields channels, H, W) -> the same.
    """

    entries = torch.inf  # the running estimate is of the biased variance

    component: Tensor
    size: Tensor
    is_scalar: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, n_fields: int, field: Field, eps: float = 1e-5, momentum: float = 0.1):
        super().__init__()
        self.n_fields, self.eps, self.momentum = n_fields, eps, momentum
        self.num_features = n_fields * size_of(field)
        self.n_scalars = field.count(Irrep(0))
        component = torch.tensor([i for i, irrep in enumerate(field) for _ in range(irrep.size)])
        self.register_buffer("component", component, persistent=False)  # of each channel
        self.register_buffer("size", torch.tensor([irrep.size for irrep in field]), persistent=False)
        self.register_buffer("is_scalar", torch.tensor([irrep == Irrep(0) for irrep in field]), persistent=False)
        self.weight = nn.Parameter(torch.ones(n_fields, len(field)))
        self.bias = nn.Parameter(torch.zeros(n_fields, self.n_scalars))
        self.register_buffer("running_mean", torch.zeros(n_fields, len(field)))
        self.register_buffer("running_var", torch.ones(n_fields, len(field)))

    def forward(self, x: Tensor) -> Tensor:
        moments = self._moments(x) if self.training else None
        scale, shift = self.affine(moments)
        return torch.addcmul(shift.to(x.dtype)[:, None, None], x, scale.to(x.dtype)[:, None, None])

    def affine(self, moments: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """Scale and shift of each channel, of a batch with these moments, or by the running estimates."""
        mean, var = (self.running_mean, self.running_var) if moments is None else moments
        scale = self.weight * (var + self.eps).rsqrt()
        n, others = self.n_scalars, len(self.size) - self.n_scalars
        shift = F.pad(self.bias - (mean * scale)[:, :n], (0, others))
        return scale[:, self.component].flatten(), shift[:, self.component].flatten()

    def _moments(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and biased variance (n_fields, components), which enter the running estimates."""
        with full_precision(x):
            wide = x.to(torch.promote_types(x.dtype, self.weight.dtype))
            var, mean = torch.var_mean(wide, (0, 2, 3), correction=0)
            var, mean = (each.view(self.n_fields, -1) for each in (var, mean))
            var = torch.where(self.is_scalar[self.component], var, var + mean.square())
            zeros = torch.zeros_like(self.running_var)
            var = zeros.index_add(1, self.component, var) / self.size
            mean = zeros.index_add(1, self.component, mean) * self.is_scalar
        with torch.no_grad():
            self.running_mean.lerp_(mean.to(self.running_mean), self.momentum)
            self.running_var.lerp_(var.to(self.running_var), self.momentum)
        return mean, var


class FourierELU(nn.Module):
    """ELU of functions on the group that fields are the Fourier coefficients of, at so many elements.

    It commutes with the elements at which it samples the functions: with rotations by 360 / n degrees.

    Parameters
    ----------
    field_in, field_out : components of the input, and of the output, which may have more.
    n_angles : rotations n at which the functions are sampled.
    reflects : whether the group is O(2) rather than SO(2).

    Shapes
    ------
    (B, n_fields channels in, H, W) -> (B, n_fields channels out, H, W).

    References
    ----------
    Cesa, Lang and Weiler, ICLR 2022, section 3.
    """

    def __init__(self, field_in: Field, field_out: Field, n_angles: int, reflects: bool):
        super().__init__()
        values = fourier_matrix(field_out, n_angles, reflects)
        kept = _channels(field_in, field_out)
        self._exact = values[:, kept], torch.linalg.pinv(values)
        for name, matrix in zip(("values", "coefficients"), self._exact, strict=True):
            self.register_buffer(name, matrix.to(torch.get_default_dtype()), persistent=False)

    def _apply(self, fn, recurse=True):
        super()._apply(fn, recurse)
        self.values, self.coefficients = (m.to(self.values.dtype).to(self.values.device) for m in self._exact)
        return self

    def forward(self, x: Tensor) -> Tensor:
        fields = x.unflatten(1, (-1, self.values.shape[1])).flatten(3)
        with full_precision(x):
            fields = self.coefficients.to(x.dtype) @ F.elu(self.values.to(x.dtype) @ fields)
        return fields.flatten(1, 2).unflatten(2, x.shape[2:])


class NormReLU(nn.Module):
    """ReLU of scalars, and z relu(|z| - b) / |z| of each other component, with a learnt b > 0.

    It commutes with all rotations and reflections.

    Parameters
    ----------
    n_fields : fields of the input.
    field : components of each.

    Shapes
    ------
    (B, n_fields channels, H, W) -> the same.

    References
    ----------
    Worrall et al., arXiv:1612.04642, section 4.2; Weiler and Cesa, arXiv:1911.08251, section 2.6.
    """

    def __init__(self, n_fields: int, field: Field):
        super().__init__()
        self.sizes = [irrep.size for irrep in field]
        self.scalars = [irrep == Irrep(0) for irrep in field]
        # 0.14 of components of variance one: a threshold of 1 would let only half of them pass
        self.log_b = nn.Parameter(torch.full((n_fields, len(field) - sum(self.scalars)), -2.0))

    def forward(self, x: Tensor) -> Tensor:
        n_fields = len(self.log_b)
        threshold = iter(self.log_b.exp().to(x.dtype).T[..., None, None])
        parts = x.unflatten(1, (n_fields, -1)).split(self.sizes, dim=2)
        return torch.cat(
            [
                z.relu() if scalar else shortened(z, next(threshold), dim=2)
                for z, scalar in zip(parts, self.scalars, strict=True)
            ],
            dim=2,
        ).flatten(1, 2)


def shortened(z: Tensor, b: Tensor, dim: int) -> Tensor:
    """z relu(|z| - b) / |z|, where |z| is over one axis; for b > 0 its gradient is finite at zero too."""
    length = z.square().sum(dim, keepdim=True).clamp(min=torch.finfo(z.dtype).tiny).sqrt()
    return z * ((length - b.unsqueeze(dim - 1)).relu() / length)


def _channels(field: Field, within: Field) -> list[int]:
    """The channels of another field that the components of a field are, in their order."""
    channels: list[int] = []
    left, start = list(field), 0
    for irrep in within:
        if irrep in left:
            left.remove(irrep)
            channels += range(start, start + irrep.size)
        start += irrep.size
    return channels
