"""Whether an exported file gives the scores of the run that it comes from, on examples of the test split."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hepexp.data.loading.dataset import SplitDataset
from hepexp.errors import HepexpError
from hepexp.export.network import ExportedNetwork

TOLERANCE = 1e-4  # of a probability
EXAMPLES = 256
SIZES = (1, 7, 32)  # of batches, in turn; none is that of the tracing
Scores = Callable[[Mapping[str, NDArray]], NDArray]


@dataclass(frozen=True)
class Parity:
    """The largest difference of a score.

    Parameters
    ----------
    difference : of a probability, over all examples and classes.
    examples : how many.
    multiplicities : smallest and largest number of particles; None where examples have none.
    """

    difference: float
    examples: int
    multiplicities: tuple[int, int] | None

    def require(self, what: str) -> None:
        """Refuse a file whose scores are not those of the run.

        Raises
        ------
        HepexpError : they differ by more than TOLERANCE.
        """
        if not self.difference <= TOLERANCE:
            raise HepexpError(
                f"{what} was not written: its scores differ by up to {self.difference:.2g} from those of the run on "
                f"{self.examples:,} test examples; expected at most {TOLERANCE:g}"
            )


def rows_to_check(examples: SplitDataset, n: int = EXAMPLES) -> NDArray[np.int64]:
    """Rows of the store (k,) of at most n examples of a split, of all multiplicities, the extremes among them."""
    order = np.argsort(examples.counts, kind="stable")
    chosen = np.unique(np.linspace(0, len(order) - 1, min(n, len(order))).round().astype(np.int64))
    return examples.rows[order[chosen]]


def reference(network: ExportedNetwork, examples: SplitDataset, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """The scores (n, C) of the run itself: batches as the data set makes them, in the fast form of the model."""
    place = np.searchsorted(np.sort(examples.rows), rows)
    positions = np.argsort(examples.rows, kind="stable")[place]
    found: list[Tensor] = []
    with torch.inference_mode():
        for part in np.array_split(positions, max(1, len(positions) // 32)):
            found.append(network.objective.outputs(network.model, examples[part])["scores"].float())
    return torch.cat(found).numpy()


def parity(
    network: ExportedNetwork, scores: Scores, examples: SplitDataset, rows: NDArray[np.int64], wanted: NDArray
) -> Parity:
    """Compare a file's scores with `wanted` (n, C) of the examples at these rows (n,), in batches of several sizes."""
    order = np.random.default_rng(0).permutation(len(rows))  # jets of different multiplicity share a batch
    worst, start, batch = 0.0, 0, 0
    while start < len(order):
        part = order[start : start + SIZES[batch % len(SIZES)]]
        found = scores(network.feed(examples.store.take(rows[part])))
        difference = np.abs(found - wanted[part])
        worst = max(worst, float(np.where(np.isfinite(difference), difference, np.inf).max()))
        start, batch = start + len(part), batch + 1
    counts = examples.store.counts[rows]
    has_particles = any("particles" in one.axes for one in network.tensors)
    return Parity(worst, len(rows), (int(counts.min()), int(counts.max())) if has_particles else None)


def scores_of_module(network: ExportedNetwork, module: Callable[..., Tensor]) -> Scores:
    """Scores of a torch program or script that takes the inputs in order."""

    def scores(fed: Mapping[str, NDArray]) -> NDArray:
        with torch.inference_mode():
            return module(*network.in_order(fed)).numpy()

    return scores
