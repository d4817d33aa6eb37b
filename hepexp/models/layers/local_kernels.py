"""Densities of one variable given what it is pulled by, as splines whose parameters a network may choose.

A pull has a size, on which the parameters depend, and a direction: the sign of a real number, the angle of a complex
one. Densities turn with it, as those of theories with this symmetry do.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from math import log, pi

import torch
from torch import Tensor

from hepexp.models.layers.rational_quadratic import knots, n_parameters, through_knots
from hepexp.physics.u1_gauge import wrapped

BOX = 6.0  # standard deviations of the noise within which it is deformed
N_BESIDES = 2  # parameters besides those of the spline: centre and width


class LocalKernel(ABC):
    """Densities q(x | pull), in float64, so that a draw and its density agree.

    Parameters
    ----------
    pull : (...).
    parameters : (..., n_parameters(n_bins)).
    """

    def __init__(self, pull: Tensor, parameters: Tensor):
        sizes, slopes = knots(parameters[..., :-N_BESIDES])
        self.pull, self.slopes = pull, slopes.double()
        self.sizes = sizes.double() / sizes.double().sum(-1, keepdim=True)
        self.besides = parameters[..., -N_BESIDES:].double()

    @staticmethod
    def n_parameters(n_bins: int) -> int:
        """Of the spline and what there is besides."""
        return n_parameters(n_bins) + N_BESIDES

    @staticmethod
    @abstractmethod
    def noise(shape: torch.Size, random: torch.Generator) -> Tensor:
        """What draws are made of, on the CPU."""

    @abstractmethod
    def draw(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        """x, and ln q(x | pull), of noise (...)."""

    @abstractmethod
    def log_q(self, x: Tensor) -> Tensor:
        """ln q(x | pull) of x (...)."""

    def _through(self, x: Tensor, inverse: bool = False) -> tuple[Tensor, Tensor]:
        return through_knots(x, self.sizes, self.slopes, inverse)


class ScalarKernel(LocalKernel):
    """Of a real number: x = sign(pull) (c + w f(z)) of normal noise z, with a spline f, a centre c and a width w."""

    @staticmethod
    def noise(shape: torch.Size, random: torch.Generator) -> Tensor:
        return _numbers(torch.randn, shape, random)

    def draw(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        centre, log_width = self.besides.unbind(-1)
        y, log_slope = self._in_the_box(noise)
        x = torch.where(self.pull < 0, -1.0, 1.0) * (centre + log_width.exp() * y)
        return x, -0.5 * noise.square() - 0.5 * log(2 * pi) - log_slope - log_width

    def log_q(self, x: Tensor) -> Tensor:
        centre, log_width = self.besides.unbind(-1)
        y = (torch.where(self.pull < 0, -x, x) - centre) * (-log_width).exp()
        z, log_slope = self._in_the_box(y, inverse=True)
        return -0.5 * z.square() - 0.5 * log(2 * pi) + log_slope - log_width

    def _in_the_box(self, z: Tensor, inverse: bool = False) -> tuple[Tensor, Tensor]:
        """A spline from [-BOX, BOX] onto itself, which is the identity outside; and the logarithm of its slope."""
        inside = z.abs() < BOX
        y, log_slope = self._through((z.clamp(-BOX, BOX) + BOX) / (2 * BOX), inverse)
        return torch.where(inside, 2 * BOX * y - BOX, z), torch.where(inside, log_slope, 0.0)


class AngleKernel(LocalKernel):
    """Of an angle: x = arg(pull) + sign(u) pi f(|u|) of noise u, uniform in (-1, 1), with a spline f.

    It needs no centre and no width.
    """

    @staticmethod
    def noise(shape: torch.Size, random: torch.Generator) -> Tensor:
        return 2 * _numbers(torch.rand, shape, random) - 1

    def draw(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        y, log_slope = self._through(noise.abs())
        return wrapped(self.pull.angle() + pi * noise.sign() * y), -log_slope - log(2 * pi)

    def log_q(self, x: Tensor) -> Tensor:
        _, log_slope = self._through(wrapped(x - self.pull.angle()).abs() / pi, inverse=True)
        return log_slope - log(2 * pi)


def _numbers(draw: Callable[..., Tensor], shape: torch.Size, random: torch.Generator) -> Tensor:
    return draw(shape, generator=random, dtype=torch.float64)
