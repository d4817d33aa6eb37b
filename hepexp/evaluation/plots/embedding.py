"""An embedding in the plane: its two largest principal components, and t-SNE beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hepexp.figures import COLOURS, class_name, figure, legend_above

LAYOUT = 3  # of the legend
MOST = 3000  # examples that are drawn: more would hide each other
MOST_TSNE = 500  # examples, which take seconds


def embedding_map(
    path: Path | str,
    embedding: np.ndarray,
    label: np.ndarray,
    class_names: tuple[str, ...] = (),
    title: str = "embedding: first two principal components",
    seed: int | None = None,
) -> None:
    """Draw examples at their first two principal components, coloured by class, and perhaps their t-SNE.

    Parameters
    ----------
    embedding : (n, D); label : (n,).
    seed : of the examples that are drawn, and of the t-SNE, which is drawn beside; without a seed there is none.

    References
    ----------
    L. van der Maaten, G. Hinton, "Visualizing data using t-SNE", JMLR 9 (2008) 2579.
    """
    chosen = np.random.default_rng(seed or 0).permutation(len(label))[:MOST]
    embedding, label = embedding[chosen].astype(np.float64), label[chosen]
    centred = embedding - embedding.mean(0)
    _, singular, directions = np.linalg.svd(centred, full_matrices=False)
    share = singular**2 / max(float((singular**2).sum()), np.finfo(float).tiny)
    place = centred @ directions[:2].T
    if place.shape[1] < 2:
        place, share = np.pad(place, ((0, 0), (0, 1))), np.pad(share, (0, 1))
    beside = None if seed is None else _tsne(centred[:MOST_TSNE], seed)
    panels = 1 if beside is None else 2
    with figure(path, 5.4 * panels - 0.4 * (panels - 1), 4.6 + 0.17 * (len(np.unique(label)) // LAYOUT), title) as page:
        axes = page.subplots(1, panels, squeeze=False)[0]
        _scatter(axes[0], place, label, class_names)
        axes[0].set(xlabel=f"component 1 ({share[0]:.0%} of the variance)", ylabel=f"component 2 ({share[1]:.0%})")
        if beside is not None:
            _scatter(axes[1], beside, label[: len(beside)], class_names)
            axes[1].set(xlabel="t-SNE 1", ylabel="t-SNE 2")


def _scatter(axes, place: np.ndarray, label: np.ndarray, class_names: tuple[str, ...]) -> None:
    size = np.clip(12_000 / max(len(place), 1), 4, 25)
    for c in np.unique(label):
        own = label == c
        name = f"{class_name(class_names, int(c))} ({own.sum():,})"
        axes.scatter(*place[own].T, s=size, alpha=0.5, linewidths=0, color=COLOURS[c % len(COLOURS)], label=name)
    legend_above(axes, LAYOUT)
    for handle in axes.get_legend().legend_handles:
        handle.set(sizes=[36], alpha=1)


def _tsne(centred: np.ndarray, seed: int) -> np.ndarray | None:
    """Places (n, 2); None of fewer than four examples, or of a collapsed embedding, which has none."""
    from sklearn.manifold import TSNE

    spread = centred.std()
    if len(centred) < 4 or not spread > 0 or len(np.unique(centred, axis=0)) < 4:
        return None
    perplexity = min(30.0, (len(centred) - 1) / 3)
    return TSNE(perplexity=perplexity, init="random", random_state=seed).fit_transform(centred / spread)
