"""The key `model.metric`, whose value may name a run: the invariant metrics that the run has found."""

from __future__ import annotations

from hepexp.errors import ConfigError
from hepexp.tracking.run_folder import RunFolder, named_run

KEY = "model.metric"
OF = "symmetry/metric_"  # begins the names of what a run says of its metric


def resolved(value: object) -> object:
    """The value of the key, or, if it names a run, the rows of the metric that it has found, or of each of several."""
    run = named_run(value, KEY) if isinstance(value, str) else None
    if run is None:
        return value
    first, *others = metrics_of(run)
    return [first, *others] if others else first


def metrics_of(run: RunFolder) -> list[list[list[float]]]:
    """The rows of each invariant metric J in a run's metrics.json.

    Raises
    ------
    ConfigError : the run searched for no symmetry, found no metric that is invariant, or more than it lists.
    """
    figures = run.metrics
    exists, smallest = (figures.get(f"{OF}{name}") for name in ("exists", "smallest_singular_value"))
    if exists is None:
        raise ConfigError(
            f"{KEY}: {run.label} searched for no metric; expected a run with loss=lie_gan, or loss=latent_flow with "
            "linear fields (model.widths=null)"
        )
    if not exists:
        found = "" if smallest is None else f" (smallest singular value {smallest:.3g} of the largest)"
        raise ConfigError(f"{KEY}: {run.label} found no invariant metric{found}; choose another run, or minkowski")
    n = sum(f"{OF}J_{a}{a}" in figures for a in range(10))
    dimension = figures.get(f"{OF}dimension")
    if dimension is not None and not 1 <= dimension <= max(n * (n + 1) // 2, 1):
        raise ConfigError(f"{KEY}: {run.label} lists {dimension:g} metrics, more than {n}x{n} matrices can be")
    named = [_elements(n or 1, "" if k == 0 else f"{k + 1}_") for k in range(int(dimension or 1))]
    listed = [name for metric in named for row in metric for name in row]
    if missing := [name for name in (*listed, f"{OF}dimension") if figures.get(name) is None]:
        raise ConfigError(f"{KEY}: {run.label} does not list its metric: {missing[0]} is missing")
    return [[[float(figures[name]) for name in row] for row in metric] for metric in named]


def _elements(n: int, of: str) -> list[list[str]]:
    """The names of the elements of one n x n metric."""
    return [[f"{OF}{of}J_{min(a, b)}{max(a, b)}" for b in range(n)] for a in range(n)]
