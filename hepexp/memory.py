"""The memory of this machine: what a request would need of it, and freed memory that is kept for the next batch."""

from __future__ import annotations

import ctypes
import re
import sys
from functools import cache
from typing import TYPE_CHECKING

import psutil

from hepexp.errors import ConfigError

if TYPE_CHECKING:
    import torch

_NO_MEMORY = re.compile(r"can't allocate memory|not enough memory|out of memory", re.IGNORECASE)  # of torch
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of malloc.h


def total() -> int:
    """Memory of this machine in bytes."""
    return psutil.virtual_memory().total


def total_of_gpu(device: torch.device | None) -> int:
    """Memory of a GPU of CUDA in bytes."""
    import torch

    return torch.cuda.get_device_properties(device).total_memory


def require(n_bytes: int, what: str, remedy: str, device: torch.device | None = None) -> None:
    """Check that this many bytes fit into the memory of this machine, or of a device, before they are allocated.

    Parameters
    ----------
    what : takes the memory.
    remedy : what to do about it.
    device : where they are allocated; None for this machine's own memory.

    Raises
    ------
    ConfigError : they do not fit.
    """
    on_gpu = device is not None and device.type == "cuda"
    there = total_of_gpu(device) if on_gpu else total()
    if n_bytes > there:
        where = "its GPU" if on_gpu else "this machine"
        raise ConfigError(f"{what} needs {size(n_bytes)} of memory and {where} has {size(there)}: {remedy}")


def ran_out(error: Exception) -> bool:
    """Whether an error says that there is no memory left, here or on a device."""
    return isinstance(error, MemoryError) or _NO_MEMORY.search(str(error)) is not None


def size(n_bytes: int) -> str:
    """A number of bytes in GB, however large."""
    if n_bytes < 10**18:
        return f"{n_bytes / 1e9:,.0f} GB"
    return f"10^{int((n_bytes.bit_length() - 1) * 0.30103) - 9} GB"  # digits beyond those of a float


@cache
def keep_freed() -> None:
    """From now on this process keeps the memory that it frees.

    A training step frees tensors that the next one allocates again. The allocator of glibc hands large blocks back to
    the system at once, and gets them again page by page, each filled with zeros first.
    """
    if sys.platform != "linux" or not hasattr(libc := ctypes.CDLL(None), "mallopt"):
        return
    libc.mallopt(M_MMAP_MAX, 0)  # blocks of 32 MiB and more are mapped one by one otherwise, whatever the threshold
    libc.mallopt(M_TRIM_THRESHOLD, -1)  # never
