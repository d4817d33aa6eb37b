"""Bootstrap replicas of a test set: how often each example is drawn, times its weight.

References
----------
B. Efron, "Bootstrap methods: another look at the jackknife", Ann. Statist. 7 (1979) 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

TAIL = 0.1587  # of a normal distribution beyond one standard deviation, on either side
OF_CENTRAL = "half the width of the central 68 % of bootstrap replicas of the examples"  # what `central` is
ROUNDING = 1e-12  # relative difference of replicas that agree
Width = Callable[[Sequence[float]], float | None]


def replicas(n: int, n_replicas: int, seed: int, weight: np.ndarray | None = None) -> Iterator[np.ndarray]:
    """Yield `n_replicas` times the weights (n,) of n examples drawn from n with replacement.

    One at a time: 200 replicas of 400,000 examples would fill 640 MB.

    Parameters
    ----------
    weight : (n,) of the examples, by which the number of draws is multiplied; without it the weights are int64.
    """
    rng = np.random.default_rng(seed)
    for _ in range(n_replicas):
        drawn = np.bincount(rng.integers(0, n, size=n), minlength=n)
        yield drawn if weight is None else drawn * weight


def ones(n: int, weight: np.ndarray | None = None) -> np.ndarray:
    """The weights (n,) of the examples themselves, int64 ones where they have none."""
    return np.ones(n, np.int64) if weight is None else np.asarray(weight, np.float64)


def effective_number(weight: np.ndarray) -> float:
    """(sum w)^2 / sum w^2: the number of examples without weights of which the sum has the same relative error.

    References
    ----------
    L. Kish, "Survey Sampling", Wiley (1965), section 11.2.
    """
    squares = float(np.sum(np.square(weight, dtype=np.float64)))
    return float(np.sum(weight, dtype=np.float64)) ** 2 / squares if squares else 0.0


def spread(values: Sequence[float]) -> float | None:
    """Standard deviation over replicas, the usual bootstrap error; None when it has no finite value.

    NaN replicas (no example of a class was drawn) are left out. An infinite one (no background passed) makes the error
    infinite.
    """
    known = _known(values)
    if len(known) < 2 or not np.isfinite(known).all():
        return None
    return float(np.std(known, ddof=1))


def central(values: Sequence[float]) -> float | None:
    """Half the width of the central 68 % of the replicas: the error of a figure with heavy tails, such as 1/eB.

    It is the standard deviation if they are normally distributed. Replicas that are infinite count as large; None if
    more than 16 % are. NaN replicas are left out.

    References
    ----------
    B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap", Chapman & Hall (1993), chapter 13 (percentiles).
    """
    known = _known(values)
    if len(known) < 2:
        return None
    low, high = np.quantile(known, (TAIL, 1 - TAIL), method="inverted_cdf")
    return float(high - low) / 2 if np.isfinite([low, high]).all() else None


def _known(values: Sequence[float]) -> NDArray[np.float64]:
    """Those that are not NaN."""
    found = np.asarray(values, dtype=np.float64)
    return found[~np.isnan(found)]


def error_of(draws: Sequence[float], n: int, width: Width = spread) -> tuple[float | None, str]:
    """The error of a figure from its replicas, or None and the reason why there is none.

    Replicas that agree say nothing about the error, as those of an accuracy of 1, or of a single example.

    Parameters
    ----------
    n : number of examples.
    """
    error, values = width(draws), np.asarray(draws, dtype=np.float64)
    if n == 1:
        return None, "no error: one example"
    if error is None:
        infinite = np.isinf(values).mean() if len(values) else 0
        return None, f"no error: {f'{infinite:.0%}' if infinite else 'some'} of the bootstrap replicas have no value"
    if error <= ROUNDING * np.abs(values[np.isfinite(values)]).max():
        return None, "no error: the bootstrap replicas agree"
    return error, ""


def with_errors(
    figures: Mapping[str, Callable[[np.ndarray], float]],
    n: int,
    seed: int,
    n_replicas: int = 200,
    weight: np.ndarray | None = None,
) -> dict[str, float | str | None]:
    """Each figure of n examples, and its bootstrap error as `<name>_err`, or the reason for none as `<name>_note`.

    The note also says that a figure has no value as the weights do not add up to a positive number.

    Parameters
    ----------
    figures : for each name, a function of the weights (n,) of the examples.
    weight : (n,) of the examples; without it they count alike.
    """
    draws = list(replicas(n, n_replicas, seed, weight))
    found: dict[str, float | str | None] = {}
    for name, of in figures.items():
        found[name] = value = of(ones(n, weight))
        found[f"{name}_err"], reason = error_of([of(weight) for weight in draws], n)
        if not np.isfinite(value):
            reason = no_sum(weight)
        if reason:
            found[f"{name}_note"] = reason
    return found


def no_sum(weight: np.ndarray | None, whose: str = "the examples") -> str:
    """Why a mean has no value: the weights do not add up to a positive number; empty if they do.

    Parameters
    ----------
    weight : (n,) of the examples; None if they count alike.
    """
    if weight is None or not len(weight) or (total := float(np.sum(weight, dtype=np.float64))) > 0:
        return ""
    return f"the weights of {whose} add up to {total:.6g}, not to a positive number"


def mean_of(values: np.ndarray) -> Callable[[np.ndarray], float]:
    """The mean of values (n,) as a function of their weights, in float64."""
    values = values.astype(np.float64)
    return lambda weight: mean(values, weight)


def mean(values: np.ndarray, weight: np.ndarray) -> float:
    """sum w x / sum w; NaN where the sum of the weights is not positive."""
    total = weight.sum()
    return float(weight @ values / total) if total > 0 else float("nan")


def ratio(above: np.ndarray, below: np.ndarray) -> Callable[[np.ndarray], float]:
    """sum w a / sum w b of counts (n,) as a function of the weights; NaN where the divisor is not positive."""

    def of(weight: np.ndarray) -> float:
        total = weight @ below
        return float(weight @ above / total) if total > 0 else float("nan")

    return of
