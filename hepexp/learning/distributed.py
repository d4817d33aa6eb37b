"""Gathering results from several processes."""

from __future__ import annotations

import numpy as np
import torch.distributed as dist


def gather_examples(columns: dict[str, np.ndarray], world_size: int) -> dict[str, np.ndarray]:
    """Per-example columns from all ranks, in the order of their `index`, each example once.

    Parameters
    ----------
    columns : arrays of equal first dimension, `index` (n,) among them.
    world_size : number of ranks; with one, the columns are only sorted.
    """
    if world_size > 1:
        parts: list[dict[str, np.ndarray]] = [{}] * world_size
        dist.all_gather_object(parts, columns)
        columns = {name: np.concatenate([part[name] for part in parts]) for name in columns}
    _, first = np.unique(columns["index"], return_index=True)
    return {name: values[first] for name, values in columns.items()}
