"""Renormalisation as optimal transport: each step of the flow minimises a functional of a monotone map."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.transport import TransportEvaluator
from hepexp.losses.objective import Objective
from hepexp.physics.polchinski import PolchinskiFlow


class Maps(Protocol):
    """Increasing functions of one number, with the logarithms of their slopes."""

    def transport(self, z: Tensor, maps: slice = ...) -> tuple[Tensor, Tensor]: ...
    def parameters(self) -> object: ...


class JKO(Objective[Maps]):
    """The steps of Jordan, Kinderlehrer and Otto along Polchinski's flow, all at once.

    A step takes P to the minimum of W_2^2(P, P') / 2 tau + KL(P' | exp(-2 S_0)), where S_0 = phi^2 / 2 C' is the free
    theory at its end. With tau = (C C')^(1/2) - C', which is -dC / 2 to first order, the free theory is transported
    exactly, and in units of it, z = phi / C^(1/2), the step is one of a fixed well:

        E_p [(T(z) - z)^2 / 2 + tau (T(z)^2 / 2 - ln T'(z))],    tau = 1 - (C' / C)^(1/2)

    T being the map of the step and p the density that the earlier ones have made. This sum over steps, modes and both
    theories is minimised, each step by its own map only. Training draws p in the beginning from equal parts of its
    cumulative distribution, a test at random, by a seed of the indices of its examples.

    Parameters
    ----------
    theory : what flows.

    Raises
    ------
    ConfigError : from `prepare`, a model that has no maps.

    References
    ----------
    R. Jordan, D. Kinderlehrer, F. Otto, SIAM J. Math. Anal. 29 (1998) 1; J. Cotler, S. Rezchikov, arXiv:2202.11737.
    """

    evaluator: TransportEvaluator
    tau: Tensor

    def __init__(self, theory: PolchinskiFlow):
        super().__init__()
        self.theory = theory
        self.evaluator = TransportEvaluator(theory)
        both = np.tile(theory.tau, 2).reshape(-1, 1)  # (K 2 M, 1)
        self.register_buffer("tau", torch.from_numpy(both).float(), persistent=False)
        self.n_maps = 2 * theory.n_modes  # of a step

    def n_outputs(self, spec: DataSpec) -> int:
        return self.theory.n_steps * self.n_maps

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        if not hasattr(model, "transport"):
            raise ConfigError(f"loss=jko needs monotone maps, not {type(model).__name__}; choose model=monotone_maps")

    def terms(self, model: Maps, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        if not self.training:
            found = self.outputs(model, batch)
            return {"loss": found["loss"].mean()}, found
        u = torch.rand(self.n_maps, len(batch), dtype=torch.float64)
        z = self._begin((torch.arange(len(batch)) + u) / len(batch))
        with torch.no_grad():
            along = [z]
            for step in range(self.theory.n_steps - 1):
                along.append(model.transport(along[-1], self._maps(step))[0])
        z = torch.cat(along)
        return {"loss": self._functional(z, *model.transport(z)).mean(1).sum()}, {}

    def outputs(self, model: Maps, batch) -> dict[str, Tensor]:
        """Of draws along the flow, B x (K + 1) unless said otherwise.

        `loss` (B,); `field` and `log_density` (B, K + 1, 2 M), z and ln p of each mode of both theories; `exact`,
        `theories`, `free` and `reference`, ln p less the logarithm of the density that the first theory is compared
        with, summed over its modes; `phi2`, the square of the field.
        """
        n, m = len(batch), self.theory.n_modes
        random = torch.Generator().manual_seed(int(batch.index[0]))
        u = torch.rand(self.n_maps, n, dtype=torch.float64, generator=random)
        drawn = self.theory.quantile(u.reshape(2, m, n).numpy())
        z = np.concatenate([drawn, self.theory.nodes()], axis=2)  # the nodes tabulate the other theory's density
        log_p = np.stack([self.theory.log_density(0, k, z[k]) for k in (0, 1)])
        loss, rows = np.zeros(n), [self._compared(0, z, log_p, n)]
        with torch.no_grad():
            for step in range(self.theory.n_steps):
                before = self._to_model(z.reshape(2 * m, -1))
                after, log_slope = model.transport(before, self._maps(step))
                value = self._functional(before, after, log_slope, self._maps(step))[:, :n]
                loss += value.sum(0).double().cpu().numpy()
                z, change = (x.double().cpu().numpy().reshape(z.shape) for x in (after, log_slope))
                log_p = log_p - change
                rows.append(self._compared(step + 1, z, log_p, n))
        found = {name: np.stack([row[name] for row in rows], axis=1) for name in rows[0]}
        return {"loss": torch.from_numpy(loss), **{name: torch.from_numpy(some) for name, some in found.items()}}

    def _compared(self, step: int, z: np.ndarray, log_p: np.ndarray, n: int) -> dict[str, np.ndarray]:
        """`outputs` after so many steps, of z and ln p (2, M, n + nodes)."""
        one, log_one = z[0, :, :n], log_p[0, :, :n]
        other = np.stack(
            [
                np.interp(some, nodes, table)
                for some, nodes, table in zip(one, z[1, :, n:], log_p[1, :, n:], strict=True)
            ]
        )
        logs = {
            "exact": self.theory.log_density(step, 0, one),
            "theories": other,
            "free": -(one**2 + np.log(2 * np.pi)) / 2,
            "reference": -(one**2) - np.log(np.pi) / 2,  # exp(-2 S_0) is normal, with half the variance
        }
        weight = self.theory.multiplicity
        found = {name: weight @ (log_one - each) for name, each in logs.items()}
        found["phi2"] = (weight * self.theory.covariances[step]) @ one**2 / self.theory.volume
        for name, values in (("field", z), ("log_density", log_p)):
            found[name] = values[:, :, :n].reshape(-1, n).T.astype(np.float32)
        return found

    def _functional(self, z: Tensor, mapped: Tensor, log_slope: Tensor, maps: slice = slice(None)) -> Tensor:
        return (mapped - z).square() / 2 + self.tau[maps] * (mapped.square() / 2 - log_slope)

    def _maps(self, step: int) -> slice:
        return slice(step * self.n_maps, (step + 1) * self.n_maps)

    def _begin(self, u: Tensor) -> Tensor:
        z = self.theory.quantile(u.reshape(2, self.theory.n_modes, -1).numpy())
        return self._to_model(z.reshape(self.n_maps, -1))

    def _to_model(self, z: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(z)).to(self.tau)
