"""A normalising flow of a scalar field on a lattice, of couplings between even and odd sites."""

from __future__ import annotations

from collections.abc import Sequence
from math import log, pi
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from hepexp.batch import Batch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_no_data, require_positive, require_widths
from hepexp.models.layers.checkerboard import checkerboard, side
from hepexp.models.layers.latent_noise import standard_normal


class LatticePhi4(nn.Module):
    """A density q(phi) of fields on a periodic square lattice: white noise, given a spectrum, moved by couplings.

    Each coupling moves the even or the odd sites by an affine map, whose scale and shift a convolutional network
    computes of the others:

        phi' = exp(s) phi + t,    ln q' = ln q - sum s

    The networks have no biases and odd activations, t being odd and s even in the field, so that q(-phi) = q(phi).
    Before the couplings the noise is multiplied by 1 / (2 k (m^2 + p^2))^(1/2) in momentum space, with k and m^2
    learnt, which is the free theory, or by one number, as in the paper.

    Parameters
    ----------
    n_layers : couplings, of even and odd sites in turn.
    widths : channels of the convolutions of 3 x 3 sites.
    prior : free or white.
    n_features : features of an example in the data set, which must be 0.
    n_classes : L^2, what the loss integrates over.

    Shapes
    ------
    A batch of B examples -> fields and ln q (B, L^2 + 1).

    Raises
    ------
    ConfigError : values out of range, a data set with features, or a lattice that is not a square of even length.

    References
    ----------
    M. S. Albergo, G. Kanwar, P. E. Shanahan, arXiv:1904.12072; free theory as prior: L. Del Debbio et al.,
    arXiv:2105.12481.
    """

    input = "features"
    field = "scalars"
    lorentz_invariant = False

    def __init__(
        self,
        n_layers: int = 8,
        widths: Sequence[int] = (16, 16),
        prior: Literal["free", "white"] = "free",
        *,
        n_features: int,
        n_classes: int,
    ):
        super().__init__()
        require_positive(n_layers=n_layers)
        require_widths(widths=widths)
        if prior not in ("free", "white"):
            raise ConfigError(f"model.prior must be free or white, got {prior!r}")
        require_no_data("lattice_phi4", n_features)
        self.size = side(n_classes, 1, "lattice_phi4", multiple=2)
        self.spectrum = _Spectrum(self.size, prior == "free")
        self.couplings = nn.ModuleList(_Coupling(self.size, k % 2, widths) for k in range(n_layers))

    def latent(self, n: int, random: torch.Generator | None = None) -> Tensor:
        """White noise (n, L, L); drawn on the CPU if a generator is given."""
        like = next(self.parameters())
        return standard_normal((n, self.size, self.size), like.device, like.dtype, random)

    def draw(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """phi (B, L, L) and ln q(phi) (B,) of noise z (B, L, L)."""
        log_q = -0.5 * z.square().sum((1, 2)) - 0.5 * self.size**2 * log(2 * pi) - self.spectrum.log_volume()
        phi = self.spectrum(z)
        for coupling in self.couplings:
            phi, log_volume = coupling(phi)
            log_q = log_q - log_volume
        return phi, log_q

    def log_density(self, phi: Tensor) -> Tensor:
        """ln q(phi) (B,) of fields (B, L, L)."""
        total = phi.new_zeros(len(phi))
        for coupling in reversed(self.couplings):
            phi, log_volume = coupling(phi, inverse=True)
            total = total - log_volume
        z = self.spectrum(phi, inverse=True)
        noise = -0.5 * z.square().sum((1, 2)) - 0.5 * self.size**2 * log(2 * pi)
        return noise - self.spectrum.log_volume() + total

    def forward(self, batch: Batch) -> Tensor:
        phi, log_q = self.draw(self.latent(len(batch)))
        return torch.cat([phi.flatten(1), log_q[:, None]], dim=1)


class _Spectrum(nn.Module):
    """Multiplies white noise by the spectrum of a free field, or by a number."""

    p2: Tensor

    def __init__(self, size: int, is_free: bool):
        super().__init__()
        self.is_free = is_free
        self.log_stiffness = nn.Parameter(torch.zeros(()))
        if is_free:
            self.log_m2 = nn.Parameter(torch.zeros(()))
        p2 = 4 * torch.sin(pi * torch.arange(size, dtype=torch.float64) / size) ** 2
        self.register_buffer("p2", (p2[:, None] + p2).float(), persistent=False)

    def log_width(self) -> Tensor:
        """(L, L) in momentum space."""
        stiffness = self.p2 + self.log_m2.exp() if self.is_free else torch.ones_like(self.p2)
        return -0.5 * (stiffness.log() + self.log_stiffness + log(2))

    def log_volume(self) -> Tensor:
        return self.log_width().sum()

    def forward(self, z: Tensor, inverse: bool = False) -> Tensor:
        width = (-self.log_width() if inverse else self.log_width()).exp()
        half = width[:, : width.shape[1] // 2 + 1]
        return torch.fft.irfft2(torch.fft.rfft2(z) * half, s=z.shape[-2:])


class _Coupling(nn.Module):
    """Moves the even or the odd sites by an affine map that depends on the others."""

    fixed: Tensor

    def __init__(self, size: int, parity: int, widths: Sequence[int]):
        super().__init__()
        board = checkerboard(size)
        self.register_buffer("fixed", board if parity else 1 - board, persistent=False)
        n = 1
        self.layers = nn.ModuleList()
        for width in widths:
            self.layers.append(nn.Conv2d(n, width, 3, bias=False))
            n = width
        self.shift = nn.Conv2d(n, 1, 3, bias=False)  # odd, as its input is
        self.scale = nn.Conv2d(n, 1, 3)  # of squares, hence even
        for last in (self.shift, self.scale):
            nn.init.zeros_(last.weight)  # the flow begins as a free theory
        nn.init.zeros_(self.scale.get_parameter("bias"))

    def forward(self, phi: Tensor, inverse: bool = False) -> tuple[Tensor, Tensor]:
        h = (phi * self.fixed)[:, None]
        for layer in self.layers:
            h = layer(_around(h)).tanh()
        t, s = self.shift(_around(h))[:, 0], self.scale(_around(h.square()))[:, 0].tanh()
        s, moves = s * (1 - self.fixed), 1 - self.fixed
        moved = (phi - t) * (-s).exp() if inverse else phi * s.exp() + t
        return phi * self.fixed + moved * moves, s.sum((1, 2))


def _around(h: Tensor) -> Tensor:
    """Fields (B, C, L, L) with a row and a column more at each side, as the lattice is periodic."""
    return pad(h, (1, 1, 1, 1), mode="circular")
