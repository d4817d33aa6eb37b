"""Maximum likelihood by differentiating a matrix element."""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.matrix_element import MatrixElementEvaluator
from hepexp.losses.objective import Objective
from hepexp.physics.top_angles import TopAngles


class Mass(Protocol):
    """A model that is a mass, in GeV."""

    mass: nn.Parameter


class MatrixElement(Objective[Mass]):
    """-ln p(cos theta | m) of top pairs at a fixed energy, p being the squared matrix element over its integral.

    Events are drawn from the same density at the true mass, each by the index of its example; the gradient with respect
    to m is that of the matrix element itself.

    Parameters
    ----------
    process : what the top quarks are made of: gluons or quarks.
    energy : of the pair in its centre of mass, in GeV.
    mass : the true one, with which events are drawn, in GeV.
    seed : of the events.

    Raises
    ------
    ConfigError : values out of range; from `prepare`, a model that is not a mass, or one above half of the energy.

    References
    ----------
    L. Heinrich and M. Kagan, arXiv:2203.00057.
    """

    evaluator: MatrixElementEvaluator

    def __init__(
        self,
        process: Literal["gluons", "quarks"] = "gluons",
        energy: float = 400.0,
        mass: float = 172.5,
        seed: int = 0,
    ):
        super().__init__()
        if not 0 <= seed < 2**63:
            raise ConfigError(f"loss.seed must be from 0 to 2^63 - 1, got {seed}")
        self.angles, self.seed = TopAngles(process, energy, mass), seed
        self.evaluator = MatrixElementEvaluator(self.angles)
        self._drawn = torch.zeros(0, dtype=torch.float64)

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        mass = getattr(model, "mass", None)
        if not isinstance(mass, nn.Parameter):
            raise ConfigError(
                f"loss=matrix_element needs a mass to fit, not {type(model).__name__}; choose model=top_mass"
            )
        if not 2 * mass.item() < self.angles.energy:
            raise ConfigError(
                f"model.start must be below half of loss.energy, {self.angles.energy / 2:g} GeV, got {mass.item():g}"
            )

    def outputs(self, model: Mass, batch) -> dict[str, Tensor]:
        return {"cosine": self._cosines(batch.index)}

    def learnt(self, model: Mass) -> dict[str, Tensor]:
        return {"mass": model.mass[None]}

    def terms(self, model: Mass, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        cos = self._cosines(batch.index)
        loss = -self.angles.log_density(cos, self._allowed(model.mass))
        return {"loss": loss.mean()}, {"cosine": cos, "loss": loss.detach()}

    def _allowed(self, mass: Tensor) -> Tensor:
        """The mass, kept below the threshold with its gradient, should a step have crossed it."""
        low, high = 1.05 * self.angles.energy / 20, 0.4999 * self.angles.energy
        return mass + (mass.clamp(low, high) - mass).detach()

    def _cosines(self, index: Tensor) -> Tensor:
        n = int(index.max()) + 1
        if n > len(self._drawn):  # the first numbers are the same however many are drawn
            u = torch.from_numpy(np.random.default_rng(self.seed).random(max(n, 2 * len(self._drawn))))
            self._drawn = self.angles.quantile(u)
        return self._drawn[index.cpu()].to(index.device)
