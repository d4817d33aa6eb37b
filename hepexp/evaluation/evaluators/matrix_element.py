"""Evaluator of a mass that was fitted to events: its error, its pull, and fits with and without gradients."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from scipy.optimize import minimize

from hepexp.evaluation.evaluators.evaluator import Evaluator, Outputs, loss_figures, mean_loss
from hepexp.metric import Metric
from hepexp.physics.top_angles import TopAngles

ANGLES = (0.0, 0.5, 0.8, 0.95)  # cosines of the scan that is drawn
FROM_CURVATURE = "from the second derivative of the likelihood of the training events"


class MatrixElementEvaluator(Evaluator):
    """Evaluates `model/mass` (1,), which was fitted to `training/cosine` (n,).

    Parameters
    ----------
    angles : the density that was fitted.
    """

    training = True
    metrics = (
        Metric(
            "mass",
            "neither",
            "mass [GeV]",
            "Mass of the top quark that the training found, in GeV.",
            range=">= 0",
            error=FROM_CURVATURE,
            each_epoch=False,
        ),
        Metric(
            "mass_pull",
            "neither",
            "mass pull",
            "That mass minus the true one, over its error.",
            range="any number; mostly -2 to 2",
            no_error="it is in units of its error",
            undefined="the likelihood has no curvature",
            each_epoch=False,
        ),
        Metric(
            "bfgs_mass",
            "neither",
            "BFGS mass [GeV]",
            "Mass at the maximum of the likelihood of the training events, by BFGS with gradients by autograd, in GeV.",
            range=">= 0",
            error=FROM_CURVATURE,
            each_epoch=False,
        ),
        Metric(
            "bfgs_evaluations",
            "lower",
            "evaluations with gradient",
            "Likelihoods, each with its gradient by autograd, that BFGS evaluates to find the mass.",
            range=">= 1",
            no_error="a count",
            each_epoch=False,
            whole=True,
        ),
        Metric(
            "finite_mass",
            "neither",
            "BFGS mass without gradients [GeV]",
            "As test/bfgs_mass, with finite differences in place of gradients.",
            range=">= 0",
            error=FROM_CURVATURE,
            each_epoch=False,
        ),
        Metric(
            "finite_evaluations",
            "lower",
            "evaluations without gradient",
            "Likelihoods that BFGS evaluates to find the mass by finite differences.",
            range=">= 1",
            no_error="a count",
            each_epoch=False,
            whole=True,
        ),
        Metric(
            "gradient_difference",
            "lower",
            "gradient difference",
            "Largest relative difference of d|M|^2 / dm by autograd from central differences, over the angles drawn.",
            range=">= 0",
            no_error="it depends on no events",
            each_epoch=False,
        ),
    )

    def __init__(self, angles: TopAngles):
        self.angles = angles

    def quick(self, outputs: Outputs) -> dict[str, float]:
        return {"loss": mean_loss(outputs)}

    def final(self, outputs: Outputs, seed: int) -> dict[str, float | str | None]:
        likelihood = Likelihood(self.angles, outputs["training/cosine"])
        mass, start = float(outputs["model/mass"][0]), 0.9 * self.angles.mass
        found: dict[str, float | str | None] = {**loss_figures(outputs, seed), "mass": mass}
        fits = {name: likelihood.fit(start, gradient=name == "bfgs") for name in ("bfgs", "finite")}
        error = likelihood.error(fits["bfgs"].mass)
        found["mass_err"] = error
        found["mass_pull"] = None if error is None else (mass - self.angles.mass) / error
        for name, fit in fits.items():
            found |= {f"{name}_mass": fit.mass, f"{name}_mass_err": error, f"{name}_evaluations": fit.evaluations}
        if error is None:
            reason = "the likelihood has no curvature"
            found |= {f"{name}_note": reason for name in ("mass", "mass_pull", "bfgs_mass", "finite_mass")}
        found["gradient_difference"] = self._gradient_difference()
        return found

    def table(self, outputs: Outputs, class_names: tuple[str, ...]) -> pa.Table:
        """Columns index, cosine of each test event, and loss."""
        return pa.table({"index": outputs["index"].astype(np.int64), **{k: outputs[k] for k in ("cosine", "loss")}})

    def figures(self, outputs: Outputs, class_names: tuple[str, ...], folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        likelihood = Likelihood(self.angles, outputs["training/cosine"])
        mass = float(outputs["model/mass"][0])
        width = 4 * (likelihood.error(mass) or 1.0)
        wide = np.linspace(0.7, min(1.15, 0.499 * self.angles.energy / self.angles.mass), 60) * self.angles.mass
        near = np.linspace(mass - width, min(mass + width, 0.499 * self.angles.energy), 25)
        scans = {f"{cos:g}": self._scan(cos, wide) for cos in ANGLES}
        values = np.array([likelihood(one) for one in near])  # (n, 2)
        plots.mass_scan(folder / "mass_scan.png", wide, scans, near, values, mass, self.angles.mass)

    def _scan(self, cos: float, masses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """|M|^2 and its derivative by the mass, by autograd."""
        m = torch.from_numpy(masses).requires_grad_()
        squared = self.angles.squared(torch.tensor(cos, dtype=torch.float64), m)
        (slope,) = torch.autograd.grad(squared.sum(), m)
        return squared.detach().numpy(), slope.numpy()

    def _gradient_difference(self) -> float:
        with torch.enable_grad(), torch.inference_mode(False):
            m, h = self.angles.mass, 1e-4 * self.angles.mass
            worst = 0.0
            for cos in ANGLES:
                (low, _), (high, _), (_, slope) = (self._scan(cos, np.array([x])) for x in (m - h, m + h, m))
                worst = max(worst, abs((high - low)[0] / (2 * h) / slope[0] - 1))
        return worst


class Fit:
    """Where a fit ended, and how often it evaluated the likelihood."""

    def __init__(self, mass: float, evaluations: int):
        self.mass, self.evaluations = mass, evaluations


class Likelihood:
    """-ln L of cosines (n,) as a function of the mass."""

    def __init__(self, angles: TopAngles, cosines: np.ndarray):
        self.angles, self.cos = angles, torch.from_numpy(cosines.astype(np.float64))

    def __call__(self, mass: float) -> tuple[float, float]:
        """The value, and its derivative by autograd."""
        with torch.enable_grad(), torch.inference_mode(False):
            m = torch.tensor(self._allowed(mass), dtype=torch.float64, requires_grad=True)
            value = -self.angles.log_density(self.cos, m).sum()
            (slope,) = torch.autograd.grad(value, m)
        return value.item(), slope.item()

    def value(self, mass: float) -> float:
        with torch.no_grad():
            return -self.angles.log_density(self.cos, torch.tensor(self._allowed(mass))).sum().item()

    def fit(self, start: float, gradient: bool) -> Fit:
        """The minimum by BFGS, with gradients by autograd or by finite differences."""
        n, scale = len(self.cos), self.angles.mass
        count = 0

        def of(x: np.ndarray):
            nonlocal count
            count += 1
            if not gradient:
                return self.value(scale * x[0]) / n
            value, slope = self(scale * x[0])
            return value / n, np.array([scale * slope / n])

        found = minimize(of, [start / scale], jac=True if gradient else None, method="BFGS", options={"gtol": 1e-6})
        return Fit(self._allowed(scale * float(found.x[0])), count)

    def error(self, mass: float) -> float | None:
        """The standard deviation that the curvature gives; None if there is none."""
        with torch.enable_grad(), torch.inference_mode(False):
            m = torch.tensor(self._allowed(mass), dtype=torch.float64, requires_grad=True)
            value = -self.angles.log_density(self.cos, m).sum()
            (slope,) = torch.autograd.grad(value, m, create_graph=True)
            (curvature,) = torch.autograd.grad(slope, m)
        return curvature.item() ** -0.5 if curvature > 0 else None

    def _allowed(self, mass: float) -> float:
        return min(max(mass, 1.05 * self.angles.energy / 20), 0.4999 * self.angles.energy)
