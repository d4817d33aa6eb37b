"""Whose the relevance is: of a particle, a node, a pixel or a feature, and of which column."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from hepexp.batch import Batch, FeatureBatch, GraphBatch, ImageBatch, JetBatch
from hepexp.explanation.names import Names
from hepexp.explanation.relevance import Relevance
from hepexp.models.layers.pair_features import triangle

BEFORE = 3  # tokens at most that a model puts before the particles: two beams, and one for its output


@dataclass
class OfElements:
    """The relevance of B examples with N elements each.

    Parameters
    ----------
    each : (B, N).
    whole : (B,) what belongs to no single element, such as beams, or extra variables.
    columns : by name, (B,) the sum over elements of each column that is read.
    """

    each: Tensor
    whole: Tensor
    columns: dict[str, Tensor] = field(default_factory=dict)


def of_elements(relevance: Relevance, batch: Batch, names: Names) -> OfElements:
    """Assign relevances to elements; that of a pair of particles is shared by the two.

    Parameters
    ----------
    batch : of examples that have N elements each.
    names : of the columns of what is read.
    """
    n_examples, n = len(batch), _number(batch)
    zero = relevance.output.new_zeros(n_examples)
    found = OfElements(zero[:, None].expand(-1, n).clone(), zero.clone())
    for read, values in zip(relevance.reads, relevance.of_reads, strict=True):
        rest, rows, is_pair = _rows(values, batch, n)  # (B,) and (B, N, columns)
        found.whole += rest
        if rows is None:
            continue
        found.each += rows.sum(-1)
        if isinstance(batch, FeatureBatch):  # a feature is an element and a column
            labels = names.get((False, n)) or tuple(f"feature {k}" for k in range(n))
            found.columns = dict(zip(labels, rows[..., 0].unbind(1), strict=True))
            continue
        labels = names.get((is_pair, rows.shape[-1])) or (f"read by {read.module or 'the network'}",)
        # no names, or one for all, as for the components of a four-momentum
        parts = rows.sum(1).unbind(-1) if len(labels) == rows.shape[-1] else [rows.sum((1, 2))]
        for label, part in zip(labels, parts, strict=True):
            found.columns[label] = found.columns.get(label, 0) + part
    if relevance.order is not None:
        found.each = torch.zeros_like(found.each).scatter(1, relevance.order, found.each)
    return found


def _number(batch: Batch) -> int:
    match batch:
        case ImageBatch():
            return batch.image[0, 0].numel()
        case GraphBatch():
            return len(batch.x) // len(batch)
        case FeatureBatch():
            return batch.features.shape[1]
        case JetBatch():
            return batch.mask.shape[1]
    raise TypeError(f"{type(batch).__name__} has no elements")


def _rows(values: Tensor, batch: Batch, n: int) -> tuple[Tensor, Tensor | None, bool]:
    """What belongs to no element (B,), the rest as (B, N, columns) or None, and whether that was of pairs."""
    b = len(batch)
    nothing = values.new_zeros(b)
    match batch:
        case ImageBatch() if values.shape[1:] == batch.image.shape[1:]:
            return nothing, values.flatten(2).mT, False
        case FeatureBatch() if values.shape == batch.features.shape:
            return nothing, values[..., None], False
        case GraphBatch() if values.shape == batch.x.shape:
            return nothing, values.view(b, n, -1), False
        case ImageBatch() | FeatureBatch() | GraphBatch():
            return values.reshape(b, -1).sum(1), None, False
    for m in range(n, n + BEFORE + 1):
        first, is_pair = m - n, True
        if len(values) == b * m:
            rows, is_pair = values.reshape(b, m, -1), False
        elif len(values) == b * m * m:
            rows = _of_pairs(values.reshape(b, m, m, -1))
        elif len(values) == b * m * (m + 1) // 2:
            rows = _of_triangle(values.reshape(b, m * (m + 1) // 2, -1), m)
        elif len(values) == b and m in values.shape[1:]:
            axes = [axis for axis in range(1, values.ndim) if values.shape[axis] == m][:2]
            moved, is_pair = values.movedim(axes, tuple(range(1, 1 + len(axes)))), len(axes) == 2
            rows = _of_pairs(moved.reshape(b, m, m, -1)) if is_pair else moved.reshape(b, m, -1)
        else:
            continue
        return rows[:, :first].sum((1, 2)), rows[:, first:], is_pair
    return values.reshape(b, -1).sum(1), None, False


def _of_pairs(values: Tensor) -> Tensor:
    """Half of the relevance of a pair to each of its particles; (B, N, N, K) -> (B, N, K)."""
    return (values.sum(1) + values.sum(2)) / 2


def _of_triangle(values: Tensor, n: int) -> Tensor:
    """The same of pairs i >= j in the order of `triangle`; (B, n (n + 1) / 2, K) -> (B, n, K)."""
    i, j = triangle(n, values.device)
    zero = values.new_zeros(len(values), n, values.shape[-1])
    return (zero.index_add(1, i, values) + zero.index_add(1, j, values)) / 2
