"""Cross sections as functions on the unit cube: matrix element, phase space, flux and cuts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import pi

import torch
from torch import Tensor

from hepexp.errors import ConfigError
from hepexp.physics.parke_taylor import five_gluons_squared
from hepexp.physics.phase_space import PhaseSpace
from hepexp.physics.three_jets import C_F, N, three_jet_rate, three_jets_squared
from hepexp.physics.vectors import all_outgoing, beams, invariants

GEV_2_IN_PB = 0.3893793721e9  # (hbar c)^2 / GeV^-2 in pb
HIGHEST_ENERGY = 1e6  # GeV


class Integrand(ABC):
    """A function f >= 0 of the unit cube, zero outside the cuts, whose integral is a cross section in pb.

    Parameters
    ----------
    energy : of the collision in its centre of mass, in GeV.
    n : particles in the final state, massless.

    Attributes
    ----------
    process : as in the titles of figures.
    observables : names of what `observe` gives, and their labels on axes.

    Raises
    ------
    ConfigError : an energy that is not above 0 and at most 1,000,000 GeV.
    """

    process: str
    observables: tuple[tuple[str, str], ...]

    def __init__(self, energy: float, n: int):
        if not 0 < energy <= HIGHEST_ENERGY:
            raise ConfigError(f"loss.integrand.energy must be > 0 and <= {HIGHEST_ENERGY:,.0f} GeV, got {energy}")
        self.energy = energy
        self.space = PhaseSpace(energy, [0.0] * n)

    @property
    def n_dims(self) -> int:
        return self.space.n_dims

    def __call__(self, r: Tensor) -> tuple[Tensor, Tensor]:
        """f (B,) in pb, float64, and the momenta (B, n, 4) in GeV, at points r (B, n_dims) of the cube."""
        r = r.double()
        inside = ((r > 0) & (r < 1)).all(1)
        p, density = self.space(r)
        passes = inside & self.passes(p)
        value = self.squared(p) * density * (GEV_2_IN_PB / (2 * self.energy**2))
        return torch.where(passes, value, torch.zeros_like(value)), p

    @abstractmethod
    def squared(self, p: Tensor) -> Tensor:
        """|M|^2 (B,), with all couplings and factors of identical particles."""

    @abstractmethod
    def passes(self, p: Tensor) -> Tensor:
        """Whether each final state (B,) is within the cuts."""

    @abstractmethod
    def observe(self, p: Tensor) -> Tensor:
        """The observables (B, len(observables))."""

    def exact(self) -> float | None:
        """The integral in closed form, in pb; None where there is none."""
        return None


class ThreeGluons(Integrand):
    """g g -> g g g, summed over colours and helicities, at a fixed energy of the gluons.

    Parameters
    ----------
    energy : of the two gluons in their centre of mass, in GeV.
    pt_min : smallest transverse momentum of each gluon, in GeV.
    separation : smallest distance of two gluons, (Delta y^2 + Delta phi^2)^(1/2).
    alpha_s : strong coupling.

    Raises
    ------
    ConfigError : values out of range, or cuts that no event can pass.
    """

    process = "gg → ggg"
    observables = (
        ("pt_1", "$p_T$ of the hardest gluon [GeV]"),
        ("pt_3", "$p_T$ of the softest gluon [GeV]"),
        ("separation", r"smallest $\Delta R$ of two gluons"),
        ("rapidity", "rapidity of the hardest gluon"),
    )

    def __init__(self, energy: float = 1000.0, pt_min: float = 60.0, separation: float = 0.4, alpha_s: float = 0.118):
        super().__init__(energy, 3)
        if not 0 < pt_min < energy / 3:  # three at 120 degrees share the energy
            raise ConfigError(f"loss.integrand.pt_min must be > 0 and < a third of the energy, got {pt_min} GeV")
        if not 0 < separation < 2 * pi / 3:
            raise ConfigError(
                f"loss.integrand.separation must be > 0 and < 2 pi / 3, three gluons in a circle, got {separation}"
            )
        _require_coupling(alpha_s)
        self.pt_min, self.separation, self.alpha_s = pt_min, separation, alpha_s

    def squared(self, p: Tensor) -> Tensor:
        return five_gluons_squared(all_outgoing(self.energy, p)) * (4 * pi * self.alpha_s) ** 3 / 6

    def passes(self, p: Tensor) -> Tensor:
        return passes_jet_cuts(p, self.pt_min, self.separation)

    def observe(self, p: Tensor) -> Tensor:
        pt = _pt(p)
        hardest = _rapidity(p).gather(1, pt.argmax(1, keepdim=True))[:, 0]
        return torch.stack([pt.amax(1), pt.amin(1), _separation(p), hardest], dim=1)


class ThreeJets(Integrand):
    """e+ e- -> q qbar g by a photon, where the invariant masses of all pairs are above a cut.

    Its integral is known: sigma_0 C_F alpha_s / (2 pi) times `three_jet_rate`, sigma_0 = 4 pi alpha^2 N Q^2 / (3 s).

    Parameters
    ----------
    energy : of the collision, in GeV.
    y_cut : smallest invariant mass squared of two partons, as a share of s.
    alpha_s : strong coupling.
    alpha : electromagnetic coupling.
    charge_squared : sum of the squared charges of the quarks, in units of that of the electron.

    Raises
    ------
    ConfigError : values out of range.
    """

    process = "e⁺e⁻ → qq̄g"
    observables = (
        ("x_quark", r"$2 E_q / \sqrt{s}$"),
        ("x_gluon", r"$2 E_g / \sqrt{s}$"),
        ("thrust", "thrust"),
        ("cosine", r"$\cos\theta$ of the quark"),
    )

    def __init__(
        self,
        energy: float = 91.19,
        y_cut: float = 0.01,
        alpha_s: float = 0.118,
        alpha: float = 1 / 128,
        charge_squared: float = 11 / 9,
    ):
        super().__init__(energy, 3)
        if not 0 < y_cut < 1 / 3:
            raise ConfigError(f"loss.integrand.y_cut must be > 0 and < 1/3, above which nothing is left, got {y_cut}")
        _require_coupling(alpha_s)
        if not 0 < alpha <= 1:
            raise ConfigError(f"loss.integrand.alpha must be in (0, 1], got {alpha}")
        if not 0 < charge_squared <= 100:
            raise ConfigError(f"loss.integrand.charge_squared must be in (0, 100], got {charge_squared}")
        self.y_cut, self.alpha_s, self.alpha, self.charge_squared = y_cut, alpha_s, alpha, charge_squared

    def squared(self, p: Tensor) -> Tensor:
        couplings = (4 * pi * self.alpha) ** 2 * self.charge_squared * 4 * pi * self.alpha_s
        return three_jets_squared(beams(self.energy, p), p) * couplings

    def passes(self, p: Tensor) -> Tensor:
        s = invariants(p)
        return torch.stack([s[:, 0, 1], s[:, 0, 2], s[:, 1, 2]]).amin(0) > self.y_cut * self.energy**2

    def observe(self, p: Tensor) -> Tensor:
        x = 2 * p[..., 0] / self.energy
        return torch.stack([x[:, 0], x[:, 2], x.amax(1), p[:, 0, 3] / p[:, 0, 0]], dim=1)

    def exact(self) -> float:
        born = 4 * pi * self.alpha**2 * N * self.charge_squared / (3 * self.energy**2)
        return GEV_2_IN_PB * born * C_F * self.alpha_s / (2 * pi) * three_jet_rate(self.y_cut)


def passes_jet_cuts(p: Tensor, pt_min: float, separation: float) -> Tensor:
    """Whether all particles (B, n, 4) have at least this transverse momentum, in GeV, and each pair this distance."""
    return (_pt(p).amin(1) > pt_min) & (_separation(p) > separation)


def _require_coupling(alpha_s: float) -> None:
    if not 0 < alpha_s <= 1:
        raise ConfigError(f"loss.integrand.alpha_s must be in (0, 1], got {alpha_s}")


def _pt(p: Tensor) -> Tensor:
    return torch.hypot(p[..., 1], p[..., 2])


def _rapidity(p: Tensor) -> Tensor:
    return torch.asinh(p[..., 3] / _pt(p).clamp_min(1e-300))


def _separation(p: Tensor) -> Tensor:
    """Smallest distance (B,) of two of the particles (B, n, 4) in rapidity and azimuth."""
    y, phi = _rapidity(p), torch.atan2(p[..., 2], p[..., 1])
    i, j = torch.triu_indices(p.shape[1], p.shape[1], 1, device=p.device)
    turn = torch.remainder(phi[:, i] - phi[:, j] + pi, 2 * pi) - pi
    return torch.hypot(y[:, i] - y[:, j], turn).amin(1)
