"""Losses that compare all examples of a batch with one another: in memory that is linear in their number."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

AT_ONCE = 2**26  # pairs; 256 MiB a matrix in single precision


def of_rows(each: Callable[[Tensor], Tensor], n_rows: int, n_columns: int, device: torch.device) -> Tensor:
    """each(rows) (len(rows),) of all rows, in chunks of about 67 million pairs.

    One chunk is evaluated as it is. Of several, none of the matrices is kept: they are computed again for the gradient.
    Two views of 4,096 examples have 8,192^2 pairs, a matrix of 268 MB in single precision of which a softmax and its
    gradient need about five, 1.3 GB; larger batches take hardly more.

    Parameters
    ----------
    each : what to find for each of these rows (r,) from all columns, such as a loss (r,); one with a gradient must draw
        no random numbers.
    """
    rows = torch.arange(n_rows, device=device)
    at_once = max(AT_ONCE // max(n_columns, 1), 1)
    if n_rows <= at_once:
        return each(rows)
    return torch.cat(
        [checkpoint(each, chunk, use_reentrant=False, preserve_rng_state=False) for chunk in rows.split(at_once)]
    )


def others_of_class(label: Tensor) -> Tensor:
    """The number (B,) of other examples with the label of each."""
    n = len(label)
    return of_rows(lambda i: (label[i, None] == label).sum(1), n, n, label.device) - 1


@torch.no_grad()
def partners(label: Tensor, same: bool, random: bool) -> Tensor:
    """For each example (B,) another one of its class, or one of another class; itself if there is none.

    Parameters
    ----------
    same : of its class.
    random : draw it; otherwise take the next one in the order of the batch.
    """
    n = len(label)
    itself = torch.arange(n, device=label.device)

    def of(i: Tensor) -> Tensor:
        order = (itself - i[:, None]) % n  # how far behind each example the others are
        key = torch.rand(order.shape, device=label.device) if random else order / n
        allowed = (label[i, None] == label) == same
        return key.masked_fill(~allowed, 2.0).masked_fill(order == 0, 1.5).argmin(dim=1)

    return of_rows(of, n, n, label.device)
