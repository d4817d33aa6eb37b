"""Points in the plane whose distribution is invariant only under O(2), which a symmetry search must find."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hepexp.data.store.limits import Limits
from hepexp.data.store.ragged import Layout, Ragged
from hepexp.simulation.block import block_seed

# coordinates of the one point of each example
LAYOUT = Layout({"x": np.float32, "y": np.float32}, limits=dict.fromkeys("xy", Limits(-1e6, 1e6)))
CLASSES = ("inner", "outer")
PACKAGES: tuple[str, ...] = ()
BLOCK = 20_000
RADIUS = {"inner": 0.75, "outer": 1.5}
SPREAD = 0.15  # of ln(radius / RADIUS), Gaussian


def settings(kind: str) -> list[str]:
    """The parameters of the distribution of a class."""
    return [f"median radius = {RADIUS[kind]}", f"spread of ln radius = {SPREAD}", "angle = uniform in [0, 2 pi)"]


def make_block(kind: str, seed: int, block: int, n: int, report: Callable[[int], None] = lambda made: None) -> Ragged:
    """The n points of a block; see `Generator`.

    The distribution is uniform in angle. As a ring has a scale, its distribution is not invariant under dilations,
    squeezes or shears: the only linear transformations that preserve it are rotations and reflections.
    """
    label = CLASSES.index(kind)
    random = np.random.default_rng(block_seed(seed, label, block, len(CLASSES)))
    radius = RADIUS[kind] * np.exp(random.normal(0, SPREAD, n))
    angle = random.uniform(0, 2 * np.pi, n)
    columns = {"x": radius * np.cos(angle), "y": radius * np.sin(angle)}
    report(n)
    return Ragged(
        np.full(n, label, np.int8),
        np.arange(n + 1),
        {name: columns[name].astype(kind) for name, kind in LAYOUT.elements.items()},
    )
