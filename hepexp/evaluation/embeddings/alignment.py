"""Alignment and uniformity: how close positive pairs are on the unit sphere, and how evenly it is filled.

References
----------
T. Wang, P. Isola, "Understanding contrastive representation learning through alignment and uniformity on the
hypersphere", arXiv:2005.10242, section 4.1.1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from hepexp.metric import Metric

AT_ONCE = 2**24  # pairs; 64 MiB in single precision
T = 2.0  # of the Gaussian potential, as in the paper
OF_ALIGNMENT = (
    Metric(
        "alignment",
        "lower",
        "alignment",
        "Mean squared distance of the embeddings of an example and another of its class on the unit sphere "
        "(arXiv:2005.10242, section 4.1.1); small in a collapsed embedding too, so see uniformity.",
        range="0 to 4; 2 if classes have no part in an isotropic embedding",
        undefined="there is no pair of examples of one class",
        each_epoch=False,
    ),
    Metric(
        "view_alignment",
        "lower",
        "alignment of views",
        "Mean squared distance of the embeddings of the two random views of an example on the unit sphere "
        "(arXiv:2005.10242, section 4.1.1), where the loss compares views.",
        range="0 to 4",
        each_epoch=False,
    ),
    Metric(
        "uniformity",
        "lower",
        "uniformity",
        "log of the mean of exp(-2 d^2) over pairs of examples, d their distance on the unit sphere "
        "(arXiv:2005.10242, section 4.1.2): 0 if embeddings have collapsed, near -4 if they are isotropic in many "
        "dimensions. Among at most 10,000 examples, drawn by the seed.",
        range="-8 to 0",
        undefined="there is one example",
        each_epoch=False,
    ),
)


def on_sphere(embedding: NDArray) -> NDArray[np.float64]:
    """Embeddings (n, D) of unit length, in float64; zeros remain."""
    z = embedding.astype(np.float64)
    norm = np.linalg.norm(z, axis=1, keepdims=True)
    return z / np.where(norm > 0, norm, 1)


def alignment_of(embedding: NDArray, label: NDArray[np.integer]) -> Callable[[NDArray], float]:
    """E |u_i - u_j|^2 for an example i and another one j of its class, as a function of the weights (n,) of examples.

    u are the embeddings on the unit sphere. Copies of an example in a bootstrap replica make no pair. All pairs count,
    at the cost of a sum: sum_{i != j} w_i w_j u_i u_j = |sum_i w_i u_i|^2 - sum_i w_i^2 |u_i|^2.

    Parameters
    ----------
    embedding : (n, D); label : (n,).
    """
    u = on_sphere(embedding)
    squares = np.square(u).sum(1)
    classes = [np.flatnonzero(label == kind) for kind in np.unique(label)]

    def of(weight: NDArray) -> float:
        above = below = 0.0
        for members in classes:
            w = weight[members].astype(np.float64)
            pairs = w.sum() ** 2 - w @ w
            if pairs <= 0:  # a single example has no other
                continue
            length = w @ squares[members]
            apart = 2 * (w.sum() * length - np.square(w @ u[members]).sum())  # w_i w_j |u_i - u_j|^2; none for i = j
            above, below = above + w.sum() * apart / pairs, below + w.sum()
        return above / below if below > 0 else float("nan")

    return of


def uniformity_of(embedding: NDArray, weight: NDArray | None = None) -> Callable[[NDArray], float]:
    """log E exp(-2 |u_i - u_j|^2) over pairs of different examples, as a function of their weights (n,).

    The double sum is computed once, in chunks, with the weights of the examples; for others, as those of bootstrap
    replicas, it follows to first order in their differences, which is what an error needs.

    Parameters
    ----------
    embedding : (n, D).
    weight : (n,) of the examples; they count alike without it.
    """
    w = np.ones(len(embedding)) if weight is None else weight.astype(np.float64)
    others = w.sum() - w
    with np.errstate(divide="ignore", invalid="ignore"):
        each = _potential(on_sphere(embedding), w) / others  # the mean potential of all others at each example
        mean = float(w * others @ each / (w @ others))

    def of(weight: NDArray) -> float:
        with np.errstate(divide="ignore", invalid="ignore"):
            found = mean + 2 * (weight @ each / weight.sum() - w @ each / w.sum())
            return float(np.log(found))

    return of


def _potential(u: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """sum_{j != i} w_j exp(-T |u_i - u_j|^2) (n,)."""
    z, w = torch.from_numpy(u).float(), torch.from_numpy(weight)
    squares = z.square().sum(1)
    found = [torch.zeros(0, dtype=torch.float64)]
    for i in torch.arange(len(z)).split(max(AT_ONCE // max(len(z), 1), 1)):
        exponent = (2 * T) * (z[i] @ z.T) - T * (squares[i, None] + squares)
        each = exponent.clamp_(max=0).exp_()
        each[torch.arange(len(i)), i] = 0
        found.append(each.double() @ w)
    return torch.cat(found).numpy()
