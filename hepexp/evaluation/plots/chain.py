"""Markov chains: their history, their autocorrelation, and the observables along them beside exact values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.evaluation.autocorrelation import ChainMean
from hepexp.evaluation.rounding import with_error
from hepexp.figures import COLOURS, figure, legend_above

SHOWN_STEPS, SHOWN_CHAINS, BINS = 1000, 3, 60


def chain_history(
    path: Path | str, chain: Mapping[str, NDArray], labels: Mapping[str, str], theory: str, step: str
) -> None:
    """Draw the observables (R, T) along the first steps of the first chains."""
    with figure(path, 6.4, 1.4 * len(chain) + 0.6, f"{theory}: the first steps of the chain") as drawing:
        rows = drawing.subplots(len(chain), 1, sharex=True, squeeze=False)[:, 0]
        for axes, (name, values) in zip(rows, chain.items(), strict=True):
            for k, one in enumerate(values[:SHOWN_CHAINS, :SHOWN_STEPS]):
                axes.plot(one, color=COLOURS[k], lw=0.7)
            axes.set_ylabel(labels[name])
        rows[-1].set_xlabel(step)


def autocorrelation(
    path: Path | str, means: Mapping[str, ChainMean], labels: Mapping[str, str], theory: str, step: str
) -> None:
    """Draw the normalised autocorrelation of each observable up to twice the window of its sum, which is marked."""
    moving = {name: mean for name, mean in means.items() if mean.tau is not None}
    with figure(path, 5.0, 3.8, f"{theory}: autocorrelation along the chain") as drawing:
        axes = drawing.subplots()
        for k, (name, mean) in enumerate(moving.items()):
            n = min(len(mean.rho), 2 * mean.window + 3)
            label = rf"{labels[name]}: $\tau_\mathrm{{int}}$ = {with_error(mean.tau, mean.tau_error)}"
            axes.plot(np.arange(n), mean.rho[:n], "o-", ms=2.5, lw=1, color=COLOURS[k], label=label)
            axes.axvline(mean.window, color=COLOURS[k], lw=0.8, ls=":")
        axes.axhline(0, color="0.6", lw=0.8)
        axes.set(xlabel=f"distance in {step.removesuffix('y')}{'ies' if step.endswith('y') else 's'}", ylabel=r"$\rho$")
        if moving:
            legend_above(axes, columns=1)
        else:
            axes.text(0.5, 0.5, "no observable ever changes", ha="center", transform=axes.transAxes)


def chain_observables(
    path: Path | str,
    chain: Mapping[str, NDArray],
    means: Mapping[str, ChainMean],
    labels: Mapping[str, str],
    exact: Mapping[str, float],
    theory: str,
) -> None:
    """Draw the distribution of each observable along the chain, its mean with error, and the exact value if known."""
    with figure(path, 3.0 * len(chain), 3.0, f"{theory}: observables along the chain") as drawing:
        for axes, (name, values) in zip(drawing.subplots(1, len(chain), squeeze=False)[0], chain.items(), strict=True):
            whole = np.equal(values, np.round(values)).all()
            low, high = (values.min(), values.max()) if whole else np.quantile(values, (0.001, 0.999))
            edges = (
                np.arange(low - 0.5, high + 1.5) if whole else np.linspace(low, high if high > low else low + 1, BINS)
            )
            axes.hist(np.ravel(values), edges, density=True, color=COLOURS[0], alpha=0.5)
            mean = means[name]
            error = mean.error or 0.0
            axes.axvspan(
                mean.value - error, mean.value + error, color=COLOURS[1], lw=1, label=with_error(mean.value, mean.error)
            )
            if name in exact:
                axes.axvline(exact[name], color="black", lw=1, ls="--", label=f"exact {exact[name]:.5g}")
            axes.set(xlabel=labels[name], yticks=[])
            legend_above(axes, columns=1)


def log_weights(path: Path | str, log_weight: NDArray, theory: str, log_z: float | None) -> None:
    """Draw the distribution of the logarithms of the weights exp(-S) / q, and ln Z if it is known."""
    with figure(path, 4.6, 3.4, f"{theory}: weights of draws") as drawing:
        axes = drawing.subplots()
        low, high = np.quantile(log_weight, (0.002, 1))
        edges = np.linspace(low, high if high > low else low + 1, BINS)
        axes.hist(log_weight, edges.tolist(), density=True, color=COLOURS[0], alpha=0.6, label="draws")
        if log_z is not None:
            axes.axvline(log_z, color="black", lw=1, ls="--", label=r"exact $\ln Z$")
        axes.set(xlabel=r"$-S - \ln q$", ylabel="density", yscale="log")
        legend_above(axes)


def coupling_scan(
    path: Path | str,
    scan: Mapping[str, NDArray],
    exact: Sequence[Mapping[str, float]],
    labels: Mapping[str, str],
    theory: str,
) -> None:
    """Draw ESS and weighted observables of draws (K, n) at K values of beta, beside exact ones."""
    beta, names = scan["beta"], [name for name in labels if any(one.get(name) for one in exact)]
    w = np.exp((scan["log_weight"] - scan["log_weight"].max(1, keepdims=True)).astype(np.float64))
    share = w / w.sum(1, keepdims=True)
    with figure(path, 3.0 * (1 + len(names)), 3.0, f"{theory}: one flow at all couplings") as drawing:
        first, *others = drawing.subplots(1, 1 + len(names))
        first.plot(beta, 1 / (share**2).sum(1) / w.shape[1], "o-", ms=4, color=COLOURS[0])
        first.set(xlabel=r"$\beta$", ylabel="ESS", ylim=(0, 1))
        for axes, name in zip(others, names, strict=True):
            mean = (share * scan[name]).sum(1)
            error = np.sqrt((share**2 * (scan[name] - mean[:, None]) ** 2).sum(1))
            axes.errorbar(beta, mean, error, fmt="o", ms=4, color=COLOURS[0], label="flow, weighted")
            axes.plot(beta, [one[name] for one in exact], color="black", lw=1, ls="--", label="exact")
            axes.set(xlabel=r"$\beta$", ylabel=labels[name])
            legend_above(axes, columns=1)
