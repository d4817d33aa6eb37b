"""The key `model.metric`, whose value may name a run: the invariant metric that the run has found."""

from __future__ import annotations

from hepexp.errors import ConfigError
from hepexp.tracking.run_folder import RunFolder, named_run

KEY = "model.metric"
OF = "symmetry/metric_"  # begins the names of what a run says of its metric


def resolved(value: object) -> object:
    """The value of the key, or the rows of the metric that a run has found if it names one."""
    run = named_run(value, KEY) if isinstance(value, str) else None
    return value if run is None else metric_of(run)


def metric_of(run: RunFolder) -> list[list[float]]:
    """The rows of the invariant metric J in a run's metrics.json.

    Raises
    ------
    ConfigError : the run searched for no symmetry, found no metric that is invariant, or several.
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
    named = [[f"{OF}J_{min(a, b)}{max(a, b)}" for b in range(n)] for a in range(n)]
    listed = [name for row in named for name in row] if n else [f"{OF}J_00"]
    if missing := [name for name in (*listed, f"{OF}dimension") if figures.get(name) is None]:
        raise ConfigError(f"{KEY}: {run.label} does not list its metric: {missing[0]} is missing")
    if (dimension := figures[f"{OF}dimension"]) > 1:
        raise ConfigError(
            f"{KEY}: {run.label} leaves {dimension} independent metrics invariant; expected one, so search with more "
            "generators (model.n_channels), choose another run, or minkowski"
        )
    return [[float(figures[name]) for name in row] for row in named]
