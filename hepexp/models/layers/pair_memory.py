"""Refuse a batch whose pairs of particles would not fit into memory, before they are made."""

from __future__ import annotations

import torch
from torch import Tensor

from hepexp.memory import require

FEWER = "choose fewer particles with dataset.n_particles, or a smaller dataset.batch_size"


def require_pair_memory(mask: Tensor, n_numbers: float, dtype: torch.dtype, padded: bool, remedy: str = FEWER) -> None:
    """Check a batch on a CPU; elsewhere the device says so itself, and nothing may be read back from it.

    Parameters
    ----------
    mask : (B, N) True for real particles.
    n_numbers : that are kept for each pair until the backward pass.
    dtype : of these numbers.
    padded : whether padding has pairs too.
    remedy : what to do about it.

    Raises
    ------
    ConfigError : the batch does not fit; the message names the number of particles and the memory.
    """
    if mask.device.type != "cpu" or torch.compiler.is_compiling():  # a compiled model would stop here to count
        return
    n_jets, longest = mask.shape
    n_pairs = n_jets * longest**2 if padded else int(mask.sum(1).square().sum())
    require(
        int(n_pairs * n_numbers * dtype.itemsize),
        f"a batch of {n_jets:,} jets of up to {longest:,} particles, which are {n_pairs:,} pairs,",
        remedy,
    )
