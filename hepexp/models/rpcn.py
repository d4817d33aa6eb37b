"""Rotational Particle Convolution Network: deep sets whose sum over particles is a convolution with rotations."""

from __future__ import annotations

from collections.abc import Sequence
from math import pi

import torch
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.memory import require
from hepexp.models.checks import require_positive, require_widths
from hepexp.models.layers.dense import dense, hidden_layers
from hepexp.models.layers.jet_coordinates import TYPICAL_MULTIPLICITY, jet_coordinates
from hepexp.models.weights import load_weights
from hepexp.module_list import ModuleList
from hepexp.precision import ExactBuffers


class Rotations(ExactBuffers):
    """The cyclic group of n rotations of a plane by multiples of 2 pi / n."""

    back: Tensor
    product: Tensor

    def __init__(self, n: int):
        super().__init__()
        angle = 2 * pi * torch.arange(n, dtype=torch.float64) / n
        cos, sin = angle.cos(), angle.sin()
        self.register_buffer("back", torch.stack([cos, sin, -sin, cos], -1).view(n, 2, 2), persistent=False)
        self.register_buffer("product", (torch.arange(n)[:, None] + torch.arange(n)) % n, persistent=False)

    def turn_back(self, x: Tensor) -> Tensor:
        """g^-1 x for each rotation g; x (..., 2) -> (..., n, 2)."""
        return torch.einsum("gij,...j->...gi", self.back.to(x.dtype), x)

    def unrolled(self, f: Tensor) -> Tensor:
        """f(g h) for each g, over all h side by side; f (B, n, C) -> (B, n, n C).

        Raises
        ------
        ConfigError : it does not fit into memory.
        """
        n_jets, n, n_channels = f.shape
        if f.device.type == "cpu" and not torch.compiler.is_compiling():
            require(
                n_jets * n**2 * n_channels * f.dtype.itemsize,
                f"model.n_rotations={n}: a batch of {n_jets:,} jets with all products of rotations",
                "choose fewer rotations, or a smaller dataset.batch_size",
            )
        return f[:, self.product].flatten(2)


class GroupConvolution(nn.Module):
    """relu(sum_h W_h f(g h) + b): the linear maps of functions on the group that commute with it; (B, n, C)."""

    def __init__(self, rotations: Rotations, n_in: int, n_out: int):
        super().__init__()
        self.linear = nn.Linear(len(rotations.back) * n_in, n_out)

    def forward(self, f: Tensor, rotations: Rotations) -> Tensor:
        return self.linear(rotations.unrolled(f)).relu()


class RPCN(nn.Module):
    """F(mean_g conv(sum_i Phi(z_i, g^-1 x_i))), with x_i = (y, phi) and rotations g about the jet axis.

    The sum over particles of a Particle Flow Network becomes a function on the group of rotations of the (y, phi)
    plane, here by multiples of 2 pi / n_rotations, which layers of group convolutions transform. A rotation of the jet
    by one of them permutes the values, and their mean does not change. With irc_safe, Phi sees directions alone and its
    values are weighted with z_i, as in an Energy Flow Network.

    Sizes are our choice, not the paper's.

    Parameters
    ----------
    n_rotations : number of rotations.
    phi_sizes : widths of Phi's layers; the last is the dimension of the latent space, in which particles are summed.
    conv_sizes : widths of the group convolutions.
    f_sizes : widths of F's layers before the output.
    irc_safe : whether to be infrared and collinear safe.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    n_classes : number of outputs: classes of the data set, or what a loss of regression needs.

    Shapes
    ------
    p4 (B, N, 4) in GeV as (E, px, py, pz); mask (B, N), True for real particles -> logits (B, n_classes).

    Raises
    ------
    ConfigError : no layers, or a size below 1.

    References
    ----------
    Shimmin, arXiv:2107.02908, for the construction.
    """

    input = "particles"
    head = "f"
    lorentz_invariant = False
    invariant_about_beam = True
    invariant_along_beam = True

    def __init__(
        self,
        n_rotations: int = 8,
        phi_sizes: Sequence[int] = (100, 100, 128),
        conv_sizes: Sequence[int] = (64, 64),
        f_sizes: Sequence[int] = (100, 100),
        irc_safe: bool = False,
        weights: str | None = None,
        *,
        n_classes: int,
    ):
        super().__init__()
        require_positive(n_rotations=n_rotations)
        require_widths(phi_sizes=phi_sizes, conv_sizes=conv_sizes, f_sizes=f_sizes)
        self.irc_safe, self.rotations = irc_safe, Rotations(n_rotations)
        self.phi = hidden_layers(2 if irc_safe else 3, phi_sizes, nn.ReLU)
        self.convs: ModuleList[GroupConvolution] = ModuleList()
        n = phi_sizes[-1]
        for width in conv_sizes:
            self.convs.append(GroupConvolution(self.rotations, n, width))
            n = width
        self.f = dense(n, f_sizes, n_classes, nn.ReLU)
        for layer in self.modules():  # without norms, PyTorch's smaller weights let the signal fade in so many layers
            if isinstance(layer, nn.Linear):
                nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)
        if not irc_safe:  # the sum over particles, all of whose values are positive, is as many times larger
            with torch.no_grad():
                first = self.convs[0].linear if conv_sizes else self.f[0]
                first.get_parameter("weight").div_(TYPICAL_MULTIPLICITY)
        load_weights(self, weights)

    def forward(self, batch: JetBatch) -> Tensor:
        jet, dtype = jet_coordinates(batch.p4, batch.mask), next(self.f.parameters()).dtype
        pt = torch.where(batch.mask, jet.pt, 0)
        z = pt / pt.sum(1, keepdim=True)
        return self.of_coordinates(z.to(dtype), torch.stack([jet.dy, jet.dphi], dim=-1).to(dtype), batch.mask)

    def of_coordinates(self, z: Tensor, x: Tensor, mask: Tensor) -> Tensor:
        """The output for momentum fractions z (B, N) and directions x (B, N, 2) relative to the jet axis."""
        turned = self.rotations.turn_back(x)  # (B, N, n, 2)
        if self.irc_safe:
            weight = z
        else:
            weight = mask.to(z.dtype)
            turned = torch.cat([z[..., None, None].expand(*turned.shape[:-1], 1), turned], dim=-1)
        f = torch.einsum("bn,bngc->bgc", weight, self.phi(turned))
        for conv in self.convs:
            f = conv(f, self.rotations)
        return self.f(f.mean(1))
