"""Layers of harmonic networks: complex convolutions by circular harmonics, and non-linearities of magnitudes.

Features have rotation orders m = 0 ... M: a rotation of the image by an angle a multiplies them by e^{ima}. Their
channels are, in this order, the real parts of all orders and then their imaginary parts.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hepexp.models.layers.circular_harmonics import circular_harmonic
from hepexp.precision import full_precision

RING_WIDTH = 0.5  # pixels, as rings lie one pixel apart
SMALLEST = 1e-3  # magnitude below which a feature has no direction


def rings(size: int, frequency: int) -> list[int]:
    """The radii on which a kernel of so many pixels can sample a frequency k: a ring r has 8 r pixels or so."""
    return [r for r in range(size // 2 + 1) if abs(frequency) <= 2 * r]


class HarmonicConv(nn.Module):
    """Convolution of complex features: from order m to n by filters R(r) e^{i((n - m) phi + beta)}, without bias.

    The profile R is a learnt sum of Gaussian rings. The first convolution reads real images, of order 0.

    Parameters
    ----------
    n_in, n_out : channels of each order.
    orders_in, orders_out : numbers of orders; orders_in=None for a real image.
    size : rows and columns of the filters.

    Shapes
    ------
    (B, 2 orders_in n_in, H, W), or (B, n_in, H, W) -> (B, 2 orders_out n_out, H, W).

    References
    ----------
    Worrall et al., arXiv:1612.04642, equations 4 and 6.
    """

    def __init__(self, n_in: int, n_out: int, orders_in: int | None, orders_out: int, size: int):
        super().__init__()
        self.size, self.reads_real, self.orders = size, orders_in is None, (orders_in or 1, orders_out)
        self.profile, self.beta = nn.ParameterDict(), nn.ParameterDict()
        self._exact: dict[str, Tensor] = {}
        for n in range(orders_out):
            ways = [(m, n - m) for m in range(orders_in or 1)]
            n_filters = n_in * sum(len(rings(size, k)) for _, k in ways)
            for m, k in ways:
                harmonics = torch.stack([circular_harmonic(size, r, RING_WIDTH, k) for r in rings(size, k)])
                harmonics = harmonics / harmonics.abs().square().sum((1, 2), keepdim=True).sqrt()
                name = f"{m}_{n}"
                self._exact[f"harmonics_{name}"] = torch.view_as_real(harmonics)
                self.register_buffer(f"harmonics_{name}", self._exact[f"harmonics_{name}"].float(), persistent=False)
                self.profile[name] = nn.Parameter(torch.randn(len(harmonics), n_out, n_in) * n_filters**-0.5)
                self.beta[name] = nn.Parameter(torch.rand(n_out, n_in) * (2 * torch.pi))

    def _apply(self, fn, recurse=True):
        super()._apply(fn, recurse)
        for name, exact in self._exact.items():
            like = self.profile[name.removeprefix("harmonics_")]
            setattr(self, name, exact.to(like.dtype).to(like.device))
        return self

    def kernel(self) -> Tensor:
        """The kernel of an ordinary convolution of real and imaginary parts."""
        orders_in, orders_out = self.orders
        parts = [[self._filter(f"{m}_{n}") for m in range(orders_in)] for n in range(orders_out)]
        real, imaginary = (torch.cat([torch.cat([p[i] for p in row], 1) for row in parts]) for i in (0, 1))
        if self.reads_real:
            return torch.cat([real, imaginary])
        return torch.cat([torch.cat([real, -imaginary], 1), torch.cat([imaginary, real], 1)])

    def _filter(self, name: str) -> tuple[Tensor, Tensor]:
        """Real and imaginary part (n_out, n_in, size, size) of the filters between two orders."""
        profile, beta = self.profile[name], self.beta[name]
        with full_precision(profile):  # rounded filters would not be equivariant
            x, y = torch.einsum("roi,rhwc->coihw", profile, getattr(self, f"harmonics_{name}")).unbind(0)
        cos, sin = (each[..., None, None] for each in (beta.cos(), beta.sin()))
        return cos * x - sin * y, cos * y + sin * x

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.conv2d(x, self.kernel(), padding=self.size // 2)


class MagnitudeNorm(nn.Module):
    """Batch normalisation and ReLU of the magnitudes |z|, which keep their phases: z relu(BN(|z|)) / |z|.

    Parameters
    ----------
    n_features : complex features.

    Shapes
    ------
    (B, 2 n_features, H, W) -> the same.

    References
    ----------
    Worrall et al., arXiv:1612.04642, section 4.2 (C-ReLU, and batch normalisation of magnitudes).
    """

    def __init__(self, n_features: int):
        super().__init__()
        self.norm = nn.BatchNorm2d(n_features)

    def forward(self, z: Tensor) -> Tensor:
        length = magnitude(z)
        return z * (self.norm(length).relu() / length).repeat(1, 2, 1, 1)


def magnitude(z: Tensor) -> Tensor:
    """|z| of complex features, (B, 2 n, H, W) -> (B, n, H, W), rounded off near zero, where it has no gradient."""
    with full_precision(z):
        real, imaginary = z.chunk(2, dim=1)
        return (real.square() + imaginary.square() + SMALLEST**2).sqrt()
