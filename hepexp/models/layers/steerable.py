"""Layers between fields of a group: convolution, batch normalisation of regular fields, and the invariant output.

The channels of n regular fields are n blocks of |G| channels, one for each element of the group G; the group permutes
them within their block.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from hepexp.models.layers.irrep_layers import IrrepBatchNorm
from hepexp.models.layers.steerable_basis import SIZE, SteerableBasis
from hepexp.precision import full_precision


class SteerableConv(nn.Module):
    """3 x 3 convolution of fields whose kernels are combinations of an equivariant basis; no bias.

    Parameters
    ----------
    basis : kernels between one input field and one output field.
    n_in, n_out : fields of the input and of the output.

    Shapes
    ------
    (B, n_in |in|, H, W) -> (B, n_out |out|, H, W), |in| and |out| channels of a field.

    References
    ----------
    Weiler and Cesa, arXiv:1911.08251, equation 3.
    """

    basis: Tensor

    def __init__(self, basis: SteerableBasis, n_in: int, n_out: int):
        super().__init__()
        self.register_buffer("basis", basis.kernels.to(torch.get_default_dtype()), persistent=False)
        self._exact = basis.kernels  # for a model that is converted to float64
        std = (basis.spread / n_in**0.5).to(self.basis.dtype)
        self.weight = nn.Parameter(torch.randn(n_out, n_in, len(std)) * std)

    def _apply(self, fn, recurse=True):
        super()._apply(fn, recurse)
        self.basis = self._exact.to(self.basis.dtype).to(self.basis.device)
        return self

    def kernel(self) -> Tensor:
        """The kernel of an ordinary convolution, (n_out |out|, n_in |in|, 3, 3)."""
        n_out, n_in, n_kernels = self.weight.shape
        _, to, size = self.basis.shape[:3]
        with full_precision(self.weight):  # rounded kernels would not be equivariant
            kernel = self.weight.reshape(-1, n_kernels) @ self.basis.flatten(1)
        kernel = kernel.view(n_out, n_in, to, size, SIZE, SIZE)
        return kernel.transpose(1, 2).reshape(n_out * to, n_in * size, SIZE, SIZE)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.conv2d(x, self.kernel(), padding=SIZE // 2)


class FieldBatchNorm(nn.Module):
    """Batch normalisation with one mean, variance, scale and shift for all channels of a field.

    Parameters
    ----------
    n_fields : fields of the input.
    order : channels of a field.

    Shapes
    ------
    (B, n_fields order, H, W) -> the same.
    """

    def __init__(self, n_fields: int, order: int):
        super().__init__()
        self.order = order
        self.norm = nn.BatchNorm3d(n_fields)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x.unflatten(1, (-1, self.order))).flatten(1, 2)

    def affine(self) -> tuple[Tensor, Tensor]:
        """Scale and shift of each channel in evaluation mode."""
        norm = self.norm
        scale = norm.weight * (norm.get_buffer("running_var") + norm.eps).rsqrt()
        shift = norm.bias - norm.get_buffer("running_mean") * scale
        return scale.repeat_interleave(self.order), shift.repeat_interleave(self.order)


class SteerableBlock(nn.Module):
    """SteerableConv, a batch normalisation of fields, and a non-linearity: for regular fields a ReLU.

    Parameters
    ----------
    basis, n_in, n_out : as for SteerableConv.
    norm : of the output fields; None for FieldBatchNorm.
    activation : None for a ReLU.
    """

    def __init__(
        self,
        basis: SteerableBasis,
        n_in: int,
        n_out: int,
        norm: IrrepBatchNorm | None = None,
        activation: nn.Module | None = None,
    ):
        super().__init__()
        self.conv = SteerableConv(basis, n_in, n_out)
        self.norm: FieldBatchNorm | IrrepBatchNorm = norm or FieldBatchNorm(n_out, basis.kernels.shape[1])
        self.activation = nn.ReLU() if activation is None else activation

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.norm(self.conv(x)))

    @torch.no_grad()
    def export(self) -> nn.Sequential:
        """An ordinary convolution with bias, and the non-linearity, with the output of this layer in evaluation mode.

        The normalisation is then a fixed scale and shift of each channel, which the convolution absorbs.
        """
        kernel, (scale, shift) = self.conv.kernel(), self.norm.affine()
        conv = nn.Conv2d(kernel.shape[1], kernel.shape[0], SIZE, padding=SIZE // 2, device="meta")
        conv.weight = nn.Parameter(kernel * scale[:, None, None, None], requires_grad=False)
        conv.bias = nn.Parameter(shift, requires_grad=False)
        return nn.Sequential(conv, copy.deepcopy(self.activation))


class GroupPool(nn.Module):
    """The maximum over the channels of each field, which the group only permutes: (B, n order) -> (B, n).

    Parameters
    ----------
    order : channels of a field.
    """

    def __init__(self, order: int):
        super().__init__()
        self.order = order

    def forward(self, x: Tensor) -> Tensor:
        return x.unflatten(1, (-1, self.order)).amax(2)
