"""Bases of equivariant kernels, kept on disk: escnn takes seconds to import and up to half a minute to build them."""

from __future__ import annotations

import logging
import zipfile
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import torch

from hepexp.atomic import atomic
from hepexp.models.layers.escnn_import import VERSION, folder, require_escnn
from hepexp.models.layers.steerable_basis import SIZE, SteerableBasis, build_basis, order

log = logging.getLogger(__name__)
DAMAGED = (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error)  # what numpy raises for such a file


@cache
def steerable_basis(group: str, lifts: bool) -> SteerableBasis:
    """The basis of a group, from disk where it is there and whole, else built and written.

    Two processes that build the same write the same, and a file takes its name when it is whole. A folder that cannot
    be written costs the time of building, not the run. escnn must be installed in any case, so that a model does not
    run or fail by what an earlier run left behind.

    Parameters
    ----------
    group, lifts : as of build_basis.

    Raises
    ------
    ConfigError : escnn is not installed.
    """
    require_escnn()
    path = folder() / f"{group}_{'lift' if lifts else 'regular'}_{VERSION}.npz"
    try:
        return _read(path, order(group), 1 if lifts else order(group))
    except FileNotFoundError:
        pass
    except DAMAGED as error:
        log.warning("model: %s is damaged (%s); it is built again", path, error)
    log.info("model: building the kernels of %s", group)
    basis = build_basis(group, lifts)
    try:
        with atomic(path) as temporary:
            np.savez(temporary, kernels=basis.kernels.numpy(), spread=basis.spread.numpy())
    except OSError as error:
        log.warning("model: the kernels of %s are not kept, %s: %s", group, path.parent, error)
    return basis


def _read(path: Path, n_out: int, n_in: int) -> SteerableBasis:
    """A file's basis; the archive's checksums tell changed bytes, and the shapes another version's file."""
    with np.load(path, allow_pickle=False) as file:
        kernels, spread = file["kernels"], file["spread"]
    if kernels.shape != (len(spread), n_out, n_in, SIZE, SIZE) or not len(spread):
        raise ValueError(f"kernels of shape {kernels.shape}")
    if kernels.dtype != np.float64 or spread.dtype != np.float64:
        raise ValueError(f"{kernels.dtype} in place of float64")
    return SteerableBasis(torch.from_numpy(kernels), torch.from_numpy(spread))
