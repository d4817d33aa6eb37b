"""Retrieval: whether the examples nearest to an example are of its class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hepexp.metric import Metric

AT_ONCE = 2**24  # pairs; 128 MiB in double precision
Likeness = Literal["cosine", "product", "distance", "fidelity"]
OF_RETRIEVAL = (
    Metric(
        "retrieval_top{k}",
        "higher",
        "retrieval top-{k}",
        "Fraction of test examples of whose class is one of their {k} nearest others: by the cosine of the "
        "embeddings, for loss=pair by their distance. Among at most 10,000 examples, drawn by the seed.",
        range="0 to 1",
        undefined="there is one example",
        each_epoch=False,
        values=("1", "5"),
    ),
    Metric(
        "fidelity_retrieval_top{k}",
        "higher",
        "retrieval top-{k} by fidelity",
        "As retrieval_top{k}, by the fidelity of the circuit states that the loss compares; of pairwise swap "
        "tests its mean over qubits.",
        range="0 to 1",
        undefined="there is one example",
        each_epoch=False,
        values=("1", "5"),
    ),
)


def found_within(rows: NDArray, label: NDArray[np.integer], ks: tuple[int, ...], by: Likeness) -> NDArray[np.float64]:
    """Whether one of the k nearest others of each example is of its class: 1 or 0, (n, len(ks)).

    Of fewer than k others all are taken; NaN where there is none.

    Parameters
    ----------
    rows : as for `nearest_others`.
    label : (n,) class of each example.
    """
    found = nearest_others(rows, max(ks), by)
    if not found.shape[1]:
        return np.full((len(label), len(ks)), np.nan)
    right = label[found] == label[:, None]
    return np.stack([right[:, :k].any(1) for k in ks], axis=1).astype(float)


def nearest_others(rows: NDArray, k: int, by: Likeness) -> NDArray[np.int64]:
    """The places (n, k) of the k examples that are most like each example, the most similar first, without itself.

    All pairs are compared, in chunks, so memory is linear in n. Of fewer than k others all are given.

    Parameters
    ----------
    rows : (n, D) embeddings, or state vectors for the fidelity.
    by : `cosine` of two embeddings, `product` for the inner one, `distance`, Euclidean, or `fidelity` |<a|b>|^2.
    """
    z, likeness = _prepared(rows, by)
    n, k = len(z), min(k, len(z) - 1)
    found = []
    for i in torch.arange(n).split(max(AT_ONCE // max(n, 1), 1)):
        alike = likeness(z[i])
        alike[torch.arange(len(i)), i] = -torch.inf
        found.append(alike.topk(k, dim=1).indices)
    return torch.cat(found).numpy()


def _prepared(rows: NDArray, by: Likeness) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """The rows in double precision, and what compares some of them with all."""
    z = torch.from_numpy(np.ascontiguousarray(rows))
    z = z.to(torch.complex128 if by == "fidelity" else torch.float64)
    if by == "fidelity":
        return z, lambda some: (some.conj() @ z.T).abs().square()
    if by != "distance":
        z = torch.nn.functional.normalize(z, dim=1) if by == "cosine" else z
        return z, lambda some: some @ z.T
    z = z - z.mean(0)  # far from the origin |a - b|^2 would lose its digits
    squares = z.square().sum(1)
    return z, lambda some: 2 * some @ z.T - squares  # |a|^2 - |a - b|^2
