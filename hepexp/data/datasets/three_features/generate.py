"""Graphs of nodes with three Gaussian features, of which only the third tells the classes apart."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hepexp.data.store.limits import Limits
from hepexp.data.store.ragged import Layout, Ragged
from hepexp.simulation.block import block_seed

FEATURES = ("first", "second", "third")
LAYOUT = Layout(dict.fromkeys(FEATURES, np.float32), limits=dict.fromkeys(FEATURES, Limits(-1e6, 1e6)))
CLASSES = ("below", "above")
PACKAGES: tuple[str, ...] = ()
BLOCK = 10_000
NODES = 8
# The mean of the third feature is -SHIFT or +SHIFT, its standard deviation 1. The best classifier sums it over the
# nodes: its accuracy is Phi(SHIFT sqrt(NODES)) = Phi(1) = 0.8413, its AUC Phi(sqrt 2) = 0.9214.
SHIFT = NODES**-0.5


def settings(kind: str) -> list[str]:
    """The parameters of the distribution of a class."""
    mean = SHIFT * (1 if kind == "above" else -1)
    return [f"nodes = {NODES}", "features = Gaussian with variance 1", f"means = 0, 0, {mean:.6f}"]


def make_block(kind: str, seed: int, block: int, n: int, report: Callable[[int], None] = lambda made: None) -> Ragged:
    """The n graphs of a block; see `Generator`."""
    label = CLASSES.index(kind)
    random = np.random.default_rng(block_seed(seed, label, block, len(CLASSES)))
    values = random.normal(size=(n * NODES, len(FEATURES)))
    values[:, 2] += SHIFT * (2 * label - 1)
    report(n)
    return Ragged(
        np.full(n, label, np.int8),
        np.arange(n + 1) * NODES,
        {name: values[:, k].astype(dtype) for k, (name, dtype) in enumerate(LAYOUT.elements.items())},
    )
