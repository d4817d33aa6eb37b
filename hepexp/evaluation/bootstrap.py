"""Bootstrap replicas of a test set: how often each example is drawn.

References
----------
B. Efron, "Bootstrap methods: another look at the jackknife", Ann. Statist. 7 (1979) 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np


def replicas(n: int, n_replicas: int, seed: int) -> Iterator[np.ndarray]:
    """Yield `n_replicas` times the weights (n,) int64 of n examples drawn from n with replacement.

    One at a time: 200 replicas of 400,000 examples would fill 640 MB.
    """
    rng = np.random.default_rng(seed)
    for _ in range(n_replicas):
        yield np.bincount(rng.integers(0, n, size=n), minlength=n)


def spread(values: list[float]) -> float | None:
    """Standard deviation over replicas, the bootstrap error; None when it has no finite value.

    NaN replicas (no example of a class was drawn) are left out. An infinite one (no background passed) makes the error
    infinite.
    """
    values = np.asarray(values, dtype=np.float64)
    values = values[~np.isnan(values)]
    if len(values) < 2 or not np.isfinite(values).all():
        return None
    return float(np.std(values, ddof=1))


def with_errors(
    figures: Mapping[str, Callable[[np.ndarray], float]], n: int, seed: int, n_replicas: int = 200
) -> dict[str, float | None]:
    """Each figure of n examples, and its bootstrap error as `<name>_err`.

    Parameters
    ----------
    figures : for each name, a function of the weights (n,) of the examples.
    """
    draws = list(replicas(n, n_replicas, seed))
    found: dict[str, float | None] = {}
    for name, of in figures.items():
        found[name] = of(np.ones(n, np.int64))
        found[f"{name}_err"] = spread([of(weight) for weight in draws])
    return found


def mean_of(values: np.ndarray) -> Callable[[np.ndarray], float]:
    """The mean of values (n,) as a function of their weights, in float64."""
    values = values.astype(np.float64)
    return lambda weight: float(weight @ values / len(values))
