"""Neural importance sampling: a density is brought close to an integrand, from points that it draws itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.importance_sampling import ImportanceSamplingEvaluator
from hepexp.losses.objective import Objective
from hepexp.physics import vegas_grid
from hepexp.physics.integrands import Integrand

AT_ONCE = 100_000  # points of the reference


class Density(Protocol):
    """A density q of points (B, d) in the unit cube, from which points are drawn, and ln q (B,)."""

    def draw(self, z: Tensor) -> tuple[Tensor, Tensor]: ...
    def invert(self, x: Tensor) -> tuple[Tensor, Tensor]: ...
    def parameters(self) -> Iterator[nn.Parameter]: ...


class ImportanceSampling(Objective[Density]):
    """The divergence of a density q from an integrand f over its integral I, from points x drawn from q.

        w = f(x) / q(x),    variance: E_q (w / I - 1)^2,    kl: E_q (w / I) ln(w / I)

    Gradients are those of the expectations: points are drawn with the present weights of the model, which are kept
    fixed there, and only the density at these points is differentiated. A test draws as many points as it has
    examples, by a seed of their indices, from the model, uniformly, and from a grid of VEGAS without stratification,
    which 300,000 points have adapted before the training.

    Parameters
    ----------
    integrand : what is integrated, with its energy and cuts.
    divergence : that is minimised: variance or kl.
    vegas : compare with VEGAS too; needs the package vegas.
    n_reference : uniform points from which I is taken where it has no closed form.
    campaign : events of a campaign of unweighting: its largest weight is the median of bootstrap replicas of so many.

    Raises
    ------
    ConfigError : values out of range; vegas is not installed; from `prepare`, a model that is not a flow.

    References
    ----------
    T. Mueller et al., arXiv:1808.03856; E. Bothmann et al., arXiv:2001.05478; C. Gao et al., arXiv:2001.10028.
    """

    evaluator: ImportanceSamplingEvaluator
    edges: Tensor
    integral: Tensor
    sample = 1  # to be called before the training: examples have no content

    def __init__(
        self,
        integrand: Integrand,
        divergence: Literal["variance", "kl"] = "variance",
        vegas: bool = True,
        n_reference: int = 2_000_000,
        campaign: int = 10_000,
    ):
        super().__init__()
        if divergence not in ("variance", "kl"):
            raise ConfigError(f"loss.divergence must be variance or kl, got {divergence!r}")
        if not 1000 <= n_reference <= 10**10:
            raise ConfigError(f"loss.n_reference must be from 1,000 to 10,000,000,000, got {n_reference}")
        if not 1 <= campaign <= 10**12:
            raise ConfigError(f"loss.campaign must be from 1 to 1,000,000,000,000, got {campaign}")
        if vegas:
            vegas_grid.require_vegas()
        self.integrand, self.divergence, self.vegas, self.n_reference = integrand, divergence, vegas, n_reference
        samplers = ("flow", "vegas", "flat") if vegas else ("flow", "flat")
        self.evaluator = ImportanceSamplingEvaluator(integrand.process, samplers, integrand.observables, campaign)
        even = torch.linspace(0, 1, vegas_grid.INTERVALS + 1, dtype=torch.float64)
        self.register_buffer("edges", even.repeat(integrand.n_dims, 1))
        self.register_buffer("integral", torch.ones(2, dtype=torch.float64))  # and its error, 0 for a closed form

    def n_outputs(self, spec: DataSpec) -> int:
        return self.integrand.n_dims

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        if not (hasattr(model, "draw") and hasattr(model, "invert")):
            raise ConfigError(
                f"loss=importance_sampling needs a density to draw from, not {type(model).__name__}; choose "
                "model=spline_flow"
            )

    def see(self, model: Density, batches: Iterable) -> None:
        """Take the integral, and adapt the grid of VEGAS."""
        generator = torch.Generator().manual_seed(0)
        if (exact := self.integrand.exact()) is not None:
            self.integral[:] = torch.tensor([exact, 0.0], dtype=torch.float64)
        else:
            n, (sum_of, squares) = 0, torch.zeros(2, dtype=torch.float64)
            while n < self.n_reference:
                some = min(AT_ONCE, self.n_reference - n)
                value, _ = self.integrand(_uniform(some, self.integrand.n_dims, generator))
                n, sum_of, squares = n + some, sum_of + value.sum(), squares + value.square().sum()
            mean = sum_of / n
            self.integral[:] = torch.stack([mean, ((squares / n - mean**2) / n).sqrt()])
        if not self.integral[0] > 0:
            raise ConfigError(
                f"none of {self.n_reference:,} uniform points passes the cuts of loss.integrand: loosen them, or raise "
                "loss.n_reference"
            )
        if self.vegas:
            self.edges[:] = vegas_grid.adapted(lambda x: self.integrand(x)[0], self.integrand.n_dims, seed=0)

    def learnt(self, model: Density) -> dict[str, Tensor]:
        return {"integral": self.integral}

    def outputs(self, model: Density, batch) -> dict[str, Tensor]:
        """Weights in pb, and observables of the points, of each sampler."""
        with torch.no_grad():
            n, d = len(batch), self.integrand.n_dims
            generator = torch.Generator().manual_seed(int(batch.index[0]))
            uniform = _uniform(3 * n, d, generator).to(self.integral)
            z, y, x = uniform.split(n)
            points = {"flow": self._drawn(model, z), "flat": (x, torch.ones_like(x[:, 0]))}
            if self.vegas:
                points["vegas"] = vegas_grid.draw(y, self.edges)
            found = {}
            for name, (x, inverse_density) in points.items():
                value, p = self.integrand(x)
                found[f"{name}/weight"] = value * inverse_density
                observed = torch.where(value[:, None] > 0, self.integrand.observe(p), 0.0)
                found |= {f"{name}/{key}": observed[:, k] for k, (key, _) in enumerate(self.integrand.observables)}
        return found

    def terms(self, model: Density, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        if self.training:
            return {"loss": self._loss(model, len(batch))}, {}
        found = self.outputs(model, batch)
        w = found["flow/weight"] / self.integral[0]
        loss = (w - 1) ** 2 if self.divergence == "variance" else torch.special.xlogy(w, w)
        return {"loss": loss.mean()}, {**found, "loss": loss}

    def _loss(self, model: Density, n: int) -> Tensor:
        with torch.no_grad():
            z = torch.rand(n, self.integrand.n_dims, dtype=torch.float64, device=self.integral.device)
            x, inverse_density = self._drawn(model, z)
            w = self.integrand(x)[0] * inverse_density / self.integral[0]
        _, log_q = model.invert(x)
        if self.divergence == "variance":
            return (w.square() * (-log_q - inverse_density.log()).exp()).mean() - 1
        return (w * (torch.where(w > 0, w * inverse_density.reciprocal(), 1.0).log() - log_q)).mean()

    def _drawn(self, model: Density, z: Tensor) -> tuple[Tensor, Tensor]:
        """Points x of the model, in its precision, and 1 / q(x), in that of z."""
        x, log_q = model.draw(z.to(next(model.parameters()).dtype))
        return x, (-log_q.to(z)).exp()


def _uniform(n: int, d: int, generator: torch.Generator) -> Tensor:
    return torch.rand(n, d, dtype=torch.float64, generator=generator)
