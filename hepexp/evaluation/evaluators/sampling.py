"""Evaluator of samplers of exp(-S) / Z: effective size, the Metropolised chain, and observables with honest errors."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from hepexp.evaluation.autocorrelation import ChainMean, chain_mean, effective_size, independence_chain
from hepexp.evaluation.bootstrap import with_errors
from hepexp.evaluation.evaluators.evaluator import Evaluator, Outputs, loss_figures, mean_loss, rows_as_lists
from hepexp.metric import Metric
from hepexp.physics.lattice_action import LatticeAction
from hepexp.physics.u1_gauge import U1Gauge

OBSERVABLES = ("chi", "phi2", "action", "plaquette", "charge2", "charge", "cosine", "helicity")
KNOWN = ("chi", "phi2", "action", "plaquette", "charge2", "charge", "log_z")
GAMMA = "from the autocorrelation of the chain, by the Gamma method (hep-lat/0306017)"
FROZEN = "the chain has a single step, or never changes it"
SAFE = 50  # autocorrelation times that a chain should be long


class SamplingEvaluator(Evaluator):
    """Evaluates draws of a density, or Markov chains.

    Of draws there are `log_weight` (n,), -S - ln q, and `<observable>` (n,): in the order of their index they are the
    proposals of an independence-Metropolis chain, which is exact. Of chains there are `chain/<observable>` (n, T) and
    `accepted` (n, T), and `energy_change` (n, T) if they follow trajectories; of both `seconds` (n,), for a draw or a
    step. Chains with learnt proposals have `ess` (n,) of these.

    Parameters
    ----------
    action : that is sampled.
    """

    metrics = (
        Metric(
            "ess",
            "higher",
            "ESS",
            "Effective sample size of independent draws over their number, (sum w)^2 / (n sum w^2) with weights "
            "w = exp(-S) / q; of a chain with learnt proposals the mean over single variables among their neighbours.",
            range="0 to 1",
        ),
        Metric(
            "acceptance",
            "higher",
            "acceptance",
            "Share of accepted proposals: draws of the model in an independence-Metropolis chain, trajectories, or "
            "values of single variables.",
            range="0 to 1",
            error=GAMMA,
            undefined="all or none are accepted",
            each_epoch=False,
        ),
        Metric(
            "tau_int",
            "lower",
            r"tau_int",
            "Longest integrated autocorrelation time of the observables along the chain, in proposals, trajectories or "
            "sweeps.",
            latex=r"$\tau_\mathrm{int}$",
            range=">= 0; 1/2 for independent configurations",
            error=GAMMA,
            undefined="the chain never changes",
            each_epoch=False,
        ),
        Metric(
            "tau_{observable}",
            "lower",
            "tau_int of {observable}",
            "Integrated autocorrelation time of {observable} along the chain, in proposals, trajectories or sweeps.",
            range=">= 0; 1/2 for independent configurations",
            error=GAMMA,
            undefined="the chain never changes it",
            each_epoch=False,
            values=OBSERVABLES,
        ),
        Metric(
            "independent_per_second",
            "higher",
            "independent configurations/s",
            "Steps of the chain, or of all chains side by side, in a second of processor time (of the clock on a GPU), "
            "over 2 tau_int; without training and thermalisation.",
            range="> 0",
            error="from that of tau_int",
            undefined="the chain never changes",
            each_epoch=False,
        ),
        Metric(
            "mean_{observable}",
            "neither",
            "<{observable}>",
            "Mean of {observable} over the chain: chi is V times the squared mean field, phi2 the mean square, action "
            "S per site; plaquette is its mean cosine, charge the topological charge Q, charge2 its square; cosine is "
            "that of neighbouring spins, whose chi is V times the squared mean spin, helicity the helicity modulus.",
            range="any number",
            error=GAMMA,
            each_epoch=False,
            values=OBSERVABLES,
        ),
        Metric(
            "exact_{observable}",
            "neither",
            "exact <{observable}>",
            "Expectation value of {observable} in closed form.",
            range="any number",
            no_error="a closed form",
            each_epoch=False,
            values=KNOWN,
        ),
        Metric(
            "pull_{observable}",
            "neither",
            "pull of {observable}",
            "What was found of {observable} minus its exact value, over its error.",
            range="any number; mostly -2 to 2",
            no_error="it is in units of its error",
            undefined="there is no error",
            each_epoch=False,
            values=KNOWN,
        ),
        Metric(
            "log_z",
            "neither",
            "ln Z",
            "Logarithm of the partition function, of the mean weight of the draws.",
            range="any number",
            each_epoch=False,
        ),
        Metric(
            "creutz",
            "neither",
            "<exp(-dH)>",
            "Mean of exp(-dH) over trajectories; 1 in equilibrium (M. Creutz, Phys. Rev. D 38 (1988) 1228).",
            range=">= 0",
            error=GAMMA,
            each_epoch=False,
        ),
    )

    def __init__(self, action: LatticeAction):
        self.action = action

    @cached_property
    def exact(self) -> dict[str, float]:
        return dict(self.action.exact())

    def quick(self, outputs: Outputs) -> dict[str, float]:
        found = {"loss": mean_loss(outputs)}
        if "log_weight" in outputs:
            found["ess"] = effective_size(outputs["log_weight"].astype(np.float64))
        elif "ess" in outputs:
            found["ess"] = float(outputs["ess"].mean())
        return found

    def final(self, outputs: Outputs, seed: int) -> dict[str, float | str | None]:
        found = loss_figures(outputs, seed)
        if "log_weight" in outputs or "ess" in outputs:
            found |= with_errors(_of_weights(outputs), len(outputs["index"]), seed)
        else:
            found["loss_note"] = "nothing is minimised"
        if "energy_change" in outputs:
            found |= _with_error("creutz", chain_mean(np.exp(-outputs["energy_change"].astype(np.float64))))
        chain, accepted = self._chain(outputs, seed)
        found |= _with_error("acceptance", chain_mean(accepted), "all or none are accepted")
        means = {name: chain_mean(values) for name, values in chain.items()}
        for name, mean in means.items():
            found |= _with_error(f"mean_{name}", mean)
            found |= {f"tau_{name}": mean.tau, f"tau_{name}_err": mean.tau_error}
            if mean.tau is None:
                found[f"tau_{name}_note"] = FROZEN
        found |= _longest(means, accepted.shape[1])
        found |= _rate(found["tau_int"], found["tau_int_err"], float(outputs["seconds"].mean()))
        for name, value in self.exact.items():
            ours = "log_z" if name == "log_z" else f"mean_{name}"
            if ours in found:
                own, error = found[ours], found[f"{ours}_err"]
                pull = (own - value) / error if isinstance(own, float) and isinstance(error, float) else None
                found |= {f"exact_{name}": value, f"pull_{name}": pull, f"exact_{name}_note": "no error: a closed form"}
                found[f"pull_{name}_note"] = "there is no error" if pull is None else "no error: in units of the error"
        return found

    def of_weights(self, outputs: Outputs) -> dict[str, Callable[[np.ndarray], float]]:
        return {**super().of_weights(outputs), **_of_weights(outputs)}

    def table(self, outputs: Outputs, class_names: tuple[str, ...]) -> pa.Table:
        """Columns index, log_weight and observables of draws; of chains lists of observables and of acceptances."""
        columns: dict[str, pa.Array] = {"index": pa.array(outputs["index"].astype(np.int64))}
        for name, values in outputs.items():
            if name in ("log_weight", "energy_change", "accepted") or name.removeprefix("chain/") in self._names:
                columns[name.removeprefix("chain/")] = pa.array(values) if values.ndim == 1 else rows_as_lists(values)
        return pa.table(columns)

    def figures(self, outputs: Outputs, class_names: tuple[str, ...], folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        chain, _ = self._chain(outputs, seed)
        labels = dict(self.action.observables)
        means = {name: chain_mean(values) for name, values in chain.items()}
        step = "trajectory" if "energy_change" in outputs else "sweep" if "accepted" in outputs else "proposal"
        plots.chain_history(folder / "chain.png", chain, labels, self.action.theory, step)
        plots.autocorrelation(folder / "autocorrelation.png", means, labels, self.action.theory, step)
        plots.chain_observables(folder / "observables.png", chain, means, labels, self.exact, self.action.theory)
        if "log_weight" in outputs:
            plots.log_weights(
                folder / "weights.png", outputs["log_weight"], self.action.theory, self.exact.get("log_z")
            )

        if "gallery/beta" in outputs and isinstance(self.action, U1Gauge):
            scan = {name.removeprefix("gallery/"): v for name, v in outputs.items() if name.startswith("gallery/")}
            exact = [U1Gauge(self.action.size, beta).exact() for beta in scan["beta"].tolist()]
            plots.coupling_scan(folder / "scan.png", scan, exact, labels, self.action.theory)

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.action.observables)

    def _chain(self, outputs: Outputs, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """The observables (R, T) along the chains, and whether each step was accepted."""
        if "accepted" in outputs:
            return {name: outputs[f"chain/{name}"] for name in self._names}, outputs["accepted"]
        log_weight = outputs["log_weight"].astype(np.float64)
        at, accepted = independence_chain(log_weight, np.random.default_rng(seed).random(len(log_weight)))
        return {name: outputs[name][None, at] for name in self._names}, accepted[None]


def _of_weights(outputs: Outputs) -> dict[str, Callable[[np.ndarray], float]]:
    """Figures of the weights of draws of a density, or of single variables of chains; none of others."""
    if "ess" in outputs:
        return {"ess": lambda counts: float(counts @ outputs["ess"] / counts.sum())}
    if "log_weight" not in outputs:
        return {}
    log_weight = outputs["log_weight"].astype(np.float64)
    highest = log_weight.max()
    w = np.exp(log_weight - highest)
    return {
        "ess": lambda counts: float((counts @ w) ** 2 / (counts @ w**2) / counts.sum()),
        "log_z": lambda counts: float(highest + np.log(counts @ w / counts.sum())),
    }


def _with_error(name: str, mean: ChainMean, why: str = FROZEN) -> dict[str, float | str | None]:
    found: dict[str, float | str | None] = {name: mean.value, f"{name}_err": mean.error}
    return found if mean.error is not None else {**found, f"{name}_note": f"no error: {why}"}


def _longest(means: dict[str, ChainMean], n_steps: int) -> dict[str, float | str | None]:
    taus = {name: mean.tau for name, mean in means.items() if mean.tau is not None}
    if frozen := [name for name in means if name not in taus]:
        why = f"the chain never changes {', '.join(frozen)}" if n_steps > 1 else "the chain has a single step"
        return {"tau_int": None, "tau_int_err": None, "tau_int_note": why}
    tau, name = max((tau, name) for name, tau in taus.items())
    note = f"of {name}"
    if n_steps < SAFE * tau:
        note += f"; {n_steps:,} steps are only {n_steps / tau:.2g} times as long, so that errors may be too small"
    return {"tau_int": tau, "tau_int_err": means[name].tau_error, "tau_int_note": note}


def _rate(tau: object, error: object, seconds: float) -> dict[str, float | str | None]:
    if not isinstance(tau, float) or not isinstance(error, float):
        note = {"independent_per_second_note": "there is no tau_int"}
        return {"independent_per_second": None, "independent_per_second_err": None, **note}
    rate = 1 / (2 * tau * seconds)
    return {"independent_per_second": rate, "independent_per_second_err": rate * error / tau}
