"""Means of Markov chains with errors that know of autocorrelations: the Gamma method.

References
----------
U. Wolff, "Monte Carlo errors with less errors", Comput. Phys. Commun. 156 (2004) 143, hep-lat/0306017.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

S = 1.5  # tau / tau_int that the window assumes, as in the paper's programs


@dataclass(frozen=True)
class ChainMean:
    """The mean of an observable over chains.

    Parameters
    ----------
    value, error : of the mean; no error where the observable never changes.
    tau, tau_error : integrated autocorrelation time in steps, 1/2 for independent ones.
    rho : normalised autocorrelation at 0, 1, ... steps.
    window : steps up to which it is summed.
    """

    value: float
    error: float | None
    tau: float | None
    tau_error: float | None
    rho: NDArray[np.float64]
    window: int


def chain_mean(chains: NDArray) -> ChainMean:
    """Mean, error and integrated autocorrelation time of an observable (R, T) along R chains of T steps.

    The window is where the sum of truncation and statistical error of tau_int is smallest, by equation 52 of the paper;
    the bias of equation 49, from subtracting the mean of the same data, is corrected, and the error of tau_int is that
    of equation 42. Chains that do not reach each other's values have a long autocorrelation time, as they should.
    """
    x = np.atleast_2d(np.asarray(chains, dtype=np.float64))
    length, n, value = x.shape[1], x.size, float(x.mean())
    gamma = _autocovariance(x - value)
    if length < 2 or gamma[0] <= 1e-24 * (value**2 + 1e-300):
        return ChainMean(value, None, None, None, np.ones(1), 0)
    rho = gamma / gamma[0]
    sums = 0.5 + np.concatenate([[0.0], np.cumsum(rho[1:])])  # tau_int by window
    w = np.arange(1, len(rho))
    inside = np.maximum(sums[1:], 0.5 + 1e-12)
    tau = S / np.log((2 * inside + 1) / (2 * inside - 1))
    stops = np.flatnonzero(np.exp(-w / tau) - tau / np.sqrt(w * n) < 0)
    window = int(w[stops[0]]) if len(stops) else len(rho) - 1
    spread = gamma[0] + 2 * gamma[1 : window + 1].sum()
    gamma = gamma + spread / n
    spread = max(gamma[0] + 2 * gamma[1 : window + 1].sum(), gamma[0] / n)
    tau_int = spread / (2 * gamma[0])
    tau_error = tau_int * 2 * np.sqrt(max(window + 0.5 - tau_int, 0.0) / n)
    return ChainMean(value, float(np.sqrt(spread / n)), float(tau_int), float(tau_error), gamma / gamma[0], window)


def independence_chain(log_weight: NDArray, uniform: NDArray) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Metropolis with independent proposals of weights w = p / q: the next is accepted with probability min(1, w' / w).

    Parameters
    ----------
    log_weight : ln w (n,) of the proposals, up to a constant; the chain begins with the first.
    uniform : (n,) in [0, 1).

    Returns
    -------
    The proposal (n,) at which the chain is after each step, and whether the step was accepted, as the first counts.
    """
    at, here = np.zeros(len(log_weight), np.intp), 0
    threshold = np.log(np.maximum(uniform, 1e-300))
    values, limits = log_weight.tolist(), threshold.tolist()
    for k in range(1, len(values)):
        if limits[k] < values[k] - values[here]:
            here = k
        at[k] = here
    return at, at == np.arange(len(at))


def effective_size(log_weight: NDArray) -> float:
    """(sum w)^2 / (n sum w^2), from 1/n to 1, of weights exp(log_weight) (n,)."""
    w = np.exp(log_weight - log_weight.max())
    return float(w.sum() ** 2 / (w**2).sum() / len(w))


def _autocovariance(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gamma(t) (T // 2 + 1,), the mean over all pairs of t steps of all chains (R, T), by a Fourier transform."""
    n_chains, length = centred.shape
    most = length // 2 + 1
    power = np.abs(np.fft.rfft(centred, 2 * length, axis=1)) ** 2
    sums = np.fft.irfft(power, 2 * length, axis=1).sum(0)[:most]
    return sums / (n_chains * (length - np.arange(most)))
