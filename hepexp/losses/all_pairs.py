"""Losses that compare all examples of a batch with one another: in memory that is linear in their number."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

AT_ONCE = 2**24  # pairs; 64 MiB a matrix in single precision


def of_rows(each: Callable[[Tensor], Tensor], n_rows: int, n_columns: int, device: torch.device) -> Tensor:
    """each(rows) (len(rows),) of all rows, in chunks of about 16 million pairs.

    One chunk is evaluated as it is. Of several, none of the matrices is kept: they are computed again for the gradient.
    Two views of 4,096 examples have 8,192^2 pairs, a matrix of 268 MB in single precision of which a softmax and its
    gradient need about five, 1.3 GB; in chunks it takes 0.35 GB, and 16,384 examples take no more.

    Parameters
    ----------
    each : the loss of each of these rows (r,) from all columns; it must draw no random numbers.
    """
    rows = torch.arange(n_rows, device=device)
    at_once = max(AT_ONCE // max(n_columns, 1), 1)
    if n_rows <= at_once:
        return each(rows)
    options = {"use_reentrant": False, "preserve_rng_state": False}
    return torch.cat([checkpoint(each, chunk, **options) for chunk in rows.split(at_once)])
