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
    """The basis of a group: read from disk if an intact file exists, otherwise built and written.

    Two processes that build the same basis write the same file, and a file gets its name only when it is complete. A
    folder that cannot be written costs the time of building, not the run. escnn must be installed in any case, so that
    whether a model runs does not depend on what an earlier run left behind.

    Parameters
    ----------
    group, lifts : as for build_basis.

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
        log.warning("model: %s is damaged (%s) and is built again", path, error)
    log.info("model: building the kernels of %s", group)
    basis = build_basis(group, lifts)
    try:
        with atomic(path) as temporary:
            np.savez(temporary, kernels=basis.kernels.numpy(), spread=basis.spread.numpy())
    except OSError as error:
        log.warning("model: the kernels of %s cannot be cached, %s: %s", group, path.parent, error)
    return basis


def _read(path: Path, n_out: int, n_in: int) -> SteerableBasis:
    """A file's basis; the archive's checksums reveal changed bytes, and the shapes a file of another version."""
    with np.load(path, allow_pickle=False) as file:
        kernels, spread = file["kernels"], file["spread"]
    if kernels.shape != (len(spread), n_out, n_in, SIZE, SIZE) or not len(spread):
        raise ValueError(f"kernels of shape {kernels.shape}")
    if kernels.dtype != np.float64 or spread.dtype != np.float64:
        raise ValueError(f"{kernels.dtype} instead of float64")
    return SteerableBasis(torch.from_numpy(kernels), torch.from_numpy(spread))
