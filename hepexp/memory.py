"""The memory that a request would need, compared with that of this machine."""

from __future__ import annotations

import psutil

from hepexp.errors import ConfigError


def total() -> int:
    """Memory of this machine in bytes."""
    return psutil.virtual_memory().total


def require(n_bytes: int, what: str, remedy: str) -> None:
    """Check that this many bytes fit into this machine's memory, before they are allocated.

    Parameters
    ----------
    what : takes the memory.
    remedy : what to do about it.

    Raises
    ------
    ConfigError : they do not fit.
    """
    if n_bytes > total():
        raise ConfigError(f"{what} needs {size(n_bytes)} of memory and this machine has {size(total())}: {remedy}")


def size(n_bytes: int) -> str:
    """A number of bytes in GB, however large."""
    if n_bytes < 10**18:
        return f"{n_bytes / 1e9:,.0f} GB"
    return f"10^{int((n_bytes.bit_length() - 1) * 0.30103) - 9} GB"  # digits beyond those of a float
