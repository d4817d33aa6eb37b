"""A gauge-equivariant normalising flow of U(1) links, of couplings that move plaquettes by circular splines."""

from __future__ import annotations

from collections.abc import Sequence
from math import log, pi
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from hepexp.batch import Batch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_no_data, require_positive, require_widths
from hepexp.models.layers.checkerboard import side
from hepexp.models.layers.rational_quadratic import spline
from hepexp.models.layers.von_mises import VonMisesMap
from hepexp.physics.u1_gauge import plaquettes, wrapped


class LatticeU1(nn.Module):
    """A density q of link angles on a periodic square: uniform links, moved so that plaquettes follow a theory.

    Each coupling moves the links along a stripe of sites, and with each link the active plaquette on one side of it,

        P' = h(P) + t,    theta' = theta + P' - P,    ln q' = ln q - sum ln h'(P)

    while the passive one on the other side moves back. The circular spline h and the shift t are computed by a network
    of the frozen plaquettes, and of the rectangles of active and passive ones, which do not change either: so h can be
    a heat bath. As all of it is gauge-invariant, q is as well. The stripes of a sweep follow each other towards the
    passive side, so that what a link leaves behind is not moved again before the next direction: after both sweeps all
    plaquettes but one have had their turn. Of an infinite lattice the plaquettes are independent, with density
    exp(beta cos P): the flow begins with this one for all but the last of each period in both directions, where h is
    the spline of the network after the map from uniform angles.

    Parameters
    ----------
    n_sweeps : of stripes in both directions.
    period : distance of the stripes that are moved together; null for L, one at a time.
    n_bins : of a spline.
    widths : of the network, which sees the nearest stripes and, layer by layer, the nearest sites along its own.
    n_features : features of an example in the data set, which must be 0.
    n_classes : 2 L^2, what the loss integrates over.

    Shapes
    ------
    A batch of B examples -> links and ln q (B, 2 L^2 + 1).

    Raises
    ------
    ConfigError : values out of range, a data set with features, or a lattice that stripes of this period cannot tile.

    References
    ----------
    G. Kanwar et al., Phys. Rev. Lett. 125 (2020) 121601, arXiv:2003.06413; circular splines: D. J. Rezende et al.,
    arXiv:2002.02428.
    """

    input = "features"
    field = "links"
    option: ClassVar[str] = "lattice_u1"
    n_conditions = 0
    lorentz_invariant = False
    start_beta: Tensor

    def __init__(
        self,
        n_sweeps: int = 1,
        period: int | None = None,
        n_bins: int = 8,
        widths: Sequence[int] = (32, 32),
        *,
        n_features: int,
        n_classes: int,
    ):
        super().__init__()
        require_positive(n_sweeps=n_sweeps)
        require_widths(widths=widths)
        if not 2 <= n_bins <= 1000:
            raise ConfigError(f"model.n_bins must be from 2 to 1,000, got {n_bins}")
        require_no_data(self.option, n_features)
        self.size = side(n_classes, 2, self.option, multiple=period or 1)
        self.period = period or self.size
        if self.period < 3:
            raise ConfigError(
                f"model.period must be >= 3, as is loss.action.size: active, passive, frozen; got {self.period}"
            )
        stripes = [0, *range(self.period - 1, 0, -1)]
        # those along the last stripe, which are left over, have their turn in the second direction
        begun = [slice(None), slice(1, None, self.period)]
        self.couplings = nn.ModuleList(
            _Coupling(self.size, self.period, stripe, n_bins, widths, self.n_conditions, sites if stripe != 1 else None)
            for sites in [*begun, *[None] * (2 * n_sweeps - 2)]
            for stripe in stripes
        )
        self.register_buffer("start_beta", torch.zeros(()))  # as it was trained, whatever it is drawn for later

    def begin_at(self, beta: float) -> None:
        """Let the flow begin with plaquettes of this inverse coupling; with 0 they are uniform."""
        self.start_beta.fill_(beta)

    def latent(self, n: int, random: torch.Generator | None = None) -> Tensor:
        """Uniform links (n, 2, L, L) in [-pi, pi); drawn on the CPU if a generator is given."""
        like = next(self.parameters())
        device = like.device if random is None else "cpu"
        uniform = torch.rand(n, 2, self.size, self.size, generator=random, dtype=like.dtype, device=device)
        return (2 * pi * uniform - pi).to(like.device)

    def draw(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Links (B, 2, L, L) and ln q (B,) of uniform links."""
        return self._move(z, VonMisesMap(self.start_beta[None]))

    def log_density(self, theta: Tensor) -> Tensor:
        """ln q (B,) of links (B, 2, L, L)."""
        return self._move(theta, VonMisesMap(self.start_beta[None]), inverse=True)[1]

    def forward(self, batch: Batch) -> Tensor:
        theta, log_q = self.draw(self.latent(len(batch)))
        return torch.cat([theta.flatten(1), log_q[:, None]], dim=1)

    def _move(
        self, theta: Tensor, start: VonMisesMap, inverse: bool = False, known: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Links after all couplings, or before them, and ln q of those after them; `known` (B, C) are conditions."""
        log_q = theta.new_full((len(theta),), -theta[0].numel() * log(2 * pi))
        n = self.period
        sweeps = [self.couplings[k : k + n] for k in range(0, len(self.couplings), n)]
        for k, sweep in reversed([*enumerate(sweeps)]) if inverse else enumerate(sweeps):
            stripes = _Stripes(theta if k % 2 == 0 else _turned(theta), n)
            for coupling in reversed(sweep) if inverse else sweep:
                log_q = log_q - coupling(stripes, start, inverse, known)
            theta = stripes.links() if k % 2 == 0 else _turned(stripes.links())
        return theta, log_q


class _Stripes:
    """Links and plaquettes as stripes along the first axis, every `period`-th of which is moved together.

    Attributes
    ----------
    angles : of plaquettes (B, L, L / period), for each stripe of a period.
    around : their cosines and sines (B, L, L / period, 2).
    moves : by which the links of a stripe have been moved (B, L, L / period).
    """

    def __init__(self, theta: Tensor, period: int):
        self.theta, self.period = theta, period
        self.angles = list(self._periods(plaquettes(theta)).unbind(-1))
        self.around = [_circle(angle) for angle in self.angles]
        self.moves = [torch.zeros_like(self.angles[0])] * period

    def relative(self, values: Sequence[Tensor], stripe: int) -> Tensor:
        """Of a stripe, counted on beyond its period."""
        ahead, within = divmod(stripe, self.period)
        return values[within].roll(-ahead, 2) if ahead and values[within].shape[2] > 1 else values[within]

    def move(self, stripe: int, by: Tensor) -> None:
        """Move the links of a stripe, with the active plaquettes, and the passive ones back."""
        self._change(stripe, by)
        back = -by if stripe or by.shape[2] == 1 else -by.roll(-1, 2)
        self._change((stripe - 1) % self.period, back)
        self.moves[stripe] = self.moves[stripe] + by

    def links(self) -> Tensor:
        """(B, 2, L, L), in [-pi, pi)."""
        first, second = self.theta.unbind(1)
        return wrapped(torch.stack([first + torch.stack(self.moves, -1).flatten(2), second], dim=1))

    def _change(self, stripe: int, by: Tensor) -> None:
        self.angles[stripe] = self.angles[stripe] + by
        self.around[stripe] = _circle(self.angles[stripe])

    def _periods(self, values: Tensor) -> Tensor:
        return values.unflatten(2, (-1, self.period))


class _Coupling(nn.Module):
    """Moves the links of a stripe by splines of its plaquettes that depend on what stays.

    Parameters
    ----------
    begun : the sites along the stripe whose plaquettes are uniform before and are given the start's distribution.
    """

    def __init__(
        self,
        size: int,
        period: int,
        stripe: int,
        n_bins: int,
        widths: Sequence[int],
        n_conditions: int,
        begun: slice | None,
    ):
        super().__init__()
        self.begun = begun
        self.stripe, self.n_bins, blocks = stripe, n_bins, size // period
        near, n = (3 if blocks == 1 else 9), 2 * (period - 1)
        self.layers = nn.ModuleList()
        for width in widths:
            self.layers.append(nn.Linear(near * n, width))
            n = width
        self.conditions = nn.ModuleList(nn.Linear(n_conditions, w) for w in widths if n_conditions)
        self.place = nn.Parameter(torch.zeros(size, blocks, widths[0]))  # sites differ once a sweep has passed
        self.last = nn.Linear(n, 3 * n_bins + 1)
        nn.init.zeros_(self.last.weight)  # the flow begins as the identity
        nn.init.zeros_(self.last.bias)

    def forward(
        self, stripes: _Stripes, start: VonMisesMap, inverse: bool = False, known: Tensor | None = None
    ) -> Tensor:
        """Move the stripe; returns the sum (B,) of the logarithms of the slopes of the splines."""
        active = stripes.angles[self.stripe]
        parameters, shift = self._spline(stripes, active, known)
        if inverse:
            before, log_slope = _circular(active - shift, parameters, inverse=True)
            before, log_start = self._begin(before, start, inverse=True)
            stripes.move(self.stripe, before - active)
            return -log_slope.sum((1, 2)) - log_start
        after, log_start = self._begin(active, start)
        after, log_slope = _circular(after, parameters)
        stripes.move(self.stripe, after + shift - active)
        return log_slope.sum((1, 2)) + log_start

    def _begin(self, angle: Tensor, start: VonMisesMap, inverse: bool = False) -> tuple[Tensor, Tensor]:
        """The angles with those that begin here mapped, and the sum (B,) of the logarithms of the slopes."""
        if self.begun is None:
            return angle, angle.new_zeros(len(angle))
        mapped, log_slope = start(wrapped(angle[:, self.begun]), inverse)
        angle = angle.clone()
        angle[:, self.begun] = mapped
        return angle, log_slope.sum((1, 2))

    def _spline(self, stripes: _Stripes, active: Tensor, known: Tensor | None) -> tuple[Tensor, Tensor]:
        last = self.stripe + stripes.period - 1
        frozen = [stripes.relative(stripes.around, k) for k in range(self.stripe + 1, last)]
        passive = stripes.relative(stripes.angles, last)
        if passive.shape[2] > 1:
            passive = passive.roll(1, 2)  # that behind, not the one a period ahead
        h = torch.cat([*frozen, _circle(active + passive)], dim=-1)
        for k, layer in enumerate(self.layers):
            h = layer(_near(h)) + (self.place if k == 0 else 0)
            h = silu(h if known is None else h + self.conditions[k](known)[:, None, None])
        found = self.last(h)
        n = self.n_bins
        periodic = torch.cat([found[..., : 3 * n], found[..., 2 * n : 2 * n + 1]], dim=-1)  # slopes agree at the ends
        return periodic, found[..., -1]


def _circular(angle: Tensor, parameters: Tensor, inverse: bool = False) -> tuple[Tensor, Tensor]:
    """A spline from [-pi, pi) onto itself, and the logarithm of its slope."""
    value, log_slope = spline((wrapped(angle) + pi) / (2 * pi), parameters, inverse=inverse)
    return 2 * pi * value - pi, log_slope


def _circle(angle: Tensor) -> Tensor:
    return torch.stack([angle.cos(), angle.sin()], dim=-1)


def _near(h: Tensor) -> Tensor:
    """Features (B, L, blocks, C) with those of the two neighbours along the stripe, and across if there are more."""
    h = torch.cat([h, h.roll(1, 1), h.roll(-1, 1)], dim=-1)
    return torch.cat([h, h.roll(1, 2), h.roll(-1, 2)], dim=-1) if h.shape[2] > 1 else h


def _turned(theta: Tensor) -> Tensor:
    """The links with both axes exchanged, which reverses plaquettes."""
    return theta.flip(1).transpose(2, 3)
