"""Features of examples and of samples of a density."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.figures import COLOURS, figure

BINS, OUTSIDE = 40, 0.002  # share of the examples on either side that is in the outermost bins
MOST_FEATURES = 12


def samples(path: Path | str, examples: NDArray, drawn: NDArray, names: Sequence[str] = ()) -> None:
    """Draw the distribution of each feature of examples and samples (n, F), and their ratio with its error.

    Parameters
    ----------
    examples, drawn : in the units of the data set; at most the first 12 features are drawn.
    names : of the features.
    """
    n_features = min(examples.shape[1], MOST_FEATURES)
    with figure(path, 2.9 * n_features, 4.4, "examples of the first class, and samples of the density") as drawing:
        axes = drawing.subplots(2, n_features, sharex="col", squeeze=False, gridspec_kw={"height_ratios": (2, 1)})
        for k in range(n_features):
            low, high = np.quantile(examples[:, k], (OUTSIDE, 1 - OUTSIDE))
            edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
            ours, theirs = (np.histogram(np.clip(x[:, k], low, high), edges)[0] for x in (examples, drawn))
            above, below = axes[0, k], axes[1, k]
            for content, colour, text in zip((ours, theirs), COLOURS, ("examples", "samples"), strict=False):
                above.stairs(content / max(content.sum(), 1), edges, color=colour, label=text)
            middle, known = (edges[1:] + edges[:-1]) / 2, (ours > 0) & (theirs > 0)
            share = theirs[known] / ours[known] * (ours.sum() / max(theirs.sum(), 1))
            error = share * np.sqrt(1 / ours[known] + 1 / theirs[known])
            below.errorbar(middle[known], share, error, fmt=".", color=COLOURS[1], markersize=3, linewidth=0.8)
            below.axhline(1, color="0.6", linewidth=0.8)
            below.set(xlabel=names[k] if k < len(names) else f"feature {k + 1}", ylim=(0.5, 1.5))
            above.set_ylim(0, None)
        axes[0, 0].set(ylabel="fraction")
        axes[1, 0].set(ylabel="samples / examples")
        axes[0, 0].legend(frameon=False)
