"""Per-example columns that the processes of a distributed run collected, put together."""

from __future__ import annotations

import numpy as np
import torch

from hepexp.evaluation.evaluators.evaluator import ELEMENT


def gather_examples(columns: dict[str, np.ndarray], world_size: int) -> dict[str, np.ndarray]:
    """Per-example columns from all ranks, in the order of their `index`, each example once.

    Parameters
    ----------
    columns : arrays of equal first dimension, `index` (n,) among them, and others, `element/<name>`, that have one row
        for each element of an example.
    world_size : number of ranks; with one, the columns are only sorted.
    """
    if world_size > 1:
        parts: list[dict[str, np.ndarray]] = [{}] * world_size
        torch.distributed.all_gather_object(parts, columns)
        columns = {name: np.concatenate([part[name] for part in parts]) for name in columns}
    index, first, copies = np.unique(columns["index"], return_index=True, return_counts=True)
    if f"{ELEMENT}index" not in columns:
        return {name: values[first] for name, values in columns.items()}
    order = np.argsort(columns[f"{ELEMENT}index"], kind="stable")
    place = np.searchsorted(index, columns[f"{ELEMENT}index"][order])
    n = np.bincount(place, minlength=len(index))
    behind = np.arange(len(place)) - (np.cumsum(n) - n)[place]  # the first element of the example
    order = order[behind < (n // copies)[place]]
    return {name: values[order if name.startswith(ELEMENT) else first] for name, values in columns.items()}
